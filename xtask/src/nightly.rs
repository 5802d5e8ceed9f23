//! `cargo xtask nightly`: what takes too long for every change, of which continuous integration runs a short form.

use anyhow::Result;

use crate::mutants::mutants;
use crate::step::Step;

/// Mutants of program files of each kind: two thousand in continuous integration.
const PROGRAM_MUTANTS: &str = "1000000";

/// Runs all of it; the first failure ends it.
///
/// # Errors
/// What failed.
pub(crate) fn nightly() -> Result<()> {
    Step::cargo("a million mutants of program files")
        .args(["test", "--locked", "--release", "--workspace", "--test", "programs", "--", "mutations"])
        .env("APODICT_MUTANTS", PROGRAM_MUTANTS)
        .run()?;
    mutants(&[])
}
