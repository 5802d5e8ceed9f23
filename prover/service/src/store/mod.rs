//! Where jobs, models, proofs and API keys are kept: the traits that every store implements.
//!
//! | part | what it is |
//! |---|---|
//! | here | the traits |
//! | `types` | what goes in and comes out |
//! | `setbacks` | how often a job may be set back, and how long it waits then |
//! | `sql` | the tables and what is asked of them, for both |
//! | [`sqlite`] | one machine: a file, nothing to install |
//! | `postgres` | several machines, with the feature `fleet` |
//! | `conformance` | what every store must do, as tests |
//!
//! A job moves `queued -> running -> succeeded | failed | cancelled`. Whoever claims it gets a [`Fence`], the pair (run, attempt):
//! every later write names it and is refused once another has begun the job anew. So a job has exactly one result, however many
//! processes believed that they were working on it.
//!
//! Of a result and a request to cancel, the one whose transaction comes first wins: the other changes nothing.
//!
//! How far a running job is, its runner knows; the store learns of it with the job's end. So running jobs write nothing.

#[cfg(test)]
mod conformance;
#[cfg(feature = "fleet")]
pub mod postgres;
mod setbacks;
pub mod sqlite;
mod types;

use async_trait::async_trait;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

pub use setbacks::{LOST_EVENTS, MAX_WEBHOOK_SECRETS, MAX_WEBHOOK_WAIT_MS};
pub use types::*;

/// Jobs, from submission to their one result.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Stores a job. A job with the same idempotency key and tenant is returned instead, if its body was the same.
    /// With `claim`, a new job is begun in the same write: by the run of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn submit(&self, job: NewJob, claim: Option<&str>) -> Result<Submitted, StoreError>;

    /// The job that a tenant submitted with this idempotency key, if it did.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn submitted(&self, tenant: &str, key: &str, body: &str) -> Result<Option<Submitted>, StoreError>;

    /// Stores a model and the job that compiles it, or finds the model of the same content.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn submit_model(&self, model: NewModel, job: NewJob) -> Result<ModelSubmitted, StoreError>;

    /// Begins the queued job of a lane that has the highest priority, and of these the oldest; none past its deadline, none that has to
    /// wait after a setback.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim(&self, run: &str, lane: Lane, now_ms: i64) -> Result<Option<Job>, StoreError>;

    /// Whether a job still is this attempt's: reads only.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn holds(&self, id: &str, fence: &Fence) -> Result<bool, StoreError>;

    /// Names and attempts of the jobs that a run has begun and not ended.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn held(&self, run: &str) -> Result<Vec<(String, u32)>, StoreError>;

    /// Stores the result, with proofs or compiled model: all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn finish(&self, id: &str, fence: &Fence, finished: Finished) -> Result<Written, StoreError>;

    /// Gives a job back unfinished: it is queued again, unless it had as many setbacks of this kind as it may have.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn give_back(&self, id: &str, fence: &Fence, given: GivenBack) -> Result<Written, StoreError>;

    /// Gives back, as [`Setback::Interrupted`], what every other run than `run` had begun: their processes are gone. Times of open jobs
    /// that lie ahead of `now_ms` are moved: the clock was set back meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn recover(&self, run: &str, now_ms: i64) -> Result<Vec<String>, StoreError>;

    /// Fails queued jobs that are past their deadline. Returns their names.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn expire(&self, now_ms: i64) -> Result<Vec<String>, StoreError>;

    /// Cancels a job, whether it waits or runs: whoever runs it can write nothing more. `progress` is what had not been stored of its
    /// stages. Of a job that has ended, nothing changes. `None` if the tenant has no such job.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn cancel(
        &self,
        tenant: &str,
        id: &str,
        progress: &[Progress],
        act: &Act,
    ) -> Result<Option<Cancelled>, StoreError>;

    /// A job of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn job(&self, tenant: &str, id: &str) -> Result<Option<Job>, StoreError>;

    /// Jobs of a tenant, newest first: at most `limit` of those before the cursor.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn jobs(&self, tenant: &str, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError>;

    /// What happened to a job after the event with this number, at most `limit`, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn events(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Jobs that wait and run, by lane.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn depths(&self) -> Result<Vec<Depth>, StoreError>;

    /// How many jobs of a tenant wait or run.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn open_jobs(&self, tenant: &str) -> Result<u64, StoreError>;
}

