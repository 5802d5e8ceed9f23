//! Quantized models as halo2 circuits.

pub mod float;
pub mod int;
pub mod onnx;
pub mod tensors;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Replaced as the crate grows.
    #[error("{0}")]
    Invalid(String),
}
