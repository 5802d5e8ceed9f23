//! What goes wrong with a server, and what to do about it.

use std::io;
use std::path::PathBuf;

use apodict_http::BadUrl;
use apodict_verifier::files::Bytes32;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("the server's address{} cannot be used: {}", of(&.0.shown), .0.reason)]
    Url(BadUrl),

    #[error("cannot read the API key in {}", path.display())]
    KeyFile { path: PathBuf, source: io::Error },

    /// Nothing of it is shown.
    #[error("what stands in {place} is no API key")]
    BadKey { place: String },

    #[error("the server {server} cannot be asked: {reason}")]
    Unreachable { server: String, reason: String },

    #[error("the server {server} took too long to answer")]
    Slow { server: String },

    #[error("the answer of {server} is longer than {most} bytes")]
    TooLong { server: String, most: u64 },

    #[error("the answer of {server} is not one of a proving service: {what}")]
    Garbage { server: String, what: String },

    #[error("the server says no: {code}: {detail}")]
    Problem { status: u16, code: String, detail: String, retry_after: Option<u64> },

    #[error("the job {job} failed: {code}: {detail}")]
    JobFailed { job: String, code: String, detail: String },

    #[error("the job {job} was cancelled")]
    JobCancelled { job: String },

    /// What it gave is not what it was asked for. It is not used.
    #[error("the server gave something else than it was asked for: {what}")]
    Lied { what: String },

    #[error("the server's key is {got}, and {} holds {kept}", path.display())]
    OtherKey { path: PathBuf, kept: Bytes32, got: Bytes32 },

    #[error("no model on the server {server} has the program {program}")]
    NoModelOf { server: String, program: String },

    #[error("the job {job} has not ended: nothing can be downloaded yet")]
    NotEnded { job: String },

    #[error("the job {job} made no proofs: it compiled the model {model}")]
    NoProofs { job: String, model: String },

    #[error("the system gives no signals: {0}")]
    Signals(io::Error),
}

/// Between blanks, if there is something.
fn of(shown: &str) -> String {
    if shown.is_empty() { String::new() } else { format!(" {shown}") }
}

impl Error {
    /// What to do.
    pub(crate) fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Url(_) => "expected http://HOST:PORT or https://HOST, with --server or in APODICT_SERVER",
            Self::KeyFile { .. } | Self::BadKey { .. } => {
                "expected `apo_` and 64 digits, as `apodict api-key create` shows them, in APODICT_API_KEY or in the file of --api-key-file"
            }
            Self::Unreachable { .. } => "check that it runs there: `apodict serve` prints where it listens",
            Self::Slow { .. } => "try again; `apodict job list` shows what was handed in",
            Self::TooLong { .. } | Self::Garbage { .. } | Self::Lied { .. } => {
                "nothing of it was used; check the address, and who runs the server"
            }
            Self::Problem { status: 401, .. } => "set APODICT_API_KEY, or name a file with --api-key-file",
            Self::Problem { status: 403, .. } => "ask the server's operator for a key with that scope",
            Self::Problem { status: 404, .. } => "`apodict job list` and `apodict model list` show what there is",
            Self::Problem { status: 429 | 503, retry_after, .. } => {
                let seconds = retry_after.unwrap_or(1);
                return Some(format!("try again in {seconds} s: what was taken before goes on"));
            }
            Self::JobFailed { job, .. } => {
                return Some(format!(
                    "`apodict job logs {job}` tells more; handed in again, under no name or another one, it is begun anew"
                ));
            }
            Self::JobCancelled { .. } => "handed in again, under no name or another one, it is begun anew",
            Self::OtherKey { .. } => {
                "name another folder, or remove the file if the server's key is the one that you trust"
            }
            Self::NoModelOf { .. } => {
                "hand the ONNX model in, with `apodict model push`, or name it instead of the program"
            }
            Self::NotEnded { job } => return Some(format!("`apodict job watch {job}` waits for it")),
            Self::NoProofs { model, .. } => {
                return Some(format!("`apodict model get {model} -o DIR` fetches its files"));
            }
            Self::Problem { .. } | Self::Signals(_) => return None,
        };
        Some(text.to_owned())
    }
}
