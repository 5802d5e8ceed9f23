//! Targets for fuzzing: everything that reads what strangers write.
//!
//! A [`Target`] is a function of bytes that must not panic, hang or grow. Two drivers run the same functions: cargo-fuzz, by
//! `fuzz_targets/`, and [`campaign`], which mutates seeds with a seeded generator, on any toolchain.
//!
//! | module | what |
//! |---|---|
//! | [`targets`] | the functions, and what their inputs look like |
//! | [`campaign`] | many runs of one target |
//! | `mutation` | other inputs from those that are there |
//! | `watch` | ends a run that does not end |

pub mod campaign;
mod mutation;
mod random;
pub mod targets;
mod watch;

/// What came of an input: it was taken, or refused with these words.
pub type Answer = Result<(), String>;

/// What an input consists of, for mutations that keep its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// Bytes.
    Bytes,
    /// JSON.
    Text,
    /// Protobuf: fields with lengths.
    Protobuf,
}

/// A function of bytes that anyone may have written.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As the command line has it.
    pub name: &'static str,
    /// Must return, soon and without a panic, whatever the bytes.
    pub run: fn(&[u8]) -> Answer,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What they consist of.
    pub grammar: Grammar,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    targets::onnx::IMPORT,
    targets::onnx::COMPILE,
    targets::program::PROGRAM,
    targets::tensors::TENSORS,
    targets::key::KEY,
    targets::key::KEY_FILE,
    targets::proof::PROOF_FILE,
    targets::proof::VERIFIER,
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Runs the target of this name once: what cargo-fuzz calls.
///
/// # Panics
/// If there is no such target, and if the target panics, which is a bug found.
pub fn run_once(name: &str, data: &[u8]) {
    let target = target(name).unwrap_or_else(|| panic!("no target `{name}`"));
    drop((target.run)(data));
}
