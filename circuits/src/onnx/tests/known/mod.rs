//! Known answers of every operator that is composed of parts: models of one node, run by ONNX Runtime 1.32 (or by the reference evaluator
//! of onnx 1.19.1, where that has no such operator). `make.py` in this folder writes the tables.

#![allow(clippy::approx_constant, reason = "an answer may happen to be a constant that has a name")]

mod activation;
mod arithmetic;
mod attention;
mod function;
mod layers;
mod logic;
mod ml;
mod recurrent;
mod reduce;
mod shape;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, OperatorSetIdProto, TensorProto};

use super::super::fixture::{Dim, Fixture};
use super::import_default;
use crate::float::{self, Tensor, Values};

/// A type, a shape, and values.
#[derive(Clone, Copy)]
enum Operand {
    /// An input.
    Given(DataType, &'static [usize], &'static [f64]),
    /// A constant.
    Fixed(DataType, &'static [usize], &'static [f64]),
    /// Left out.
    Skip,
}

/// What one output is: its shape and its values.
type Answer = (&'static [usize], &'static [f64]);

struct Row {
    /// With `ml.` before it if it is of ONNX-ML.
    operator: &'static str,
    opset: i64,
    operands: &'static [Operand],
    attributes: Vec<AttributeProto>,
    answers: &'static [Answer],
}

fn row(
    operator: &'static str,
    opset: i64,
    operands: &'static [Operand],
    attributes: &[AttributeProto],
    answers: &'static [Answer],
) -> Row {
    Row { operator, opset, operands, attributes: attributes.to_vec(), answers }
}

/// What single precision leaves of an answer, 7 digits of it in the table, and an iteration that ONNX Runtime ends early: that for the
/// probabilities of an SVMClassifier.
const TOLERANCE: f64 = 1e-4;

fn check(rows: &[Row]) {
    for (number, row) in rows.iter().enumerate() {
        let name = format!("row {number}, {}, operator set {}", row.operator, row.opset);
        let (fixture, inputs) = model(row);
        let model = import_default(&fixture).unwrap_or_else(|error| panic!("{name}: {error}"));
        let trace = float::execute(model.graph(), &inputs).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(model.graph().outputs.len(), row.answers.len(), "{name}");
        for (output, (shape, expected)) in model.graph().outputs.iter().zip(row.answers) {
            assert_eq!(model.graph().node(output.node).shape, *shape, "{name}, `{}`", output.name);
            for (at, (got, expected)) in trace.of(output.node).iter().zip(*expected).enumerate() {
                assert!(
                    (got - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
                    "{name}, `{}`: {got} at {at}, expected {expected}",
                    output.name
                );
            }
        }
    }
}

fn model(row: &Row) -> (Fixture, Vec<Tensor>) {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let outputs = &["y", "z", "u"][..row.answers.len()];
    let (domain, operator) = match row.operator.strip_prefix("ml.") {
        Some(operator) => ("ai.onnx.ml", operator),
        None => ("", row.operator),
    };
    let mut fixture = Fixture::new(if domain.is_empty() { row.opset } else { 17 });
    let (mut names, mut inputs) = (vec![], vec![]);
    for (operand, name) in row.operands.iter().zip(NAMES) {
        match *operand {
            Operand::Skip => {
                names.push("");
                continue;
            }
            Operand::Given(kind, shape, values) => {
                let dims: Vec<Dim> = shape.iter().map(|&dim| Dim::Number(dim as i64)).collect();
                fixture = fixture.typed_input(name, kind, &dims);
                inputs.push(Tensor { shape: shape.to_vec(), values: given(kind, values) });
            }
            Operand::Fixed(kind, shape, values) => fixture.graph().initializer.push(fixed(name, kind, shape, values)),
        }
        names.push(name);
    }
    fixture = fixture.node_of(operator, &names, outputs, &row.attributes);
    if !domain.is_empty() {
        fixture.proto.opset_import.push(OperatorSetIdProto { domain: domain.into(), version: row.opset });
        fixture.graph().node[0].domain = domain.into();
    }
    (outputs.iter().fold(fixture, |fixture, output| fixture.output(output)), inputs)
}

fn given(kind: DataType, values: &[f64]) -> Values {
    match kind {
        DataType::Float => Values::Float(values.to_vec()),
        DataType::Bool => Values::Bool(values.iter().map(|&value| value != 0.0).collect()),
        _ => Values::Int(values.iter().map(|&value| value as i64).collect()),
    }
}

fn fixed(name: &str, kind: DataType, shape: &[usize], values: &[f64]) -> TensorProto {
    let dims = shape.iter().map(|&dim| dim as i64).collect();
    let mut tensor = TensorProto { name: name.into(), dims, data_type: kind as i32, ..Default::default() };
    match kind {
        DataType::Float => tensor.float_data = values.iter().map(|&value| value as f32).collect(),
        DataType::Int64 => tensor.int64_data = values.iter().map(|&value| value as i64).collect(),
        DataType::Uint32 | DataType::Uint64 => tensor.uint64_data = values.iter().map(|&value| value as u64).collect(),
        _ => tensor.int32_data = values.iter().map(|&value| value as i32).collect(),
    }
    tensor
}

/// `docs/onnx.md` says of every operator what is supported of it.
#[test]
fn every_operator_is_documented() {
    let docs = include_str!("../../../../../docs/onnx.md");
    let table = docs.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(1));
    let documented: Vec<&str> = table.flat_map(|names| names.split([',', ' ', '*'])).collect();
    let operators = super::super::supported_operators();
    for operator in &operators {
        let name = operator.rsplit(':').next().unwrap_or_default();
        assert!(documented.contains(&name), "{operator} is not in docs/onnx.md");
    }
    assert!(operators.len() >= 110, "{} operators", operators.len());
}
