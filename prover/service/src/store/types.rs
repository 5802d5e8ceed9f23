//! What goes into a store and comes out of it. Times are milliseconds since 1970.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database's own.
    #[error("the job store failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Tables that this build cannot use.
    #[error("the job store cannot be brought to this version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Whoever was to write ended in the middle.
    #[error("the job store was not asked to the end")]
    Gone,
    /// Something in a table that this build did not write.
    #[error("the job store holds {what}, which this build does not know: {value}")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl StoreError {
    /// Whether what was to be written breaks a rule of the tables: it will do so again.
    pub fn is_constraint(&self) -> bool {
        use sqlx::error::ErrorKind;
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        matches!(
            error.kind(),
            ErrorKind::UniqueViolation
                | ErrorKind::ForeignKeyViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::CheckViolation
        )
    }
}

/// An enum that stands in tables and answers by its name.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident, $what:literal, { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How it is called.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = StoreError;

            fn from_str(text: &str) -> Result<Self, StoreError> {
                let found = Self::ALL.iter().find(|one| one.name() == text);
                found.copied().ok_or_else(|| StoreError::Unknown { what: $what, value: text.to_owned() })
            }
        }
    };
}

named! {
    /// What a job does.
    Kind, "a kind of job", {
        /// Turns an ONNX model into a program with its keys.
        Compile = "compile",
        /// Proves decisions of a model.
        Prove = "prove",
    }
}

named! {
    /// Jobs of a lane wait for each other, and for no other lane.
    Lane, "a lane", {
        /// Small proofs, by warm processes.
        Short = "short",
        /// Large proofs and batches, each by a process of its own.
        Long = "long",
        /// Compilation.
        Compile = "compile",
    }
}

named! {
    /// Where a job stands.
    JobState, "a state of a job", {
        /// It waits.
        Queued = "queued",
        /// A process works on it.
        Running = "running",
        /// It has its result.
        Succeeded = "succeeded",
        /// It ended with an error, and is not tried again.
        Failed = "failed",
        /// Somebody asked it to stop.
        Cancelled = "cancelled",
    }
}

named! {
    /// Where a model stands.
    ModelState, "a state of a model", {
        /// Its job is not done.
        Compiling = "compiling",
        /// It can be proved.
        Ready = "ready",
        /// It did not compile.
        Failed = "failed",
    }
}

impl JobState {
    /// Whether it changes no more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// A job to store.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// A name that nobody can guess.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it does.
    pub kind: Kind,
    /// Where it waits.
    pub lane: Lane,
    /// The model.
    pub model: String,
    /// The higher, the earlier.
    pub priority: i32,
    /// What is to be done: JSON, or the artifact that holds it.
    pub payload: String,
    /// Digest of the request's body.
    pub body: String,
    /// The client's own name for the request.
    pub idempotency_key: Option<String>,
    /// When it came.
    pub created_ms: i64,
    /// When it fails if it has not ended.
    pub deadline_ms: Option<i64>,
    /// How often the process that works on it may end without a result.
    pub max_crashes: u32,
    /// Whether what is to be done is forgotten once it has ended.
    pub forget_inputs: bool,
    /// How many jobs of its tenant may wait or run, with it.
    pub most_open: u64,
}

/// The right to write a job's result: lost as soon as the job is begun anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The process that begins it.
    pub run: String,
    /// How often it was begun, from 1.
    pub attempt: u32,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Position in the order of submission.
    pub seq: i64,
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it does.
    pub kind: Kind,
    /// Where it waits.
    pub lane: Lane,
    /// The model.
    pub model: String,
    /// The higher, the earlier.
    pub priority: i32,
    /// What is to be done: JSON, or the artifact that holds it.
    pub payload: String,
    /// Where it stands.
    pub state: JobState,
    /// Who runs it or ran it last.
    pub run: Option<String>,
    /// How often it was begun.
    pub attempt: u32,
    /// The number of its last event.
    pub events: i64,
    /// When it came.
    pub created_ms: i64,
    /// When it was begun last.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// When it fails if it has not ended.
    pub deadline_ms: Option<i64>,
    /// What it was at last.
    pub stage: Option<String>,
    /// Work done, of all, from 0 to 1.
    pub fraction: f64,
    /// What came out.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<JobError>,
}

impl Job {
    /// The right to write its result, of a job that was just begun.
    pub fn fence(&self) -> Fence {
        Fence { run: self.run.clone().unwrap_or_default(), attempt: self.attempt }
    }
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// A stable code, listed in `docs/service.md`.
    pub code: String,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

/// What became of a submission.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// Stored.
    New(Job),
    /// The same request was stored before: this is its job.
    Same(Job),
    /// The idempotency key was used with another body.
    Conflict,
    /// As many jobs of the tenant wait or run as may.
    TooMany,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// When.
    pub at_ms: i64,
    /// The stage just done.
    pub stage: String,
    /// Work done, of all, from 0 to 1.
    pub fraction: f64,
}

/// Whether a write was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Yes.
    Stored,
    /// No: the job is another's now, or has ended.
    Lost,
}

