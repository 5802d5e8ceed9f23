//! Which open dimension became the batch, and 1: asked where records turn out to be of more.

use std::collections::HashSet;

use prost::Message;
use tract_onnx::pb::ModelProto;

use super::{ImportOptions, dims};

/// The key in [`ImportOptions::dims`] of the first dimension of `input`, if that is open and became 1 since nothing was said. Of a model
/// that has been imported with these options: of another nothing is known.
pub(crate) fn batch_key(bytes: &[u8], input: &str, options: &ImportOptions) -> Option<String> {
    if bytes.len() > options.limits.max_model_bytes {
        return None;
    }
    let proto = ModelProto::decode(bytes).ok()?;
    let graph = proto.graph.as_ref()?;
    let defaults: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs: Vec<_> = graph.input.iter().filter(|input| !defaults.contains(input.name.as_str())).collect();
    dims::batch_key(&inputs, input, options)
}
