//! Jobs, and what becomes of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Act, JobError, NewProof, NewWebhook, StoreError, Webhook};

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
    /// Who handed it in, as [`Act`] says.
    pub submitted_by: String,
    /// When it fails if it has not ended.
    pub deadline_ms: Option<i64>,
    /// How often the process that works on it may end without a result.
    pub max_crashes: u32,
    /// Whether what is to be done is forgotten once it has ended.
    pub forget_inputs: bool,
    /// How many jobs of its tenant may wait or run, with it.
    pub most_open: u64,
    /// Whom to tell when it ends.
    pub webhook: Option<NewWebhook>,
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
    /// Who is told when it ends.
    pub webhook: Option<Webhook>,
}

impl NewJob {
    /// That it was handed in.
    pub(crate) fn act(&self) -> Act {
        Act { actor: self.submitted_by.clone(), at_ms: self.created_ms }
    }
}

impl Job {
    /// The right to write its result, of a job that was just begun.
    pub fn fence(&self) -> Fence {
        Fence { run: self.run.clone().unwrap_or_default(), attempt: self.attempt }
    }
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
    /// The model was removed meanwhile.
    NoModel,
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
