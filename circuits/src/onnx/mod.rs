//! Import of ONNX models.
//!
//! [`import`] turns the bytes of a model, which may come from anyone, into a [`Model`]: its [float graph](crate::float)
//! and what the float reference needs. Nothing here panics on bad input, and memory and time are bounded by [`Limits`]:
//! the bytes are walked before they are decoded (`wire`), the protobuf is checked here and not by tract, shapes are
//! computed here, and tract sees only a model that has been accepted, reduced to what its outputs need, with static
//! shapes ([`Reference`]).
//!
//! # Operators
//! Those of operator sets [`OPSETS`] and [`ML_OPSETS`] that [`supported_operators`] lists; `docs/onnx.md` says what is
//! supported of each. If with a constant condition is replaced by the branch that it takes.
//!
//! # What import does
//! - Open dimensions get numbers: see [`ImportOptions::dims`].
//! - Weights in files beside the model are read by [`read_model`] and [`import_file`], from the model's folder alone.
//! - Nodes are sorted. Whatever depends on constants alone is computed (in double precision), and what no output needs
//!   is dropped; the inputs all stay.
//! - Initializers that are also listed as inputs are constants: their defaults are what the model is.
//! - Everything that stands in the way is told in one run: what reads the output of a node that failed is passed over.
//! - Node names are kept. `value_info`, metadata, documentation strings, training information and functions that no
//!   node calls are not read.
//!
//! # Truncated files
//! A file that was cut off within a field is refused, and so is one that lost its graph or its operator set. Protobuf
//! has no length of its own: a file that lost only whole fields after those (metadata) is the same model, and accepted.
//!
//! # Files
//! | file | what |
//! |---|---|
//! | `wire` | the walk over the bytes before they are decoded |
//! | `external` | weights in files beside the model |
//! | `importer` | the graph, node by node |
//! | `branch` | subgraphs, and the branch of an If in its place |
//! | `advice` | what to do about operators that are not supported |
//! | `batch` | which dimension became the batch |
//! | `dims`, `tensor`, `attributes`, `order` | reading shapes, stored tensors, attributes; sorting nodes |
//! | `call`, `compose` | one node while it is imported; the parts it is composed of |
//! | `domain` | operator sets and their versions |
//! | `builder` | the graph in the making, with the limits |
//! | `ops/` | one file per operator family |
//! | `reduced`, `reference` | the accepted model, as tract gets it; tract, as another implementation |

mod advice;
mod attributes;
mod batch;
mod branch;
mod builder;
mod call;
mod compose;
mod dims;
mod domain;
mod error;
mod external;
#[cfg(test)]
pub(crate) mod fixture;
mod importer;
mod ops;
mod order;
mod reduced;
mod reference;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto};

pub(crate) use batch::batch_key;
pub use dims::Dimension;
pub use error::{Error, Unsupported};
pub use external::{ExternalData, Folder, embed, read_model};
pub use reference::Reference;

use crate::float::{Graph, Tensor};
use domain::{Domain, Versions};
use importer::Imported;
use ops::Registry;

/// The operator sets that are supported.
pub const OPSETS: RangeInclusive<i64> = 7..=24;

/// The operator sets of ONNX-ML (`ai.onnx.ml`) that are supported.
pub const ML_OPSETS: RangeInclusive<i64> = 1..=5;

/// How much of anything a model may have. A server compiles what strangers upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the file. Decoding takes some ten times as much memory at worst: integers of one byte become eight.
    pub max_model_bytes: usize,
    /// Nodes in the ONNX graph. Messages in the file are limited to 32 for each: an empty one takes two bytes in the
    /// file and hundreds in memory, up to 256 MiB for all of them by default.
    pub max_nodes: usize,
    /// Elements of all tensors together: weights, constants, intermediate values. At most 2^32 - 1.
    pub max_elements: usize,
    /// Arithmetic operations of one evaluation, a multiplication with its addition counted as one; constants that are
    /// computed at import included.
    pub max_operations: usize,
}

impl Default for Limits {
    /// 64 MiB, 4,096 nodes, 2^24 elements, 2^30 operations: far beyond what can be proved today.
    fn default() -> Self {
        Self { max_model_bytes: 64 << 20, max_nodes: 4096, max_elements: 1 << 24, max_operations: 1 << 30 }
    }
}

