//! `vk.json` and `proof.json`: the files that the command line writes, read here so that a keeper is a few lines.
//!
//! ```no_run
//! use apodict_verifier::{SrsPolicy, Verifier, files};
//!
//! const KEY: [u8; 32] = [0; 32]; // the key digest that `apodict keys` prints
//! const SRS: [u8; 32] = [0; 32]; // the digest of the ceremony's string
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let key = files::read_key("vk.json".as_ref())?;
//!     let verifier = Verifier::pinned(key, &KEY, SrsPolicy::Ceremony(&[SRS]))?;
//!     let proof = files::read_proof("proof.json".as_ref())?;
//!     let statement = verifier.statement(&proof.words(), &proof.proof)?;
//!     let decision = files::Decision::new(&verifier.key().layout, &statement);
//!     println!("{}", decision.outputs["score"]);
//!     Ok(())
//! }
//! ```
//!
//! Each thing stands in a file once, and nothing that is not verified: what is shown of inputs and outputs is decoded from
//! the instances after they have been verified.

mod hexadecimal;
mod key;
mod proof;
mod strict;
mod values;

use crate::{KeyError, VerifyingKey};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use strict::Object;

pub use hexadecimal::{Bytes32, format_bytes, parse_bytes, parse_bytes32};
pub use key::KeyFile;
pub use proof::ProofFile;
pub use values::{Decision, value};

/// No key's file is longer.
pub const MAX_KEY_FILE_BYTES: u64 = 1 << 26;
/// No proof's file is longer.
pub const MAX_PROOF_FILE_BYTES: u64 = 1 << 27;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system does not give it.
    #[error("cannot read {}", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// More bytes than any file of its kind has, from a file or a pipe.
    #[error("{what} has at most {max} bytes, this goes on after them")]
    TooLong {
        /// What it should be.
        what: &'static str,
        /// The most that is read.
        max: u64,
    },
    /// Not the JSON that it should be.
    #[error("not {what}: {reason}")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Another version of the format.
    #[error(
        "{what} of format version {got}, this build reads version {expected}: make it again with this build, or use the one that made it"
    )]
    Version {
        /// What it should be.
        what: &'static str,
        /// [`FILE_VERSION`].
        expected: u32,
        /// In the file.
        got: u32,
    },
    /// Something in the file was changed after it had been written.
    #[error("the key's digest is {got}, its file says {stated}: the file was changed, export it again")]
    Changed {
        /// Stated in the file.
        stated: Bytes32,
        /// Of what stands in the file.
        got: Bytes32,
    },
    /// A key that cannot be used.
    #[error("not a verifying key: {0}")]
    Key(#[from] KeyError),
}

/// Raised when the meaning of a field of either file changes.
pub const FILE_VERSION: u32 = 2;

const KEY: &str = "a verifying key";
const PROOF: &str = "a proof";

/// Reads a `vk.json`.
///
/// # Errors
/// [`FileError`]: what is wrong with it.
pub fn read_key(path: &Path) -> Result<VerifyingKey, FileError> {
    KeyFile::parse(&read(path, KEY, MAX_KEY_FILE_BYTES)?)
}

/// Reads a `proof.json`.
///
/// # Errors
/// [`FileError`]: what is wrong with it. Whether the proof holds, only a [`Verifier`](crate::Verifier) says.
pub fn read_proof(path: &Path) -> Result<ProofFile, FileError> {
    ProofFile::parse(&read(path, PROOF, MAX_PROOF_FILE_BYTES)?)
}

/// Reads at most `max` bytes: of a file, a pipe or a device, which may have no length or no end.
fn read(path: &Path, what: &'static str, max: u64) -> Result<Vec<u8>, FileError> {
    let fail = |source| FileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    check_length(what, &bytes, max)?;
    Ok(bytes)
}

fn check_length(what: &'static str, bytes: &[u8], max: u64) -> Result<(), FileError> {
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= max) { Ok(()) } else { Err(FileError::TooLong { what, max }) }
}

fn malformed(what: &'static str, error: &serde_json::Error) -> FileError {
    FileError::Malformed { what, reason: alloc::format!("{error}") }
}

fn check_version(what: &'static str, got: u32) -> Result<(), FileError> {
    if got == FILE_VERSION { Ok(()) } else { Err(FileError::Version { what, expected: FILE_VERSION, got }) }
}

/// Reads JSON of a known version: another version is named as such, not as a field that is missing.
fn parse<T: serde::de::DeserializeOwned>(what: &'static str, json: &[u8]) -> Result<T, FileError> {
    #[derive(serde::Deserialize)]
    struct Header {
        version: u32,
    }
    if let Ok(Object(Header { version })) = serde_json::from_slice(json) {
        check_version(what, version)?;
    }
    serde_json::from_slice(json).map_err(|error| malformed(what, &error))
}