/// A job's end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// When.
    pub at_ms: i64,
    /// What had not been told of its stages.
    pub progress: Vec<Progress>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With proofs, one for each input.
    Proved {
        /// For the job's answer.
        result: Value,
        /// What was proved.
        proofs: Vec<NewProof>,
    },
    /// With a program and its keys.
    Compiled {
        /// For the job's answer.
        result: Value,
        /// For the model.
        facts: Value,
        /// Of the verifying key, 64 hexadecimal digits.
        key_digest: String,
    },
    /// With an error.
    Failed(JobError),
    /// As somebody asked.
    Cancelled,
}

/// A proof to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProof {
    /// A name that nobody can guess.
    pub id: String,
    /// Of the verifying key, 64 hexadecimal digits.
    pub key_digest: String,
    /// The proof's file: JSON, or the artifact that holds it.
    pub artifact: String,
}

/// A proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRecord {
    /// Its name.
    pub id: String,
    /// The job that made it.
    pub job: String,
    /// Which of the job's inputs, from 0.
    pub position: u32,
    /// The model.
    pub model: String,
    /// Of the verifying key, 64 hexadecimal digits.
    pub key_digest: String,
    /// The proof's file: JSON, or the artifact that holds it.
    pub artifact: String,
    /// When.
    pub created_ms: i64,
}

/// A job that comes back unfinished.
#[derive(Clone, Debug)]
pub struct GivenBack {
    /// When.
    pub at_ms: i64,
    /// What had not been stored of its stages.
    pub progress: Vec<Progress>,
    /// Why.
    pub why: Setback,
}

named! {
    /// Why a job comes back unfinished. Each kind is counted apart.
    Setback, "a reason to begin a job again", {
        /// The server stops in order: nothing is counted.
        Drained = "drained",
        /// The server was killed while the job ran: the job may have been the reason, if this goes on.
        Interrupted = "interrupted",
        /// The process that worked on the job ended without a result: counted against the job's limit.
        Crashed = "crashed",
        /// The machine's fault, not the job's: files that cannot be reached, a process that cannot be started. It is begun again until
        /// its deadline, after a wait that doubles each time.
        Unavailable = "unavailable",
    }
}

/// What became of a request to cancel.
#[derive(Clone, Debug)]
pub enum Cancelled {
    /// It is cancelled, and will have no result.
    Now(Job),
    /// It had ended before, and stays as it is.
    EndedBefore(Job),
}

/// A model to store.
#[derive(Clone, Debug)]
pub struct NewModel {
    /// A name that nobody can guess.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What its owner calls it.
    pub name: String,
    /// Digest of file, calibration and options.
    pub content: String,
    /// Artifacts of the upload, and the options.
    pub source: Value,
    /// When it came.
    pub created_ms: i64,
}

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Position in the order of submission.
    pub seq: i64,
    /// Its name.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Artifacts of the upload, and the options.
    pub source: Value,
    /// Where it stands.
    pub state: ModelState,
    /// The job that compiles it.
    pub job: String,
    /// What it compiled to.
    pub facts: Option<Value>,
    /// Why it did not compile.
    pub error: Option<JobError>,
    /// When it came.
    pub created_ms: i64,
}

/// What names artifacts.
#[derive(Clone, Debug, Default)]
pub struct References {
    /// Sources of models that are there, and what these compiled to.
    pub models: Vec<Value>,
    /// What models compiled to that are deleted: their proofs stay, and are verified with their keys.
    pub deleted: Vec<Value>,
    /// What open jobs are to do.
    pub payloads: Vec<String>,
    /// Files of proofs.
    pub proofs: Vec<String>,
    /// When the job was begun that has run longest: what it stored since may be named once it ends.
    pub oldest_begun_ms: Option<i64>,
}

/// What became of a model that was handed in.
#[derive(Clone, Debug)]
pub enum ModelSubmitted {
    /// Stored, with the job that compiles it.
    New(Model),
    /// The same content was handed in before.
    Same(Model),
    /// As many jobs of the tenant wait or run as may.
    TooMany,
}

/// What became of a model that should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// Jobs wait for it or use it.
    InUse,
    /// The tenant has no such model.
    Unknown,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this model.
    pub model: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what has a smaller `seq`.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows from 1. After a crash of the server, numbers are left out.
    pub number: i64,
    /// When.
    pub at_ms: i64,
    /// `queued`, `started`, `stage`, `succeeded`, `failed`, `cancelled`.
    pub kind: String,
    /// More about it.
    pub data: Value,
}

/// Jobs of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// The lane.
    pub lane: Lane,
    /// How many wait.
    pub queued: u64,
    /// How many run.
    pub running: u64,
    /// When the oldest that waits came.
    pub oldest_ms: Option<i64>,
}

named! {
    /// What a key may do.
    Scope, "a scope", {
        /// See models, jobs and proofs; verify.
        Read = "read",
        /// Hand in jobs and cancel them.
        Prove = "prove",
        /// Hand in models and delete them.
        Models = "models",
        /// See how the server does, with all tenants' jobs in its figures.
        Operate = "operate",
    }
}

impl Scope {
    /// What a key may do if nothing is said: all that concerns its tenant alone.
    pub const OF_A_TENANT: &'static [Self] = &[Self::Read, Self::Prove, Self::Models];
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its name, which may be shown.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

impl ApiKey {
    /// Whether it opens anything at this time.
    pub fn is_valid(&self, now_ms: i64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|expires| now_ms < expires)
    }
}
