//! Who is told of jobs' ends, and what that is signed with.

use async_trait::async_trait;
use sqlx::Row;

use super::{SqliteStore, audit, rows};
use crate::store::{
    Act, Action, AfterTold, Job, MAX_WEBHOOK_SECRETS, Outbox, StoreError, Told, WebhookSecret, Written,
};

/// The one that has been due longest, of tenants that are not in the list.
pub(super) const NEXT_WEBHOOK: &str = "
    SELECT id FROM jobs WHERE webhook_state = 'due' AND webhook_next_ms <= ?1
       AND tenant NOT IN (SELECT value FROM json_each(?2)) ORDER BY webhook_next_ms LIMIT 1";

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim_webhook(&self, now_ms: i64, again_ms: i64, busy: &[String]) -> Result<Option<Job>, StoreError> {
        let busy = serde_json::Value::from(busy.to_vec()).to_string();
        // Reads first: most of the time there is nothing to write.
        let next = sqlx::query(NEXT_WEBHOOK).bind(now_ms).bind(&busy).fetch_optional(&self.readers).await?;
        if next.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let next = sqlx::query(NEXT_WEBHOOK).bind(now_ms).bind(&busy).fetch_optional(&mut *tx).await?;
        let Some(next) = next else { return Ok(None) };
        let row = sqlx::query(
            "UPDATE jobs SET webhook_attempts = webhook_attempts + 1, webhook_next_ms = ? WHERE id = ? RETURNING *",
        )
        .bind(again_ms)
        .bind(next.try_get::<String, _>("id")?)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(rows::job(&row)?))
    }

    async fn settle_webhook(&self, job: &str, attempt: u32, told: Told) -> Result<Written, StoreError> {
        let (state, next_ms) = match told.next {
            AfterTold::Delivered => ("delivered", None),
            AfterTold::Again(next_ms) => ("due", Some(next_ms)),
            AfterTold::Failed => ("failed", None),
        };
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE jobs SET webhook_state = ?, webhook_next_ms = ?, webhook_status = ?, webhook_error = ?
             WHERE id = ? AND webhook_state = 'due' AND webhook_attempts = ?",
        )
        .bind(state)
        .bind(next_ms)
        .bind(told.status)
        .bind(told.error)
        .bind(job)
        .bind(attempt)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if done.rows_affected() == 1 { Written::Stored } else { Written::Lost })
    }

    async fn add_webhook_secret(&self, secret: &WebhookSecret, value: &[u8], act: &Act) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT count(*) AS valid FROM webhook_secrets WHERE tenant = ? AND revoked_ms IS NULL")
            .bind(&secret.tenant)
            .fetch_one(&mut *tx)
            .await?;
        if row.try_get::<i64, _>("valid")? >= MAX_WEBHOOK_SECRETS {
            return Ok(false);
        }
        sqlx::query("INSERT INTO webhook_secrets (id, tenant, secret, created_ms) VALUES (?, ?, ?, ?)")
            .bind(&secret.id)
            .bind(&secret.tenant)
            .bind(value)
            .bind(secret.created_ms)
            .execute(&mut *tx)
            .await?;
        audit::add(&mut tx, &secret.tenant, act, Action::WebhookSecretCreated, &secret.id).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn webhook_secrets(&self) -> Result<Vec<WebhookSecret>, StoreError> {
        let found =
            sqlx::query("SELECT id, tenant, created_ms, revoked_ms FROM webhook_secrets ORDER BY created_ms, id")
                .fetch_all(&self.readers)
                .await?;
        let secret = |row: &sqlx::sqlite::SqliteRow| {
            Ok(WebhookSecret {
                id: row.try_get("id")?,
                tenant: row.try_get("tenant")?,
                created_ms: row.try_get("created_ms")?,
                revoked_ms: row.try_get("revoked_ms")?,
            })
        };
        found.iter().map(secret).collect()
    }

    async fn signing_secrets(&self, tenant: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let found = sqlx::query(
            "SELECT secret FROM webhook_secrets WHERE tenant = ? AND revoked_ms IS NULL ORDER BY created_ms DESC, id",
        )
        .bind(tenant)
        .fetch_all(&self.readers)
        .await?;
        found.iter().map(|row| Ok(row.try_get("secret")?)).collect()
    }

    async fn revoke_webhook_secret(&self, id: &str, act: &Act) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE webhook_secrets SET revoked_ms = ?, secret = x'' WHERE id = ? AND revoked_ms IS NULL RETURNING tenant",
        )
        .bind(act.at_ms)
        .bind(id)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        audit::add(&mut tx, &row.try_get::<String, _>("tenant")?, act, Action::WebhookSecretRevoked, id).await?;
        tx.commit().await?;
        Ok(true)
    }
}
