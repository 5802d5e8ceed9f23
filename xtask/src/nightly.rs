//! `cargo xtask nightly`: what takes too long for every change, of which continuous integration runs a short form.

use anyhow::Result;

use crate::contracts::contracts;
use crate::fleet::fleet;
use crate::mutants::mutants;
use crate::soak::soak;
use crate::step::Step;
use crate::tools;

/// Mutants of program files of each kind: two thousand in continuous integration.
const PROGRAM_MUTANTS: &str = "1000000";

/// Runs of each fuzz target: thousands in continuous integration.
const FUZZ_RUNS: &str = "1000000";

/// Runs all of it; the first failure ends it.
///
/// # Errors
/// What failed.
pub(crate) fn nightly() -> Result<()> {
    Step::cargo("a million mutants of program files")
        .args(["test", "--locked", "--release", "--workspace", "--test", "programs", "--", "mutations"])
        .env("APODICT_MUTANTS", PROGRAM_MUTANTS)
        .run()?;
    Step::cargo("a million runs of each fuzz target")
        .args(["test", "--locked", "--release", "--workspace", "--test", "short", "--", "--nocapture"])
        .env("APODICT_FUZZ_RUNS", FUZZ_RUNS)
        .env("APODICT_FUZZ_SEED", seed_of_the_day())
        .run()?;
    for step in ["analyse", "prove", "coverage"] {
        contracts(&[step.into()])?;
    }
    Step::new("random values and sequences for the contracts", tools::forge()?)
        .args(["test", "--match-test", "^(testFuzz|invariant)"])
        .env("FOUNDRY_PROFILE", "nightly")
        .within("solidity")
        .run()?;
    // What does not depend on how busy the machine is.
    soak(&["queue", "kills", "disk", "memory", "schema"].map(str::to_owned))?;
    fleet(&["--long".into()])?;
    mutants(&[])
}

/// Other inputs every day.
fn seed_of_the_day() -> String {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    (since.as_secs() / 86_400).to_string()
}
