//! `apodict evaluate`: float against integer on data of the user's own.

mod command;

use command::{Workplace, apodict_reading, text};
use serde_json::{Value, json};

/// `count` records between those of the calibration data, as lines.
fn lines(place: &Workplace, count: usize) -> String {
    let data: Value = serde_json::from_slice(&place.read("calibration.json")).unwrap();
    let samples: Vec<Vec<f64>> = data["batches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|batch| serde_json::from_value(batch["inputs"]["features"][0].clone()).unwrap())
        .collect();
    let record = |at: usize| {
        let (a, b) = (&samples[at % samples.len()], &samples[at * 7 % samples.len()]);
        let part = (at % 97) as f64 / 97.0;
        let features: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + (b - a) * part).collect();
        format!("{}\n", json!({"inputs": {"features": [features]}}))
    };
    (0..count).map(record).collect()
}

fn with_program() -> Workplace {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    place
}

/// On the calibration data, the figures are those of the report.
#[test]
fn the_figures_of_the_calibration_data_are_those_of_the_program() {
    let place = with_program();
    let compiled = place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    let model = ["evaluate", "model.onnx", "--calibrate", "calibration.json", "--data", "calibration.json"];
    let of_model = place.json(&model);
    assert_eq!(of_model["program_digest"], compiled["program_digest"]);
    assert_eq!((&of_model["records"], &of_model["measured"]), (&json!(64), &json!(64)));
    assert_eq!(of_model["out_of_range"], json!({"records": 0, "first": []}));
    assert_eq!(of_model["calibrated_on"], json!(null));
    let comparison = &of_model["outputs"][0]["comparison"];
    assert_eq!(comparison["max_error"], compiled["max_error"]);
    let figure = |name: &str| comparison[name].as_f64().unwrap();
    assert!(0.0 < figure("p50") && figure("p50") <= figure("p90") && figure("p90") <= figure("p99"));
    assert!(figure("p99") <= figure("max_error") && figure("max_error") < figure("span"));
    let layers = of_model["layers"].as_array().unwrap();
    let inspected = place.json(&["inspect", "program.apo"]);
    assert_eq!(layers.len(), inspected["accuracy"]["layers"].as_array().unwrap().len());

    let beside = place.json(&["evaluate", "program.apo", "--model", "model.onnx", "--data", "calibration.json"]);
    assert_eq!(beside["outputs"], of_model["outputs"]);
    assert_eq!(beside["layers"], json!([]));
    let alone = place.json(&["evaluate", "program.apo", "--data", "calibration.json"]);
    assert_eq!(alone["outputs"][0]["values"], of_model["outputs"][0]["values"]);
    assert_eq!(alone["outputs"][0]["comparison"], json!(null));

    let told = text(&place.run(&model).stdout);
    for part in [
        "64 records",
        "every input in its range",
        "output bad_debt_probability: max error",
        "% of the span",
        "99 % within",
        "loses most",
    ] {
        assert!(told.contains(part), "no `{part}` in {told}");
    }
    let told = text(&place.run(&["evaluate", "program.apo", "--data", "calibration.json"]).stdout);
    assert!(told.contains("nothing to compare with: --model"), "{told}");
}

