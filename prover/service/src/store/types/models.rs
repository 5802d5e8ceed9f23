//! Models and proofs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{JobError, StoreError};

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
