//! Jobs in a file: SQLite, write-ahead log, one writer.
//!
//! Every write is one transaction that is on the disk when it returns (`synchronous = FULL`).

mod attempts;
mod audit;
mod events;
mod jobs;
mod lists;
mod registry;
mod rows;
mod webhooks;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqlSafeStr, Sqlite, Transaction};

use super::{
    Act, ApiKey, AuditEntry, Cancelled, Deleted, Depth, Event, Fence, Finished, GivenBack, Job, JobFilter, JobStore,
    Lane, Model, ModelSubmitted, NewJob, NewModel, Page, Progress, ProofRecord, References, Registry, StoreError,
    Submitted, Written,
};

/// Connections that read: more than cores gain nothing.
const READERS: u32 = 4;

/// How long a write waits for another process's, the command line's say.
const BUSY: Duration = Duration::from_secs(10);

/// The tables, version by version. What is listed is never changed, only followed by more.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "jobs", include_str!("../../../migrations/0001_jobs.sql")),
    (2, "setbacks", include_str!("../../../migrations/0002_setbacks.sql")),
    (3, "indexes", include_str!("../../../migrations/0003_indexes.sql")),
    (4, "inputs", include_str!("../../../migrations/0004_inputs.sql")),
    (5, "audit", include_str!("../../../migrations/0005_audit.sql")),
    (6, "artifacts_of_proofs", include_str!("../../../migrations/0006_artifacts_of_proofs.sql")),
    (7, "webhooks", include_str!("../../../migrations/0007_webhooks.sql")),
];

/// A store in a file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it if need be, and brings its tables to this version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is removed is overwritten: inputs may be among it.
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY);
        let pool = |connections| {
            let options = SqlitePoolOptions::new().max_connections(connections).min_connections(1);
            // A file does not hang up. But where a disk is full SQLite ends a transaction by itself, of which sqlx does not hear: such a
            // connection would refuse each further transaction.
            options
                .test_before_acquire(false)
                .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        let migrations = MIGRATIONS.iter().map(|(version, description, sql)| {
            Migration::new(*version, (*description).into(), MigrationType::Simple, sql.into_sql_str(), false)
        });
        Migrator::with_migrations(migrations.collect()).run(&writer).await?;
        let readers = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// A write: nothing of it is seen before it is committed. It takes the lock at once, so that it never has to be given up
    /// for another's write halfway.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Waits until all connections are closed.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn submit(&self, job: NewJob, claim: Option<&str>) -> Result<Submitted, StoreError> {
        self.submit_job(job, claim).await
    }

    async fn submitted(&self, tenant: &str, key: &str, body: &str) -> Result<Option<Submitted>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        jobs::submitted(&mut connection, tenant, key, body).await
    }

    async fn submit_model(&self, model: NewModel, job: NewJob) -> Result<ModelSubmitted, StoreError> {
        self.submit_model_and_job(model, job).await
    }

    async fn claim(&self, run: &str, lane: Lane, now_ms: i64) -> Result<Option<Job>, StoreError> {
        self.claim_job(run, lane, now_ms).await
    }

    async fn holds(&self, id: &str, fence: &Fence) -> Result<bool, StoreError> {
        self.is_held(id, fence).await
    }

    async fn held(&self, run: &str) -> Result<Vec<(String, u32)>, StoreError> {
        self.held_jobs(run).await
    }

    async fn finish(&self, id: &str, fence: &Fence, finished: Finished) -> Result<Written, StoreError> {
        self.finish_job(id, fence, finished).await
    }

    async fn give_back(&self, id: &str, fence: &Fence, given: GivenBack) -> Result<Written, StoreError> {
        self.give_back_job(id, fence, given).await
    }

    async fn recover(&self, run: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
        self.recover_jobs(run, now_ms).await
    }

    async fn expire(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        self.expire_jobs(now_ms).await
    }

    async fn cancel(
        &self,
        tenant: &str,
        id: &str,
        progress: &[Progress],
        act: &Act,
    ) -> Result<Option<Cancelled>, StoreError> {
        self.cancel_job(tenant, id, progress, act).await
    }

    async fn job(&self, tenant: &str, id: &str) -> Result<Option<Job>, StoreError> {
        self.job_of(tenant, id).await
    }

    async fn jobs(&self, tenant: &str, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        self.list_jobs(tenant, filter, page).await
    }

    async fn events(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.list_events(id, after, limit).await
    }

    async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        self.lane_depths().await
    }

    async fn open_jobs(&self, tenant: &str) -> Result<u64, StoreError> {
        self.count_open(tenant).await
    }
}

#[async_trait]
impl Registry for SqliteStore {
    async fn model(&self, tenant: &str, id: &str) -> Result<Option<Model>, StoreError> {
        self.model_of(tenant, id).await
    }

    async fn models(&self, tenant: &str, page: Page) -> Result<Vec<Model>, StoreError> {
        self.list_models(tenant, page).await
    }

    async fn model_position(&self, tenant: &str, id: &str) -> Result<Option<i64>, StoreError> {
        self.position_of_model(tenant, id).await
    }

    async fn model_of_key(&self, tenant: &str, key_digest: &str) -> Result<Option<Model>, StoreError> {
        self.model_by_key(tenant, key_digest).await
    }

    async fn delete_model(&self, tenant: &str, id: &str, act: &Act) -> Result<Deleted, StoreError> {
        self.remove_model(tenant, id, act).await
    }

    async fn proof(&self, tenant: &str, id: &str) -> Result<Option<ProofRecord>, StoreError> {
        self.proof_of(tenant, id).await
    }

    async fn proofs_of(&self, job: &str) -> Result<Vec<ProofRecord>, StoreError> {
        self.list_proofs(job).await
    }

    async fn add_key(&self, key: &ApiKey, hash: &str, act: &Act) -> Result<(), StoreError> {
        self.insert_key(key, hash, act).await
    }

    async fn key_of_hash(&self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        self.key_by_hash(hash).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.list_keys().await
    }

    async fn revoke_key(&self, id: &str, act: &Act) -> Result<bool, StoreError> {
        self.end_key(id, act).await
    }

    async fn audit(&self, tenant: &str, page: Page) -> Result<Vec<AuditEntry>, StoreError> {
        self.list_audit(tenant, page).await
    }

    async fn references(&self) -> Result<References, StoreError> {
        self.all_references().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
