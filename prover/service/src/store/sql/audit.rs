//! Who did what: written with what was done, or not at all.

use sqlx::Row;

use super::Tables;
use super::dialect::{DbConnection, DbRow};
use crate::store::{Act, Action, AuditEntry, Page, StoreError};

/// Adds an entry, in a transaction that has its tenant's lock: entries are numbered.
pub(super) async fn add(
    tx: &mut DbConnection,
    tenant: &str,
    act: &Act,
    action: Action,
    subject: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (tenant, number, at_ms, actor, action, subject)
         VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM audit WHERE tenant = $1), $2, $3, $4, $5)",
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

impl Tables {
    pub(super) async fn list_audit(&self, tenant: &str, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        let found = sqlx::query("SELECT * FROM audit WHERE tenant = $1 AND number < $2 ORDER BY number DESC LIMIT $3")
            .bind(tenant)
            .bind(page.before.unwrap_or(i64::MAX))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        let entry = |row: &DbRow| {
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
