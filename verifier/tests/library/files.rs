//! `vk.json` and `proof.json`.

use crate::answers::square;
use apodict_verifier::{
    KeyError, SrsPolicy, Verifier,
    files::{self, Bytes32, Decision, FileError, KeyFile, MAX_PROOF_FILE_BYTES, ProofFile, parse_bytes32},
};
use serde_json::{Value, json};

fn key_json() -> Value {
    serde_json::from_slice(&KeyFile::new(&square().key).unwrap().to_json().unwrap()).unwrap()
}

fn parsed(json: &Value) -> Result<apodict_verifier::VerifyingKey, FileError> {
    KeyFile::parse(json.to_string().as_bytes())
}

/// What the example in the module's documentation does.
#[test]
fn a_keeper_reads_and_verifies() {
    let folder = std::env::temp_dir().join(format!("apodict-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let answer = square();
    let (key, proof) = (folder.join("vk.json"), folder.join("proof.json"));
    std::fs::write(&key, KeyFile::new(&answer.key).unwrap().to_json().unwrap()).unwrap();
    let file = ProofFile::new(answer.key.digest().unwrap(), &answer.instances, answer.proof.to_vec());
    std::fs::write(&proof, file.to_json().unwrap()).unwrap();

    let read = files::read_key(&key).unwrap();
    assert_eq!(read, answer.key);
    let digest = read.digest().unwrap();
    let verifier = Verifier::pinned(read, &digest, SrsPolicy::AllowUnsafe).unwrap();
    let read = files::read_proof(&proof).unwrap();
    assert_eq!(read, file);
    verifier.verify_words(&read.words(), &read.proof).unwrap();
    assert!(matches!(files::read_key(&proof), Err(FileError::Malformed { .. })));
    assert!(matches!(files::read_proof(&folder.join("none.json")), Err(FileError::Read { .. })));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A device without an end is read up to the limit and no further.
#[cfg(unix)]
#[test]
fn what_does_not_end_is_refused() {
    let error = files::read_proof("/dev/zero".as_ref()).unwrap_err();
    assert!(matches!(error, FileError::TooLong { max: MAX_PROOF_FILE_BYTES, .. }), "{error}");
}

/// Whoever edits a scale, a name or a range in the file has another key, and the digest in the file says so.
#[test]
fn an_edited_key_file_is_refused() {
    let genuine = key_json();
    parsed(&genuine).unwrap();
    let mut edited = genuine.clone();
    edited["program_digest"] = json!(format!("0x{}", "11".repeat(32)));
    assert!(matches!(parsed(&edited), Err(FileError::Changed { .. })));
    let mut edited = genuine.clone();
    edited["digest"] = json!(format!("0x{}", "11".repeat(32)));
    assert!(matches!(parsed(&edited), Err(FileError::Changed { .. })));
    let mut edited = genuine.clone();
    edited["layout"]["outputs"] = json!([{"name": "y", "shape": [], "runs": []}]);
    assert!(matches!(parsed(&edited), Err(FileError::Key(KeyError::Layout { .. }))));
    let mut edited = genuine.clone();
    edited["origin"] = json!("ceremony");
    assert!(matches!(parsed(&edited), Err(FileError::Malformed { .. })));
    let mut edited = genuine;
    edited["version"] = json!(1);
    assert!(matches!(parsed(&edited), Err(FileError::Version { got: 1, .. })));
}

#[test]
fn numbers_in_key_files_have_one_spelling() {
    let run = |num: &str| {
        let mut json = key_json();
        let run = json!({"count": 1, "num": num, "den": "1", "zero": 0, "lo": "0", "hi": "1"});
        json["layout"]["outputs"] = json!([{"name": "y", "shape": [], "runs": [run]}]);
        parsed(&json)
    };
    // Read, and refused for what it describes: the square's one instance is no context.
    assert!(matches!(run("16"), Err(FileError::Key(KeyError::Count { .. }))));
    for wrong in ["016", "+16", "", "1e3", "-1", "0x10", "340282366920938463463374607431768211456"] {
        assert!(matches!(run(wrong), Err(FileError::Malformed { .. })), "{wrong}");
    }
}

/// The verifier in TypeScript takes none of these either.
#[test]
fn files_have_one_spelling() {
    let answer = square();
    let proof = ProofFile::new(answer.key.digest().unwrap(), &answer.instances, answer.proof.to_vec());
    let proof: Value = serde_json::from_slice(&proof.to_json().unwrap()).unwrap();
    ProofFile::parse(proof.to_string().as_bytes()).unwrap();
    let values = |object: &Value| Value::Array(object.as_object().unwrap().values().cloned().collect());
    let in_order =
        |object: &Value, names: &[&str]| -> Value { names.iter().map(|name| object[*name].clone()).collect() };

    let key = key_json();
    let run = json!({"count": 1, "num": "1", "den": "1", "zero": 0, "lo": "0", "hi": "1"});
    let with_run = |run: Value| json!([{"name": "y", "shape": [], "runs": [run]}]);
    let edits: [(&str, Value); 5] = [
        ("format", json!({"apodict-key": null})),
        ("layout", values(&key["layout"])),
        ("layout", json!({"inputs": [], "outputs": [["y", [], []]]})),
        (
            "layout",
            json!({"inputs": [], "outputs": with_run(in_order(&run, &["count", "num", "den", "zero", "lo", "hi"]))}),
        ),
        ("digest", json!(key["digest"].as_str().unwrap().to_uppercase().replace("0X", "0x"))),
    ];
    for (field, value) in edits {
        let mut edited = key.clone();
        edited[field] = value;
        assert!(matches!(parsed(&edited), Err(FileError::Malformed { .. })), "{}", edited[field]);
    }
    let fields = ["format", "version", "digest", "program_digest", "layout", "circuit"];
    assert!(matches!(parsed(&in_order(&key, &fields)), Err(FileError::Malformed { .. })));

    let refused =
        |json: &Value| matches!(ProofFile::parse(json.to_string().as_bytes()), Err(FileError::Malformed { .. }));
    assert!(refused(&in_order(&proof, &["format", "version", "key_digest", "instances", "proof"])));
    for (field, value) in [
        ("format", json!({"apodict-proof": null})),
        ("proof", json!(proof["proof"].as_str().unwrap().to_uppercase().replace("0X", "0x"))),
    ] {
        let mut edited = proof.clone();
        edited[field] = value;
        assert!(refused(&edited), "{field}");
    }
}

#[test]
fn refuses_what_is_not_32_bytes() {
    let right = format!("0x{}", "0a".repeat(32));
    assert_eq!(parse_bytes32(&right), Ok([10; 32]));
    assert_eq!(Bytes32([10; 32]).to_string(), right);
    for wrong in [&right[2..], &right[..64], "0x", "0xzz", "", &format!("{right}00")] {
        parse_bytes32(wrong).unwrap_err();
    }
}

#[test]
fn decisions_are_shown_in_the_models_units() {
    let layout = crate::layout::layout();
    let instances: Vec<_> = [1, 2, 24, -8, -4, 3, 2].map(crate::layout::instance).into();
    let decision = Decision::new(&layout, &layout.decode(&instances).unwrap());
    // The last input's offset is -7: three steps of 3 / 2^20.
    assert_eq!(Value::Object(decision.inputs), json!({"x": [[1.5, -0.5, 9.0 / f64::from(1 << 20)]]}));
    assert_eq!(Value::Object(decision.outputs), json!({"y": 1.5, "class": [2]}));
}
