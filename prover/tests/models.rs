//! The benchmark models, from ONNX file to verified proof, against float32 on samples that quantization has not seen.

use std::path::{Path, PathBuf};

use apodict_circuits::{
    CompileOptions, Program, compile,
    machine::Objective,
    onnx::{ImportOptions, import},
    quantize::{DeclaredDecision, dequantize_outputs, quantize_tensors},
    tensors::{Limits, NamedTensors, calibration_from_json, read_inputs},
};
use apodict_prover::{Context, ProvingKey, Srs, engine::Job, prove};
use apodict_verifier::{SrsPolicy, Verifier};
use serde_json::Value;

/// The models' folder, `None` where the checkout stands alone. Continuous integration has it.
fn models() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/models");
    assert!(folder.is_dir() || std::env::var_os("CI").is_none(), "{} is missing", folder.display());
    folder.is_dir().then_some(folder)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Numbers of nested arrays, in order.
fn flatten(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flatten).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

fn position_of_greatest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

struct Accuracy {
    samples: usize,
    max_error: f64,
    /// Greatest less least of what the model says.
    span: f64,
    flips: usize,
}

/// Compares with `expected.json` on its held-out samples.
fn accuracy(folder: &Path, program: &Program) -> Accuracy {
    let model = import(&read(&folder.join("model.onnx")), &ImportOptions::default()).expect("a model");
    let expected: Value = serde_json::from_slice(&read(&folder.join("expected.json"))).expect("JSON");
    let held_out = expected["heldout"].as_array().expect("held-out samples");
    let mut accuracy = Accuracy { samples: held_out.len(), max_error: 0.0, span: 0.0, flips: 0 };
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for sample in held_out {
        let record = serde_json::json!({ "inputs": sample["inputs"] });
        let tensors = NamedTensors::from_json(record.to_string().as_bytes(), &Limits::default()).expect("a record");
        let tensors = tensors.conform(model.graph()).expect("it fits the model");
        let integers = quantize_tensors(program.graph(), &tensors).expect("in range");
        let trace = program.run(&integers).expect("it runs");
        let got = dequantize_outputs(program.graph(), trace.outputs(program.graph())).concat();
        let want = flatten(&sample["output_float"]);
        assert_eq!(got.len(), want.len());
        let errors = got.iter().zip(&want).map(|(got, want)| (got - want).abs());
        accuracy.max_error = errors.fold(accuracy.max_error, f64::max);
        least = want.iter().copied().fold(least, f64::min);
        greatest = want.iter().copied().fold(greatest, f64::max);
        accuracy.flips += usize::from(position_of_greatest(&got) != position_of_greatest(&want));
    }
    accuracy.span = greatest - least;
    accuracy
}

fn compiled(folder: &Path, objective: Objective, chooses: Option<&str>) -> Program {
    let onnx = read(&folder.join("model.onnx"));
    let samples = read(&folder.join("calibration.json"));
    let calibration = calibration_from_json(&samples, &Limits::default()).expect("samples");
    let decisions = chooses.map(|output| (output.to_owned(), DeclaredDecision::ArgMax)).into_iter().collect();
    let options = CompileOptions { calibration, objective, decisions, ..CompileOptions::default() };
    compile(&onnx, &options).expect("it compiles")
}

/// Within the target on the samples of the calibration; within `max_share` of the output's span on others, and no choice flips.
fn check(name: &str, objective: Objective, chooses: Option<&str>, max_share: f64, max_k: u32) {
    let Some(folder) = models().map(|folder| folder.join(name)) else {
        println!("{name}: no benchmark models beside this checkout, nothing compared");
        return;
    };
    let program = compiled(&folder, objective, chooses);
    assert!(!program.report().misses_target(), "{}", program.report());
    let accuracy = accuracy(&folder, &program);
    let (plan, share) = (program.plan(), accuracy.max_error / accuracy.span);
    println!(
        "{name}: {} k = {}, limbs of {}, {} rows, {} table rows; error {:.2e}, {share:.2e} of the span, on {} samples, {} flips",
        plan.shape,
        plan.k,
        plan.limb_bits,
        program.layout().rows(),
        program.layout().table_rows(),
        accuracy.max_error,
        accuracy.samples,
        accuracy.flips
    );
    assert!(accuracy.samples > 0);
    assert!(share <= max_share, "{name}: {share} of the span");
    assert_eq!(accuracy.flips, 0, "{name}");
    assert!(plan.k <= max_k, "{name}: k = {}", plan.k);

    prove_input(name, &folder, &program);
}

/// Proves the decision on `input.json`, and verifies that.
fn prove_input(name: &str, folder: &Path, program: &Program) {
    let k = program.plan().k;
    let model = import(&read(&folder.join("model.onnx")), &ImportOptions::default()).expect("a model");
    let tensors = read_inputs(&folder.join("input.json"), model.graph(), &Limits::default()).expect("an input");
    let integers = quantize_tensors(program.graph(), &tensors).expect("in range");
    let srs = Srs::generate_unsafe(k).expect("k is in range");
    let key = ProvingKey::generate(program, &srs).expect("keys");
    let proof = prove(&srs, &key, program, &integers, Context([3; 32]), &Job::default()).expect("a proof");
    println!("{name}: {:?}, {} bytes", proof.times, proof.bytes.len());
    assert!(proof.bytes.len() <= 4096);
    let verifier = Verifier::new(key.verifying_key().clone(), SrsPolicy::AllowUnsafe).expect("a key");
    verifier.verify_words(&proof.instances, &proof.bytes).expect("an honest proof");
}

/// The default target: a thousandth of the span, in binary.
const TARGET: f64 = 1.0 / 1024.0;

#[test]
fn linear_pid() {
    check("linear_pid", Objective::Gas, None, TARGET, 7);
}

#[test]
fn risk_mlp() {
    check("risk_mlp", Objective::Gas, None, TARGET, 10);
}

#[test]
fn gov_bag() {
    check("gov_bag", Objective::Latency, Some("output"), 2.0 * TARGET, 12);
}

#[test]
fn lenet() {
    check("lenet", Objective::Latency, None, TARGET, 17);
}

#[test]
fn tiny_transformer() {
    check("tiny_transformer", Objective::Latency, None, TARGET, 17);
}
