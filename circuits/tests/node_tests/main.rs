//! ONNX's own node tests, run by the integer executor.
//!
//! `cargo xtask node-tests` installs a pinned `onnx` package, whose test data these are, and compares what comes of each test with
//! the committed `results.md`; `--bless` writes that file, words of a name print what comes of the tests so named.
//!
//! # What counts
//! - **Which tests**: all whose graphs consist of the operators in [`operators`], but those excluded by type alone:
//!   [`case::Case::excluded`].
//! - **Calibration**: scaled copies of the test's own input: see [`attempt::FACTORS`].
//! - **Near enough**: a real output lies within 2^-9 of the output's span of what the test expects; integers and truth values are
//!   those expected.
//! - **Constant operands**: a node test feeds everything at run time, shapes and weights too. Where a test fails so, those operands
//!   that [`operators::fixed_operands`] names become initializers; the list says so.
//!
//! Tests run in worker processes: one that panics, does not end or takes too much memory fails, and the rest go on.
//!
//! | file | what |
//! |---|---|
//! | `case` | a test as its files have it |
//! | `values` | ONNX tensors as numbers |
//! | `operators` | which operators are listed, and their operands that may be constant |
//! | `attempt` | compile, run, compare |
//! | `worker` | processes that run tests, with limits |
//! | `list` | `results.md` |

mod attempt;
mod case;
mod list;
mod operators;
mod values;
mod worker;

use std::path::{Path, PathBuf};

use case::Case;
use list::{List, Outcome};

/// The folder that holds the tests, one folder each.
const DATA: &str = "APODICT_NODE_TESTS";

/// Set to `1`: write the list.
const BLESS: &str = "APODICT_BLESS";

/// Only the tests whose names contain one of these words: print what comes of them.
const NAMED: &str = "APODICT_NODE_TESTS_NAMED";

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_tests/results.md")
}

#[test]
#[ignore = "needs the onnx package's data: `cargo xtask node-tests` has it"]
fn what_comes_of_each_is_as_committed() {
    let folder =
        PathBuf::from(std::env::var(DATA).unwrap_or_else(|_| panic!("{DATA} must name the folder of the tests")));
    let named = std::env::var(NAMED).unwrap_or_default();
    let words: Vec<&str> = named.split_whitespace().collect();
    let names = case::names(&folder);
    assert!(names.len() > 1000, "{} tests in {}: install the package again", names.len(), folder.display());

    let mut list = List::new(names.len());
    let mut chosen = Vec::new();
    for name in names.into_iter().filter(|name| words.is_empty() || words.iter().any(|word| name.contains(word))) {
        let case = Case::read(&folder, &name).unwrap_or_else(|error| panic!("{name}: {error}"));
        match case.excluded() {
            Some(why) => list.exclude(why),
            None if !case.is_listed() => list.of_other_operators(),
            None => chosen.push((name, case.group().to_owned())),
        }
    }
    let names: Vec<String> = chosen.iter().map(|(name, _)| name.clone()).collect();
    for ((name, group), outcome) in chosen.into_iter().zip(worker::outcomes(&folder, &names, worker::LONGEST)) {
        if !words.is_empty() {
            println!("{name}: {outcome}");
        }
        list.add(group, name, outcome);
    }
    println!("{}", list.summary());
    if !words.is_empty() {
        return;
    }
    let text = list.to_string();
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        std::fs::write(committed(), text).expect("the list can be written");
        return;
    }
    let expected = std::fs::read_to_string(committed()).unwrap_or_default();
    let differences = list::differences(&expected, &text);
    assert!(
        differences.is_empty(),
        "results.md says otherwise (- committed, + now); `cargo xtask node-tests --bless` accepts what is now:\n{}",
        differences.join("\n")
    );
}

/// A process that runs the tests whose names it reads, one a line: started by [`worker::outcomes`].
#[test]
#[ignore = "a part of what_comes_of_each_is_as_committed"]
fn one_worker() {
    if let Ok(folder) = std::env::var(DATA) {
        worker::serve(Path::new(&folder));
    }
}

impl Outcome {
    /// Runs the test of this name.
    fn of(folder: &Path, name: &str) -> Self {
        match Case::read(folder, name) {
            Ok(case) => attempt::outcome(&case),
            Err(error) => Self::Fails(error),
        }
    }
}
