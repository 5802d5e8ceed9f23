//! Models that others had trouble with, where they stand beside the checkout: each works, or is refused with the message that helps.
//!
//! The table says what becomes of each. It fails when a case starts to work, or when a message loses what it has to say.

mod command;

use std::path::{Path, PathBuf};

use apodict_circuits::Program;
use apodict_circuits::quantize::dequantize_outputs;
use apodict_circuits::tensors::{Limits, read_record};
use command::{apodict, json};
use serde_json::Value;

/// What becomes of a case.
enum Outcome {
    /// It compiles, and gives what ONNX Runtime gives.
    Works,
    /// It compiles, and its input is refused with these parts.
    RefusesItsInput(&'static [&'static str]),
    /// It does not compile; the message has these parts.
    Refused(&'static [&'static str]),
}

use Outcome::{Refused, RefusesItsInput, Works};

/// Its folder, the model in it, further arguments of `compile`, what becomes of it.
type Case = (&'static str, &'static str, &'static [&'static str], Outcome);

const MODEL: &str = "model.onnx";

const CASES: &[Case] = &[
    ("01-logreg-zipmap", MODEL, &[], Works),
    ("02-scaler-mlp", MODEL, &[], Works),
    ("04-svr-rbf", MODEL, &[], Works),
    ("05-xgb-base-score", MODEL, &[], Refused(&["ai.onnx.ml:TreeEnsembleClassifier", "is not supported"])),
    ("06-lgbm-missing", MODEL, &[], Refused(&["ai.onnx.ml:TreeEnsembleRegressor", "is not supported"])),
    ("08-tree-v5-logistic", MODEL, &[], Refused(&["ai.onnx.ml:TreeEnsemble", "is not supported"])),
    ("10-mixed-columns", MODEL, &[], Works),
    ("10b-mixed-columns-mul", MODEL, &[], Works),
    ("12-ncf-embeddings", MODEL, &[], Refused(&["dimension 0 of input `user` is open", "--dim 'batch=NUMBER'"])),
    ("12-ncf-embeddings", MODEL, &["--dim", "batch=1"], Works),
    ("13-dynamo-external-data", MODEL, &[], Works),
    ("15-opset23-ir11", MODEL, &[], Works),
    ("15b-converted", MODEL, &[], Works),
    ("17-keras-unk-dims", MODEL, &[], Works),
    ("17-keras-unk-dims", MODEL, &["--dim", "unk__90=1", "--dim", "unk__91=1"], Works),
    ("19-prelu-elu", MODEL, &[], Works),
    ("22-squeeze-if", MODEL, &[], Works),
    ("24-raw-scales", MODEL, &[], Works),
    ("24c-raw-scales-normalized", MODEL, &[], Works),
    ("31-masked-softmax", MODEL, &[], Works),
    ("32-colon-names", MODEL, &[], Works),
    (
        "36-constant-feature",
        MODEL,
        &[],
        RefusesItsInput(&["input `liquidations`", "1 is outside its range", "--range 'liquidations=LOW,HIGH'"]),
    ),
    ("36-constant-feature", MODEL, &["--range", "liquidations=0,1"], Works),
    ("37-saturated-sigmoid", MODEL, &[], Works),
    ("39-constant-nodes", MODEL, &[], Works),
    ("39-constant-nodes", "unsorted.onnx", &[], Works),
    ("40d-small-input", MODEL, &[], Works),
    ("41-attention-64", MODEL, &[], Works),
    ("43e-big-and-less-small", MODEL, &[], Works),
    ("44b-unit-1e6", MODEL, &[], Works),
    ("44e-unit-1e18", MODEL, &[], Works),
    ("45a-regression-near-ties-3", MODEL, &[], Works),
    ("46h-no-shape-output", MODEL, &[], Works),
    ("46j-pow-sqrt-abs-min", MODEL, &[], Works),
    ("46k-where-greater", MODEL, &[], Works),
    ("46m-bool-input", MODEL, &[], Works),
];

/// Inputs that each must be refused, of cases that compile with the arguments of their last row.
const REFUSED_INPUTS: &[(&str, &str, &[&str])] = &[("12-ncf-embeddings", "input-outside.json", &["outside its range"])];

fn cases() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    path.is_dir().then_some(path)
}

