//! From an ONNX model to a decision that is verified, and to refusals.

mod command;

use apodict_verifier::{
    VerifyingKey,
    files::{KeyFile, ProofFile},
};
use command::Workplace;
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

#[test]
fn proves_a_model_in_one_step_and_each_step_alone() {
    let place = Workplace::with_model();
    let context = format!("0x{}", "5a".repeat(32));
    let one_step = place.json(&[
        "prove",
        "model.onnx",
        "--calibrate",
        "calibration.json",
        "--input",
        "input.json",
        "--keys",
        "keys",
        "--context",
        &context,
        "-o",
        "proof.json",
    ]);
    assert_fields(&one_step, &["k", "rows", "prove_ms", "peak_memory_bytes", "proof_bytes", "key_bytes"]);
    for stage in ["compile", "keys", "witness"] {
        assert!(one_step["stages_ms"][stage].is_f64(), "{stage} in {one_step}");
    }
    for columns in ["advice", "fixed", "instance"] {
        assert!(one_step["columns"][columns].is_u64(), "{columns} in {one_step}");
    }
    // An estimate, and peaks differ from run to run.
    #[cfg(target_os = "linux")]
    {
        let predicted = predicted_memory(&place);
        assert!((0.8..1.25).contains(&predicted), "{predicted} of the peak was predicted");
    }
    assert_eq!(one_step["srs"], "unsafe");
    let key_bytes = std::fs::metadata(place.path("keys/pk.bin")).unwrap().len();
    assert_eq!(one_step["key_bytes"], key_bytes);

    // The same program and the same output, made step by step.
    let compiled = place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    assert_eq!(compiled["program_digest"], one_step["program_digest"]);
    let again = place.json(&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "again.json"]);
    assert_eq!(again["outputs"], one_step["outputs"]);
    assert_eq!(again["key_digest"], one_step["key_digest"]);

    let verified = place.json(&["verify", "proof.json", "--key", "keys/vk.json", "--context", &context, "--evm"]);
    assert_eq!(verified["valid"], true);
    assert_eq!(verified["context"], context);
    assert_eq!(verified["outputs"], one_step["outputs"]);
    assert!(verified["verify_ms"].is_f64());
    assert!(verified["evm"]["gas"].as_u64().unwrap() > 100_000, "{verified}");
    assert!(verified["evm"]["calldata_bytes"].as_u64().unwrap() > one_step["proof_bytes"].as_u64().unwrap());
}

#[test]
fn the_output_is_close_to_the_float_model() {
    let place = Workplace::with_proof();
    let verified = place.json(&["verify", "proof.json", "--key", "keys/vk.json"]);
    let score = verified["outputs"]["bad_debt_probability"][0][0].as_f64().unwrap();
    let expected: Value =
        serde_json::from_slice(&std::fs::read(format!("{}/expected.json", command::STORY)).unwrap()).unwrap();
    let float = expected["named"]["stretched"][0][0].as_f64().unwrap();
    assert!((score - float).abs() < 2e-3, "{score} instead of {float}");
}

#[test]
fn a_coarser_error_makes_a_smaller_circuit() {
    let place = Workplace::with_model();
    let rows = |max_error: &str| {
        let compile = ["compile", "model.onnx", "--calibrate", "calibration.json", "--max-error", max_error, "-o"];
        let compiled = place.json(&[&compile[..], &["coarse.apo"]].concat());
        let error = compiled["max_error"].as_f64().unwrap();
        assert!(error <= max_error.parse().unwrap(), "{compiled}");
        place.json(&["inspect", "coarse.apo"])["rows"].as_u64().unwrap()
    };
    let (fine, coarse) = (rows("0.0005"), rows("0.05"));
    assert!(coarse < fine, "{coarse} rows against {fine}");
}

