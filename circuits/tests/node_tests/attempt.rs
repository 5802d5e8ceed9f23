//! One test: compile, run, compare.

use std::collections::BTreeMap;

use apodict_circuits::{
    CompileOptions, Program, compile,
    float::{self, Tensor, Values},
    onnx::{self, ImportOptions},
    quantize::{RealRange, dequantize_outputs},
    tensors::NamedTensors,
};
use prost::Message;
use tract_onnx::pb::{ModelProto, TensorProto};

use crate::{case::Case, list::Outcome, values, values::Kind};

/// What a test's input is multiplied by for calibration: the first of these that the model's domain allows. A logarithm takes no
/// negative number, a sequence length none but itself.
pub(crate) const FACTORS: [&[f64]; 3] = [&[1.0, 0.5, -1.0, 0.75, -0.25], &[1.0, 0.5, 0.75, 0.875], &[1.0]];

/// An output may be off by this share of its span.
const TOLERANCE: f64 = 1.0 / 512.0;

/// What comes of a test: as it is, or else with constant operands.
pub(crate) fn outcome(case: &Case) -> Outcome {
    let Err(reason) = attempt(case, &[]) else { return Outcome::Passes };
    let fixed = case.fixed_inputs();
    if fixed.is_empty() {
        return Outcome::Fails(reason);
    }
    match attempt(case, &fixed) {
        Ok(()) => Outcome::PassesWithConstants(fixed.iter().map(|at| case.graph().input[*at].name.clone()).collect()),
        Err(reason) => Outcome::Fails(reason),
    }
}

fn attempt(case: &Case, fixed: &[usize]) -> Result<(), String> {
    let (model, inputs) = case.with_constants(fixed);
    let bytes = model.encode_to_vec();
    let graph = onnx::import(&bytes, &ImportOptions::default()).map_err(|error| error.to_string())?;
    let inputs = inputs.iter().map(values::read).collect::<Result<Vec<_>, _>>()?;
    let mut reason = String::new();
    for factors in FACTORS {
        let record = |factor: &f64| named(&model, inputs.iter().map(|tensor| scaled(tensor, *factor)));
        let records: Vec<NamedTensors> = factors.iter().map(record).collect();
        match run(case, &bytes, CompileOptions { calibration: records, ..CompileOptions::default() }, graph.graph()) {
            Ok(()) => return Ok(()),
            Err(error) => reason = error,
        }
    }
    // What calibration makes of a range is wider than the data, and may hold what the operator does not take: then the data's own.
    if reason.contains("must be proven") || reason.contains("yields inf") {
        // Of integers a scaled copy may hold a 0 where the test has none.
        let integers = inputs.iter().any(|tensor| matches!(tensor.values, Values::Int(_)));
        let records: Vec<NamedTensors> = FACTORS[if integers { 2 } else { 1 }]
            .iter()
            .map(|factor| named(&model, inputs.iter().map(|tensor| scaled(tensor, *factor))))
            .collect();
        let options =
            CompileOptions { input_ranges: ranges(&records), calibration: records, ..CompileOptions::default() };
        match run(case, &bytes, options, graph.graph()) {
            Ok(()) => return Ok(()),
            Err(error) => reason = error,
        }
    }
    // What is wrong before anything is quantized is the import's doing.
    let own = named(&model, inputs.into_iter());
    Err(float_graph(case, graph.graph(), &own).err().unwrap_or(reason))
}

/// What the numbers of the records span, by input.
fn ranges(records: &[NamedTensors]) -> BTreeMap<String, Vec<RealRange>> {
    let mut ranges: BTreeMap<String, Vec<RealRange>> = BTreeMap::new();
    for (name, tensor) in records.iter().flat_map(|record| &record.tensors) {
        let range =
            ranges.entry(name.clone()).or_insert_with(|| vec![RealRange { lo: f64::INFINITY, hi: f64::NEG_INFINITY }]);
        range[0] = real(tensor)
            .into_iter()
            .fold(range[0], |range, value| RealRange { lo: range.lo.min(value), hi: range.hi.max(value) });
    }
    ranges
}

