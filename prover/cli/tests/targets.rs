//! How far an output may be off, what it decides, and what is said when that is out of reach.

mod command;

use command::{Workplace, text};
use serde_json::{Value, json};

const OUTPUT: &str = "bad_debt_probability";

fn compile(place: &Workplace, options: &[&str]) -> Value {
    place.json(&[&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"], options].concat())
}

#[test]
fn an_error_is_a_number_or_a_share_of_the_span() {
    let place = Workplace::with_model();
    let absolute = compile(&place, &["--max-error", "0.02"]);
    assert!(absolute["max_error"].as_f64().unwrap() <= 0.02);
    let of_output = compile(&place, &["--max-error", "bad_debt_probability=0.02"]);
    assert_eq!(of_output["program_digest"], absolute["program_digest"]);
    // Its own comes before that of all.
    let both = compile(&place, &["--max-error", "bad_debt_probability=0.02", "--max-error", "1e-5"]);
    assert_eq!(both["program_digest"], absolute["program_digest"]);

    compile(&place, &["--max-error", "3%"]);
    let output = &place.json(&["inspect", "program.apo"])["accuracy"]["outputs"][0];
    let figure = |name: &str| output[name].as_f64().unwrap();
    assert!(figure("max_error") <= 0.03 * figure("span"));
    assert!((figure("target") - 0.03 * figure("span")).abs() < 1e-12);
}

#[test]
fn a_declared_threshold_is_compared_and_kept() {
    let place = Workplace::with_model();
    let declared = compile(&place, &["--max-error", "0.02", "--decision", "bad_debt_probability=0.05"]);
    assert_eq!((&declared["decisions"], &declared["flips"]), (&json!(64), &json!(0)));
    let evaluate = ["evaluate", "program.apo", "--model", "model.onnx", "--data", "calibration.json"];
    let own = place.json(&evaluate);
    let comparison = &own["outputs"][0]["comparison"];
    assert_eq!((&comparison["decisions"], &comparison["flips"]), (&json!(64), &json!(0)));
    let told = text(&place.run(&evaluate).stdout);
    assert!(told.contains("0 of 64 flip at the threshold 0.05"), "{told}");
    let other = place.json(&[&evaluate[..], &["--decision", "bad_debt_probability=none"]].concat());
    assert_eq!(other["outputs"][0]["comparison"]["decisions"], 0);
}

/// Whoever takes it all the same has the figure in everything that tells of the program.
#[test]
fn a_missed_target_is_told_where_the_program_is() {
    let place = Workplace::with_model();
    let compiled = compile(&place, &["--max-error", "1e-9", "--allow-error"]);
    let missed = &compiled["missed"];
    assert_eq!((&missed[0]["output"], &missed[0]["target"]), (&json!(OUTPUT), &json!(1e-9)));
    assert_eq!(missed[0]["max_error"], compiled["max_error"]);
    assert!(missed[0]["of_span"].as_f64().unwrap() > 0.0);
    let input = ["--input", "input.json", "--keys", "keys", "-o", "proof.json"];
    let proved = place.json(&[&["prove", "program.apo"], &input[..]].concat());
    assert_eq!((&proved["missed"], &proved["misses_target"]), (missed, &json!(true)));
    let inspected = place.json(&["inspect", "program.apo"]);
    assert_eq!(inspected["accuracy"]["outputs"][0]["target"], 1e-9);
    let figure = format!("{:.2e}", compiled["max_error"].as_f64().unwrap());
    for told in [text(&place.run(&["inspect", "program.apo"]).stdout), compiled["warnings"][0].to_string()] {
        assert!(told.contains("target is out of reach") && told.contains(&figure), "{told}");
    }
    // One that is met is none that is missed.
    assert_eq!(compile(&place, &["--max-error", "0.02"])["missed"], json!([]));
}

#[test]
fn mistakes_are_told() {
    let place = Workplace::with_model();
    let before = place.names();
    let says_number = ["--max-error", "a number greater than 0", "as in 0.1%"];
    let says_decision = ["expected OUTPUT=argmax, OUTPUT=none or a threshold, as in score=0.05"];
    for (options, exit_code, says) in [
        (&["--max-error", "0%"][..], 2, &says_number[..]),
        (&["--max-error", "200%"], 2, &says_number),
        (&["--max-error", "=0.1"], 2, &says_number),
        (&["--max-error", "score=-1"], 2, &says_number),
        (&["--max-error", "0.1", "--max-error", "1%"], 2, &["--max-error is given twice for all outputs"]),
        (&["--max-error", "y=1", "--max-error", "y=1%"], 2, &["--max-error is given twice for y"]),
        (&["--max-error", "y=1%", "--bits", "8"], 2, &["--max-error", "--bits"]),
        (&["--max-error", "colour=1%"], 1, &["no output `colour`", OUTPUT]),
        (&["--decision", "colour=none"], 1, &["no output `colour`", OUTPUT]),
        (&["--decision", "colour"], 2, &says_decision),
        (&["--decision", "colour=red"], 2, &says_decision),
        (&["--decision", "y=none", "--decision", "y=1"], 2, &["--decision is given twice for y"]),
        (
            &["--decision", "bad_debt_probability=argmax"],
            1,
            &["one element along its last axis", "declare a threshold"],
        ),
        (
            &["--max-error", "1e-9"],
            1,
            &[
                "is not accurate enough",
                "`bad_debt_probability` is off by",
                "most is lost in",
                "nothing was written",
                "E% of the span or OUTPUT=E",
                "--allow-error",
            ],
        ),
    ] {
        let arguments = [&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "out"], options].concat();
        let output = place.run(&arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(exit_code), "{options:?}: {message}");
        assert!(output.stdout.is_empty() && place.names() == before, "{options:?}: {message}");
        for part in says {
            assert!(message.contains(part), "{options:?}: no `{part}` in {message}");
        }
    }
}
