//! What is fuzzed.

pub(crate) mod key;
pub(crate) mod onnx;
pub(crate) mod program;
pub(crate) mod proof;
pub(crate) mod tensors;
