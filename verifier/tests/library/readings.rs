//! What keys and instances say, as JSON for verifiers that are not written in Rust: `tests/vectors/readings.json`.
//!
//! `APODICT_BLESS=1 cargo test --release -p apodict-verifier readings` writes it anew.

use crate::{
    answers::decisions,
    layout::{instance, layout, tensor},
    table::{committed, tensor_json, words},
};
use apodict_verifier::{
    Layout, Quantization, Tensor, Verifier,
    files::{Decision, format_bytes},
};
use serde_json::{Value, json};

#[test]
fn the_readings_in_json_are_current() {
    let decisions = decisions().into_iter().map(|answer| {
        let verifier: Verifier = answer.verifier();
        let statement = verifier.statement(&answer.instances, answer.proof).unwrap();
        let key = verifier.key();
        json!({
            "name": answer.name,
            "key_digest": format_bytes(&verifier.digest()),
            "srs_digest": format_bytes(&key.srs.digest()),
            "shape_digest": format_bytes(&key.constraint_system.shape_digest().unwrap()),
            "decision": Decision::new(&key.layout, &statement),
        })
    });
    let layouts = layouts().into_iter().map(|(layout, integers)| {
        let context = [1, 2];
        let instances: Vec<_> = context.into_iter().chain(integers).map(instance).collect();
        let tensors = |tensors: &[Tensor]| tensors.iter().map(tensor_json).collect::<Vec<_>>();
        json!({
            "inputs": tensors(&layout.inputs),
            "outputs": tensors(&layout.outputs),
            "ports_hash": format_bytes(&layout.ports_hash()),
            "shapes_digest": format_bytes(&layout.shapes_digest()),
            "instances": words(&instances),
            "decision": Decision::new(&layout, &layout.decode(&instances).unwrap()),
        })
    });
    let readings = json!({"decisions": decisions.collect::<Vec<_>>(), "layouts": layouts.collect::<Vec<Value>>()});
    committed("readings.json", &format!("{readings:#}\n"));
}

/// Layouts, and integers that they describe.
fn layouts() -> Vec<(Layout, Vec<i128>)> {
    let any = (1i128 << 126) - 1;
    let wide = |num, den| Quantization { num, den, zero: 0, lo: -any, hi: any };
    let output = |tensor| Layout { outputs: vec![tensor], ..Layout::default() };
    let mut all = vec![
        (layout(), vec![24, -8, -4, 3, 2]),
        // Scales that are no power of two, and integers that no double holds.
        (output(tensor("y", &[2, 2], wide(3, 7))), vec![any, -any, 1 << 64, -10]),
        (output(tensor("y", &[3], Quantization { zero: i64::MIN, ..wide(u128::MAX, 3) })), vec![any, -any, 0]),
        (output(tensor("y", &[2], Quantization { zero: 5, ..wide(1, u128::MAX) })), vec![any, 5]),
        (output(tensor("y", &[1], wide(6, 6))), vec![(1 << 53) + 1]),
        // Row-major, in more dimensions.
        (output(tensor("cube", &[2, 1, 3], wide(4, 1))), vec![1, 2, 3, 4, 5, 6]),
    ];
    // Names: in full below 32 bytes, else hashed, elements of one tensor on both sides; of several bytes a letter; of what every
    // object has.
    let names = ["n".repeat(31), "n".repeat(32), "n".repeat(28), "ñandú".into(), "雪".repeat(11), String::new()];
    let named = names.into_iter().chain(["__proto__".into(), "constructor".into(), "<b>&\"'\\\n\u{202e}".into()]);
    all.extend(named.map(|name| (output(tensor(&name, &[12], wide(1, 1))), (0..12).collect())));
    all
}
