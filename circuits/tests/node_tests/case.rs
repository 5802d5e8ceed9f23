//! A test as its files have it: a model, one input and what comes out.

use std::path::Path;

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto::Value};

use crate::{operators, values, values::Kind};

/// A node test.
pub(crate) struct Case {
    pub(crate) model: ModelProto,
    /// In the order of the graph's inputs.
    pub(crate) inputs: Vec<TensorProto>,
    pub(crate) outputs: Vec<TensorProto>,
    /// The operator that it is a test of.
    operator: String,
    /// That operator's node, before it was expanded.
    node: NodeProto,
    /// The names of the graph's inputs that this node has them by, in the order of the graph's inputs.
    names: Vec<String>,
    expanded: Expanded,
}

/// Whether the operator's definition by others stands in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expanded {
    No,
    Yes,
}

/// The names of all tests, in alphabetical order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.map(|entry| entry.expect("a folder can be listed").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("test_")).collect();
    names.sort();
    names
}

impl Case {
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self, String> {
        let model = read_model(&folder.join(name))?;
        // `test_x_expanded` and `test_x_expanded_ver18` are of the operator that `test_x` is of.
        let (base, expanded) = match name.split_once("_expanded") {
            Some((base, _)) if folder.join(base).is_dir() => (read_model(&folder.join(base))?, Expanded::Yes),
            _ => (model.clone(), Expanded::No),
        };
        let base = base.graph.unwrap_or_default();
        let node = base.node.last().cloned().ok_or("a graph without nodes")?;
        let names = base.input.iter().map(|input| input.name.clone()).collect();
        let data = folder.join(name).join("test_data_set_0");
        let graph = model.graph.clone().unwrap_or_default();
        let tensors = |what: &str, count: usize| {
            let read = |at| match std::fs::read(data.join(format!("{what}_{at}.pb"))) {
                Ok(bytes) => TensorProto::decode(bytes.as_slice()).unwrap_or_default(),
                Err(_) => TensorProto::default(),
            };
            (0..count).map(read).collect()
        };
        Ok(Self {
            inputs: tensors("input", graph.input.len()),
            outputs: tensors("output", graph.output.len()),
            operator: node.op_type.clone(),
            node,
            names,
            expanded,
            model,
        })
    }

    pub(crate) fn graph(&self) -> &GraphProto {
        self.model.graph.as_ref().expect("a model has a graph")
    }

    /// What the list has it under.
    pub(crate) fn group(&self) -> String {
        match self.expanded {
            Expanded::No => self.operator.clone(),
            Expanded::Yes => format!("{}, expanded", self.operator),
        }
    }

    /// Whether all of its operators are listed.
    pub(crate) fn is_listed(&self) -> bool {
        self.graph().node.iter().all(operators::is_listed)
    }

    /// Why it is of no type that a circuit could take.
    pub(crate) fn excluded(&self) -> Option<&'static str> {
        let graph = self.graph();
        let training = |node: &NodeProto| {
            let trains = |name: &str| node.attribute.iter().any(|attribute| attribute.name == name && attribute.i != 0);
            node.domain.contains("training") || trains("training_mode")
        };
        let dropped = self.node.op_type == "Dropout"
            && self.node.input.get(2).is_some_and(|name| {
                let at = self.names.iter().position(|input| input == name);
                at.and_then(|at| self.inputs.get(at)).is_some_and(|tensor| {
                    values::read(tensor)
                        .is_ok_and(|tensor| tensor.values == apodict_circuits::float::Values::Bool(vec![true]))
                })
            });
        if dropped || graph.node.iter().any(training) {
            return Some("training");
        }
        graph.input.iter().chain(&graph.output).find_map(excluded_type)
    }

    /// Which of the graph's inputs may be constants.
    pub(crate) fn fixed_inputs(&self) -> Vec<usize> {
        let positions = operators::fixed_operands(&self.node);
        let names = positions.iter().filter_map(|at| self.node.input.get(*at)).filter(|name| !name.is_empty());
        let mut inputs: Vec<usize> =
            names.filter_map(|name| self.names.iter().position(|input| input == name)).collect();
        inputs.retain(|at| *at < self.inputs.len());
        inputs.sort_unstable();
        inputs
    }

    /// With these inputs as initializers.
    pub(crate) fn with_constants(&self, fixed: &[usize]) -> (ModelProto, Vec<TensorProto>) {
        let mut model = self.model.clone();
        let graph = model.graph.get_or_insert_default();
        let mut left = Vec::new();
        let mut inputs = Vec::new();
        for (at, (info, tensor)) in graph.input.drain(..).zip(&self.inputs).enumerate() {
            if fixed.contains(&at) {
                graph.initializer.push(TensorProto { name: info.name, ..tensor.clone() });
            } else {
                left.push(info);
                inputs.push(tensor.clone());
            }
        }
        graph.input = left;
        (model, inputs)
    }
}

fn excluded_type(info: &ValueInfoProto) -> Option<&'static str> {
    match info.r#type.as_ref().and_then(|declared| declared.value.as_ref()) {
        Some(Value::TensorType(tensor)) => match Kind::of(tensor.elem_type) {
            Kind::Other(what) => Some(what),
            _ => None,
        },
        None => Some("sequences and optional values"),
    }
}

fn read_model(folder: &Path) -> Result<ModelProto, String> {
    let path = folder.join("model.onnx");
    let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    ModelProto::decode(bytes.as_slice()).map_err(|error| format!("{}: {error}", path.display()))
}
