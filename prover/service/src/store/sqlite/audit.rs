//! Who did what: written with what was done, or not at all.

use sqlx::{Row, SqliteConnection};

use super::SqliteStore;
use crate::store::{Act, Action, AuditEntry, Page, StoreError};

/// Adds an entry.
pub(super) async fn add(
    tx: &mut SqliteConnection,
    tenant: &str,
    act: &Act,
    action: Action,
    subject: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (tenant, number, at_ms, actor, action, subject)
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM audit WHERE tenant = ?1), ?2, ?3, ?4, ?5)",
    )
    .bind(tenant)
    .bind(act.at_ms)
    .bind(&act.actor)
    .bind(action.name())
    .bind(subject)
    .execute(tx)
    .await?;
    Ok(())
}

impl SqliteStore {
    pub(super) async fn list_audit(&self, tenant: &str, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        let found = sqlx::query("SELECT * FROM audit WHERE tenant = ? AND number < ? ORDER BY number DESC LIMIT ?")
            .bind(tenant)
            .bind(page.before.unwrap_or(i64::MAX))
            .bind(page.limit)
            .fetch_all(&self.readers)
            .await?;
        let entry = |row: &sqlx::sqlite::SqliteRow| {
            Ok(AuditEntry {
                number: row.try_get("number")?,
                at_ms: row.try_get("at_ms")?,
                actor: row.try_get("actor")?,
                action: row.try_get::<String, _>("action")?.parse()?,
                subject: row.try_get("subject")?,
            })
        };
        found.iter().map(entry).collect()
    }
}
