//! What a user can get wrong: each a clear error, exit code 1 or 2, no file left behind, no panic.

mod command;
#[path = "bad_input/files.rs"]
mod files;

use command::Workplace;

/// One mistake, made by arguments on files of [`files`].
struct Mistake {
    name: &'static str,
    arguments: &'static [&'static str],
    exit_code: i32,
    /// Parts of the message: what is wrong, and what to do.
    says: &'static [&'static str],
}

const COMPILE: &[Mistake] = &[
    Mistake {
        name: "missing model",
        arguments: &["compile", "missing.onnx", "-o", "out"],
        exit_code: 1,
        says: &["missing.onnx", "check the name"],
    },
    Mistake {
        name: "not an ONNX file",
        arguments: &["compile", "text.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["ONNX"],
    },
    Mistake {
        name: "empty model",
        arguments: &["compile", "empty.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["ONNX"],
    },
    Mistake {
        name: "truncated model",
        arguments: &["compile", "truncated.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["ONNX"],
    },
    Mistake {
        name: "unknown operator",
        arguments: &["compile", "unknown_operator.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["Sigmoit", "Gemm"],
    },
    Mistake {
        name: "dynamic shape",
        arguments: &["compile", "dynamic.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["features", "dimension"],
    },
    Mistake {
        name: "weight that is not a number",
        arguments: &["compile", "nan_weight.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["logit_bias", "NaN"],
    },
    Mistake {
        name: "infinite weight",
        arguments: &["compile", "infinite_weight.onnx", "--calibrate", "calibration.json", "-o", "out"],
        exit_code: 1,
        says: &["logit_bias", "inf"],
    },
    Mistake {
        name: "calibration of another model",
        arguments: &["compile", "model.onnx", "--calibrate", "wrong_name.json", "-o", "out"],
        exit_code: 1,
        says: &["wrong_name.json"],
    },
    Mistake {
        name: "range of an unknown input",
        arguments: &["compile", "model.onnx", "--range", "colour=0,1", "-o", "out"],
        exit_code: 1,
        says: &["colour", "features"],
    },
    Mistake {
        name: "range that is none",
        arguments: &["compile", "model.onnx", "--range", "features=1,0", "-o", "out"],
        exit_code: 2,
        says: &["LOW <= HIGH"],
    },
    Mistake {
        name: "unwritable output",
        arguments: &["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "no/such/folder/out"],
        exit_code: 1,
        says: &["no/such/folder/out", "folder that exists"],
    },
    Mistake {
        name: "output that is a folder",
        arguments: &["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "keys"],
        exit_code: 1,
        says: &["cannot write keys", "folder"],
    },
    Mistake { name: "no output", arguments: &["compile", "model.onnx"], exit_code: 2, says: &["--output"] },
    Mistake {
        name: "option that does not exist yet",
        arguments: &["compile", "model.onnx", "-o", "out", "--weights", "private"],
        exit_code: 2,
        says: &["--weights"],
    },
];

const PROVE: &[Mistake] = &[
    Mistake {
        name: "error allowed of a program",
        arguments: &["prove", "program.apo", "--allow-error", "--input", "input.json", "-o", "out"],
        exit_code: 2,
        says: &["--allow-error", "compiled already"],
    },
    Mistake {
        name: "missing input",
        arguments: &["prove", "program.apo", "--input", "missing.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["missing.json"],
    },
    Mistake {
        name: "input that is not JSON",
        arguments: &["prove", "program.apo", "--input", "text.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["text.json"],
    },
    Mistake {
        name: "wrong name",
        arguments: &["prove", "program.apo", "--input", "wrong_name.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["colour", "features"],
    },
    Mistake {
        name: "one name too many",
        arguments: &["prove", "program.apo", "--input", "extra_name.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["colour", "features"],
    },
    Mistake {
        name: "wrong shape",
        arguments: &["prove", "program.apo", "--input", "wrong_shape.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["features", "[1, 16]", "[1, 3]"],
    },
    Mistake {
        name: "ragged arrays",
        arguments: &["prove", "program.apo", "--input", "ragged.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["ragged.json", "is ragged"],
    },
    Mistake {
        name: "text among the numbers",
        arguments: &["prove", "program.apo", "--input", "wrong_type.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["wrong_type.json"],
    },
    Mistake {
        name: "null for not a number",
        arguments: &["prove", "program.apo", "--input", "null.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["null.json"],
    },
    Mistake {
        name: "NaN",
        arguments: &["prove", "program.apo", "--input", "nan.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["nan.json"],
    },
    Mistake {
        name: "out of the declared range",
        arguments: &["prove", "program.apo", "--input", "out_of_range.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["features", "1000000", "range"],
    },
    Mistake {
        name: "key of another program",
        arguments: &["prove", "other.apo", "--input", "input.json", "--keys", "keys", "-o", "out"],
        exit_code: 1,
        says: &["pk.bin", "belongs to program"],
    },
    Mistake {
        name: "proving key that is none",
        arguments: &["prove", "program.apo", "--input", "input.json", "--keys", "text_keys", "-o", "out"],
        exit_code: 1,
        says: &["pk.bin"],
    },
    Mistake {
        name: "proving key that is cut off",
        arguments: &["prove", "program.apo", "--input", "input.json", "--keys", "truncated_keys", "-o", "out"],
        exit_code: 1,
        says: &["pk.bin"],
    },
    Mistake {
        name: "proving key of another version",
        arguments: &["prove", "program.apo", "--input", "input.json", "--keys", "versioned_keys", "-o", "out"],
        exit_code: 1,
        says: &["pk.bin", "version"],
    },
    Mistake {
        name: "program of another version",
        arguments: &["prove", "versioned.apo", "--input", "input.json", "-o", "out"],
        exit_code: 1,
        says: &["versioned.apo", "version"],
    },
    Mistake {
        name: "truncated program",
        arguments: &["inspect", "truncated.apo"],
        exit_code: 1,
        says: &["truncated.apo"],
    },
    Mistake { name: "program that is none", arguments: &["inspect", "text.onnx"], exit_code: 1, says: &["text.onnx"] },
    Mistake {
        name: "option of compile with a program",
        arguments: &["prove", "program.apo", "--bits", "8", "--input", "input.json", "-o", "out"],
        exit_code: 2,
        says: &["--bits", "compiled already"],
    },
    Mistake {
        name: "greatest error of zero",
        arguments: &["compile", "model.onnx", "--max-error=0", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "greater than 0"],
    },
    Mistake {
        name: "greatest error that is negative",
        arguments: &["compile", "model.onnx", "--max-error=-0.5", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "greater than 0"],
    },
    Mistake {
        name: "greatest error that is no number",
        arguments: &["compile", "model.onnx", "--max-error=nan", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "greater than 0"],
    },
    Mistake {
        name: "greatest error without end",
        arguments: &["compile", "model.onnx", "--max-error=inf", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "greater than 0"],
    },
    Mistake {
        name: "greatest error in letters",
        arguments: &["compile", "model.onnx", "--max-error=x", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "greater than 0"],
    },
    Mistake {
        name: "greatest error and bits",
        arguments: &["compile", "model.onnx", "--max-error", "0.01", "--bits", "8", "-o", "out"],
        exit_code: 2,
        says: &["--max-error", "--bits"],
    },
    Mistake {
        name: "bench of no proofs",
        arguments: &["bench", "--runs", "0"],
        exit_code: 2,
        says: &["--runs", "from 1"],
    },
    Mistake {
        name: "bench of a size that is out of range",
        arguments: &["bench", "-k", "10,30"],
        exit_code: 2,
        says: &["30"],
    },
    Mistake {
        name: "bench of a model without an input",
        arguments: &["bench", "model.onnx"],
        exit_code: 2,
        says: &["--input"],
    },
    Mistake {
        name: "memory in words",
        arguments: &["bench", "--memory", "much"],
        exit_code: 2,
        says: &["--memory", "MiB"],
    },
    Mistake {
        name: "less memory than a proof takes",
        arguments: &["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "out", "--memory", "4"],
        exit_code: 1,
        says: &["MiB of memory", "the limit is 4 MiB", "raise it"],
    },
    Mistake {
        name: "bench alone and against another",
        arguments: &["bench", "--only", "stock", "--against", "stock"],
        exit_code: 2,
        says: &["--only", "--against"],
    },
    Mistake {
        name: "SRS that is too small",
        arguments: &["keys", "program.apo", "--srs", "small.srs", "-o", "out"],
        exit_code: 1,
        says: &["small.srs", "apodict srs generate"],
    },
    Mistake {
        name: "another SRS than the keys'",
        arguments: &[
            "prove",
            "program.apo",
            "--input",
            "input.json",
            "--keys",
            "keys",
            "--srs",
            "other.srs",
            "-o",
            "out",
        ],
        exit_code: 1,
        says: &["pk.bin", "another structured reference string"],
    },
    Mistake { name: "SRS that is none", arguments: &["srs", "check", "text.json"], exit_code: 1, says: &["text.json"] },
    Mistake {
        name: "context of the wrong length",
        arguments: &["prove", "program.apo", "--input", "input.json", "-o", "out", "--context", "0x01"],
        exit_code: 2,
        says: &["expected 32 bytes, got 1"],
    },
    Mistake {
        name: "unwritable proof",
        arguments: &["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "no/such/out"],
        exit_code: 1,
        says: &["no/such/out"],
    },
    Mistake {
        name: "keys below a file",
        arguments: &["keys", "program.apo", "-o", "input.json/keys"],
        exit_code: 1,
        says: &["input.json/keys"],
    },
    Mistake {
        name: "generating without saying unsafe",
        arguments: &["srs", "generate", "-k", "4", "-o", "out"],
        exit_code: 2,
        says: &["--unsafe"],
    },
];

const DIGEST: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";

const VERIFY: &[Mistake] = &[
    Mistake {
        name: "missing proof",
        arguments: &["verify", "missing.json", "--key", "keys/vk.json"],
        exit_code: 1,
        says: &["missing.json"],
    },
    Mistake {
        name: "proof that is none",
        arguments: &["verify", "input.json", "--key", "keys/vk.json"],
        exit_code: 1,
        says: &["input.json", "not a proof", "apodict prove"],
    },
    Mistake {
        name: "proof of another version",
        arguments: &["verify", "versioned_proof.json", "--key", "keys/vk.json"],
        exit_code: 1,
        says: &["version 2", "version 1"],
    },
    Mistake {
        name: "proof with a readable copy of the output",
        arguments: &["verify", "annotated_proof.json", "--key", "keys/vk.json"],
        exit_code: 1,
        says: &["unknown field", "outputs"],
    },
    Mistake {
        name: "wrong key",
        arguments: &["verify", "proof.json", "--key", "other_vk.json"],
        exit_code: 1,
        says: &["wrong key", "nothing is said about the proof"],
    },
    Mistake {
        name: "key that is none",
        arguments: &["verify", "proof.json", "--key", "proof.json"],
        exit_code: 1,
        says: &["proof.json", "not a verifying key", "apodict keys"],
    },
    Mistake {
        name: "key of another version",
        arguments: &["verify", "proof.json", "--key", "versioned_vk.json"],
        exit_code: 1,
        says: &["version 2", "version 1"],
    },
    Mistake {
        name: "key with broken bytes",
        arguments: &["verify", "proof.json", "--key", "broken_vk.json"],
        exit_code: 1,
        says: &["broken_vk.json", "not a verifying key"],
    },
    Mistake {
        name: "key whose layout is too short",
        arguments: &["verify", "proof.json", "--key", "short_vk.json"],
        exit_code: 1,
        says: &["described instances"],
    },
    Mistake {
        name: "another key than the pinned one",
        arguments: &["verify", "proof.json", "--key", "keys/vk.json", "--key-digest", DIGEST],
        exit_code: 1,
        says: &["not the pinned", "1111"],
    },
    Mistake {
        name: "a pin that is no digest",
        arguments: &["verify", "proof.json", "--key", "keys/vk.json", "--key-digest", "0x11"],
        exit_code: 2,
        says: &["expected 32 bytes, got 1"],
    },
    #[cfg(unix)]
    Mistake {
        name: "a string without an end",
        arguments: &["srs", "check", "/dev/zero"],
        exit_code: 1,
        says: &["/dev/zero", "it begins otherwise"],
    },
    Mistake {
        name: "an address that is none",
        arguments: &["calldata", "proof.json", "--key", "keys/vk.json", "--key-address", "0x12"],
        exit_code: 2,
        says: &["an address of 20 bytes, got 1"],
    },
    Mistake { name: "no key", arguments: &["verify", "proof.json"], exit_code: 2, says: &["--key"] },
    Mistake { name: "no such verb", arguments: &["attest"], exit_code: 2, says: &["attest"] },
    Mistake { name: "no verb", arguments: &[], exit_code: 2, says: &["Usage"] },
];

#[test]
fn each_mistake_is_told_and_leaves_nothing_behind() {
    let place = Workplace::with_proof();
    files::write(&place);
    let before = place.names();
    let mut wrong = Vec::new();
    for mistake in [COMPILE, PROVE, VERIFY].into_iter().flatten() {
        let output = place.run(mistake.arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        let name = mistake.name;
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{name}: {what}: {message}"));
            }
        };
        expect(output.status.code() == Some(mistake.exit_code), "another exit code");
        for part in mistake.says {
            expect(message.contains(part), &format!("no `{part}`"));
        }
        expect(!message.contains("panicked"), "panicked");
        expect(output.stdout.is_empty(), "printed a result");
        expect(place.names() == before, "left a file behind");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
