//! Known answers, worked out by hand, for every operator and every form that operator sets 9 to 21 gave it. Each is
//! computed twice: by the float executor from the imported graph, and by tract from the ONNX model.

use tract_onnx::pb::AttributeProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::super::fixture::{Dim, Fixture, float, float_tensor, floats, int, int_tensor, ints, tensor};
use super::import_default;
use crate::elementary;
use crate::float::{self, Tensor, Values};
use crate::onnx::Reference;

/// A model that yields `y`, its inputs in order, and what `y` is.
struct Case {
    name: String,
    fixture: Fixture,
    inputs: Vec<Tensor>,
    shape: Vec<usize>,
    y: Vec<f64>,
}

fn case(name: &str, opset: i64, build: impl FnOnce(Fixture) -> Fixture, shape: &[usize], y: &[f64]) -> Case {
    let fixture = build(Fixture::new(opset)).output("y");
    Case { name: format!("{name}, opset {opset}"), fixture, inputs: vec![], shape: shape.to_vec(), y: y.to_vec() }
}

impl Case {
    fn floats(mut self, shape: &[usize], values: &[f64]) -> Self {
        self.inputs.push(Tensor { shape: shape.to_vec(), values: Values::Float(values.to_vec()) });
        self
    }

    fn ints(mut self, shape: &[usize], values: &[i64]) -> Self {
        self.inputs.push(Tensor { shape: shape.to_vec(), values: Values::Int(values.to_vec()) });
        self
    }

