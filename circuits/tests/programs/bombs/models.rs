//! Small ONNX files of models that are large.

use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType, tensor_proto::DataType, tensor_shape_proto, type_proto,
};

/// A model with these inputs and nodes; each node is read as `t0`, `t1` and so on, and the last is the output.
pub(super) fn model(inputs: &[(&str, &[i64])], nodes: &[(&str, &[&str])]) -> ModelProto {
    let dimension = |dim: &i64| tensor_shape_proto::Dimension {
        value: Some(tensor_shape_proto::dimension::Value::DimValue(*dim)),
        ..Default::default()
    };
    let input = |(name, shape): &(&str, &[i64])| {
        let shape = Some(TensorShapeProto { dim: shape.iter().map(dimension).collect() });
        let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape };
        let r#type = Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() });
        ValueInfoProto { name: (*name).into(), r#type, ..Default::default() }
    };
    let node = |(at, (op, inputs)): (usize, &(&str, &[&str]))| NodeProto {
        op_type: (*op).into(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![format!("t{at}")],
        ..Default::default()
    };
    let graph = GraphProto {
        input: inputs.iter().map(input).collect(),
        node: nodes.iter().enumerate().map(node).collect(),
        output: vec![ValueInfoProto { name: format!("t{}", nodes.len() - 1), ..Default::default() }],
        ..Default::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..Default::default() }
}

pub(super) fn unary(len: i64, op: &str) -> ModelProto {
    model(&[("x", &[1, len])], &[(op, &["x"])])
}

/// A single number from two inputs, by way of a large matrix.
pub(super) fn matrices(op: &str, [a, b]: [[i64; 2]; 2]) -> ModelProto {
    model(&[("a", &a), ("b", &b)], &[(op, &["a", "b"]), ("ReduceSum", &["t0"])])
}

pub(super) fn argmax_model(classes: i64) -> ModelProto {
    let mut model = unary(classes, "ArgMax");
    let axis = AttributeProto { name: "axis".into(), r#type: AttributeType::Int as i32, i: 1, ..Default::default() };
    model.graph.iter_mut().flat_map(|graph| &mut graph.node).for_each(|node| node.attribute.push(axis.clone()));
    model
}
