//! Quantized models as halo2 circuits: from an ONNX file to a [`Program`], with exact semantics at every step.
//!
//! [`compile`] does it all. The [integer graph](int) is what a program means; the [machine] is the circuit that proves it.

mod compile;
mod elementary;
pub mod elements;
mod escaped;
pub mod evaluate;
pub mod float;
pub mod int;
pub mod machine;
pub mod onnx;
mod program;
pub mod quantize;
pub mod synthetic;
pub mod tensors;

pub use compile::{CompileOptions, CompileStep, Compiled, RangeError, compile, compile_with_model, explain_batch};
pub use escaped::{Escaped, escaped};
pub use program::{Body, MAX_PROGRAM_BYTES, Program};
pub use quantize::report;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model that cannot be imported.
    #[error(transparent)]
    Onnx(#[from] onnx::Error),
    /// A file of tensors, or tensors that do not fit the model.
    #[error(transparent)]
    Tensors(#[from] tensors::Error),
    /// Quantization, or an input of a quantized model.
    #[error(transparent)]
    Quantize(#[from] quantize::Error),
    /// An integer graph, or a run of one.
    #[error(transparent)]
    Int(#[from] int::Error),
    /// A graph that does not fit the machine.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// Ranges that are none of a model's inputs.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// Tensors of a batch, for a model whose batch became 1.
    #[error(
        "{source}: the model leaves that first dimension open, and it became 1; with `--dim {key}={count}` it is {count}",
        key = escaped(key)
    )]
    OpenBatch {
        /// The dimension.
        key: String,
        /// What the tensors have there.
        count: usize,
        /// What does not fit.
        source: Box<Error>,
    },
    /// A record that cannot be evaluated.
    #[error("record {record}: {source}")]
    Record {
        /// Its position, from 0.
        record: usize,
        /// Why.
        source: Box<Error>,
    },
    /// A file that is not a program.
    #[error("not a program file: {reason}", reason = escaped(reason))]
    Program {
        /// What is wrong, and what to do.
        reason: String,
    },
}