#[test]
fn each_case_works_or_says_why_not() {
    let Some(cases) = cases() else {
        println!("skipped: no shared/cases beside the checkout");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, model, arguments, outcome) in CASES {
        if let Err(reason) = check(folder.path(), &cases.join(name), model, arguments, outcome) {
            wrong.push(format!("{name} {model} {arguments:?}: {reason}"));
        }
    }
    for entry in std::fs::read_dir(&cases).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().join(MODEL).exists() && CASES.iter().all(|(known, ..)| *known != name) {
            wrong.push(format!("{name}: it is not in the table"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn inputs_beyond_a_case_are_refused() {
    let Some(cases) = cases() else {
        println!("skipped: no shared/cases beside the checkout");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, input, says) in REFUSED_INPUTS {
        let (_, model, arguments, _) = CASES.iter().rfind(|(known, ..)| known == name).unwrap();
        let case = cases.join(name);
        compile(folder.path(), &case, model, arguments).unwrap();
        refuses(folder.path(), &case.join(input), says).unwrap();
    }
}

fn check(folder: &Path, case: &Path, model: &str, arguments: &[&str], outcome: &Outcome) -> Result<(), String> {
    let compiled = compile(folder, case, model, arguments);
    match (outcome, compiled) {
        (Works, compiled) => agrees(folder, case, arguments, &compiled?),
        (RefusesItsInput(says), compiled) => {
            compiled?;
            refuses(folder, &case.join("input.json"), says)
        }
        (Refused(_), Ok(_)) => Err("it compiles: move it to those that work".to_owned()),
        (Refused(says), Err(message)) => has(&message, says),
    }
}

/// What `compile --json` prints, or what it says instead.
fn compile(folder: &Path, case: &Path, model: &str, arguments: &[&str]) -> Result<Value, String> {
    let (model, calibration) = (case.join(model), case.join("calibration.json"));
    let fixed =
        ["compile", model.to_str().unwrap(), "--calibrate", calibration.to_str().unwrap(), "-o", "case.apo", "--json"];
    let output = apodict(folder, &[&fixed, arguments].concat());
    match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        Some(1 | 2) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        other => panic!("{case:?}: {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Whether the program gives, within twice what it errs on the calibration data, what ONNX Runtime gave.
fn agrees(folder: &Path, case: &Path, arguments: &[&str], compiled: &Value) -> Result<(), String> {
    let program = Program::from_bytes(&std::fs::read(folder.join("case.apo")).unwrap()).unwrap();
    let input = read_record(&case.join("input.json"), &Limits::default()).unwrap();
    let inputs = program.quantize(&input).map_err(|error| error.to_string())?;
    let trace = program.run(&inputs).map_err(|error| error.to_string())?;
    let outputs = dequantize_outputs(program.graph(), trace.outputs(program.graph()));
    let expected: Value = serde_json::from_slice(&std::fs::read(case.join("expected.json")).unwrap()).unwrap();
    let max_error = compiled["max_error"].as_f64().unwrap();
    for (output, got) in program.graph().outputs.iter().zip(outputs) {
        let mut flat = Vec::new();
        flatten(&expected["outputs"][&output.name], &mut flat);
        if flat.len() != got.len() {
            return Err(format!("output {}: {} elements, expected {}", output.name, got.len(), flat.len()));
        }
        for (at, (got, expected)) in got.iter().zip(flat).enumerate() {
            let allowed = 2.0 * max_error + 1e-5 * expected.abs().max(1.0);
            if (got - expected).abs() > allowed {
                return Err(format!("output {}, element {at}: {got}, expected {expected}", output.name));
            }
        }
    }
    // And beside the model, on what it was compiled with.
    let (model, data) = (case.join(MODEL), case.join("calibration.json"));
    let mut evaluate =
        vec!["evaluate", "case.apo", "--model", model.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let dims = arguments.chunks(2).filter(|option| option.first() == Some(&"--dim"));
    evaluate.extend(dims.flatten());
    let evaluation = json(folder, &evaluate);
    let measured = evaluation["outputs"].as_array().unwrap().iter();
    let measured = measured.map(|output| output["comparison"]["max_error"].as_f64().unwrap()).fold(0.0, f64::max);
    match measured == max_error && evaluation["out_of_range"]["records"] == 0 {
        true => Ok(()),
        false => Err(format!("compile says that it errs by {max_error}, evaluate by {measured}")),
    }
}

fn flatten(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, into)),
        // What a ZipMap gives for each record: numbers by label, here in the labels' order.
        Value::Object(values) => values.values().for_each(|value| flatten(value, into)),
        Value::Bool(value) => into.push(f64::from(u8::from(*value))),
        other => into.extend(other.as_f64()),
    }
}

fn refuses(folder: &Path, input: &Path, says: &[&str]) -> Result<(), String> {
    let output = apodict(folder, &["prove", "case.apo", "--input", input.to_str().unwrap(), "-o", "proof.json"]);
    let message = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(1) => has(&message, says),
        other => Err(format!("exit code {other:?}: {message}")),
    }
}

fn has(message: &str, says: &[&str]) -> Result<(), String> {
    match says.iter().find(|part| !message.contains(**part)) {
        None => Ok(()),
        Some(part) => Err(format!("no `{part}` in {message}")),
    }
}
