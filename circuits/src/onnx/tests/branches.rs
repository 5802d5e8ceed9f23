//! If: the branch that a constant condition takes stands in its place.

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::super::fixture::{ints, tensor};
use super::{Fixture, floats, import_default, outputs};
use crate::float::Values;
use crate::onnx::Reference;

/// As PyTorch exports squeeze: the shape is asked for, and both branches read what stands around them and use the same
/// names.
fn squeezed(rank: i64, dim: i64) -> Fixture {
    let branch = |name: &str, op: &str, attributes: &[_]| {
        Fixture::new(11)
            .weights("half", &[], &[0.5])
            .node(op, &["x"], "moved", attributes)
            .node("Mul", &["moved", "half"], "inner", &[])
            .output("inner")
            .branch(name)
    };
    let attributes = [branch("then_branch", "Squeeze", &[ints("axes", &[1])]), branch("else_branch", "Identity", &[])];
    Fixture::new(11)
        .input("x", &[rank, dim])
        .node("If", &["one"], "y", &attributes)
        .node("Shape", &["x"], "shape", &[])
        .integers("index", &[], &[1])
        .integers("unit", &[], &[1])
        .node("Gather", &["shape", "index"], "dim", &[])
        .node("Equal", &["dim", "unit"], "one", &[])
        .node("Relu", &["y"], "inner", &[])
        .output("y")
        .output("inner")
}

#[test]
fn the_branch_that_a_constant_takes_is_inlined() {
    for (dim, shape) in [(1, vec![2]), (2, vec![2, 2])] {
        let model = import_default(&squeezed(2, dim)).unwrap();
        let values: Vec<f64> = (0..2 * dim).map(|value| value as f64).collect();
        let x = floats(&[2, dim as usize], &values);
        let expected: Vec<f64> = values.iter().map(|value| value / 2.0).collect();
        let got = outputs(&model, std::slice::from_ref(&x));
        assert_eq!(got, [(shape.clone(), expected.clone()), (shape, expected.clone())]);
        let mut tensors: Vec<_> = model.graph().nodes.iter().map(|node| &node.tensor).collect();
        let count = tensors.len();
        tensors.sort();
        tensors.dedup();
        assert_eq!(tensors.len(), count);
        assert_eq!(Reference::new(&model).unwrap().run(&[x]).unwrap()[0].values, Values::Float(expected));
    }
}

/// A branch in a branch reads a tensor of the branch around it by the name that this one has, unless it hides it.
#[test]
fn branches_within_branches_see_the_right_names() {
    let yes =
        TensorProto { dims: vec![1], data_type: DataType::Bool as i32, int32_data: vec![1], ..Default::default() };
    let innermost = |hides: bool| {
        let fixture = match hides {
            true => Fixture::new(13).node("Relu", &["x"], "t", &[]),
            false => Fixture::new(13),
        };
        fixture.node("Add", &["t", "x"], "z", &[]).output("z").branch("then_branch")
    };
    for (hides, expected) in [(true, -1.0), (false, -1.0)] {
        let other = || Fixture::new(13).node("Identity", &["x"], "z", &[]).output("z").branch("else_branch");
        let outer = Fixture::new(13)
            .node("Identity", &["x"], "copy", &[])
            .weights("one", &[1], &[1.0])
            .node("Add", &["copy", "one"], "t", &[])
            .node("If", &["yes"], "z", &[innermost(hides), other()])
            .output("z")
            .branch("then_branch");
        let fixture = Fixture::new(13)
            .input("x", &[1])
            .node("Constant", &[], "yes", &[tensor("value", yes.clone())])
            .node("Tanh", &["x"], "t", &[])
            .node("If", &["yes"], "y", &[outer, other()])
            .output("y");
        let model = import_default(&fixture).unwrap();
        // x = -1: relu(x) + x, or (x + 1) + x. The outermost `t`, tanh(x), would make another sum.
        assert_eq!(outputs(&model, &[floats(&[1], &[-1.0])]), [(vec![1], vec![expected])]);
    }
}

#[test]
fn refuses_branches_that_are_not_decided() {
    let branches = || {
        ["then_branch", "else_branch"]
            .map(|name| Fixture::new(13).node("Relu", &["x"], "z", &[]).output("z").branch(name))
    };
    let with = |attributes: &[_]| {
        Fixture::new(13)
            .input("x", &[1])
            .typed_input("c", DataType::Bool, &[])
            .weights("two", &[2], &[0.0, 1.0])
            .node("If", &["c"], "y", attributes)
            .output("y")
    };
    let mut many = with(&branches());
    many.graph().node[0].input[0] = "two".into();
    let mut lost = with(&branches());
    lost.graph().node[0].input.clear();
    let mut constant = with(&[]);
    constant.graph().input.pop();
    let mut constant = constant.weights("c", &[], &[1.0]);
    let missing = import_default(&constant).unwrap_err().to_string();
    assert!(missing.contains("`then_branch`") && missing.contains("missing"), "{missing}");
    constant.graph().node[0].attribute = branches().to_vec();
    constant.graph().node[0].output.push("more".into());
    for (fixture, words) in [
        (with(&branches()), &["If `the If`", "computed from the inputs", "torch.where"][..]),
        (many, &["more than one element"]),
        (lost, &["no condition"]),
        (constant, &["yields 1 tensors, but the node 2"]),
    ] {
        let error = import_default(&fixture).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
