//! What is said of a program's accuracy, by whom, and what becomes of numbers on the way into a proof.

mod command;

use command::{Workplace, text};
use serde_json::{Value, json};

/// What `compile` says, `prove` says: the same figures of the same samples.
#[test]
fn compile_and_prove_tell_the_same_figures() {
    let place = Workplace::with_model();
    let options = ["model.onnx", "--calibrate", "calibration.json"];
    let compiled = place.json(&[&["compile"], &options[..], &["-o", "program.apo"]].concat());
    let prove = |model: &[&str]| {
        place.json(&[&["prove"], model, &["--input", "input.json", "--keys", "keys", "-o", "proof.json"]].concat())
    };
    let (proved, again) = (prove(&options), prove(&["program.apo"]));
    for figures in [&proved, &again] {
        for field in ["max_error", "flips", "decisions", "samples", "data", "misses_target", "warnings"] {
            assert_eq!(figures[field], compiled[field], "{field} in {figures}");
            assert!(!figures[field].is_null(), "{field} in {figures}");
        }
    }
    assert_eq!((&proved["accuracy_from"], &again["accuracy_from"]), (&json!("compiled"), &json!("claimed")));
    assert_eq!((&compiled["samples"], &compiled["decisions"]), (&json!(64), &json!(0)));
    let told = text(&place.run(&[&["compile"], &options[..], &["-o", "program.apo"]].concat()).stdout);
    assert!(told.contains("no decision declared, on the 64 calibration samples"), "{told}");
    assert!(!told.contains("flipped"), "{told}");
}

/// Without `--allow-error` nothing is written: see the mistakes of `bad_input`.
#[test]
fn a_missed_target_is_taken_only_if_it_is_allowed() {
    let place = Workplace::with_model();
    let options = ["--calibrate", "calibration.json", "--max-error", "1e-9", "--allow-error"];
    let compile = [&["compile", "model.onnx", "-o", "program.apo"], &options[..]].concat();
    let compiled = place.json(&compile);
    assert_eq!(compiled["misses_target"], true);
    let figure = format!("{:.2e}", compiled["max_error"].as_f64().unwrap());
    let warned = text(&place.run(&compile).stderr);
    for part in [
        "warning: the target is out of reach",
        "where 1.00e-9 was the target",
        "on the 64 calibration samples",
        &figure,
    ] {
        assert!(warned.contains(part), "no `{part}` in {warned}");
    }
    let input = ["--input", "input.json", "--keys", "keys", "-o", "proof.json"];
    let proved = place.json(&[&["prove", "model.onnx"], &input[..], &options].concat());
    assert_eq!((&proved["misses_target"], &proved["max_error"]), (&json!(true), &compiled["max_error"]));
    // It was allowed when the program was made.
    let from_program = [&["prove", "program.apo"], &input[..]].concat();
    assert_eq!(place.json(&from_program)["warnings"], compiled["warnings"]);
    assert!(text(&place.run(&from_program).stderr).contains("out of reach"));
}

#[test]
fn a_program_is_described_by_its_makers_word_or_beside_its_model() {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    let claimed = place.json(&["inspect", "program.apo"]);
    assert_eq!(claimed["report"], json!({"source": "claimed"}));
    assert_eq!(claimed["inputs"][0]["element"], "float32");
    let told = text(&place.run(&["inspect", "program.apo"]).stdout);
    assert!(told.contains("claimed by the program's maker") && told.contains("checked by nobody"), "{told}");

    let beside = ["inspect", "program.apo", "--model", "model.onnx"];
    let same = place.json(&[&beside[..], &["--calibrate", "calibration.json"]].concat());
    assert_eq!((&same["report"]["source"], &same["report"]["is_claimed_model"]), (&json!("compiled"), &json!(true)));
    assert_eq!(same["report"]["compiles_to"], same["program_digest"]);
    assert_eq!(same["accuracy"], claimed["accuracy"]);

    // With other options it is another program; this one is measured on the data that were given.
    let other = [&beside[..], &["--calibrate", "calibration.json", "--max-error", "0.05"]].concat();
    let measured = place.json(&other);
    assert_eq!(measured["report"]["source"], "measured");
    assert_ne!(measured["report"]["compiles_to"], measured["program_digest"]);
    assert_eq!(measured["accuracy"]["samples"], 64);
    assert_eq!(measured["accuracy"]["outputs"][0]["max_error"], claimed["accuracy"]["outputs"][0]["max_error"]);
    let told = text(&place.run(&other).stdout);
    assert!(told.contains("NOT the program that model.onnx compiles to") && told.contains("Measured here"), "{told}");

    // Without data: on inputs drawn from the program's ranges.
    let drawn = place.json(&beside);
    assert_eq!((&drawn["report"]["source"], &drawn["accuracy"]["origin"]), (&json!("measured"), &json!("Synthetic")));
    assert!(drawn["report"]["does_not_compile"].as_str().unwrap().contains("has no range"), "{drawn}");
}

