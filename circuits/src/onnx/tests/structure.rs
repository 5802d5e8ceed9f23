//! What import makes of a model, apart from what it computes.

use tract_onnx::pb::tensor_proto::DataType;

use super::super::fixture::{int, value_info};
use super::{Dim, Fixture, import_default};
use crate::float::{ElementType, Op, Tensor, Values, execute};
use crate::onnx::Reference;

#[test]
fn sorts_nodes_and_drops_what_no_output_needs() {
    let model = import_default(
        &Fixture::new(13)
            .input("unused", &[1])
            .input("x", &[2])
            .node("Tanh", &["a"], "y", &[])
            .node("Sigmoid", &["x"], "dead", &[])
            .node("Relu", &["x"], "a", &[])
            .output("y"),
    )
    .unwrap();
    let tensors: Vec<_> = model.graph().nodes.iter().map(|node| node.tensor.as_str()).collect();
    assert_eq!(tensors, ["unused", "x", "a", "y"]);
    model.graph().check().unwrap();
    // tract gets the same: both inputs, and no dead node.
    let inputs: Vec<_> =
        [1usize, 2].map(|len| Tensor { shape: vec![len], values: Values::Float(vec![0.0; len]) }).into();
    let outputs = Reference::new(&model).unwrap().run(&inputs).unwrap();
    assert_eq!(outputs[0].values, Values::Float(vec![0.0, 0.0]));
}

#[test]
fn computes_constants_and_keeps_names() {
    let model = import_default(
        &Fixture::new(13)
            .input("x", &[1, 2])
            .weights("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
            .weights("b", &[2], &[1.0, 1.0])
            .node("Add", &["w", "b"], "shifted", &[])
            .node("Gemm", &["x", "shifted", "b"], "y", &[int("transB", 1)])
            .output("y"),
    )
    .unwrap();
    let nodes = &model.graph().nodes;
    let product = nodes.iter().find(|node| node.op == Op::MatMul).unwrap();
    assert_eq!((product.name.as_str(), product.tensor.as_str()), ("the Gemm.matmul", "y.matmul"));
    let weights = model.graph().node(product.inputs[1]);
    assert_eq!(weights.constant(), Some(&[2.0, 4.0, 3.0, 5.0][..]));
    let last = model.graph().node(model.graph().outputs[0].node);
    assert_eq!((last.name.as_str(), last.tensor.as_str(), &last.op), ("the Gemm", "y", &Op::Add));
}

/// A model may call a tensor what import would call a part of a node.
#[test]
fn names_of_parts_do_not_collide() {
    let model = import_default(
        &Fixture::new(13)
            .input("x", &[1, 1])
            .weights("w", &[1, 1], &[2.0])
            .node("Relu", &["x"], "y.matmul", &[])
            .node("Gemm", &["y.matmul", "w", "w"], "y", &[])
            .output("y"),
    )
    .unwrap();
    let mut tensors: Vec<_> = model.graph().nodes.iter().map(|node| &node.tensor).collect();
    tensors.sort();
    tensors.dedup();
    assert_eq!(tensors.len(), model.graph().nodes.len());
}

#[test]
fn nodes_without_names_and_with_equal_names_are_accepted() {
    let mut fixture = Fixture::new(13)
        .input("x", &[1])
        .node("Relu", &["x"], "a", &[])
        .node("Relu", &["a"], "b", &[])
        .node("Relu", &["b"], "y", &[])
        .output("y");
    fixture.graph().node[0].name.clear();
    let model = import_default(&fixture).unwrap();
    assert_eq!(model.graph().nodes[1].name, "a");
    Reference::new(&model).unwrap();
}

#[test]
fn the_batch_is_one() {
    for batch in [Dim::Symbol("batch_size"), Dim::Symbol(""), Dim::Number(-1)] {
        let mut fixture =
            Fixture::new(13).typed_input("x", DataType::Float, &[batch, Dim::Number(2)]).node("Relu", &["x"], "y", &[]);
        fixture.graph().output.push(value_info("y", DataType::Float, &[batch, Dim::Number(2)]));
        let model = import_default(&fixture).unwrap();
        assert_eq!(model.graph().nodes[0].shape, [1, 2]);
        let x = Tensor { shape: vec![1, 2], values: Values::Float(vec![-1.0, 1.0]) };
        assert_eq!(Reference::new(&model).unwrap().run(&[x]).unwrap()[0].shape, [1, 2]);
    }
}

#[test]
fn element_types_are_kept() {
    for (declared, element, values) in [
        (DataType::Double, ElementType::F64, Values::Float(vec![0.1, -2.5])),
        (DataType::Int32, ElementType::I32, Values::Int(vec![-7, 3])),
        (DataType::Int64, ElementType::I64, Values::Int(vec![16_777_217, 3])),
        (DataType::Bool, ElementType::Bool, Values::Bool(vec![true, false])),
    ] {
        let fixture = Fixture::new(14)
            .typed_input("x", declared, &[Dim::Number(2)])
            .node("Identity", &["x"], "y", &[])
            .output("y");
        let model = import_default(&fixture).unwrap();
        assert!(model.graph().nodes.iter().all(|node| node.element == element));
        let x = Tensor { shape: vec![2], values };
        let same = std::slice::from_ref(&x);
        assert_eq!(Reference::new(&model).unwrap().run(same).unwrap(), same);
        execute(model.graph(), &[x]).unwrap();
    }
}

#[test]
fn an_input_with_an_initializer_is_a_constant() {
    let model = import_default(
        &Fixture::new(9)
            .input("x", &[1])
            .input("w", &[1])
            .weights("w", &[1], &[3.0])
            .node("Mul", &["x", "w"], "y", &[])
            .output("y"),
    )
    .unwrap();
    assert_eq!(model.graph().inputs().count(), 1);
    let x = Tensor { shape: vec![1], values: Values::Float(vec![2.0]) };
    assert_eq!(Reference::new(&model).unwrap().run(&[x]).unwrap()[0].values, Values::Float(vec![6.0]));
}
