//! A verifying key that stands where a server's is to be written: it was trusted before, and is not replaced by another.

use std::path::Path;

use apodict_prover::disk::{self, PendingFile};
use apodict_verifier::Verifier;
use apodict_verifier::files::{Bytes32, FileError, read_key};

use super::Error;
use crate::failure::Failure;

/// What stands at a key's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The same key.
    Same,
    /// Nothing.
    None,
}

impl Kept {
    /// Looks before the work is begun.
    ///
    /// # Errors
    /// [`Error::OtherKey`] where another key stands; the file's own, if it is no key.
    pub(crate) fn look(path: &Path, verifier: &Verifier) -> Result<Self, Failure> {
        if !path.exists() {
            return Ok(Self::None);
        }
        let unusable = |source: FileError| disk::Error::VerifyingKey { path: path.to_owned(), source: source.into() };
        let (kept, got) = (read_key(path).map_err(unusable)?.digest()?, verifier.digest());
        match kept == got {
            true => Ok(Self::Same),
            false => Err(Error::OtherKey { path: path.to_owned(), kept: Bytes32(kept), got: Bytes32(got) }.into()),
        }
    }

    /// Writes the key where there is none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(self, path: &Path, content: &[u8]) -> Result<(), Failure> {
        if self == Self::None {
            PendingFile::create(path)?.commit(content)?;
        }
        Ok(())
    }
}
