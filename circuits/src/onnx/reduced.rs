//! The accepted model, as tract gets it: static shapes, only what the outputs need, nothing that import did not read.

use std::collections::HashSet;

use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType, tensor_shape_proto, type_proto,
};

use crate::float::{ElementType, Node};

/// `order` sorts the graph's nodes; `inputs` are the graph's inputs as import resolved them.
pub(super) fn reduce(graph: &GraphProto, order: &[usize], inputs: &[Node], opset: i64) -> ModelProto {
    let mut needed: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let mut nodes = vec![];
    for node in order.iter().rev().map(|&at| &graph.node[at]) {
        if node.output.iter().any(|name| needed.contains(name.as_str())) {
            needed.extend(node.input.iter().map(String::as_str));
            nodes.push(node);
        }
    }
    let initializers = graph.initializer.iter().filter(|tensor| needed.contains(tensor.name.as_str()));
    let graph = GraphProto {
        name: "reduced".into(),
        node: nodes.into_iter().rev().map(bare).collect(),
        initializer: initializers.map(|tensor| TensorProto { doc_string: String::new(), ..tensor.clone() }).collect(),
        input: inputs.iter().map(value_info).collect(),
        output: graph
            .output
            .iter()
            .map(|output| ValueInfoProto { name: output.name.clone(), ..Default::default() })
            .collect(),
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        graph: Some(graph),
        ..Default::default()
    }
}

/// Named after its output: node names need not be unique, tract's must be.
fn bare(node: &NodeProto) -> NodeProto {
    let name = node.output.first().cloned().unwrap_or_default();
    NodeProto { name: format!("node of {name}"), doc_string: String::new(), domain: String::new(), ..node.clone() }
}

fn value_info(input: &Node) -> ValueInfoProto {
    let data_type = match input.element {
        ElementType::F32 => DataType::Float,
        ElementType::F64 => DataType::Double,
        ElementType::I32 => DataType::Int32,
        ElementType::I64 => DataType::Int64,
        ElementType::Bool => DataType::Bool,
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
