//! `cargo xtask test`, and what renews what the tests compare with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::browser::browser;
use crate::client::client;
use crate::contracts::contracts;
use crate::node_tests::node_tests;
use crate::page::page;
use crate::soak::soak;
use crate::step::{Step, root};
use crate::tools;

/// Set to `1`, makes a test that compares with a committed file write that file instead.
const BLESS: &str = "APODICT_BLESS";

/// Set to anything, makes the engine do without special instructions of the processor.
const PORTABLE: &str = "APODICT_PORTABLE";

/// Every test, doctests included.
pub(crate) fn test() -> Result<()> {
    // Tests of the chain client run against a node that npm installs.
    tools::node_packages()?;
    rust_tests("compile the Rust tests").args(["--no-run", "--timings"]).run()?;
    rust_tests("Rust tests and doctests").run()?;
    // Once more without special instructions, whether or not this processor has them: what makes proofs.
    rust_tests("Rust tests of the portable prover")
        .args(["--test", "engine", "--test", "decision", "--test", "models"])
        .env(PORTABLE, "1")
        .run()?;
    browser()?;
    page(&[])?;
    client()?;
    soak(&["--short".into()])?;
    node_tests(&[])?;
    contracts(&["check".into()])?;
    contracts(&["test".into()])?;
    examples()
}

/// Writes the committed files that tests compare with: pinned key digests, vectors, the list of node tests, gas snapshots.
pub(crate) fn bless() -> Result<()> {
    rust_tests("Rust tests, writing what they compare with").env(BLESS, "1").run()?;
    vectors("write")?;
    node_tests(&["--bless".into()])?;
    // Without the comparison forge writes what it measures.
    let forge = Step::new("contract tests, writing their gas snapshot", tools::forge()?);
    forge.args(["test", "--gas-snapshot-check=false"]).within("solidity").run()
}

fn rust_tests(name: &str) -> Step {
    Step::cargo(name).args(["test", "--locked", "--release", "--workspace"])
}

/// Compares what the examples encode with what the contracts' tests derive, and runs each story's `run.sh`, in alphabetical order.
fn examples() -> Result<()> {
    vectors("check")?;
    for script in example_scripts()? {
        let folder =
            script.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        Step::new(format!("example {folder}"), "bash").args([script]).run()?;
    }
    Ok(())
}

/// What the examples make of rounds, texts and proposals, for the contracts' tests: `write` or `check`.
fn vectors(verb: &str) -> Result<()> {
    tools::require("python3", "Python 3.11 or newer")?;
    Step::new("vectors of the examples' inputs", "python3")
        .args(["-m", "artifacts.vectors", verb])
        .within("examples")
        .run()
}

fn example_scripts() -> Result<Vec<PathBuf>> {
    let folder = root().join("examples");
    let mut scripts = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
        let script = entry?.path().join("run.sh");
        if script.is_file() {
            scripts.push(script);
        }
    }
    scripts.sort();
    Ok(scripts)
}