/// Models, proofs and API keys.
#[async_trait]
pub trait Registry: Send + Sync {
    /// A model of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn model(&self, tenant: &str, id: &str) -> Result<Option<Model>, StoreError>;

    /// Models of a tenant, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn models(&self, tenant: &str, page: Page) -> Result<Vec<Model>, StoreError>;

    /// The position of a model of a tenant, deleted ones too: for reading a list on.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn model_position(&self, tenant: &str, id: &str) -> Result<Option<i64>, StoreError>;

    /// The newest model of a tenant whose key has this digest, 64 hexadecimal digits; deleted ones too, since their proofs stay.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn model_of_key(&self, tenant: &str, key_digest: &str) -> Result<Option<Model>, StoreError>;

    /// Removes a model that no job waits for.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete_model(&self, tenant: &str, id: &str, act: &Act) -> Result<Deleted, StoreError>;

    /// A proof of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn proof(&self, tenant: &str, id: &str) -> Result<Option<ProofRecord>, StoreError>;

    /// Proofs of a job, in the order of its inputs.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn proofs_of(&self, job: &str) -> Result<Vec<ProofRecord>, StoreError>;

    /// Stores an API key, of which `hash` is the digest of the secret.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn add_key(&self, key: &ApiKey, hash: &str, act: &Act) -> Result<(), StoreError>;

    /// The key whose secret has this digest, revoked or expired ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn key_of_hash(&self, hash: &str) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key; false if there is none of that name that was not revoked before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revoke_key(&self, id: &str, act: &Act) -> Result<bool, StoreError>;

    /// What was done in a tenant's name, the last first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn audit(&self, tenant: &str, page: Page) -> Result<Vec<AuditEntry>, StoreError>;

    /// What names artifacts: models that are there, keys of all models, open jobs, and proofs.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn references(&self) -> Result<References, StoreError>;

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn ping(&self) -> Result<(), StoreError>;

    /// Waits until all connections are closed.
    async fn close(&self);
}

/// Who is told of jobs' ends, and what that is signed with. A job's webhook becomes due in the write that ends the job.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Begins to tell of the job that has been due longest, unless its tenant is one of `busy`: counts the attempt, and nobody else gets the
    /// job before `again_ms`. So whoever is killed in the middle has it told again.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn claim_webhook(&self, now_ms: i64, again_ms: i64, busy: &[String]) -> Result<Option<Job>, StoreError>;

    /// Stores what came of an attempt. It is lost if another was begun meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn settle_webhook(&self, job: &str, attempt: u32, told: Told) -> Result<Written, StoreError>;

    /// Stores a secret. False if the tenant has [`MAX_WEBHOOK_SECRETS`] that are not revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn add_webhook_secret(&self, secret: &WebhookSecret, value: &[u8], act: &Act) -> Result<bool, StoreError>;

    /// All secrets, oldest first, without their values.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn webhook_secrets(&self) -> Result<Vec<WebhookSecret>, StoreError>;

    /// Values of a tenant's secrets that are not revoked, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn signing_secrets(&self, tenant: &str) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Revokes a secret and forgets its value; false if there is none of that name that was not revoked before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn revoke_webhook_secret(&self, id: &str, act: &Act) -> Result<bool, StoreError>;
}

/// All of it.
pub trait Store: JobStore + Registry + Outbox + std::fmt::Debug {}

impl<T: JobStore + Registry + Outbox + std::fmt::Debug> Store for T {}

/// Tables version by version: number, name, statements. What is listed is never changed, only followed by more.
type Versions = [(i64, &'static str, &'static str)];

fn migrations(versions: &Versions) -> Migrator {
    let migrations = versions.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}