#[test]
fn ten_thousand_records_take_less_than_five_seconds() {
    let place = with_program();
    let records = lines(&place, 10_000);
    let arguments = ["evaluate", "program.apo", "--model", "model.onnx", "--data", "-", "--json"];
    let output = apodict_reading(place.folder.path(), &arguments, records.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let evaluation: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(evaluation["records"], 10_000);
    assert!(evaluation["evaluate_ms"].as_f64().unwrap() < 5e3, "{evaluation}");
    // From a file they are the same records.
    place.write("records.jsonl", &records);
    let from_file = place.json(&["evaluate", "program.apo", "--model", "model.onnx", "--data", "records.jsonl"]);
    assert_eq!(from_file["outputs"], evaluation["outputs"]);
}

/// Without other data, the model is compiled on some of the records, and says so.
#[test]
fn a_model_without_calibration_data_is_compiled_on_the_records() {
    let place = Workplace::with_model();
    place.write("records.jsonl", lines(&place, 600));
    let output = place.run(&["evaluate", "model.onnx", "--data", "records.jsonl", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let evaluation: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&evaluation["records"], &evaluation["calibrated_on"]), (&json!(600), &json!(200)));
    let warned = text(&output.stderr);
    assert!(warned.contains("no --calibrate and no --range: compiled on 200 of these records"), "{warned}");
}

#[test]
fn what_is_out_of_range_is_counted_and_named() {
    let place = with_program();
    let mut data: Value = serde_json::from_slice(&place.read("calibration.json")).unwrap();
    for record in [5, 9] {
        data["batches"][record]["inputs"]["features"][0][3] = json!(1e6);
    }
    place.write("shifted.json", data.to_string());
    let evaluate = ["evaluate", "program.apo", "--model", "model.onnx", "--data", "shifted.json"];
    let evaluation = place.json(&evaluate);
    assert_eq!((&evaluation["records"], &evaluation["measured"]), (&json!(64), &json!(62)));
    let outside = &evaluation["out_of_range"];
    assert_eq!((&outside["records"], &outside["first"][0]["record"]), (&json!(2), &json!(5)));
    assert_eq!((&outside["first"][0]["element"], &outside["first"][0]["value"]), (&json!("features[3]"), &json!(1e6)));
    let told = text(&place.run(&evaluate).stdout);
    assert!(told.contains("62 measured, 2 with an input out of its range"), "{told}");
    assert!(told.contains("record 9: features[3] = 1000000, outside ["), "{told}");
    assert!(told.contains("--range 'NAME[INDEX]=LOW,HIGH'"), "{told}");
}

#[test]
fn mistakes_are_told() {
    let place = with_program();
    place.write("other.onnx", command::RECTIFIER_OF_A_DOUBLE);
    let data = ["--data", "calibration.json"];
    for (arguments, exit_code, says) in [
        (&["evaluate", "program.apo"][..], 2, &["--data"][..]),
        (&["evaluate", "program.apo", "--data", "missing.json"], 1, &["missing.json"]),
        (&["evaluate", "missing.apo", "--data", "calibration.json"], 1, &["missing.apo"]),
        (&["evaluate", "program.apo", "--data", "input.json"], 1, &["input.json", "\"batches\""]),
        (&["evaluate", "program.apo", "--data", "calibration.json", "--bits", "3"], 2, &["--bits", "compiled already"]),
        (
            &["evaluate", "program.apo", "--data", "calibration.json", "--model", "model.onnx", "--bits", "3"],
            2,
            &["--bits", "compiled already"],
        ),
        (
            &["evaluate", "model.onnx", "--data", "calibration.json", "--model", "model.onnx"],
            2,
            &["--model goes with a program", "leave --model out"],
        ),
        (
            &["evaluate", "program.apo", "--data", "calibration.json", "--model", "other.onnx"],
            1,
            &["other.onnx", "no program of this model"],
        ),
        (&["evaluate", "model.onnx", "--data", "-", "--calibrate", "-"], 2, &["standard input is named twice"]),
        (&["evaluate", "program.apo", "--data", "-"], 1, &["the records", "no calibration records"]),
        #[cfg(target_os = "linux")]
        (&["evaluate", "program.apo", "--data", "/dev/zero"], 1, &["/dev/zero", "more than 67108864 bytes"]),
    ] {
        let output = place.run(arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty() && !message.contains("panicked"), "{arguments:?}: {message}");
        for part in says {
            assert!(message.contains(part), "{arguments:?}: no `{part}` in {message}");
        }
    }
    // The record that does not fit, by its number, on standard input.
    let wrong = lines(&place, 300) + "{\"inputs\": {\"features\": [[1, 2]]}}\n";
    let arguments = [&["evaluate", "program.apo"], &data[..1], &["-"]].concat();
    let output = apodict_reading(place.folder.path(), &arguments, wrong.as_bytes());
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("cannot use the records") && message.contains("record 300: input `features` needs shape"),
        "{message}"
    );
    for (input, says) in [("{\"inputs\": ", "EOF"), ("a;b\n1;2\n", "standard input: neither its name nor its content")]
    {
        let message = text(&apodict_reading(place.folder.path(), &arguments, input.as_bytes()).stderr);
        assert!(message.contains(says), "{input}: {message}");
    }
}
