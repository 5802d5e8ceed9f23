//! Contracts as files for someone to deploy.

use crate::{Error, UnsafeSrsPolicy};
use apodict_verifier::VerifyingKey;
use std::path::{Path, PathBuf};

/// Writes.
///
/// # Errors
/// [`Error`].
pub fn write_contracts(_key: &VerifyingKey, _directory: &Path, _policy: UnsafeSrsPolicy) -> Result<Vec<PathBuf>, Error> {
    Ok(vec![])
}
