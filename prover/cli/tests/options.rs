//! Ranges of features, standard input, what is said when an option is none, and what else a user meets before a proof.

mod command;

use command::{Workplace, apodict_reading, cache, text};
use serde_json::json;
use sha3::{Digest, Keccak256};

#[test]
fn a_feature_has_a_range_of_its_own() {
    let place = Workplace::with_model();
    let compile = ["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"];
    // Wider than what the calibration data show of it.
    place.json(&[&compile[..], &["--range", "features[3]=-1e4,1e4"]].concat());
    let ranges = |place: &Workplace| {
        let program = apodict_circuits::Program::from_bytes(&place.read("program.apo")).unwrap();
        let (_, node) = program.graph().inputs().next().unwrap();
        let hi = |at| node.range(at).hi as f64 * 0.5f64.powi(node.frac_bits_of(at));
        (0..16).map(hi).collect::<Vec<f64>>()
    };
    let wide = ranges(&place);
    assert!((wide[3] - 1e4).abs() < 1.0 && wide.iter().filter(|hi| **hi > 1e3).count() == 1, "{wide:?}");
    // Three of them, and one for all others.
    let declared = ["--range", "features[1:4]=-100,100", "--range", "features=-20,20", "--bits", "8"];
    place.json(&[&["compile", "model.onnx", "-o", "program.apo"], &declared[..]].concat());
    assert_eq!(ranges(&place)[..5], [20.0, 100.0, 100.0, 100.0, 20.0]);
}

#[test]
fn what_is_wrong_with_a_range_is_said_with_what_to_type() {
    let place = Workplace::with_model();
    let known = "it has `features` [1, 16]; type NAME=LOW,HIGH";
    let axis = "`16` is not on axis 1 of the shape [1, 16], which has the indices 0 to 15";
    let unset =
        "of shape [1, 16] has ranges for some of its elements, but none for `features[0]`: declare `features=LOW,HIGH`";
    let both = "the ranges of `features[2]` and of `features[:3]` both hold for `features[2]`";
    place.assert_refused(&[
        (&["compile", "model.onnx", "-o", "out", "--range", "colour=0,1"], 1, &["no input `colour`", known]),
        (&["compile", "model.onnx", "-o", "out", "--range", "colour[2]=0,1"], 1, &["no input `colour[2]`", known]),
        (&["compile", "model.onnx", "-o", "out", "--range", "features[16]=0,1"], 1, &[axis]),
        (&["compile", "model.onnx", "-o", "out", "--range", "features[x]=0,1"], 1, &["as in X[2], X[2:5]"]),
        (&["compile", "model.onnx", "-o", "out", "--range", "features[2]=0,1"], 1, &[unset]),
        (
            &["compile", "model.onnx", "-o", "out", "--range", "features[2]=0,1", "--range", "features[:3]=0,1"],
            1,
            &[both],
        ),
        (
            &["compile", "model.onnx", "-o", "out", "--range", "features=0,1", "--range", "features=0,2"],
            2,
            &["--range is given twice for features"],
        ),
        (&["compile", "model.onnx", "-o", "out", "--range", "features[2]=1,0"], 2, &["LOW <= HIGH"]),
        (
            &["compile", "model.onnx", "-o", "out", "--calibrate", "calibration.json", "--range", "features=0,1"],
            1,
            &["outside its range [0, 1]", "--range 'features=LOW,HIGH' declares a wider one"],
        ),
        (&["compile", "model.onnx", "-o", "out"], 1, &["has no range", "--range 'features=LOW,HIGH'"]),
    ]);
}

#[test]
fn calibration_data_come_from_standard_input_too() {
    let place = Workplace::with_model();
    let compile =
        |data: &str| ["compile", "model.onnx", "--calibrate", data, "-o", "program.apo", "--json"].map(str::to_owned);
    let data = place.read("calibration.json");
    let parsed: serde_json::Value = serde_json::from_slice(&data).unwrap();
    let lines: String = parsed["batches"].as_array().unwrap().iter().map(|record| format!("{record}\n")).collect();
    let from_file = place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    for input in [data.as_slice(), lines.as_bytes()] {
        let arguments = compile("-");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = apodict_reading(place.folder.path(), &arguments, input);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let compiled: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(compiled["program_digest"], from_file["program_digest"]);
    }
    place.write("calibration.jsonl", &lines);
    let arguments = ["compile", "model.onnx", "--calibrate", "calibration.jsonl", "-o", "program.apo"];
    assert_eq!(place.json(&arguments)["program_digest"], from_file["program_digest"]);
    place.assert_refused(&[(
        &["compile", "model.onnx", "--calibrate", "-", "-o", "out"],
        1,
        &["the records", "no calibration records"],
    )]);
}

