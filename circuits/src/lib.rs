//! Quantized models as halo2 circuits.

pub mod float;
pub mod int;
pub mod onnx;
pub mod tensors;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An integer graph, or a run of one.
    #[error(transparent)]
    Int(#[from] int::Error),
    /// Replaced as the crate grows.
    #[error("{0}")]
    Invalid(String),
}
