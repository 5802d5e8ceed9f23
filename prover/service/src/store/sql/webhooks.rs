//! Who is told of jobs' ends, and what that is signed with.

use async_trait::async_trait;
use sqlx::Row;

use super::dialect::{self, DbRow};
use super::{Lock, Tables, audit, rows};
use crate::store::{
    Act, Action, AfterTold, Job, MAX_WEBHOOK_SECRETS, Outbox, StoreError, Told, WebhookSecret, Written,
};

#[async_trait]
impl Outbox for Tables {
    async fn claim_webhook(&self, now_ms: i64, again_ms: i64, busy: &[String]) -> Result<Option<Job>, StoreError> {
        let busy = serde_json::Value::from(busy.to_vec()).to_string();
        // Reads first: most of the time there is nothing to write.
        let next = sqlx::query(dialect::NEXT_WEBHOOK).bind(now_ms).bind(&busy).fetch_optional(&self.readers).await?;
        if next.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin(Lock::Rows).await?;
        let next = sqlx::query(dialect::claiming(dialect::NEXT_WEBHOOK)).bind(now_ms).bind(&busy);
        let next = next.fetch_optional(&mut *tx).await?;
        let Some(next) = next else { return Ok(None) };
        let row = sqlx::query(
            "UPDATE jobs SET webhook_attempts = webhook_attempts + 1, webhook_next_ms = $1 WHERE id = $2 RETURNING *",
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
        let mut tx = self.begin(Lock::Rows).await?;
        let done = sqlx::query(
            "UPDATE jobs SET webhook_state = $1, webhook_next_ms = $2, webhook_status = $3, webhook_error = $4
             WHERE id = $5 AND webhook_state = 'due' AND webhook_attempts = $6",
        )
        .bind(state)
        .bind(next_ms)
        .bind(told.status.map(i64::from))
        .bind(told.error)
        .bind(job)
        .bind(i64::from(attempt))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if done.rows_affected() == 1 { Written::Stored } else { Written::Lost })
    }

    async fn add_webhook_secret(&self, secret: &WebhookSecret, value: &[u8], act: &Act) -> Result<bool, StoreError> {
        let mut tx = self.begin(Lock::Tenant(&secret.tenant)).await?;
        let row = sqlx::query("SELECT count(*) AS valid FROM webhook_secrets WHERE tenant = $1 AND revoked_ms IS NULL")
            .bind(&secret.tenant)
            .fetch_one(&mut *tx)
            .await?;
        if row.try_get::<i64, _>("valid")? >= MAX_WEBHOOK_SECRETS {
            return Ok(false);
        }
        sqlx::query("INSERT INTO webhook_secrets (id, tenant, secret, created_ms) VALUES ($1, $2, $3, $4)")
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
        let secret = |row: &DbRow| {
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
            "SELECT secret FROM webhook_secrets WHERE tenant = $1 AND revoked_ms IS NULL ORDER BY created_ms DESC, id",
        )
        .bind(tenant)
        .fetch_all(&self.readers)
        .await?;
        found.iter().map(|row| Ok(row.try_get("secret")?)).collect()
    }

    async fn revoke_webhook_secret(&self, id: &str, act: &Act) -> Result<bool, StoreError> {
        // It never changes.
        let row = sqlx::query("SELECT tenant FROM webhook_secrets WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let tenant: String = row.try_get("tenant")?;
        let mut tx = self.begin(Lock::Tenant(&tenant)).await?;
        let revoked =
            sqlx::query("UPDATE webhook_secrets SET revoked_ms = $1, secret = $2 WHERE id = $3 AND revoked_ms IS NULL")
                .bind(act.at_ms)
                .bind(Vec::<u8>::new())
                .bind(id)
                .execute(&mut *tx)
                .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::add(&mut tx, &tenant, act, Action::WebhookSecretRevoked, id).await?;
        tx.commit().await?;
        Ok(true)
    }
}