/// How a model is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Numbers for open dimensions: by the name that the model gives a dimension (`"sequence"`), or by input and axis
    /// (`"tokens[1]"`) if it has none. Each must exist in the model.
    ///
    /// One open dimension needs no number and becomes 1: the batch. It is that which leads inputs, if all leading open
    /// dimensions have the same name (or none), no input has it elsewhere, and at least one that it leads has more
    /// dimensions.
    pub dims: BTreeMap<String, usize>,
    /// What is too large.
    pub limits: Limits,
}

/// An imported model.
#[derive(Clone, Debug)]
pub struct Model {
    graph: Graph,
    opset: i64,
    dimensions: Vec<Dimension>,
    warnings: Vec<String>,
    producer: String,
    reduced: ModelProto,
}

impl Model {
    /// What it computes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What it computes, the rest dropped.
    pub fn into_graph(self) -> Graph {
        self.graph
    }

    /// The dimensions that the model leaves open, with the numbers that they were given, in the order of the inputs.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// What the file says that is not so, and that nothing depends on: one sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The version of ONNX's own operator set that it was written for; 0 if it uses none of its operators.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The tool that wrote it, in its own words: anyone may have written anything there. Empty if unknown.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The accepted model as an ONNX model with static shapes: what the outputs need, and nothing else.
    pub(crate) fn reduced(&self) -> &ModelProto {
        &self.reduced
    }
}

/// Names of the supported operators, in alphabetical order.
pub fn supported_operators() -> Vec<String> {
    Registry::new().names().collect()
}

/// Imports the model that `bytes` hold.
///
/// # Errors
/// Each names what is wrong with the model and what to do: see [`Error`].
pub fn import(bytes: &[u8], options: &ImportOptions) -> Result<Model, Error> {
    let limits = options.limits;
    let proto = decode(bytes, &limits)?;
    if proto.ir_version <= 0 {
        return Err(Error::NotOnnx { reason: "it declares no IR version".into() });
    }
    let graph = proto.graph.as_ref().ok_or_else(|| Error::NotOnnx { reason: "it has no graph".into() })?;
    if graph.node.len() > limits.max_nodes {
        return Err(Error::TooLarge { what: "nodes", limit: limits.max_nodes, got: graph.node.len() });
    }
    let versions = Versions::read(&proto.opset_import)?;
    let Imported { dimensions, graph, flat, warnings } = importer::import(graph, &versions, &proto.functions, options)?;
    let opset = versions.declared(Domain::Onnx).unwrap_or(0);
    let reduced = reduced::reduce(flat, &versions);
    Ok(Model { graph, opset, dimensions, warnings, producer: proto.producer_name, reduced })
}

/// Imports the model that stands in a file, with its weights where they stand in files beside it: [`read_model`], then
/// [`import`].
///
/// # Errors
/// The file cannot be read, and those of [`import`].
pub fn import_file(path: &Path, options: &ImportOptions) -> Result<Model, Error> {
    import(&read_model(path, &options.limits)?, options)
}

/// Reads a model's protobuf, within the limits.
fn decode(bytes: &[u8], limits: &Limits) -> Result<ModelProto, Error> {
    if bytes.len() > limits.max_model_bytes {
        return Err(Error::TooLarge { what: "bytes in the file", limit: limits.max_model_bytes, got: bytes.len() });
    }
    wire::scan_model(bytes, limits.max_nodes.saturating_mul(RECORDS_PER_NODE))?;
    ModelProto::decode(bytes).map_err(|error| Error::NotOnnx { reason: error.to_string() })
}

/// Reads a tensor file, as ONNX's test data has them: one `TensorProto`. Yields its name, which may be empty.
pub(crate) fn read_tensor_file(bytes: &[u8], max_elements: usize) -> Result<(String, Tensor), Error> {
    wire::scan_tensor(bytes, RECORDS_PER_NODE)?;
    let proto = TensorProto::decode(bytes).map_err(|error| Error::NotOnnx { reason: error.to_string() })?;
    let (_, tensor) = tensor::read(&proto, &format!("tensor `{}`", proto.name), max_elements)?;
    Ok((proto.name, tensor))
}

/// Messages and names that a node takes in a file with its attributes, weights and value information, and some more.
const RECORDS_PER_NODE: usize = 32;
