//! Quantized models as halo2 circuits.

pub mod int;
pub mod machine;
mod program;
pub mod report;

pub use program::{Body, MAX_PROGRAM_BYTES, Program};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An integer graph, or a run of one.
    #[error(transparent)]
    Int(#[from] int::Error),
    /// A graph that does not fit the machine.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// A file that is not a program.
    #[error("not a program file: {reason}")]
    Program {
        /// What is wrong, and what to do.
        reason: String,
    },
}