/// A file may claim what it likes: here, that nothing is lost, on a million samples.
#[test]
fn a_forged_report_is_found_by_measuring() {
    let place = Workplace::with_model();
    let options = ["--calibrate", "calibration.json", "--bits", "3"];
    place.json(&[&["compile", "model.onnx", "-o", "program.apo"], &options[..]].concat());
    let program = apodict_circuits::Program::from_bytes(&place.read("program.apo")).unwrap();
    let mut report = program.report().clone();
    report.samples = 1_000_000;
    report.warnings = vec!["\u{1b}[2Jnone\nprogram 0x00".into()];
    report.outputs.iter_mut().for_each(|output| output.max_error = 0.0);
    let types = program.signature().nodes.iter().map(|node| node.element).collect();
    let objective = apodict_circuits::machine::Objective::Gas;
    let model = place.read("model.onnx");
    let forged = apodict_circuits::Program::new(&model, program.graph().clone(), types, report, objective).unwrap();
    place.write("forged.apo", forged.to_bytes().unwrap());

    let claimed = place.run(&["inspect", "forged.apo"]);
    let told = text(&claimed.stdout);
    assert!(told.contains("1000000") && told.contains("Claimed by the program's maker, checked by nobody"), "{told}");
    assert!(!told.contains('\u{1b}') && !told.contains("\nprogram 0x00"), "{told:?}");
    let beside = [&["inspect", "forged.apo", "--model", "model.onnx"], &options[..]].concat();
    let measured = place.json(&beside);
    assert_eq!(measured["report"]["source"], "measured");
    assert_eq!(measured["accuracy"]["samples"], 64);
    assert!(measured["accuracy"]["outputs"][0]["max_error"].as_f64().unwrap() > 1e-3, "{measured}");
}

