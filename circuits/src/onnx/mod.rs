//! Import of ONNX models.
//!
//! [`import`] turns the bytes of a model, which may come from anyone, into a [`Model`]: its [float graph](crate::float)
//! and what the float reference needs. Nothing here panics on bad input, and memory and time are bounded by [`Limits`]:
//! the bytes are walked before they are decoded (`wire`), the protobuf is checked here and not by tract, shapes are
//! computed here, and tract sees only a model that has been accepted, reduced to what its outputs need, with static
//! shapes ([`crate::float::Reference`]).
//!
//! # Operators
//! Gemm, MatMul, Add, Sub, Mul, Relu, LeakyRelu, Clip, Sigmoid, Tanh, Softmax, ArgMax, Gather, ReduceMean, ReduceSum,
//! Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Concat, Identity, Cast and Constant, of operator sets [`OPSETS`];
//! `docs/onnx.md` says what is supported of each. [`supported_operators`] lists them.
//!
//! # What import does
//! - Open dimensions get numbers: see [`ImportOptions::dims`].
//! - Nodes are sorted. Whatever depends on constants alone is computed (in double precision), and what no output needs
//!   is dropped; the inputs all stay.
//! - Initializers that are also listed as inputs are constants: their defaults are what the model is.
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
//! | `dims`, `tensor`, `attributes`, `order` | reading shapes, stored tensors, attributes; sorting nodes |
//! | `call`, `compose` | one node while it is imported; the parts it is composed of |
//! | `domain` | operator sets and their versions |
//! | `builder` | the graph in the making, with the limits |
//! | `ops/` | one file per operator family |
//! | `reduced` | the accepted model, as tract gets it |

mod attributes;
mod builder;
mod call;
mod compose;
mod dims;
mod domain;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod ops;
mod order;
mod reduced;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

pub use error::Error;

use crate::float::{Graph, Node, NodeId, Op, Output, Tensor};
use builder::Builder;
use call::{Call, node_name};
use domain::{Domain, Versions};
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
    /// Nodes in the ONNX graph. Messages in the file are limited to 32 for each: an empty one takes two bytes in the file
    /// and hundreds in memory, up to 256 MiB for all of them by default.
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

    /// The operator set that it was written for.
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
    if bytes.len() > limits.max_model_bytes {
        return Err(Error::TooLarge { what: "bytes in the file", limit: limits.max_model_bytes, got: bytes.len() });
    }
    wire::scan_model(bytes, limits.max_nodes.saturating_mul(RECORDS_PER_NODE))?;
    let proto = ModelProto::decode(bytes).map_err(|error| Error::NotOnnx { reason: error.to_string() })?;
    if proto.ir_version <= 0 {
        return Err(Error::NotOnnx { reason: "it declares no IR version".into() });
    }
    let graph = proto.graph.as_ref().ok_or_else(|| Error::NotOnnx { reason: "it has no graph".into() })?;
    if graph.node.len() > limits.max_nodes {
        return Err(Error::TooLarge { what: "nodes", limit: limits.max_nodes, got: graph.node.len() });
    }
    // First: a model of other operators alone need not even name an operator set of ONNX's own.
    let registry = Registry::new();
    for node in &graph.node {
        lookup(&registry, node)?;
    }
    let versions = Versions::read(&proto.opset_import)?;
    let opset = versions.declared(Domain::Onnx).unwrap_or(0);
    let taken = tensor_names(graph)?;
    let mut importer = Importer { builder: Builder::new(limits, taken), tensors: HashMap::new(), versions, registry };
    importer.add_inputs(graph, options)?;
    importer.add_initializers(graph)?;
    let order = order::topological(&graph.node)?;
    for &at in &order {
        importer.add_node(&graph.node[at])?;
    }
    let outputs = importer.outputs(graph)?;
    let inputs = importer.inputs(graph);
    let imported = importer.builder.finish(outputs);
    let reduced = reduced::reduce(graph, &order, &inputs, opset);
    Ok(Model { graph: imported, opset, producer: proto.producer_name, reduced })
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

fn lookup(registry: &Registry, node: &NodeProto) -> Result<(Domain, ops::Operator), Error> {
    let domain = Domain::of(&node.domain);
    let known = domain.and_then(|domain| Some((domain, registry.get(domain, &node.op_type)?)));
    known.ok_or_else(|| Error::UnknownOperator {
        operator: match domain {
            Some(domain) => domain.qualify(&node.op_type),
            None => format!("{}:{}", node.domain, node.op_type),
        },
        node: node_name(node).to_owned(),
        supported: registry.names().collect::<Vec<_>>().join(", "),
    })
}

/// The names of all tensors, each of which must be yielded once.
fn tensor_names(graph: &GraphProto) -> Result<HashSet<String>, Error> {
    fn claim(taken: &mut HashSet<String>, what: &'static str, name: &str) -> Result<(), Error> {
        match !name.is_empty() && taken.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Error::Name { what, name: name.to_owned() }),
        }
    }
    let mut inputs = HashSet::new();
    graph.input.iter().try_for_each(|input| claim(&mut inputs, "an input", &input.name))?;
    let mut taken = HashSet::new();
    graph.initializer.iter().try_for_each(|tensor| claim(&mut taken, "an initializer", &tensor.name))?;
    // An input may have an initializer: its default.
    taken.extend(inputs);
    let outputs = graph.node.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty());
    outputs.into_iter().try_for_each(|name| claim(&mut taken, "a node's output", name))?;
    Ok(taken)
}

