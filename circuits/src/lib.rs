//! Quantized models as halo2 circuits: from an ONNX file to a [`Program`], with exact semantics at every step.
//!
//! [`compile`] does it all. The [integer graph](int) is what a program means; the [machine] is the circuit that proves it.

mod compile;
mod elementary;
mod escaped;
pub mod float;
pub mod int;
pub mod machine;
pub mod onnx;
mod program;
pub mod quantize;
pub mod report;
pub mod synthetic;
pub mod tensors;

pub use compile::{CompileOptions, compile};
pub use escaped::{Escaped, escaped};
pub use program::{Body, MAX_PROGRAM_BYTES, Program};

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
    /// A file that is not a program.
    #[error("not a program file: {reason}", reason = escaped(reason))]
    Program {
        /// What is wrong, and what to do.
        reason: String,
    },
}