/// 2^24 + 1 in a model of doubles is proved as what it is, and a range takes what lies in it.
#[test]
fn a_double_is_proved_as_it_is() {
    let place = Workplace::with_model();
    place.write("double.onnx", command::RECTIFIER_OF_A_DOUBLE);
    place.write("double.json", r#"{"inputs": {"x": [16777217.0]}}"#);
    let prove =
        ["prove", "double.onnx", "--range", "x=16777217,16777219", "--input", "double.json", "-o", "proof.json"];
    let proved = place.json(&[&prove[..], &["--keys", "double"]].concat());
    assert_eq!(proved["outputs"]["y"], json!([16_777_217.0]));
    let verified = place.json(&["verify", "proof.json", "--key", "double/vk.json"]);
    assert_eq!(verified["inputs"]["x"], json!([16_777_217.0]));

    place.json(&["compile", "double.onnx", "--range", "x=16777217,16777219", "-o", "double.apo"]);
    assert_eq!(place.json(&["inspect", "double.apo"])["inputs"][0]["element"], "float64");
    let again = ["prove", "double.apo", "--input", "double.json", "--keys", "double", "-o", "again.json"];
    assert_eq!(place.json(&again)["outputs"]["y"], json!([16_777_217.0]));
}

#[test]
fn calibration_may_be_a_numpy_array_with_an_axis_of_samples() {
    let place = Workplace::with_model();
    let samples: Value = serde_json::from_slice(&place.read("calibration.json")).unwrap();
    let values: Vec<f64> = samples["batches"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|batch| batch["inputs"]["features"][0].as_array().unwrap())
        .map(|value| value.as_f64().unwrap())
        .collect();
    let compile = |data: &str| place.json(&["compile", "model.onnx", "--calibrate", data, "-o", "program.apo"]);
    let from_json = compile("calibration.json");
    for shape in ["(64, 16)", "(64, 1, 16)"] {
        place.write("calibration.npy", command::npy(shape, &values));
        assert_eq!(compile("calibration.npy")["program_digest"], from_json["program_digest"], "{shape}");
    }
}

#[test]
fn what_is_not_accurate_enough_or_of_another_model_is_refused() {
    let place = Workplace::with_model();
    place.write("other.onnx", command::RECTIFIER_OF_A_DOUBLE);
    place.write("flat.npy", command::npy("(16,)", &[0.0; 16]));
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    let fine = ["model.onnx", "--calibrate", "calibration.json", "--max-error", "1e-9", "-o", "out"];
    let compile = [&["compile"], &fine[..]].concat();
    let prove = [&["prove", "--input", "input.json"], &fine[..]].concat();
    let out_of_reach = [
        "target is out of reach",
        "where 1.00e-9 was the target",
        "most is lost in",
        "on the 64 calibration samples",
        "--allow-error",
    ];
    let interfaces = "the program has inputs features: float32 [1, 16], the model has x: float64 [1]";
    place.assert_refused(&[
        (&compile, 1, &out_of_reach),
        (&prove, 1, &out_of_reach),
        (
            &["compile", "model.onnx", "--calibrate", "flat.npy", "-o", "out"],
            1,
            &["flat.npy", "the leading axis counts"],
        ),
        (&["inspect", "program.apo", "--model", "other.onnx"], 1, &[interfaces, "no program of this model"]),
        (&["inspect", "program.apo", "--bits", "3"], 2, &["--bits", "name the ONNX model"]),
    ]);
}

/// Of a device or a pipe nobody knows the length.
#[test]
#[cfg(target_os = "linux")]
fn files_without_end_are_refused_at_once() {
    let place = Workplace::with_proof();
    let zero = "/dev/zero";
    let prove = |model, input| ["prove", model, "--input", input, "--keys", "keys", "-o", "out"];
    let start = std::time::Instant::now();
    place.assert_refused(&[
        (&["inspect", zero], 1, &["/dev/zero", "not a program file"]),
        (&["compile", zero, "--range", "features=-9,9", "-o", "out"], 1, &["not an ONNX model", "67,108,864 bytes"]),
        (&["compile", "model.onnx", "--calibrate", zero, "-o", "out"], 1, &[zero, "more than 67108864 bytes"]),
        (&prove(zero, "input.json"), 1, &["/dev/zero is not an ONNX model", "67,108,864 bytes"]),
        (&prove("program.apo", zero), 1, &[zero, "more than 67108864 bytes"]),
        (&["verify", zero, "--key", "keys/vk.json"], 1, &["the proof /dev/zero", "at most 134217728 bytes"]),
        (&["verify", "proof.json", "--key", zero], 1, &["the verifying key /dev/zero", "at most 67108864 bytes"]),
    ]);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

/// A name of a model reaches the terminal in letters; in JSON it is what it is.
#[test]
fn names_are_printed_without_control_characters() {
    let place = Workplace::with_model();
    let name = |bytes: &[u8]| {
        let model = command::RECTIFIER_OF_A_DOUBLE;
        let mut renamed = Vec::new();
        for byte in model {
            renamed.extend(if *byte == b'y' { bytes } else { std::slice::from_ref(byte) });
        }
        renamed
    };
    // One letter for another: lengths stand in the file.
    place.write("evil.onnx", name(b"\x1b"));
    let compile = place.run(&["compile", "evil.onnx", "--range", "x=0,1", "-o", "evil.apo"]);
    assert_eq!(compile.status.code(), Some(0), "{}", text(&compile.stderr));
    place.write("evil.json", r#"{"inputs": {"x": [0.5]}}"#);
    place.write("far.json", "{\"inputs\": {\"x\\u001b\\nVALID\": [0.5]}}");
    let prove = ["prove", "evil.apo", "--keys", "keys", "-o", "proof.json", "--input"];
    for (arguments, shown) in [
        (vec!["inspect", "evil.apo"], "\\u{1b}"),
        ([&prove[..], &["evil.json"]].concat(), "\\u{1b}"),
        (vec!["verify", "proof.json", "--key", "keys/vk.json"], "\\u{1b}"),
        ([&prove[..], &["far.json"]].concat(), "x\\u{1b}\\nVALID"),
        ([&prove[..], &["\u{1b}\nVALID.json"]].concat(), "\\u{1b}\\nVALID.json"),
    ] {
        let output = place.run(&arguments);
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(!told.contains('\u{1b}') && !told.contains("\nVALID"), "{arguments:?}: {told:?}");
        assert!(told.contains(shown), "{arguments:?}: {told:?}");
    }
    let described = place.json(&["inspect", "evil.apo"]);
    assert_eq!(described["outputs"][0]["name"], "\u{1b}");
}
