//! Models as the users of scikit-learn, PyTorch and Keras export them, compiled as they are and compared with ONNX Runtime on a thousand
//! random inputs each.
//!
//! `cargo xtask models` makes them with `make.py`, `make_torch.py`, `make_keras.py` and the packages that it pins, and compares with the committed `results.md`;
//! `--bless` writes it. The ranges of the inputs are declared, calibration is 200 samples within them, and the thousand inputs are others.

use std::{
    collections::BTreeMap,
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use apodict_circuits::{
    CompileOptions, compile,
    float::{Tensor, Values},
    quantize::{RealRange, dequantize_outputs},
    tensors::{Limits, NamedTensors, calibration_from_npz},
};

/// The folder that the scripts wrote.
const DATA: &str = "APODICT_EXPORTED";

/// Set to `1`: write the results.
const BLESS: &str = "APODICT_BLESS";

/// What an output may be off by, in shares of its span: twice the target that models are compiled for, on inputs that were
/// not there when they were.
const TOLERANCE: f64 = 1.0 / 512.0;

fn records(folder: &Path, name: &str) -> Result<Vec<NamedTensors>, String> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    calibration_from_npz(&bytes, &Limits::default()).map_err(|error| format!("{name}: {error}"))
}

/// The first two records are the corners of the inputs' ranges: what a user declares with `--range`.
fn declared(corners: &[NamedTensors]) -> BTreeMap<String, Vec<RealRange>> {
    let [one, other] = corners else { panic!("{} corners", corners.len()) };
    let ranges = |(name, tensor): (&String, &Tensor)| {
        let pairs = tensor.real_values().into_iter().zip(other.tensors[name].real_values());
        (name.clone(), pairs.map(|(a, b)| RealRange { lo: a.min(b), hi: a.max(b) }).collect())
    };
    one.tensors.iter().map(ranges).collect()
}

/// Of one output: its greatest error, the ends of its span, and how many integers are others.
#[derive(Clone, Copy)]
struct Compared {
    error: f64,
    least: f64,
    greatest: f64,
    others: usize,
}

/// What comes of a model, in one line.
fn outcome(folder: &Path) -> Result<String, String> {
    let onnx = std::fs::read(folder.join("model.onnx")).map_err(|error| error.to_string())?;
    let mut calibration = records(folder, "calibration.npz")?;
    let input_ranges = declared(&calibration.drain(..2).collect::<Vec<_>>());
    let options = CompileOptions { calibration, input_ranges, ..CompileOptions::default() };
    let program = compile(&onnx, &options).map_err(|error| error.to_string())?;
    let mut compared = BTreeMap::new();
    let inputs = records(folder, "inputs.npz")?;
    for (input, expected) in inputs.iter().zip(records(folder, "outputs.npz")?) {
        let integers = program.quantize(input).map_err(|error| error.to_string())?;
        let trace = program.run(&integers).map_err(|error| error.to_string())?;
        let got = dequantize_outputs(program.graph(), trace.outputs(program.graph()));
        for (output, got) in program.graph().outputs.iter().zip(&got) {
            let expected = expected.tensors.get(&output.name).ok_or(format!("no output `{}`", output.name))?;
            let nothing = Compared { error: 0.0, least: f64::INFINITY, greatest: f64::NEG_INFINITY, others: 0 };
            compare(compared.entry(output.name.clone()).or_insert(nothing), expected, got)?;
        }
    }
    let mut said = Vec::new();
    for (output, of) in compared {
        let share = of.error / (of.greatest - of.least);
        if of.others > inputs.len() / 100 || share > TOLERANCE {
            return Err(format!(
                "`{output}` is off by {share:.1e} of its span, {} of {} integers differ",
                of.others,
                inputs.len()
            ));
        }
        said.push(match of.others {
            0 => format!("`{output}` within 2^-{} of its span", halvings(share)),
            others => format!("`{output}`: {others} of {} differ", inputs.len()),
        });
    }
    Ok(format!("k = {}; {}", program.plan().k, said.join("; ")))
}

/// The most halvings of 1 that leave at least `share`, 30 if that is nothing.
fn halvings(share: f64) -> usize {
    (1..=30).take_while(|bits| share <= 0.5f64.powi(*bits)).count()
}

fn compare(compared: &mut Compared, expected: &Tensor, got: &[f64]) -> Result<(), String> {
    let values = expected.real_values();
    if values.len() != got.len() {
        return Err(format!("{} elements, expected {}", got.len(), values.len()));
    }
    for (expected_value, got) in values.iter().zip(got) {
        compared.least = compared.least.min(*expected_value);
        compared.greatest = compared.greatest.max(*expected_value);
        match expected.values {
            Values::Float(_) => compared.error = compared.error.max((expected_value - got).abs()),
            _ => compared.others += usize::from(expected_value != got),
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs exported models: `cargo xtask models` makes them"]
fn what_comes_of_each_is_as_committed() {
    let folder = PathBuf::from(std::env::var(DATA).unwrap_or_else(|_| panic!("{DATA} must name the models' folder")));
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut models: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    models.retain(|model| model.join("outputs.npz").is_file());
    models.sort();
    assert!(models.len() > 10, "{} models in {}: make them again", models.len(), folder.display());

    let mut rows = String::new();
    let mut passes = 0;
    for model in &models {
        let outcome = catch_unwind(AssertUnwindSafe(|| outcome(model))).unwrap_or(Err("PANICS".into()));
        passes += usize::from(outcome.is_ok());
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let said = match outcome {
            Ok(said) => said,
            Err(reason) => format!("FAIL: {}", reason.split("; supported are").next().unwrap_or_default()),
        };
        let said = said.replace(['\n', '|'], " ");
        println!("{name}: {said}");
        writeln!(rows, "| {name} | {said} |").expect("a string takes it");
    }
    let versions = ["versions", "versions_torch", "versions_keras"].map(|file| {
        std::fs::read_to_string(folder.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}: make the models again"))
    });
    let versions = versions.join("; ");
    let text = format!(
        "# Exported models against ONNX Runtime\n\nWritten by `cargo xtask models --bless`; what is compared, and how, stands in `main.rs`.\n\
         {versions}; 1,000 random inputs each.\n\n**{passes} of {} models agree within 2^-9 of the output's span.**\n\n\
         | model | outcome |\n|---|---|\n{rows}",
        models.len()
    );
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exported/results.md");
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        std::fs::write(committed, text).expect("the results can be written");
        return;
    }
    let expected = std::fs::read_to_string(committed).unwrap_or_default();
    assert!(expected == text, "results.md says otherwise; `cargo xtask models --bless` accepts what is now:\n{text}");
}
