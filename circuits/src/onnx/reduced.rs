//! The accepted model, as tract gets it: static shapes, only what the outputs need, nothing that import did not read,
//! and branches in place of the nodes that took them.

use std::collections::HashSet;

use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

use super::domain::{Domain, Versions};
use crate::float::{ElementType, Node};

/// What a model was imported from: one graph, whatever subgraphs the model has.
#[derive(Debug, Default)]
pub(super) struct Flat {
    /// As import resolved them.
    pub(super) inputs: Vec<Node>,
    pub(super) initializers: Vec<TensorProto>,
    /// Sorted.
    pub(super) nodes: Vec<NodeProto>,
    pub(super) outputs: Vec<String>,
}

pub(super) fn reduce(flat: Flat, versions: &Versions) -> ModelProto {
    let mut needed: HashSet<String> = flat.outputs.iter().cloned().collect();
    let mut nodes = vec![];
    for node in flat.nodes.into_iter().rev() {
        if node.output.iter().any(|name| needed.contains(name)) {
            needed.extend(node.input.iter().cloned());
            nodes.push(bare(node));
        }
    }
    nodes.reverse();
    let initializers = flat.initializers.into_iter().filter(|tensor| needed.contains(&tensor.name));
    let graph = GraphProto {
        name: "reduced".into(),
        node: nodes,
        initializer: initializers.map(|tensor| TensorProto { doc_string: String::new(), ..tensor }).collect(),
        input: flat.inputs.iter().map(value_info).collect(),
        output: flat.outputs.into_iter().map(|name| ValueInfoProto { name, ..Default::default() }).collect(),
        ..Default::default()
    };
    let set = |domain: Domain| {
        let name = if domain == Domain::Onnx { "" } else { domain.name() };
        Some(OperatorSetIdProto { domain: name.into(), version: versions.declared(domain)? })
    };
    ModelProto {
        ir_version: 8,
        opset_import: [Domain::Onnx, Domain::Ml].into_iter().filter_map(set).collect(),
        graph: Some(graph),
        ..Default::default()
    }
}

/// Named after its output: node names need not be unique, tract's must be. Outputs that are left out get a name, as
/// tract counts them, but for the last ones.
fn bare(mut node: NodeProto) -> NodeProto {
    let name = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    let count = node.output.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
    node.output.truncate(count);
    for (at, output) in node.output.iter_mut().enumerate().filter(|(_, output)| output.is_empty()) {
        *output = format!("output {at} of {name}");
    }
    let domain = if node.domain == "ai.onnx" { String::new() } else { node.domain };
    NodeProto { name: format!("node of {name}"), doc_string: String::new(), domain, ..node }
}

fn value_info(input: &Node) -> ValueInfoProto {
    let data_type = match input.element {
        ElementType::F32 => DataType::Float,
        ElementType::F64 => DataType::Double,
        ElementType::I32 => DataType::Int32,
        ElementType::I64 => DataType::Int64,
        ElementType::Bool => DataType::Bool,
        ElementType::I8 => DataType::Int8,
        ElementType::I16 => DataType::Int16,
        ElementType::U8 => DataType::Uint8,
        ElementType::U16 => DataType::Uint16,
        ElementType::U32 => DataType::Uint32,
        ElementType::U64 => DataType::Uint64,
    };
    // Dimensions are within the limit on elements.
    let dimension = |&dim: &usize| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(dim as i64)),
        ..Default::default()
    };
    let shape = TensorShapeProto { dim: input.shape.iter().map(dimension).collect() };
    let tensor = type_proto::Tensor { elem_type: data_type as i32, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: input.tensor.clone(), r#type: Some(r#type), ..Default::default() }
}