    /// Runs both implementations. `tract` says whether its answer is asked for.
    fn check(&self, tract: Tract) {
        let name = &self.name;
        let model = import_default(&self.fixture).unwrap_or_else(|error| panic!("{name}: {error}"));
        let trace = float::execute(model.graph(), &self.inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = model.graph().outputs[0].node;
        assert_eq!(model.graph().node(output).shape, self.shape, "{name}");
        assert_close(trace.of(output), &self.y, 1e-7, name);
        if let Tract::Agrees = tract {
            let reference = Reference::new(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
            let outputs = reference.run(&self.inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(outputs[0].shape, self.shape, "{name}, tract");
            let values: Vec<f64> = match &outputs[0].values {
                Values::Float(values) => values.clone(),
                Values::Int(values) => values.iter().map(|&value| value as f64).collect(),
                Values::Bool(values) => values.iter().map(|&value| f64::from(u8::from(value))).collect(),
            };
            assert_close(&values, &self.y, 1e-5, &format!("{name}, tract"));
        }
    }
}

#[derive(Clone, Copy)]
enum Tract {
    Agrees,
    /// Why it is not asked.
    NotAsked(#[allow(dead_code)] &'static str),
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, name: &str) {
    assert_eq!(got.len(), expected.len(), "{name}");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{name}: {got} at {at}, expected {expected}"
        );
    }
}

/// One operator on one float input `x`, with constant operands.
fn unary(op: &str, opset: i64, attributes: &[AttributeProto], x: (&[usize], &[f64]), y: (&[usize], &[f64])) -> Case {
    let shape: Vec<i64> = x.0.iter().map(|&dim| dim as i64).collect();
    case(op, opset, |f| f.input("x", &shape).node(op, &["x"], "y", attributes), y.0, y.1).floats(x.0, x.1)
}

/// The same with one int64 operand.
fn with_ints(
    op: &str,
    opset: i64,
    operand: &[i64],
    attributes: &[AttributeProto],
    x: (&[usize], &[f64]),
    y: (&[usize], &[f64]),
) -> Case {
    let shape: Vec<i64> = x.0.iter().map(|&dim| dim as i64).collect();
    let build = |f: Fixture| {
        f.input("x", &shape).integers("i", &[operand.len() as i64], operand).node(op, &["x", "i"], "y", attributes)
    };
    case(op, opset, build, y.0, y.1).floats(x.0, x.1)
}

const SIX: (&[usize], &[f64]) = (&[2, 3], &[1.0, 5.0, 2.0, 4.0, 3.0, 6.0]);

#[test]
fn gemm() {
    let gemm = |attributes: &[AttributeProto], opset, y: &[f64]| {
        let build =
            |f: Fixture| {
                f.input("x", &[1, 2])
                    .weights("w", &[2, 2], &[3.0, 4.0, 5.0, 6.0])
                    .weights("c", &[2], &[10.0, 20.0])
                    .node("Gemm", &["x", "w", "c"], "y", attributes)
            };
        case("Gemm", opset, build, &[1, 2], y).floats(&[1, 2], &[1.0, 2.0]).check(Tract::Agrees);
    };
    for opset in [9, 11, 13, 21] {
        gemm(&[], opset, &[23.0, 36.0]);
        gemm(&[int("transB", 1)], opset, &[21.0, 37.0]);
        gemm(&[float("alpha", 2.0), float("beta", 0.5)], opset, &[31.0, 42.0]);
        gemm(&[float("beta", 0.0)], opset, &[13.0, 16.0]);
    }
    let no_c = |f: Fixture| {
        f.input("x", &[2, 1]).weights("w", &[2, 2], &[3.0, 4.0, 5.0, 6.0]).node(
            "Gemm",
            &["x", "w"],
            "y",
            &[int("transA", 1)],
        )
    };
    case("Gemm without C", 11, no_c, &[1, 2], &[13.0, 16.0]).floats(&[2, 1], &[1.0, 2.0]).check(Tract::Agrees);
    // The first operand constant, and none: alpha goes to the constant, or to the product.
    let left = |f: Fixture| {
        f.weights("w", &[1, 2], &[3.0, 4.0]).input("x", &[2, 1]).node("Gemm", &["w", "x"], "y", &[float("alpha", 2.0)])
    };
    case("Gemm, constant A", 13, left, &[1, 1], &[22.0]).floats(&[2, 1], &[1.0, 2.0]).check(Tract::Agrees);
    let both = |f: Fixture| {
        f.input("a", &[1, 2]).input("b", &[2, 1]).weights("c", &[1], &[1.0]).node(
            "Gemm",
            &["a", "b", "c"],
            "y",
            &[float("alpha", 0.5)],
        )
    };
    case("Gemm, no constant", 13, both, &[1, 1], &[6.5])
        .floats(&[1, 2], &[1.0, 2.0])
        .floats(&[2, 1], &[3.0, 4.0])
        .check(Tract::Agrees);
}

#[test]
fn matmul() {
    let matmul = |a: &[usize], b: &[usize], shape: &[usize], y: &[f64]| {
        let tract = match (a.len(), b.len()) {
            (1, 1) => Tract::NotAsked("it has no product of two vectors"),
            _ => Tract::Agrees,
        };
        let dims = |shape: &[usize]| shape.iter().map(|&dim| dim as i64).collect::<Vec<_>>();
        let count =
            |shape: &[usize]| (1..=shape.iter().product::<usize>()).map(|value| value as f64).collect::<Vec<_>>();
        let weights: Vec<f32> = count(b).iter().map(|&value| value as f32).collect();
        let constant =
            |f: Fixture| f.input("a", &dims(a)).weights("b", &dims(b), &weights).node("MatMul", &["a", "b"], "y", &[]);
        case(&format!("MatMul {a:?} {b:?}"), 13, constant, shape, y).floats(a, &count(a)).check(tract);
        let dynamic = |f: Fixture| f.input("a", &dims(a)).input("b", &dims(b)).node("MatMul", &["a", "b"], "y", &[]);
        case(&format!("MatMul {a:?} {b:?}, no constant"), 9, dynamic, shape, y)
            .floats(a, &count(a))
            .floats(b, &count(b))
            .check(tract);
    };
    matmul(&[2, 2], &[2, 2], &[2, 2], &[7.0, 10.0, 15.0, 22.0]);
    matmul(&[2, 1, 2], &[2, 2], &[2, 1, 2], &[7.0, 10.0, 15.0, 22.0]);
    matmul(&[2, 1, 2], &[2, 2, 1], &[2, 1, 1], &[5.0, 25.0]);
    matmul(&[2], &[2], &[], &[5.0]);
    matmul(&[2], &[2, 2], &[2], &[7.0, 10.0]);
    matmul(&[2, 2], &[2], &[2], &[5.0, 11.0]);
}

#[test]
fn arithmetic() {
    for (op, y) in
        [("Add", [11.0, 21.0, 12.0, 22.0]), ("Sub", [-9.0, -19.0, -8.0, -18.0]), ("Mul", [10.0, 20.0, 20.0, 40.0])]
    {
        for opset in [9, 13, 14] {
            let build =
                |f: Fixture| f.input("x", &[2, 1]).weights("w", &[2], &[10.0, 20.0]).node(op, &["x", "w"], "y", &[]);
            case(op, opset, build, &[2, 2], &y).floats(&[2, 1], &[1.0, 2.0]).check(Tract::Agrees);
        }
        let build = |f: Fixture| f.input("a", &[2, 1]).input("b", &[1, 2]).node(op, &["a", "b"], "y", &[]);
        case(op, 14, build, &[2, 2], &y)
            .floats(&[2, 1], &[1.0, 2.0])
            .floats(&[1, 2], &[10.0, 20.0])
            .check(Tract::Agrees);
    }
}

#[test]
fn elementwise() {
    let x: (&[usize], &[f64]) = (&[4], &[-2.0, -0.5, 0.0, 3.0]);
    for opset in [9, 13, 16] {
        unary("Relu", opset, &[], x, (&[4], &[0.0, 0.0, 0.0, 3.0])).check(Tract::Agrees);
        unary("LeakyRelu", opset, &[], x, (&[4], &[-0.02, -0.005, 0.0, 3.0])).check(Tract::Agrees);
        unary("LeakyRelu", opset, &[float("alpha", 0.5)], x, (&[4], &[-1.0, -0.25, 0.0, 3.0])).check(Tract::Agrees);
        // e^-ln 3 = 1/3, so 1 / (1 + 1/3); tanh(ln 2) = (2 - 1/2) / (2 + 1/2).
        unary("Sigmoid", opset, &[], (&[2], &[0.0, elementary::ln(3.0)]), (&[2], &[0.5, 0.75])).check(Tract::Agrees);
        unary("Tanh", opset, &[], (&[2], &[0.0, elementary::ln(2.0)]), (&[2], &[0.0, 0.6])).check(Tract::Agrees);
    }
}

#[test]
fn clip() {
    let x: (&[usize], &[f64]) = (&[4], &[-2.0, -0.5, 0.0, 3.0]);
    unary("Clip", 9, &[float("min", -1.0), float("max", 2.0)], x, (&[4], &[-1.0, -0.5, 0.0, 2.0])).check(Tract::Agrees);
    unary("Clip", 9, &[float("min", -1.0)], x, (&[4], &[-1.0, -0.5, 0.0, 3.0])).check(Tract::Agrees);
    unary("Clip", 9, &[], x, x).check(Tract::Agrees);
    for opset in [11, 12, 13, 21] {
        let bounds = |inputs: &'static [&str]| {
            move |f: Fixture| {
                f.input("x", &[4]).weights("lo", &[], &[-1.0]).weights("hi", &[], &[2.0]).node("Clip", inputs, "y", &[])
            }
        };
        for (inputs, y) in [
            (&["x", "lo", "hi"][..], [-1.0, -0.5, 0.0, 2.0]),
            (&["x", "", "hi"], [-2.0, -0.5, 0.0, 2.0]),
            (&["x", "lo"], [-1.0, -0.5, 0.0, 3.0]),
            (&["x"], [-2.0, -0.5, 0.0, 3.0]),
        ] {
            case(&format!("Clip {inputs:?}"), opset, bounds(inputs), &[4], &y).floats(x.0, x.1).check(Tract::Agrees);
        }
    }
}

#[test]
fn softmax() {
    let logs: Vec<f64> = [1.0f64, 2.0, 3.0, 4.0].iter().map(|value| elementary::ln(*value)).collect();
    let x: (&[usize], &[f64]) = (&[1, 2, 2], &logs);
    let last = [1.0 / 3.0, 2.0 / 3.0, 3.0 / 7.0, 4.0 / 7.0];
    for opset in [9, 11] {
        // Over all axes from `axis` on together, 1 unless said otherwise.
        unary("Softmax", opset, &[], x, (&[1, 2, 2], &[0.1, 0.2, 0.3, 0.4])).check(Tract::Agrees);
        unary("Softmax", opset, &[int("axis", 0)], x, (&[1, 2, 2], &[0.1, 0.2, 0.3, 0.4])).check(Tract::Agrees);
        unary("Softmax", opset, &[int("axis", 2)], x, (&[1, 2, 2], &last)).check(Tract::Agrees);
    }
    for opset in [13, 21] {
        unary("Softmax", opset, &[], x, (&[1, 2, 2], &last)).check(Tract::Agrees);
        unary("Softmax", opset, &[int("axis", 1)], x, (&[1, 2, 2], &[0.25, 1.0 / 3.0, 0.75, 2.0 / 3.0]))
            .check(Tract::Agrees);
    }
    // Large arguments must not overflow.
    unary("Softmax", 13, &[], (&[2], &[1000.0, 1000.0]), (&[2], &[0.5, 0.5])).check(Tract::Agrees);
}

#[test]
fn argmax() {
    let x: (&[usize], &[f64]) = (&[2, 3], &[1.0, 5.0, 5.0, 4.0, 3.0, 4.0]);
    for opset in [9, 11, 13] {
        unary("ArgMax", opset, &[int("axis", 1)], x, (&[2, 1], &[1.0, 0.0])).check(Tract::Agrees);
        unary("ArgMax", opset, &[int("keepdims", 0)], x, (&[3], &[1.0, 0.0, 0.0])).check(Tract::Agrees);
    }
    unary("ArgMax", 11, &[int("axis", -1), int("keepdims", 0)], x, (&[2], &[1.0, 0.0])).check(Tract::Agrees);
    for opset in [12, 13] {
        let last = [int("axis", 1), int("select_last_index", 1)];
        unary("ArgMax", opset, &last, x, (&[2, 1], &[2.0, 2.0])).check(Tract::Agrees);
    }
}

#[test]
fn reductions() {
    for (op, operand_since, by_row, all) in
        [("ReduceSum", 13, [8.0, 13.0], 21.0), ("ReduceMean", 18, [8.0 / 3.0, 13.0 / 3.0], 3.5)]
    {
        for opset in [9, 11, 12, 13, 17, 18, 21] {
            if opset < operand_since {
                unary(op, opset, &[ints("axes", &[1])], SIX, (&[2, 1], &by_row)).check(Tract::Agrees);
                unary(op, opset, &[ints("axes", &[-1]), int("keepdims", 0)], SIX, (&[2], &by_row)).check(Tract::Agrees);
            } else {
                with_ints(op, opset, &[1], &[], SIX, (&[2, 1], &by_row)).check(Tract::Agrees);
                with_ints(op, opset, &[-1], &[int("keepdims", 0)], SIX, (&[2], &by_row)).check(Tract::Agrees);
                unary(op, opset, &[int("noop_with_empty_axes", 1)], SIX, SIX)
                    .check(Tract::NotAsked("its noop is not ours to test"));
            }
            unary(op, opset, &[], SIX, (&[1, 1], &[all])).check(Tract::Agrees);
            unary(op, opset, &[int("keepdims", 0)], SIX, (&[], &[all])).check(Tract::Agrees);
        }
    }
}

#[test]
fn gather() {
    // A table [3, 2] by computed indices, along either axis.
    let table = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let lookup = |axis: i64, opset, shape: &[usize], y: &[f64], indices: &[i64]| {
        let build =
            |f: Fixture| {
                f.weights("t", &[3, 2], &table)
                    .typed_input("i", DataType::Int64, &[Dim::Number(1), Dim::Number(2)])
                    .node("Gather", &["t", "i"], "y", &[int("axis", axis)])
            };
        case("Gather", opset, build, shape, y).ints(&[1, 2], indices).check(Tract::Agrees);
    };
    for opset in [9, 11, 13] {
        lookup(0, opset, &[1, 2, 2], &[5.0, 6.0, 1.0, 2.0], &[2, 0]);
        lookup(1, opset, &[3, 1, 2], &[2.0, 1.0, 4.0, 3.0, 6.0, 5.0], &[1, 0]);
    }
    lookup(-1, 13, &[3, 1, 2], &[2.0, 2.0, 4.0, 4.0, 6.0, 6.0], &[-1, 1]);
    // Computed data by constant indices.
    with_ints("Gather", 13, &[2, 0], &[int("axis", 1)], SIX, (&[2, 2], &[2.0, 1.0, 6.0, 4.0])).check(Tract::Agrees);
    with_ints("Gather", 13, &[-1], &[], SIX, (&[1, 3], &[4.0, 3.0, 6.0])).check(Tract::Agrees);
    let scalar = |f: Fixture| f.input("x", &[2, 3]).integers("i", &[], &[1]).node("Gather", &["x", "i"], "y", &[]);
    case("Gather by a scalar", 13, scalar, &[3], &[4.0, 3.0, 6.0]).floats(SIX.0, SIX.1).check(Tract::Agrees);
}

#[test]
fn movement() {
    let flat = SIX.1;
    for opset in [9, 13, 14, 21] {
        with_ints("Reshape", opset, &[3, 2], &[], SIX, (&[3, 2], flat)).check(Tract::Agrees);
        with_ints("Reshape", opset, &[0, -1, 1], &[], SIX, (&[2, 3, 1], flat)).check(Tract::Agrees);
        unary("Identity", opset, &[], SIX, SIX).check(Tract::Agrees);
        unary("Flatten", opset, &[int("axis", 0)], SIX, (&[1, 6], flat)).check(Tract::Agrees);
        unary("Flatten", opset, &[], (&[1, 2, 3], flat), (&[1, 6], flat)).check(Tract::Agrees);
        unary("Flatten", opset, &[int("axis", 2)], SIX, (&[6, 1], flat)).check(Tract::Agrees);
        unary("Transpose", opset, &[], SIX, (&[3, 2], &[1.0, 4.0, 5.0, 3.0, 2.0, 6.0])).check(Tract::Agrees);
        let turned = (&[3, 1, 2][..], &[1.0, 4.0, 5.0, 3.0, 2.0, 6.0][..]);
        unary("Transpose", opset, &[ints("perm", &[2, 0, 1])], (&[1, 2, 3], flat), turned).check(Tract::Agrees);
    }
    for opset in [9, 11] {
        unary("Squeeze", opset, &[ints("axes", &[0])], (&[1, 6, 1], flat), (&[6, 1], flat)).check(Tract::Agrees);
        let tract = Tract::NotAsked("it wants axes before operator set 13");
        unary("Squeeze", opset, &[], (&[1, 6, 1], flat), (&[6], flat)).check(tract);
        unary("Unsqueeze", opset, &[ints("axes", &[0, 3])], SIX, (&[1, 2, 3, 1], flat)).check(Tract::Agrees);
    }
    for opset in [13, 21] {
        with_ints("Squeeze", opset, &[-1], &[], (&[1, 6, 1], flat), (&[1, 6], flat)).check(Tract::Agrees);
        unary("Squeeze", opset, &[], (&[1, 6, 1], flat), (&[6], flat)).check(Tract::Agrees);
        with_ints("Unsqueeze", opset, &[3, 0], &[], SIX, (&[1, 2, 3, 1], flat)).check(Tract::Agrees);
        with_ints("Unsqueeze", opset, &[-1], &[], SIX, (&[2, 3, 1], flat)).check(Tract::Agrees);
    }
    for opset in [9, 11, 13] {
        let concat = |axis: i64| {
            move |f: Fixture| {
                f.input("x", &[1, 2]).weights("w", &[1, 2], &[7.0, 8.0]).node(
                    "Concat",
                    &["x", "w", "x"],
                    "y",
                    &[int("axis", axis)],
                )
            }
        };
        let x = [1.0, 2.0];
        case("Concat", opset, concat(1), &[1, 6], &[1.0, 2.0, 7.0, 8.0, 1.0, 2.0])
            .floats(&[1, 2], &x)
            .check(Tract::Agrees);
        case("Concat", opset, concat(0), &[3, 2], &[1.0, 2.0, 7.0, 8.0, 1.0, 2.0])
            .floats(&[1, 2], &x)
            .check(Tract::Agrees);
    }
}

#[test]
fn constants() {
    let add = |name: &str, opset, value: AttributeProto, y: &[f64]| {
        let build =
            |f: Fixture| f.input("x", &[2]).node("Constant", &[], "c", &[value]).node("Add", &["x", "c"], "y", &[]);
        case(name, opset, build, &[2], y).floats(&[2], &[1.0, 2.0]).check(Tract::Agrees);
    };
    for opset in [9, 11, 12, 13, 21] {
        add("Constant value", opset, tensor("value", float_tensor("", &[2], &[10.0, 20.0])), &[11.0, 22.0]);
    }
    for opset in [12, 13] {
        add("Constant value_float", opset, float("value_float", 10.0), &[11.0, 12.0]);
        add("Constant value_floats", opset, floats("value_floats", &[10.0, 20.0]), &[11.0, 22.0]);
    }
    for (name, attribute) in
        [("value_ints", ints("value_ints", &[1, 2])), ("value", tensor("value", int_tensor("", &[2], &[1, 2])))]
    {
        let build = |f: Fixture| {
            f.input("x", &[2]).node("Constant", &[], "s", &[attribute]).node("Reshape", &["x", "s"], "y", &[])
        };
        case(name, 13, build, &[1, 2], &[1.0, 2.0]).floats(&[2], &[1.0, 2.0]).check(Tract::Agrees);
    }
}

#[test]
fn cast() {
    // Integers to float, and back while they are provably integers.
    let build = |f: Fixture| {
        f.typed_input("x", DataType::Int64, &[Dim::Number(2)])
            .weights("two", &[], &[2.0])
            .node("Cast", &["x"], "f", &[int("to", DataType::Float as i64)])
            .node("Mul", &["f", "two"], "doubled", &[])
            .node("Cast", &["doubled"], "y", &[int("to", DataType::Int64 as i64)])
    };
    for opset in [9, 13, 19] {
        case("Cast", opset, build, &[2], &[6.0, -10.0]).ints(&[2], &[3, -5]).check(Tract::Agrees);
    }
    // A constant is truncated.
    let build = |f: Fixture| {
        f.typed_input("x", DataType::Int64, &[Dim::Number(2)])
            .weights("w", &[2], &[2.9, -2.9])
            .node("Cast", &["w"], "i", &[int("to", DataType::Int64 as i64)])
            .node("Add", &["x", "i"], "y", &[])
    };
    case("Cast of a constant", 13, build, &[2], &[3.0, -1.0]).ints(&[2], &[1, 1]).check(Tract::Agrees);
}
