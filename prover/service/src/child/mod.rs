//! Processes that prove and compile: what kills one of them leaves the server alive.
//!
//! | part | what it is |
//! |---|---|
//! | here | what server and child say to each other |
//! | `frame` | how: length, then the message |
//! | `handle` | the server's side |
//! | `serve` | the child's side |
//! | `keys` | prepared keys that a warm child keeps |
//! | `compile` | from an upload to a program, keys and contracts |
//! | `limit` | memory that a child may take |
//! | `refusal` | why a child did not do what it was asked |
//!
//! A child reads requests from standard input and answers on standard output. When its standard input ends, so does it: no child
//! outlives the server, however that ended. Signals that ask the server to stop do not end its children: that is the server's to do.
//!
//! Large files do not pass through the pipes: a child reads and writes them itself, where the server says.

mod compile;
mod frame;
mod handle;
mod keys;
mod limit;
mod refusal;
mod serve;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use frame::encode as encode_for_tests;
pub use handle::{Child, ChildCommand, ChildError};
pub(crate) use keys::reference_string;
use refusal::{Refusal, read};
pub use serve::serve;

#[cfg(doc)]
use crate::options::ModelOptions;
use crate::store::JobError;

/// What a child is told first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// File of the structured reference string; without it, one for development from the cache.
    pub srs: Option<PathBuf>,
    /// The digest that it must have.
    pub srs_digest: Option<[u8; 32]>,
    /// Folder for what can be made again.
    pub cache: PathBuf,
    /// What the child is for.
    pub duty: Duty,
    /// Bytes that it may take.
    pub memory_bytes: u64,
}

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Duty {
    /// Many small proofs: it keeps prepared keys, this many at most.
    Warm {
        /// At least 1.
        keys: usize,
    },
    /// One job, and then it ends.
    OneJob,
}

/// What the server asks of a child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// The first message.
    Setup(Setup),
    /// Prove decisions.
    Prove(Prove),
    /// Compile a model.
    Compile(Compile),
    /// What a child needs that answered [`Reply::NeedKeys`].
    Keys {
        /// The program's file.
        program: StoredFile,
        /// The proving key's file.
        proving_key: StoredFile,
    },
}

/// A file that a child reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its BLAKE3 digest, which the child compares.
    pub digest: [u8; 32],
}

/// Decisions to prove.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prove {
    /// Which program.
    pub program_digest: [u8; 32],
    /// Each with its context. They are proved one after the other.
    pub inputs: Vec<ProveInput>,
}

/// A decision to prove.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProveInput {
    /// `{"inputs": {"NAME": nested arrays}}`
    pub record: String,
    /// What the proof is bound to.
    pub context: [u8; 32],
}

/// A model to compile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compile {
    /// The ONNX file.
    pub onnx: StoredFile,
    /// Samples: JSON, JSON lines, or a NumPy archive.
    pub calibration: Option<StoredFile>,
    /// How: [`ModelOptions`] as JSON, since messages have no room for fields that are left out.
    pub options: String,
    /// log2 of the most rows.
    pub max_k: u32,
    /// An empty folder, for the files called as in [`files`].
    pub folder: PathBuf,
}

/// What a compilation writes.
pub mod files {
    /// The program.
    pub const PROGRAM: &str = "program.apo";
    /// The proving key.
    pub const PROVING_KEY: &str = "pk.bin";
    /// The verifying key.
    pub const VERIFYING_KEY: &str = "vk.json";
    /// The error report.
    pub const REPORT: &str = "report.json";
    /// Names and texts of contract files, where a contract can verify the key.
    pub const CONTRACT: &str = "contract.json";
}

/// What a child answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Request::Setup`].
    Ready,
    /// The child has no keys of this program: [`Request::Keys`] must follow.
    NeedKeys,
    /// How far it is: more follows.
    Progress {
        /// What was just done.
        stage: String,
        /// Work done, of all, from 0 to 1.
        fraction: f64,
    },
    /// To [`Request::Prove`].
    Proved(Vec<ProvedInput>),
    /// To [`Request::Compile`].
    Compiled(CompiledModel),
    /// It cannot be done.
    Failed(JobError),
    /// It could not be done, by no fault of the job's: what to tell whoever runs the server.
    Unavailable(String),
}

/// A proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProvedInput {
    /// The proof's file.
    pub proof: Vec<u8>,
    /// Of the verifying key.
    pub key_digest: [u8; 32],
    /// Milliseconds of the stages: witness, commit, quotient, open, self-check.
    pub stages_ms: [f64; 5],
    /// Milliseconds from inputs to proof, keys loaded.
    pub prove_ms: f64,
}

/// A model that was compiled; its files stand in the folder that the request named.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompiledModel {
    /// Whether there are contract files: no contract can verify some keys.
    pub has_contract: bool,
    /// Of the program.
    pub program_digest: [u8; 32],
    /// Of the verifying key.
    pub key_digest: [u8; 32],
    /// Of the structured reference string.
    pub srs_digest: [u8; 32],
    /// `unsafe` or `ceremony`.
    pub srs: String,
    /// log2 of the rows.
    pub k: u32,
    /// Rows that are used.
    pub rows: u64,
    /// Name of the shape.
    pub shape: String,
    /// Bytes that a proof takes at least.
    pub least_memory_bytes: u64,
    /// In short, as JSON: see `apodict_circuits::report::Accuracy`.
    pub accuracy: String,
}
