//! Models, proofs and API keys.

use sqlx::Row;

use super::{Lock, Tables, audit, dialect, rows};
use crate::store::{Act, Action, ApiKey, Deleted, Model, Page, ProofRecord, References, StoreError};

pub(in crate::store) const MODELS: &str =
    "SELECT * FROM models WHERE tenant = $1 AND deleted_ms IS NULL AND seq < $2 ORDER BY seq DESC LIMIT $3";

/// In the form that the index has: nearly all proofs stand in their rows, and are not read.
pub(in crate::store) const ARTIFACTS_OF_PROOFS: &str =
    "SELECT artifact FROM proofs WHERE substr(artifact, 1, 1) <> '{'";

impl Tables {
    pub(super) async fn model_of(&self, tenant: &str, id: &str) -> Result<Option<Model>, StoreError> {
        let row = sqlx::query("SELECT * FROM models WHERE tenant = $1 AND id = $2 AND deleted_ms IS NULL")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::model).transpose()
    }

    pub(super) async fn list_models(&self, tenant: &str, page: Page) -> Result<Vec<Model>, StoreError> {
        let found = sqlx::query(MODELS)
            .bind(tenant)
            .bind(page.before.unwrap_or(i64::MAX))
            .bind(i64::from(page.limit))
            .fetch_all(&self.readers)
            .await?;
        found.iter().map(rows::model).collect()
    }

    pub(super) async fn position_of_model(&self, tenant: &str, id: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT seq FROM models WHERE tenant = $1 AND id = $2")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|row| row.try_get("seq")).transpose()?)
    }

    pub(super) async fn model_by_key(&self, tenant: &str, key_digest: &str) -> Result<Option<Model>, StoreError> {
        let row = sqlx::query("SELECT * FROM models WHERE tenant = $1 AND key_digest = $2 ORDER BY seq DESC LIMIT 1")
            .bind(tenant)
            .bind(key_digest)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::model).transpose()
    }

    pub(super) async fn remove_model(&self, tenant: &str, id: &str, act: &Act) -> Result<Deleted, StoreError> {
        let mut tx = self.begin(Lock::Tenant(tenant)).await?;
        let model = sqlx::query("SELECT id FROM models WHERE tenant = $1 AND id = $2 AND deleted_ms IS NULL")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        if model.is_none() {
            return Ok(Deleted::Unknown);
        }
        let user = sqlx::query("SELECT id FROM jobs WHERE model = $1 AND state IN ('queued', 'running') LIMIT 1")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
        if user.is_some() {
            return Ok(Deleted::InUse);
        }
        sqlx::query("UPDATE models SET deleted_ms = $1 WHERE id = $2")
            .bind(act.at_ms)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        audit::add(&mut tx, tenant, act, Action::ModelDeleted, id).await?;
        tx.commit().await?;
        Ok(Deleted::Gone)
    }

    pub(super) async fn proof_of(&self, tenant: &str, id: &str) -> Result<Option<ProofRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM proofs WHERE tenant = $1 AND id = $2")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::proof).transpose()
    }

    pub(super) async fn list_proofs(&self, job: &str) -> Result<Vec<ProofRecord>, StoreError> {
        let found = sqlx::query("SELECT * FROM proofs WHERE job = $1 ORDER BY position")
            .bind(job)
            .fetch_all(&self.readers)
            .await?;
        found.iter().map(rows::proof).collect()
    }

    pub(super) async fn all_references(&self) -> Result<References, StoreError> {
        // All of it as it stood at one moment: what is named by one thing less and one more, meanwhile, is named.
        let mut tx = self.readers.begin_with(dialect::SNAPSHOT).await?;
        let mut references = References::default();
        let models = sqlx::query("SELECT source, facts, deleted_ms IS NOT NULL AS deleted FROM models");
        for row in models.fetch_all(&mut *tx).await? {
            let facts: Option<String> = row.try_get("facts")?;
            let facts = facts.map(rows::json).transpose()?;
            if row.try_get("deleted")? {
                references.deleted.extend(facts);
            } else {
                references.models.push(rows::json(row.try_get("source")?)?);
                references.models.extend(facts);
            }
        }
        // Short ones hold what they need themselves, and name what their model does.
        let payloads =
            sqlx::query("SELECT payload FROM jobs WHERE state IN ('queued', 'running') AND payload NOT LIKE '{%'");
        for row in payloads.fetch_all(&mut *tx).await? {
            references.payloads.push(row.try_get("payload")?);
        }
        for row in sqlx::query(ARTIFACTS_OF_PROOFS).fetch_all(&mut *tx).await? {
            references.proofs.push(row.try_get("artifact")?);
        }
        let begun = sqlx::query("SELECT min(started_ms) AS begun FROM jobs WHERE state = 'running'");
        references.oldest_begun_ms = begun.fetch_one(&mut *tx).await?.try_get("begun")?;
        tx.commit().await?;
        Ok(references)
    }

    pub(super) async fn insert_key(&self, key: &ApiKey, hash: &str, act: &Act) -> Result<(), StoreError> {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
        let mut tx = self.begin(Lock::Tenant(&key.tenant)).await?;
        sqlx::query(
            "INSERT INTO api_keys (id, tenant, name, hash, scopes, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&key.id)
        .bind(&key.tenant)
        .bind(&key.name)
        .bind(hash)
        .bind(scopes.join(" "))
        .bind(key.created_ms)
        .bind(key.expires_ms)
        .execute(&mut *tx)
        .await?;
        audit::add(&mut tx, &key.tenant, act, Action::KeyCreated, &key.id).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM api_keys WHERE hash = $1").bind(hash).fetch_optional(&self.readers).await?;
        row.as_ref().map(rows::api_key).transpose()
    }

    pub(super) async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let found = sqlx::query("SELECT * FROM api_keys ORDER BY created_ms, id").fetch_all(&self.readers).await?;
        found.iter().map(rows::api_key).collect()
    }

    pub(super) async fn end_key(&self, id: &str, act: &Act) -> Result<bool, StoreError> {
        // It never changes.
        let row =
            sqlx::query("SELECT tenant FROM api_keys WHERE id = $1").bind(id).fetch_optional(&self.readers).await?;
        let Some(row) = row else { return Ok(false) };
        let tenant: String = row.try_get("tenant")?;
        let mut tx = self.begin(Lock::Tenant(&tenant)).await?;
        let revoked = sqlx::query("UPDATE api_keys SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL")
            .bind(act.at_ms)
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::add(&mut tx, &tenant, act, Action::KeyRevoked, id).await?;
        tx.commit().await?;
        Ok(true)
    }
}
