//! `cargo xtask node-tests [--bless | WORD..]`: ONNX's own node tests against the integer executor.
//!
//! What comes of each is committed as `circuits/tests/node_tests/results.md`; the tests' own text says what counts.

use anyhow::{Result, bail};

use crate::step::Step;
use crate::tools;

const USAGE: &str = "usage: cargo xtask node-tests [--bless | WORD..]
  --bless  write what comes of the tests as circuits/tests/node_tests/results.md
  WORD     only the tests whose names contain one of these words: print what comes of them";

/// Compares what comes of the tests with the committed list, writes the list, or runs some of the tests.
///
/// # Errors
/// What differs; a package that cannot be installed.
pub(crate) fn node_tests(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let step = Step::cargo("ONNX's node tests")
        .args(["test", "--locked", "--release", "--workspace", "--test", "node_tests", "--"])
        .args(["--exact", "what_comes_of_each_is_as_committed", "--ignored", "--nocapture"])
        .env("APODICT_NODE_TESTS", tools::onnx_node_tests()?);
    match words[..] {
        ["--bless"] => step.env("APODICT_BLESS", "1").run(),
        [] => step.run(),
        _ if words.iter().any(|word| word.starts_with('-')) => bail!(USAGE),
        _ => step.env("APODICT_NODE_TESTS_NAMED", words.join(" ")).run(),
    }
}
