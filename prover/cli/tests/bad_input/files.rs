//! Files that a user could hand over by mistake.

use crate::command::Workplace;

/// Writes everything that the mistakes name.
pub(crate) fn write(place: &Workplace) {
    let model = place.read("model.onnx");
    let replace = |from: &[u8], to: &[u8]| {
        assert_eq!(from.len(), to.len(), "lengths stand in the file");
        let at = model.windows(from.len()).rposition(|window| window == from).unwrap();
        [&model[..at], to, &model[at + from.len()..]].concat()
    };
    let bias = |bits: u32| {
        let marker = b"logit_bias\x4a\x04";
        let at = model.windows(marker.len()).position(|window| window == marker).unwrap() + marker.len();
        [&model[..at], &bits.to_le_bytes(), &model[at + 4..]].concat()
    };
    place.write("text.onnx", "this is not a model, but a sentence about one");
    place.write("empty.onnx", "");
    place.write("truncated.onnx", &model[..model.len() / 2]);
    place.write("unknown_operator.onnx", replace(b"Sigmoid", b"Sigmoit"));
    // The second extent of the input, the value 16 in field 1, becomes an empty name in field 2.
    let input = b"\x0a\x08features\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02";
    place.write("dynamic.onnx", replace(&[&input[..], b"\x08\x10"].concat(), &[&input[..], b"\x12\x00"].concat()));
    place.write("nan_weight.onnx", bias(f32::NAN.to_bits()));
    place.write("infinite_weight.onnx", bias(f32::INFINITY.to_bits()));

    place.write("text.json", "not JSON");
    place.edit("input.json", "wrong_name.json", |input| {
        let features = input["inputs"]["features"].take();
        input["inputs"] = serde_json::json!({"colour": features});
    });
    place.edit("input.json", "extra_name.json", |input| input["inputs"]["colour"] = 1.into());
    place.edit("input.json", "wrong_shape.json", |input| {
        input["inputs"]["features"] = serde_json::json!([[1.0, 2.0, 3.0]]);
    });
    place.edit("input.json", "ragged.json", |input| {
        input["inputs"]["features"] = serde_json::json!([[1.0], [1.0, 2.0]]);
    });
    place.edit("input.json", "wrong_type.json", |input| input["inputs"]["features"][0][0] = "high".into());
    place.edit("input.json", "null.json", |input| input["inputs"]["features"][0][0] = serde_json::Value::Null);
    place.write("nan.json", r#"{"inputs": {"features": [[NaN]]}}"#);
    place.edit("input.json", "out_of_range.json", |input| input["inputs"]["features"][0][0] = 1e6.into());

    let program = place.read("program.apo");
    place.write("truncated.apo", &program[..program.len() / 2]);
    place.write("versioned.apo", other_version(&program));
    place.json(&["compile", "model.onnx", "--range", "features=-9,9", "-o", "other.apo"]);
    place.json(&["keys", "other.apo", "-o", "other_keys"]);
    place.write("other_vk.json", place.read("other_keys/vk.json"));
    let key = place.read("keys/pk.bin");
    for (name, content) in [
        ("text_keys", &b"not a key"[..]),
        ("truncated_keys", &key[..key.len() / 2]),
        ("versioned_keys", &other_version(&key)),
    ] {
        std::fs::create_dir(place.path(name)).unwrap();
        place.write(&format!("{name}/pk.bin"), content);
        place.write(&format!("{name}/vk.json"), place.read("keys/vk.json"));
    }
    place.json(&["srs", "generate", "-k", "4", "--unsafe", "-o", "small.srs"]);
    let k = place.json(&["inspect", "program.apo"])["k"].to_string();
    place.json(&["srs", "generate", "-k", &k, "--unsafe", "-o", "other.srs"]);

    place.edit("proof.json", "versioned_proof.json", |proof| proof["version"] = 1.into());
    place.edit("proof.json", "annotated_proof.json", |proof| proof["outputs"] = serde_json::json!({"score": 0}));
    place.edit("keys/vk.json", "versioned_vk.json", |key| key["version"] = 1.into());
    place.edit("keys/vk.json", "broken_vk.json", |key| key["circuit"] = "0x00".into());
    place.edit("keys/vk.json", "short_vk.json", |key| key["layout"]["outputs"] = serde_json::json!([]));
}

/// A binary file whose version, after the seven bytes that name its kind, is one that no build reads.
fn other_version(file: &[u8]) -> Vec<u8> {
    [&file[..7], &[0xff], &file[8..]].concat()
}
