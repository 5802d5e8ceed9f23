//! `apodict srs`: strings for development, and from a ceremony's file to a string that programs are proved with.

#[path = "../../tests/ceremony/mod.rs"]
mod ceremony;
mod command;

use ceremony::Ceremony;
use command::{PEGS, Workplace};
use serde_json::json;

/// A string of several contributions serves like one that was made here, and is a ceremony's by its pin alone.
#[test]
fn imports_a_ceremony_and_proves_with_it() {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let [model, calibration] = ["model.onnx", "calibration.json"].map(|name| format!("{PEGS}/{name}"));
    place.write("input.json", format!("{{\"inputs\": {{\"pegs\": [{:?}]}}}}", [1.0; 8]));
    place.json(&["compile", &model, "--calibrate", &calibration, "-o", "program.apo"]);
    let k = place.json(&["inspect", "program.apo"])["k"].as_u64().unwrap();
    place.write("ceremony.ptau", Ceremony::held(k as u32 + 1, 3).ptau());

    let imported = place.json(&["srs", "import", "ceremony.ptau", "-k", &k.to_string(), "-o", "ceremony.srs"]);
    assert_eq!(imported["origin"], "unsafe");
    assert_eq!(imported["k"], k);
    assert_eq!(imported["imported"]["format"], "ptau");
    assert_eq!(imported["imported"]["k"], k + 1);
    let digest = imported["digest"].as_str().unwrap();
    let checked = place.json(&["srs", "check", "ceremony.srs"]);
    assert_eq!((&checked["digest"], &checked["origin"]), (&imported["digest"], &"unsafe".into()));

    let pinned = place.json(&["srs", "import", "ceremony.ptau", "--srs-digest", digest, "-o", "pinned.srs"]);
    assert_eq!((&pinned["origin"], &pinned["k"]), (&"ceremony".into(), &(k + 1).into()));
    let prove = ["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "proof.json"];
    let with = ["--srs", "ceremony.srs", "--srs-digest", digest];
    assert_eq!(place.json(&[&prove[..], &with].concat())["srs"], "ceremony");
    let verify = ["verify", "proof.json", "--key", "keys/vk.json", "--srs-digest", digest];
    assert_eq!(place.json(&verify)["srs"], "ceremony");
}

/// The warning says where the digest must come from; another digest than the pinned one writes nothing.
#[test]
fn tells_a_string_of_nobody_from_a_pinned_one() {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    place.write("ceremony.ptau", Ceremony::held(4, 2).ptau());
    let output = place.run(&["srs", "import", "ceremony.ptau", "-o", "out.srs"]);
    assert_eq!(output.status.code(), Some(0));
    let warning = String::from_utf8_lossy(&output.stderr);
    assert!(warning.contains("UNSAFE") && warning.contains("--srs-digest"), "{warning}");
    std::fs::remove_file(place.path("out.srs")).unwrap();

    let other = format!("0x{}", "11".repeat(32));
    let output = place.run(&["srs", "import", "ceremony.ptau", "--srs-digest", &other, "-o", "out.srs"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("not the pinned one"), "{message}");
    assert_eq!(place.names(), ["ceremony.ptau"]);
}

#[test]
fn refuses_what_is_no_ceremonys_file_and_writes_nothing() {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let genuine = Ceremony::held(4, 2);
    let mut swapped = Ceremony::held(4, 2);
    swapped.first.swap(4, 5);
    place.write("cut.ptau", &genuine.ptau()[..2000]);
    place.write("swapped.ptau", swapped.ptau());
    place.write("text.json", "{}");
    place.write("genuine.ptau", genuine.ptau());
    let names = place.names();
    for (file, options, says) in [
        ("cut.ptau", &[][..], "cut off"),
        ("swapped.ptau", &[], "do not use it"),
        ("text.json", &[], ".ptau of snarkjs"),
        ("/dev/zero", &[], "neither begins like a .ptau"),
        ("missing", &[], "cannot read missing"),
        ("genuine.ptau", &["-k", "5"], "smaller K"),
    ] {
        let output = place.run(&[&["srs", "import", file, "-o", "out.srs"], options].concat());
        let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
        assert_eq!(output.status.code(), Some(1), "{file}: {message}");
        assert!(message.contains(says), "{file}: {message}");
    }
    assert_eq!(place.names(), names);
}

#[test]
fn checks_an_srs_and_says_unsafe() {
    let place = Workplace::with_model();
    let generated = place.run(&["srs", "generate", "-k", "5", "--unsafe", "-o", "dev.srs"]);
    assert_eq!(generated.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&generated.stderr).contains("UNSAFE"));
    let report = place.json(&["srs", "check", "dev.srs"]);
    assert_eq!((&report["valid"], &report["k"], &report["origin"]), (&json!(true), &json!(5), &json!("unsafe")));

    // Damage is found wherever it stands.
    let honest = place.read("dev.srs");
    for at in [honest.len() / 4, honest.len() / 2, honest.len() - 40] {
        let mut broken = honest.clone();
        broken[at] ^= 1;
        place.write("broken.srs", &broken);
        assert_eq!(place.run(&["srs", "check", "broken.srs"]).status.code(), Some(1), "byte {at}");
    }
}
