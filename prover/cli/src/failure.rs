//! Why a command did not do what was asked, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use miette::Diagnostic;
use thiserror::Error;

use crate::hexadecimal::Bytes32;

#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub(crate) enum Failure {
    #[error("cannot read {}", path.display())]
    #[diagnostic(help("check the name and the permissions"))]
    Read { path: PathBuf, source: io::Error },

    #[error("cannot write {}", path.display())]
    #[diagnostic(help("name a file in a folder that exists and that you may write to; nothing was written"))]
    Write { path: PathBuf, source: io::Error },

    #[error("{} is not {what}: {reason}", path.display())]
    #[diagnostic(help("{}", advice_for(what)))]
    Malformed { path: PathBuf, what: &'static str, reason: String },

    #[error("{} has format version {got}, this build reads version {expected}", path.display())]
    #[diagnostic(help("make the file again with this build of apodict, or use the build that made it"))]
    FileVersion { path: PathBuf, expected: u32, got: u32 },

    #[error("wrong key: the proof is for the key {expected}, {} is the key {got}", path.display())]
    #[diagnostic(help("verify with the vk.json of the program that made the proof; nothing is said about the proof"))]
    WrongKey { path: PathBuf, expected: Bytes32, got: Bytes32 },

    #[error("{option} does not apply to a program: it is compiled already")]
    #[diagnostic(help("leave {option} out, or name the ONNX model instead of the program"))]
    NotCompiling { option: &'static str },

    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")]
    #[diagnostic(help("set one of them, or pass --keys and --srs"))]
    NoCache,

    #[error("the contract and the library disagree about this proof: {0}")]
    #[diagnostic(help("this is a defect of apodict: trust neither, and report it with the proof and the key"))]
    Disagreement(String),

    #[error("the verifying key cannot be used")]
    Key(#[from] apodict_verifier::KeyError),

    #[error("cannot print the result")]
    Print(#[source] io::Error),

    #[error("cannot encode the result")]
    Encode(#[from] serde_json::Error),
}

impl Failure {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotCompiling { .. } => Outcome::Usage.into(),
            _ => Outcome::Failed.into(),
        }
    }
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    Usage,
    /// Of `verify`: the files could be read and the proof does not hold.
    InvalidProof,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Usage => 2,
            Outcome::InvalidProof => 3,
        })
    }
}

fn advice_for(what: &str) -> &'static str {
    match what {
        "a proof" => "expected the JSON file that `apodict prove` writes",
        "a verifying key" => "expected the vk.json that `apodict keys` writes",
        _ => "check that this is the file you mean",
    }
}