/// The help of one error is no help with another.
#[test]
fn help_is_given_where_it_helps() {
    let place = Workplace::with_model();
    let unknown = String::from_utf8_lossy(&place.read("model.onnx")).into_owned();
    assert!(unknown.contains("Sigmoid"));
    let model = place.read("model.onnx");
    let at = model.windows(7).rposition(|window| window == b"Sigmoid").unwrap();
    place.write("unknown.onnx", [&model[..at], b"Sigmoit", &model[at + 7..]].concat());
    for (model, helps) in [("unknown.onnx", false), ("model.onnx", true)] {
        let output = place.run(&["compile", model, "-o", "out"]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert_eq!(message.contains("--calibrate DATA or --range"), helps, "{message}");
        assert_eq!(message.contains("help:"), helps, "{message}");
    }
}

/// An input beyond its range is refused with what widens it.
#[test]
fn an_input_out_of_range_says_what_widens_it() {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    place.edit("input.json", "far.json", |input| input["inputs"]["features"][0][3] = json!(1e6));
    let widens = "compile with --range 'features=LOW,HIGH', or 'features[INDEX]=LOW,HIGH' for this feature alone";
    place.assert_refused(&[(
        &["prove", "program.apo", "--input", "far.json", "-o", "out"],
        1,
        &["element 3", "outside its range", widens],
    )]);
}

/// A market that moves further than the range is decided as if it stood at its end, which the circuit proves.
#[test]
fn an_input_that_saturates_is_decided_beyond_its_range() {
    let place = Workplace::with_model();
    let compile = ["compile", "model.onnx", "-o", "program.apo", "--range", "features=-20,20", "--bits", "8"];
    place.json(&[&compile[..], &["--saturate", "features"]].concat());
    place.json(&["keys", "program.apo", "-o", "keys"]);
    let decided = |name: &str, value: f64| {
        place.edit("input.json", "input-of.json", |input| input["inputs"]["features"][0][3] = json!(value));
        let proof = format!("{name}.json");
        let proved = place.json(&["prove", "program.apo", "--input", "input-of.json", "--keys", "keys", "-o", &proof]);
        assert_eq!(place.json(&["verify", &proof, "--key", "keys/vk.json"])["valid"], true);
        proved["outputs"].clone()
    };
    assert_eq!(decided("far", 300.0), decided("end", 20.0));
    assert_eq!(decided("low", -300.0), decided("least", -20.0));
    assert_ne!(decided("far", 300.0), decided("low", -300.0));
    place.assert_refused(&[(
        &["compile", "model.onnx", "-o", "out", "--range", "features=0,1", "--saturate", "colour"],
        1,
        &["no input `colour`"],
    )]);
}

#[test]
fn a_key_takes_no_options_of_compile() {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    place.json(&["keys", "program.apo", "-o", "keys"]);
    place.json(&["inspect", "keys/vk.json"]);
    let says = |option: &'static str| [option, "does not apply to a verifying key", "leave"];
    place.assert_refused(&[
        (&["inspect", "keys/vk.json", "--model", "model.onnx"], 2, &says("--model")),
        (&["inspect", "keys/vk.json", "--bits", "3"], 2, &says("--bits")),
        (&["inspect", "keys/vk.json", "--calibrate", "calibration.json"], 2, &says("--calibrate")),
    ]);
}

#[test]
fn another_string_than_the_pinned_one_is_called_that() {
    const OTHER: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
    let place = Workplace::with_proof();
    place.json(&["srs", "generate", "-k", "4", "--unsafe", "-o", "small.srs"]);
    let says = ["not the pinned one", OTHER, "name the file of the string that you trust"];
    let pinned = ["--srs-digest", OTHER];
    let prove =
        [&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "out"], &pinned[..]].concat();
    let verify = [&["verify", "proof.json", "--key", "keys/vk.json"], &pinned[..]].concat();
    let keys = [&["keys", "program.apo", "-o", "keys"], &pinned[..]].concat();
    let check = [&["srs", "check", "small.srs"], &pinned[..]].concat();
    place.assert_refused(&[(&prove, 1, &says), (&verify, 1, &says), (&keys, 1, &says), (&check, 1, &says)]);
    let message = text(&place.run(&prove).stderr);
    assert!(!message.contains("UNSAFE") && !message.contains("verifying key"), "{message}");
    // The one that is pinned is taken, and not called unsafe.
    let digest = place.json(&["inspect", "keys/vk.json"])["srs_digest"].as_str().unwrap().to_owned();
    let verified = place.json(&["verify", "proof.json", "--key", "keys/vk.json", "--srs-digest", &digest]);
    assert_eq!(verified["srs"], "ceremony");
}

/// One that was made in two halves, say, or that somebody else wrote there.
#[test]
fn a_damaged_development_string_says_which_file_to_remove() {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "--bits", "5", "-o", "program.apo"]);
    // A cache of its own: the other tests need theirs.
    let own = tempfile::tempdir().unwrap();
    assert_ne!(own.path(), cache());
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_apodict"));
        command.args(arguments).current_dir(place.folder.path()).env("XDG_CACHE_HOME", own.path()).output().unwrap()
    };
    let keys = ["keys", "program.apo", "-o", "keys"];
    let made = run(&keys);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let folder = own.path().join("apodict/srs");
    let path = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut string = std::fs::read(&path).unwrap();
    // Two neighbouring powers in each other's place, behind a digest that is right.
    let (header, point) = (12, 64);
    let at = header + 2 * point;
    string[at..at + 2 * point].rotate_left(point);
    let content = string.len() - 32;
    let digest = Keccak256::digest(&string[..content]);
    string[content..].copy_from_slice(&digest);
    std::fs::write(&path, string).unwrap();
    let refused = run(&keys);
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{message}");
    let remove = format!("remove {}, and it is made again", path.display());
    for part in ["the development string", "is damaged", &remove] {
        assert!(message.contains(part), "no `{part}` in {message}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_dir_all(place.path("keys")).unwrap();
    assert_eq!(run(&keys).status.code(), Some(0));
}

#[test]
fn compiling_tells_its_steps() {
    let place = Workplace::with_model();
    let output = place.run(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo", "-v"]);
    let told = text(&output.stderr);
    for step in ["reading the model", "choosing the precision", "laying out the circuit"] {
        assert!(told.contains(step), "no `{step}` in {told}");
    }
}