#[test]
fn an_invalid_proof_exits_with_3_and_shows_nothing() {
    let place = Workplace::with_proof();
    let flip_last_byte = |text: &mut Value| {
        let mut digits = text.as_str().unwrap().to_owned();
        let last = digits.pop().unwrap();
        digits.push(if last == '0' { '1' } else { '0' });
        *text = digits.into();
    };
    type Tampering = fn(&mut Value, &dyn Fn(&mut Value));
    let tamperings: [(&str, Tampering); 7] = [
        ("proof", |proof, flip| flip(&mut proof["proof"])),
        ("context", |proof, flip| flip(&mut proof["instances"][0])),
        ("input", |proof, flip| flip(&mut proof["instances"][2])),
        ("output", |proof, flip| flip(proof["instances"].as_array_mut().unwrap().last_mut().unwrap())),
        ("missing instance", |proof, _| drop(proof["instances"].as_array_mut().unwrap().pop())),
        ("instance that is not reduced", |proof, _| proof["instances"][2] = format!("0x{}", "ff".repeat(32)).into()),
        ("empty proof", |proof, _| proof["proof"] = "0x".into()),
    ];
    for (name, tamper) in tamperings {
        place.edit("proof.json", "tampered.json", |proof| tamper(proof, &flip_last_byte));
        for evm in [&[][..], &["--evm"]] {
            let arguments = [&["verify", "tampered.json", "--key", "keys/vk.json", "--json"], evm].concat();
            let output = place.run(&arguments);
            assert_eq!(output.status.code(), Some(3), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["valid"], false, "{name}");
            assert!(!report["reason"].as_str().unwrap().is_empty(), "{name}");
            assert_eq!(report.get("outputs"), None, "{name}: {report}");
        }
    }
}

#[test]
fn a_proof_for_another_context_is_invalid() {
    let place = Workplace::with_proof();
    let other = format!("0x{}", "11".repeat(32));
    let output = place.run(&["verify", "proof.json", "--key", "keys/vk.json", "--context", &other]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("bound to the context"));
}

