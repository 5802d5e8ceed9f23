//! What can go wrong with files, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use apodict_verifier::files::{Bytes32, FileError};

/// Why a file cannot be used or written. [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system does not give a file.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not take a file.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that is not of its kind.
    #[error("{} is not {what}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A verifying key's file that cannot be used.
    #[error("cannot use the verifying key {}", path.display())]
    VerifyingKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<FileError>,
    },
    /// A `vk.json` of other keys than the `pk.bin` beside it.
    #[error("{} is the key {got}, the proving key beside it is the key {expected}", path.display())]
    KeysApart {
        /// The `vk.json`.
        path: PathBuf,
        /// Digest of the proving key.
        expected: Bytes32,
        /// Digest of the verifying key.
        got: Bytes32,
    },
    /// A proving key's file that cannot be used.
    #[error("cannot use the proving key {}", path.display())]
    ProvingKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::Error>,
    },
    /// A structured reference string that cannot be used.
    #[error("cannot use the structured reference string {}", path.display())]
    Srs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::Error>,
    },
    /// A ceremony's file that cannot be imported.
    #[error("cannot import {}", path.display())]
    Ceremony {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::Error>,
    },
    /// A development string in the cache whose powers are no powers.
    #[error("the development string {} in the cache is damaged", path.display())]
    CachedSrs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::Error>,
    },
    /// Another string than the pinned one.
    #[error("the structured reference string is not the pinned one: its digest is {got}, {pinned} was pinned")]
    OtherSrs {
        /// The digest that was pinned.
        pinned: Bytes32,
        /// That of the string at hand.
        got: Bytes32,
    },
    /// No place for a cache.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")]
    NoCache,
    /// Keys that cannot be made.
    #[error("cannot prove it")]
    Prover(#[from] crate::Error),
    /// A key without a digest.
    #[error("the verifying key cannot be used")]
    Key(#[from] apodict_verifier::KeyError),
    /// Of a file whose name whoever called knows.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// A file that could not be read.
    pub fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    /// Names the file that could not be written.
    #[must_use]
    pub fn while_writing(self, path: &Path) -> Self {
        match self {
            Self::Io(source) => Self::Write { path: path.to_owned(), source },
            other => other,
        }
    }

    /// What to do about it, if anything helps that the message does not say.
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Read { .. } => "check the name and the permissions",
            Self::Write { .. } => "name a file in a folder that exists and that you may write to; nothing was written",
            Self::Malformed { .. } => "check that this is the file you mean",
            Self::VerifyingKey { .. } => "expected the vk.json that `apodict keys` writes",
            Self::KeysApart { .. } => {
                "name another folder for these keys, or remove the vk.json if it is not one that you were given"
            }
            Self::ProvingKey { source, .. } => advice_for_key(source),
            Self::Srs { source, .. } => advice_for_srs(source),
            Self::Ceremony { source, .. } => advice_for_ceremony(source),
            Self::CachedSrs { path, .. } => return Some(format!("remove {}, and it is made again", path.display())),
            Self::OtherSrs { .. } => {
                "name the file of the string that you trust; do not pin the digest of this one unless you do"
            }
            Self::NoCache => "set one of them, or pass --keys and --srs",
            Self::Prover(_) | Self::Key(_) | Self::Io(_) => return None,
        };
        Some(advice.to_owned())
    }
}

fn advice_for_srs(error: &crate::Error) -> &'static str {
    match error {
        crate::Error::SrsInconsistent(_) => {
            "an honest model would be committed to as another one: get the file from its source, and compare its digest"
        }
        _ => "name a file that `apodict srs generate -k K --unsafe -o FILE` writes, with K large enough",
    }
}

fn advice_for_ceremony(error: &crate::Error) -> &'static str {
    match error {
        crate::Error::SrsTooSmall { .. } => "take a smaller K, or the ceremony's file of more powers",
        crate::Error::SrsInconsistent(_) | crate::Error::Key(_) => {
            "do not use it for anything: get the ceremony's file from its own record, and compare the hash that is published there"
        }
        _ => {
            "expected a .ptau of snarkjs on BN254 (bn128), or halo2's parameters as `SerdeFormat::RawBytes` writes them"
        }
    }
}

fn advice_for_key(error: &crate::Error) -> &'static str {
    match error {
        crate::Error::KeyOfAnotherProgram { .. } => {
            "name the folder of this program's keys, or an empty one: they are made there"
        }
        crate::Error::KeyOfAnotherSrs => {
            "pass --srs with the file that the keys were made with, or name an empty folder"
        }
        _ => "remove it, and it is made again",
    }
}