/// A model while it is imported.
struct Importer {
    builder: Builder,
    /// What yields a tensor of the ONNX model.
    tensors: HashMap<String, NodeId>,
    versions: Versions,
    registry: Registry,
}

impl Importer {
    fn add_inputs(&mut self, graph: &GraphProto, options: &ImportOptions) -> Result<(), Error> {
        let defaults: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs: Vec<_> = graph.input.iter().filter(|input| !defaults.contains(input.name.as_str())).collect();
        for input in dims::resolve(&inputs, options)? {
            let name = input.name;
            let (label, tensor) = (format!("input `{name}`"), name.clone());
            let node = Node {
                name: name.clone(),
                tensor,
                op: Op::Input,
                inputs: vec![],
                shape: input.shape,
                element: input.element,
            };
            let id = self.builder.add(node, &label)?;
            self.tensors.insert(name, id);
        }
        Ok(())
    }

    fn add_initializers(&mut self, graph: &GraphProto) -> Result<(), Error> {
        if !graph.sparse_initializer.is_empty() {
            return Err(Error::Unsupported {
                what: "sparse initializers are".into(),
                advice: "store weights as dense tensors",
            });
        }
        for proto in &graph.initializer {
            let what = format!("initializer `{}`", proto.name);
            let (element, tensor) = tensor::read(proto, &what, self.builder.max_elements())?;
            let op = Op::Constant { values: tensor::exact(tensor.values, &what)? };
            let (name, tensor_name) = (proto.name.clone(), proto.name.clone());
            let node = Node { name, tensor: tensor_name, op, inputs: vec![], shape: tensor.shape, element };
            let id = self.builder.add(node, &what)?;
            self.tensors.insert(proto.name.clone(), id);
        }
        Ok(())
    }

    fn add_node(&mut self, node: &NodeProto) -> Result<(), Error> {
        let (domain, operator) = lookup(&self.registry, node)?;
        let opset = self.versions.of(domain)?;
        let refuse = |reason: String| Error::Node { node: format!("{} `{}`", node.op_type, node_name(node)), reason };
        let mut operands = Vec::with_capacity(node.input.len());
        for name in &node.input {
            let found = self.tensors.get(name).copied();
            if found.is_none() && !name.is_empty() {
                let reader = format!("{} `{}`", node.op_type, node_name(node));
                return Err(Error::MissingTensor { reader, tensor: name.clone() });
            }
            operands.push(found);
        }
        while operands.last() == Some(&None) {
            operands.pop();
        }
        if operands.len() > operator.max_operands {
            return Err(refuse(format!("has {} operands, expected at most {}", operands.len(), operator.max_operands)));
        }
        for (output, id) in Call::new(node, operands, opset, &mut self.builder)?.run(operator.import)? {
            self.tensors.insert(output.to_owned(), id);
        }
        Ok(())
    }

    fn outputs(&self, graph: &GraphProto) -> Result<Vec<Output>, Error> {
        if graph.output.is_empty() {
            return Err(Error::NotOnnx { reason: "its graph has no outputs".into() });
        }
        let mut seen = HashSet::new();
        let mut outputs = vec![];
        for info in &graph.output {
            let name = info.name.clone();
            if !seen.insert(&info.name) {
                return Err(Error::Name { what: "an output", name });
            }
            let missing = || Error::MissingTensor { reader: "the list of outputs".into(), tensor: name.clone() };
            let node = *self.tensors.get(&info.name).ok_or_else(missing)?;
            check_declared(info, self.builder.node(node))?;
            outputs.push(Output { name, node });
        }
        Ok(outputs)
    }

    /// The inputs with their shapes, for the reduced model.
    fn inputs(&self, graph: &GraphProto) -> Vec<Node> {
        let nodes = graph.input.iter().filter_map(|input| self.tensors.get(&input.name));
        nodes.map(|&id| self.builder.node(id)).filter(|node| node.op == Op::Input).cloned().collect()
    }
}

/// An output that declares a type or dimensions must have them. Dimensions that are not positive are open.
fn check_declared(info: &tract_onnx::pb::ValueInfoProto, node: &Node) -> Result<(), Error> {
    let Some((data_type, shape)) = dims::declared(info) else { return Ok(()) };
    let mismatch =
        |declared: String, computed: String| Err(Error::Output { output: info.name.clone(), declared, computed });
    if data_type != 0 && tensor::element_type(data_type) != Ok(node.element) {
        let declared = tensor::element_type(data_type).map_or_else(|reason| reason, |element| element.to_string());
        return mismatch(declared, node.element.to_string());
    }
    let Some(shape) = shape else { return Ok(()) };
    let fits = |(declared, &computed): (&Option<i64>, &usize)| match declared {
        Some(declared) if *declared > 0 => usize::try_from(*declared) == Ok(computed),
        _ => true,
    };
    if shape.len() == node.shape.len() && shape.iter().zip(&node.shape).all(fits) {
        return Ok(());
    }
    let words: Vec<_> = shape.iter().map(|dim| dim.map_or_else(|| "?".to_owned(), |dim| dim.to_string())).collect();
    mismatch(format!("shape [{}]", words.join(", ")), format!("shape {:?}", node.shape))
}