/// Another scale would show another output for the same proof.
#[test]
fn a_key_with_another_layout_is_another_key() {
    let place = Workplace::with_proof();
    let scaled = |key: &mut Value| key["layout"]["outputs"][0]["runs"][0]["num"] = "2".into();
    place.edit("keys/vk.json", "scaled.json", scaled);
    place.edit("keys/vk.json", "renamed.json", |key| key["layout"]["outputs"][0]["name"] = "safety".into());
    for key in ["scaled.json", "renamed.json"] {
        let output = place.run(&["verify", "proof.json", "--key", key]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{key}");
        assert!(message.contains("the file was changed"), "{message}");
        // Whoever redoes the digest, as the message tells it, has another key.
        let digest = message.split("the key's digest is ").nth(1).unwrap()[..66].to_owned();
        place.edit(key, key, |key| key["digest"] = digest.clone().into());
        let output = place.run(&["verify", "proof.json", "--key", key]);
        assert_eq!(output.status.code(), Some(1), "{key}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("wrong key"), "{key}");
        // And whoever redoes that of the proof has not the pinned one.
        place.edit("proof.json", "moved.json", |proof| proof["key_digest"] = digest.clone().into());
        let genuine: Value = serde_json::from_slice(&place.read("keys/vk.json")).unwrap();
        let pinned = genuine["digest"].as_str().unwrap();
        let output = place.run(&["verify", "moved.json", "--key", key, "--key-digest", pinned]);
        assert_eq!(output.status.code(), Some(1), "{key}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not the pinned"), "{key}");
    }
}

/// Every command that has a key tells the same digest of it, which is the one in its file.
#[test]
fn there_is_one_key_digest() {
    let place = Workplace::with_proof();
    let file: Value = serde_json::from_slice(&place.read("keys/vk.json")).unwrap();
    let digest = file["digest"].as_str().unwrap();
    let proof: Value = serde_json::from_slice(&place.read("proof.json")).unwrap();
    assert_eq!(proof["key_digest"], digest);
    let commands: [&[&str]; 5] = [
        &["keys", "program.apo", "-o", "again"],
        &["contract", "program.apo", "--keys", "keys", "-o", "contracts"],
        &["verify", "proof.json", "--key", "keys/vk.json", "--key-digest", digest],
        &["calldata", "proof.json", "--key", "keys/vk.json", "--key-address", ADDRESS],
        &["inspect", "keys/vk.json"],
    ];
    for command in commands {
        assert_eq!(place.json(command)["key_digest"], digest, "{command:?}");
    }
}

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";

/// A call is made of proofs that hold, and tells what it says with sign and scale.
#[test]
fn prints_the_call_of_a_proof() {
    let place = Workplace::with_proof();
    let arguments = ["calldata", "proof.json", "--key", "keys/vk.json", "--key-address", ADDRESS];
    let call = place.json(&[&arguments[..], &["--decode"]].concat());
    let verified = place.json(&["verify", "proof.json", "--key", "keys/vk.json", "--evm"]);
    assert_eq!(call["outputs"], verified["outputs"]);
    let calldata = call["calldata"].as_str().unwrap();
    assert_eq!(calldata.len(), 2 + 2 * verified["evm"]["calldata_bytes"].as_u64().unwrap() as usize);
    assert!(calldata.contains(&ADDRESS[2..]) && calldata.contains(&call["key_code_hash"].as_str().unwrap()[2..]));
    let text = place.run(&arguments);
    assert_eq!(String::from_utf8_lossy(&text.stdout).trim(), calldata);

    place.edit("proof.json", "falsified.json", |proof| proof["instances"][1] = proof["instances"][2].clone());
    let output = place.run(&["calldata", "falsified.json", "--key", "keys/vk.json", "--key-address", ADDRESS]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("0x"));
}

/// No file makes a string a ceremony's, only a pin of its digest; and whoever pins one gets no other.
#[test]
fn a_string_is_unsafe_until_it_is_pinned() {
    let place = Workplace::with_proof();
    place.json(&["srs", "generate", "-k", "12", "--unsafe", "-o", "dev.srs"]);
    let checked = place.json(&["srs", "check", "dev.srs"]);
    assert_eq!(checked["origin"], "unsafe");
    let pin = checked["digest"].as_str().unwrap();
    assert_eq!(place.json(&["srs", "check", "dev.srs", "--srs-digest", pin])["origin"], "ceremony");

    let keys = ["keys", "program.apo", "-o", "pinned", "--srs", "dev.srs"];
    assert_eq!(place.json(&keys)["srs"], "unsafe");
    assert_eq!(place.json(&[&keys[..], &["--srs-digest", pin]].concat())["srs"], "ceremony");
    let prove =
        ["prove", "program.apo", "--input", "input.json", "--srs", "dev.srs", "--keys", "pinned", "-o", "pinned.json"];
    assert_eq!(place.json(&[&prove[..], &["--srs-digest", pin]].concat())["srs"], "ceremony");
    let verify = ["verify", "pinned.json", "--key", "pinned/vk.json"];
    assert_eq!(place.json(&verify)["srs"], "unsafe");
    assert_eq!(place.json(&[&verify[..], &["--srs-digest", pin]].concat())["srs"], "ceremony");
    let contract = ["contract", "program.apo", "--srs", "dev.srs", "--keys", "pinned", "-o", "contracts"];
    place.json(&contract);
    assert!(place.path("contracts/UNSAFE_VerifyingKeyData.sol").exists());
    let contract = ["contract", "program.apo", "--srs", "dev.srs", "--keys", "pinned", "-o", "trusted"];
    place.json(&[&contract[..], &["--srs-digest", pin]].concat());
    assert!(place.path("trusted/VerifyingKeyData.sol").exists());

    let other = format!("0x{}", "11".repeat(32));
    for command in [&keys[..], &prove, &contract, &verify, &["srs", "check", "dev.srs"]] {
        let output = place.run(&[command, &["--srs-digest", &other]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(message.contains("not the pinned one") && message.contains(&pin[2..]), "{message}");
    }
}

/// Points that are no powers are refused by whoever would commit with them, though the file is undamaged.
#[test]
fn a_doctored_string_is_refused_before_it_is_used() {
    let place = Workplace::with_proof();
    let k = place.json(&["inspect", "program.apo"])["k"].to_string();
    place.json(&["srs", "generate", "-k", &k, "--unsafe", "-o", "dev.srs"]);
    let mut doctored = place.read("dev.srs");
    // Two of the powers exchanged, the file's digest redone: genuine points, and the genuine image of the secret.
    let (first, second) = (12 + 5 * 64, 12 + 6 * 64);
    let (head, tail) = doctored.split_at_mut(second);
    head[first..first + 64].swap_with_slice(&mut tail[..64]);
    let end = doctored.len() - 32;
    let digest = Keccak256::digest(&doctored[..end]);
    doctored[end..].copy_from_slice(&digest);
    place.write("evil.srs", doctored);

    let uses: [&[&str]; 4] = [
        &["srs", "check", "evil.srs"],
        &["keys", "program.apo", "-o", "out", "--srs", "evil.srs"],
        &["contract", "program.apo", "-o", "out", "--srs", "evil.srs"],
        &["prove", "program.apo", "--input", "input.json", "-o", "out.json", "--srs", "evil.srs"],
    ];
    for command in uses {
        let output = place.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains("not successive powers"), "{message}");
    }
    assert!(!place.path("out").exists() && !place.path("out.json").exists());
}

/// A verifying key that somebody laid beside the proving key is neither used for it nor overwritten.
#[test]
fn a_verifying_key_of_others_stays() {
    let place = Workplace::with_proof();
    place.json(&["compile", "model.onnx", "--range", "features=-9,9", "-o", "other.apo"]);
    place.json(&["keys", "other.apo", "-o", "other"]);
    let (honest, foreign) = (place.read("keys/vk.json"), place.read("other/vk.json"));
    place.write("keys/vk.json", &foreign);
    let output = place.run(&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "out.json"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("the proving key beside it is the key"), "{message}");
    assert_eq!(place.read("keys/vk.json"), foreign);
    // Nor where it lies alone, as one does that somebody was given.
    std::fs::remove_file(place.path("keys/pk.bin")).unwrap();
    for command in [
        &["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "out.json"][..],
        &["contract", "program.apo", "--keys", "keys", "-o", "contract"],
    ] {
        let output = place.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(place.read("keys/vk.json"), foreign);
        assert!(!place.path("keys/pk.bin").exists() && !place.path("contract").exists());
    }
    place.write("keys/vk.json", honest);
    place.json(&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "out.json"]);
    assert!(place.path("keys/pk.bin").exists());
}

/// Such a key can say that a proof holds, and not what it says: that is no verdict on the proof.
#[test]
fn a_key_that_describes_nothing_judges_no_proof() {
    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../verifier/tests/vectors/square");
    let vector = |extension| std::fs::read(format!("{VECTORS}.{extension}")).unwrap();
    let key = VerifyingKey::from_bytes(&vector("key")).unwrap();
    let instances = vector("instances").as_chunks().0.to_vec();
    let proof = ProofFile::new(key.digest().unwrap(), &instances, vector("proof"));
    let place = Workplace::with_model();
    place.write("vk.json", KeyFile::new(&key).unwrap().to_json().unwrap());
    place.write("proof.json", proof.to_json().unwrap());
    let address = format!("0x{}", "11".repeat(20));
    for command in [
        &["verify", "proof.json", "--key", "vk.json"][..],
        &["calldata", "proof.json", "--key", "vk.json", "--key-address", &address],
    ] {
        let output = place.run(command);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("does not say what its public values mean"), "{message}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn keys_are_made_once_and_stay() {
    let place = Workplace::with_model();
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
    let prove = ["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "proof.json"];
    place.json(&prove);
    let key = place.read("keys/pk.bin");
    place.json(&prove);
    assert_eq!(place.read("keys/pk.bin"), key);
    assert_eq!(place.names(), ["calibration.json", "input.json", "keys", "model.onnx", "program.apo", "proof.json"]);
}

/// Nobody takes a verifying key or a contract out of a folder of keys that was made for another circuit, whatever its files say.
#[test]
fn keys_of_another_circuit_make_no_contract() {
    let place = Workplace::with_proof();
    // Another program with as many rows, so that only the circuit differs.
    place.json(&[
        "compile",
        "model.onnx",
        "--calibrate",
        "calibration.json",
        "--max-error",
        "0.002",
        "-o",
        "other.apo",
    ]);
    let [k, other_k] = ["program.apo", "other.apo"].map(|program| place.json(&["inspect", program])["k"].clone());
    assert_eq!(k, other_k);
    place.json(&["keys", "other.apo", "-o", "forged"]);
    // Digests of the program and of the string after eight bytes, and at the end one of all.
    let (honest, mut forged) = (place.read("keys/pk.bin"), place.read("forged/pk.bin"));
    assert_ne!(honest, forged);
    forged[8..72].copy_from_slice(&honest[8..72]);
    let end = forged.len() - 32;
    let digest = Keccak256::digest(&forged[..end]);
    forged[end..].copy_from_slice(&digest);
    place.write("forged/pk.bin", forged);
    let other: Value = serde_json::from_slice(&place.read("forged/vk.json")).unwrap();
    std::fs::remove_file(place.path("forged/vk.json")).unwrap();

    let contract = ["contract", "program.apo", "--keys", "forged", "-o", "contract"];
    let prove = ["prove", "program.apo", "--input", "input.json", "--keys", "forged", "-o", "forged.json"];
    for command in [&contract[..], &prove] {
        let output = place.run(command);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("meant another circuit") && message.contains("remove it"), "{message}");
    }
    for made in ["contract", "forged/vk.json", "forged.json"] {
        assert!(!place.path(made).exists(), "{made}");
    }
    // Nor if a verifying key lies there that fits: the other circuit under the honest program's name, its digest redone.
    place.edit("keys/vk.json", "forged/vk.json", |key| key["circuit"] = other["circuit"].clone());
    let output = place.run(&["inspect", "forged/vk.json"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    let digest = message.split("the key's digest is ").nth(1).unwrap()[..66].to_owned();
    place.edit("forged/vk.json", "forged/vk.json", |key| key["digest"] = digest.into());
    let output = place.run(&contract);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("meant another circuit"), "{message}");
    assert!(!place.path("contract").exists());
    assert_eq!(place.run(&prove).status.code(), Some(1));
    place.json(&["contract", "program.apo", "--keys", "keys", "-o", "contract"]);
}

/// Of a string that is much larger than the program no more is held than the program takes.
#[test]
#[cfg(target_os = "linux")]
fn a_large_string_takes_no_more_memory_than_a_small_one() {
    let place = Workplace::with_proof();
    place.json(&["srs", "generate", "-k", "18", "--unsafe", "-o", "large.srs"]);
    let prove = ["prove", "program.apo", "--input", "input.json", "--srs", "large.srs", "-o", "proof.json"];
    let peak = place.json(&prove)["peak_memory_bytes"].as_f64().unwrap();
    let small = place.json(&["prove", "program.apo", "--input", "input.json", "-o", "proof.json"]);
    let small = small["peak_memory_bytes"].as_f64().unwrap();
    // Read whole it would be more than that; how much of the program file is resident varies by a fifth.
    assert!(peak < 1.5 * small, "{peak} bytes, and {small} with a small string");
}

#[test]
fn describes_a_program() {
    let place = Workplace::with_proof();
    let report = place.json(&["inspect", "program.apo"]);
    assert_fields(&report, &["program_digest", "k", "rows", "table_rows"]);
    assert_fields(&report["predicted"], &["prove_ms", "peak_memory_bytes", "proof_bytes", "gas"]);
    let proof = place.json(&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "again.json"]);
    assert_eq!(report["predicted"]["proof_bytes"], proof["proof_bytes"]);
    let text = place.run(&["inspect", "program.apo"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&text.stdout).contains("bad_debt_probability"));
}

#[test]
fn writes_contracts() {
    let place = Workplace::with_proof();
    let report = place.json(&["contract", "program.apo", "--keys", "keys", "-o", "contracts"]);
    let files = report["files"].as_array().unwrap();
    assert!(!files.is_empty());
    for file in files {
        assert!(std::fs::metadata(place.path(file.as_str().unwrap())).unwrap().len() > 0, "{file}");
    }
    assert_eq!(report["srs"], "unsafe");
}

#[test]
fn the_demo_tells_three_verdicts() {
    let place = Workplace::with_model();
    let told = place.run(&["demo"]);
    let story = String::from_utf8_lossy(&told.stdout);
    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    for part in ["Ether", "lend 4", "gas", "UNSAFE", "refused"] {
        assert!(story.contains(part), "no `{part}` in: {story}");
    }
    let report = place.json(&["demo"]);
    assert_eq!(report["verdicts"], json!({"library": "accepted", "evm": "accepted", "tampered": "refused"}));
    let parameter = |name: &str| report["parameters"][name].as_f64().unwrap();
    assert!(parameter("loan_to_value") < parameter("threshold"), "{report}");
    assert_eq!(report["decision"], "closed");
}

#[test]
fn times_proofs_in_pairs() {
    let place = Workplace::with_model();
    let pairs = ["bench", "-k", "7", "--runs", "3", "--against", "stock", "--memory", "64", "--cancel", "4"];
    let report = place.json(&pairs);
    assert_eq!((&report["runs"], &report["cases"][0]["k"]), (&json!(3), &json!(7)));
    for time in ["prove_ms", "commit_ms", "quotient_ms", "open_ms"] {
        assert!(report["cases"][0]["engine"][time].as_f64().unwrap() > 0.0, "{report}");
    }
    assert!(report["cases"][0]["stock_ms"].as_f64().unwrap() > 0.0);
    assert!(report["cases"][0]["ratio"].is_f64());
    let engine = &report["cases"][0]["engine"];
    assert!(engine["multiplications"].as_u64().unwrap() > 10_000, "{report}");
    // Nothing multiplies faster than the multiplier; a machine that does something else meanwhile may seem to.
    assert!((0.001..2.0).contains(&engine["of_peak"].as_f64().unwrap()), "{report}");
    assert!(report["cases"][0]["cancelled"]["proofs"].as_u64().unwrap() <= 4, "{report}");

    let model = ["bench", "model.onnx", "--calibrate", "calibration.json", "--input", "input.json", "--runs", "1"];
    let report = place.json(&[&model[..], &["--only", "stock"]].concat());
    assert!(report["cases"][0]["stock_ms"].is_f64() && report["cases"][0]["engine"].is_null(), "{report}");
}

#[test]
fn prints_completions() {
    let place = Workplace::with_model();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = place.run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("apodict"), "{shell}");
    }
}

fn assert_fields(report: &Value, numbers_and_texts: &[&str]) {
    for field in numbers_and_texts {
        let value = &report[field];
        assert!(value.is_number() || value.is_string(), "{field} in {report}");
    }
}

/// Predicted memory of a proof with its peak as 1. The peak of a process that compiles before it proves may be the compiler's.
#[cfg(target_os = "linux")]
fn predicted_memory(place: &Workplace) -> f64 {
    place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "measured.apo"]);
    let prove = ["prove", "measured.apo", "--input", "input.json", "--keys", "keys", "-o", "measured.json"];
    let proof = place.json(&prove);
    proof["predicted_memory_bytes"].as_f64().unwrap() / proof["peak_memory_bytes"].as_f64().unwrap()
}