/// Whether the float graph computes what is expected.
fn float_graph(case: &Case, graph: &float::Graph, own: &NamedTensors) -> Result<(), String> {
    let inputs = own.conform(graph).map_err(|error| error.to_string())?;
    let trace = float::execute(graph, &inputs).map_err(|error| error.to_string())?;
    for (expected, output) in case.outputs.iter().zip(&graph.outputs) {
        let compared =
            compare(expected, trace.of(output.node), || span_on_samples(graph, std::slice::from_ref(own), output.node));
        compared.map_err(|error| format!("output `{}` of the float graph {error}", output.name))?;
    }
    Ok(())
}

fn named(model: &ModelProto, inputs: impl Iterator<Item = Tensor>) -> NamedTensors {
    let names = model.graph.iter().flat_map(|graph| &graph.input).map(|input| input.name.clone());
    NamedTensors { tensors: names.zip(inputs).collect() }
}

/// The first record is the test's own.
fn run(case: &Case, bytes: &[u8], options: CompileOptions, graph: &float::Graph) -> Result<(), String> {
    let program = compile(bytes, &options).map_err(|error| error.to_string())?;
    let own = &options.calibration[0];
    let inputs = program.quantize(own).map_err(|error| error.to_string())?;
    let trace = program.run(&inputs).map_err(|error| error.to_string())?;
    let got = dequantize_outputs(program.graph(), trace.outputs(program.graph()));
    for (at, (expected, got)) in case.outputs.iter().zip(&got).enumerate() {
        let name = &case.graph().output[at].name;
        let judged = check_shape(expected, &program, at).and_then(|()| {
            compare(expected, got, || span_on_samples(graph, &options.calibration, graph.outputs[at].node))
        });
        judged.map_err(|error| format!("output `{name}` {error}"))?;
    }
    match got.len() == case.outputs.len() {
        true => Ok(()),
        false => Err(format!("has {} outputs, expected {}", got.len(), case.outputs.len())),
    }
}

fn check_shape(expected: &TensorProto, program: &Program, at: usize) -> Result<(), String> {
    let got = &program.graph().node(program.graph().outputs[at].node).shape;
    let same = got.len() == expected.dims.len() && got.iter().zip(&expected.dims).all(|(a, b)| *a as i64 == *b);
    match same {
        true => Ok(()),
        false => Err(format!("has the shape {got:?}, expected {:?}", expected.dims)),
    }
}

fn compare(expected: &TensorProto, got: &[f64], span_on_samples: impl Fn() -> f64) -> Result<(), String> {
    let expected_values = real(&values::read(expected)?);
    if expected_values.iter().any(|value| !value.is_finite()) {
        return Err("is expected to hold NaN or infinity, which no integer stands for".into());
    }
    let pairs = || expected_values.iter().zip(got);
    if Kind::of(expected.data_type) != Kind::Real {
        return match pairs().filter(|(a, b)| a != b).count() {
            0 => Ok(()),
            wrong => Err(format!("differs in {wrong} of {} elements", got.len())),
        };
    }
    let error = pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // An output of one number has no span of its own.
    let span = match span(&expected_values) {
        0.0 => span_on_samples(),
        span => span,
    };
    match error <= TOLERANCE * span {
        true => Ok(()),
        false => Err(format!("is off by {:.0e} of its span", error / span)),
    }
}

fn span(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (greatest - least).max(0.0)
}

/// Of an output over all records; that of a constant is its magnitude.
fn span_on_samples(graph: &float::Graph, records: &[NamedTensors], node: float::NodeId) -> f64 {
    let mut seen = Vec::new();
    for record in records {
        let inputs = record.conform(graph).unwrap_or_default();
        if let Ok(trace) = float::execute(graph, &inputs) {
            seen.extend_from_slice(trace.of(node));
        }
    }
    match span(&seen) {
        0.0 => seen.iter().map(|value| value.abs()).fold(0.0, f64::max),
        span => span,
    }
}

fn scaled(tensor: &Tensor, factor: f64) -> Tensor {
    let values = match &tensor.values {
        Values::Float(values) => Values::Float(values.iter().map(|value| value * factor).collect()),
        // Toward zero: what is a position stays one.
        Values::Int(values) => Values::Int(values.iter().map(|value| (*value as f64 * factor) as i64).collect()),
        Values::Bool(values) => Values::Bool(values.iter().map(|value| *value ^ (factor < 0.0)).collect()),
    };
    match factor == 1.0 {
        true => tensor.clone(),
        false => Tensor { shape: tensor.shape.clone(), values },
    }
}

fn real(tensor: &Tensor) -> Vec<f64> {
    tensor.real_values()
}
