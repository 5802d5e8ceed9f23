//! The tampering table as JSON, for verifiers that are not written in Rust: `tests/vectors/mutants/`.
//!
//! `APODICT_BLESS=1 cargo test --release -p apodict-verifier table` writes it anew. A mutant is what differs from the genuine
//! key, instances or proof, so that a table is read in review; `README.md` beside the files says how.

use crate::answers::{Answer, ladder, risk_scoring, square};
use apodict_verifier::{
    ColumnKind, Error, Expression, KeyError, Query, SrsPolicy, Tensor, VerifyingKey,
    files::format_bytes,
    fr_to_be_bytes, g1_to_be_bytes, g2_to_be_bytes, instances_from_words,
    tampering::{key_mutants, proof_mutants},
    verify,
};
use serde_json::{Map, Value, json};
use std::{fmt::Write as _, fs, path::Path};

#[test]
fn the_table_in_json_is_current() {
    for answer in [ladder(), square(), risk_scoring()] {
        let genuine = fields(&answer.key);
        let digest = format_bytes(&answer.key.digest().unwrap());
        let head = json!({"digest": digest, "instances": words(&answer.instances), "key": genuine});
        let mut text = format!("{{\"genuine\": {head}");
        section(&mut text, "proofs", proofs(&answer));
        section(&mut text, "keys", keys(&answer, &genuine));
        // Bytes of keys: each of a small one, as the rest repeats it.
        section(&mut text, "bytes", if answer.name == "square" { bytes(&answer) } else { Vec::new() });
        text.push_str("\n}\n");
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", answer.name);
        committed(&format!("mutants/{}.json", answer.name), &text);
    }
}

/// Compares with the committed file, or writes it.
#[allow(clippy::disallowed_methods, reason = "whether to write files is the caller's matter, and no verdict's")]
pub(crate) fn committed(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    if std::env::var_os("APODICT_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    // As values: whether fields keep their order depends on what else is built beside.
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    assert!(
        parsed(&found).is_some() && parsed(&found) == parsed(text),
        "{}: set APODICT_BLESS=1 to write it, then read the diff",
        path.display()
    );
}

/// A list with a mutant a line.
fn section(text: &mut String, name: &str, mutants: Vec<Value>) {
    write!(text, ",\n\"{name}\": [").unwrap();
    for (index, mutant) in mutants.iter().enumerate() {
        write!(text, "{}\n{mutant}", if index == 0 { "" } else { "," }).unwrap();
    }
    text.push(']');
}

fn proofs(answer: &Answer) -> Vec<Value> {
    let mutants = proof_mutants(&answer.key.constraint_system, &answer.instances, answer.proof);
    let mutants = mutants.into_iter().map(|mutant| {
        let (at, removed, inserted) = splice(answer.proof, &mutant.proof);
        let mut entry = json!({"name": mutant.name, "expected": error(&mutant.expected)});
        if removed + inserted.len() > 0 {
            entry["proof"] = json!({"at": at, "remove": removed, "insert": format_bytes(inserted)});
        }
        let (at, removed, inserted) = splice(&answer.instances, &mutant.instances);
        if removed + inserted.len() > 0 {
            entry["instances"] = json!({"at": at, "remove": removed, "insert": words(inserted)});
        }
        entry
    });
    mutants.collect()
}

fn keys(answer: &Answer, genuine: &Map<String, Value>) -> Vec<Value> {
    let instances = instances_from_words(&answer.instances).unwrap();
    let mutants = key_mutants(&answer.key).into_iter().map(|mutant| {
        let verdict = verify(&mutant.key, SrsPolicy::AllowUnsafe, &instances, answer.proof);
        assert_eq!(verdict, mutant.expected, "{}: {}", answer.name, mutant.name);
        let changes: Map<String, Value> = fields(&mutant.key)
            .into_iter()
            .filter(|(field, value)| genuine[field] != *value)
            .map(|(field, value)| (field.clone(), change(&genuine[&field], value)))
            .collect();
        let expected = mutant.expected.as_ref().err().map(error);
        let digest = mutant.key.digest().ok().map(|digest| format_bytes(&digest));
        json!({"name": mutant.name, "changes": changes, "expected": expected, "digest": digest})
    });
    mutants.collect()
}

/// What decoding says of a key with one bit changed, or one that ends early: an error, or the digest of another key.
fn bytes(answer: &Answer) -> Vec<Value> {
    let len = answer.key_bytes.len();
    let told = |bytes: &[u8], mut entry: Value| {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) => entry["digest"] = json!(format_bytes(&key.digest().unwrap())),
            Err(refusal) => entry["expected"] = error(&Error::Key(refusal)),
        }
        entry
    };
    let flipped = (0..len).flat_map(|at| [(at, 0x01), (at, 0x80)]).map(|(at, xor)| {
        let mut bytes = answer.key_bytes.to_vec();
        bytes[at] ^= xor;
        told(&bytes, json!({"at": at, "xor": xor}))
    });
    let truncated = (0..len).map(|length| told(&answer.key_bytes[..length], json!({"length": length})));
    flipped.chain(truncated).collect()
}

/// What replaces what: the shortest middle part without which both are equal.
fn splice<'a, T: PartialEq>(from: &[T], to: &'a [T]) -> (usize, usize, &'a [T]) {
    let shorter = from.len().min(to.len());
    let at = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let tail = from.iter().rev().zip(to.iter().rev()).take(shorter - at).take_while(|(a, b)| a == b).count();
    (at, from.len() - at - tail, &to[at..to.len() - tail])
}

/// A field's new value; of a list, the part that differs, equal neighbours written once.
fn change(from: &Value, to: Value) -> Value {
    let (Value::Array(from), Value::Array(to)) = (from, &to) else {
        return json!({"value": to});
    };
    let (at, removed, inserted) = splice(from, to);
    let runs = inserted.chunk_by(|a, b| a == b).map(|run| json!([run.len(), run[0]]));
    json!({"at": at, "remove": removed, "insert": runs.collect::<Vec<_>>()})
}

/// All of a key, field by field: what has no bytes because it is refused before can be written, too.
fn fields(key: &VerifyingKey) -> Map<String, Value> {
    let cs = &key.constraint_system;
    let points = |points: &[_]| points.iter().map(|point| format_bytes(&g1_to_be_bytes(point))).collect::<Vec<_>>();
    let queries =
        |queries: &[Query]| queries.iter().map(|query| json!([query.column, query.rotation])).collect::<Vec<_>>();
    let columns = cs.permutation_columns.iter().map(|column| {
        let kind = match column.kind {
            ColumnKind::Fixed => "fixed",
            ColumnKind::Advice => "advice",
            ColumnKind::Instance => "instance",
        };
        json!([kind, column.index])
    });
    let gates = cs.gates.iter().map(|gate| {
        let mut bytes = Vec::new();
        write_gate(gate, &mut bytes);
        format_bytes(&bytes)
    });
    let fields = json!({
        "k": key.k,
        "num_instances": key.num_instances,
        "transcript_repr": format_bytes(&fr_to_be_bytes(&key.transcript_repr)),
        "g1": format_bytes(&g1_to_be_bytes(&key.srs.g1)),
        "s_g1": format_bytes(&g1_to_be_bytes(&key.srs.s_g1)),
        "g2": format_bytes(&g2_to_be_bytes(&key.srs.g2)),
        "s_g2": format_bytes(&g2_to_be_bytes(&key.srs.s_g2)),
        "num_fixed_columns": cs.num_fixed_columns,
        "num_instance_columns": cs.num_instance_columns,
        "degree": cs.degree,
        "blinding_factors": cs.blinding_factors,
        "advice_phases": cs.advice_phases,
        "challenge_phases": cs.challenge_phases,
        "advice_queries": queries(&cs.advice_queries),
        "fixed_queries": queries(&cs.fixed_queries),
        "instance_queries": queries(&cs.instance_queries),
        "permutation_columns": columns.collect::<Vec<_>>(),
        "gates": gates.collect::<Vec<_>>(),
        "fixed_commitments": points(&key.fixed_commitments),
        "permutation_commitments": points(&key.permutation_commitments),
        "inputs": key.layout.inputs.iter().map(tensor_json).collect::<Vec<_>>(),
        "outputs": key.layout.outputs.iter().map(tensor_json).collect::<Vec<_>>(),
        "program_digest": format_bytes(&key.program_digest),
    });
    let Value::Object(fields) = fields else { unreachable!("an object") };
    fields
}

/// As in a key file.
pub(crate) fn tensor_json(tensor: &Tensor) -> Value {
    let runs = tensor.runs.iter().map(|run| {
        let q = run.quantization;
        let [num, den] = [q.num, q.den].map(|number| number.to_string());
        let [lo, hi] = [q.lo, q.hi].map(|number| number.to_string());
        json!({"count": run.count, "num": num, "den": den, "zero": q.zero, "lo": lo, "hi": hi})
    });
    json!({"name": tensor.name, "shape": tensor.shape, "runs": runs.collect::<Vec<_>>()})
}

/// As in a key's bytes, however deep.
fn write_gate(gate: &Expression, bytes: &mut Vec<u8>) {
    let leaf = |tag: u8, index: usize| {
        let [high, low] = u16::try_from(index).unwrap().to_be_bytes();
        [tag, high, low]
    };
    match gate {
        Expression::Constant(constant) => {
            bytes.push(0);
            bytes.extend(fr_to_be_bytes(constant));
        }
        Expression::Fixed(index) => bytes.extend(leaf(1, *index)),
        Expression::Advice(index) => bytes.extend(leaf(2, *index)),
        Expression::Instance(index) => bytes.extend(leaf(3, *index)),
        Expression::Challenge(index) => bytes.extend(leaf(4, *index)),
        Expression::Negated(a) => {
            bytes.push(5);
            write_gate(a, bytes);
        }
        Expression::Sum(a, b) | Expression::Product(a, b) => {
            bytes.push(if matches!(gate, Expression::Sum(..)) { 6 } else { 7 });
            write_gate(a, bytes);
            write_gate(b, bytes);
        }
        Expression::Scaled(a, constant) => {
            bytes.push(8);
            write_gate(a, bytes);
            bytes.extend(fr_to_be_bytes(constant));
        }
    }
}

pub(crate) fn words(words: &[[u8; 32]]) -> Vec<String> {
    words.iter().map(|word| format_bytes(word)).collect()
}

/// An error's name, and in words what it is about, what was expected and what came.
fn error(error: &Error) -> Value {
    entry(match error {
        Error::Key(error) => key_error(error),
        Error::InstanceCount { expected, got } => told("InstanceCount", "", expected, got),
        Error::InstanceNotCanonical { index } => told("InstanceNotCanonical", format!("instance {index}"), "", ""),
        Error::ProofLength { expected, got } => told("ProofLength", "", expected, got),
        Error::ScalarNotCanonical { element } => told("ScalarNotCanonical", element, "", ""),
        Error::CoordinateNotCanonical { element } => told("CoordinateNotCanonical", element, "", ""),
        Error::PointNotOnCurve { element } => told("PointNotOnCurve", element, "", ""),
        Error::PointAtInfinity { element } => told("PointAtInfinity", element, "", ""),
        Error::Rejected => told("Rejected", "", "", ""),
        other => panic!("no mutant is refused with {other:?}"),
    })
}

fn key_error(error: &KeyError) -> [String; 4] {
    let least = |min: &u64| format!("at least {min}");
    let most = |max: &dyn std::fmt::Display| format!("at most {max}");
    match error {
        KeyError::Truncated { what } => told("Key.Truncated", what, "", ""),
        KeyError::TrailingBytes { count } => told("Key.TrailingBytes", "", 0, count),
        KeyError::Magic => told("Key.Magic", "", "", ""),
        KeyError::Version { expected, got } => told("Key.Version", "", expected, got),
        KeyError::Tag { what, got } => told("Key.Tag", what, "", got),
        KeyError::Limit { what, max, got } => told("Key.Limit", what, most(max), got),
        KeyError::TooFew { what, min, got } => told("Key.TooFew", what, least(min), got),
        KeyError::Count { what, expected, got } => told("Key.Count", what, expected, got),
        KeyError::NotCanonical { what } => told("Key.NotCanonical", what, "", ""),
        KeyError::NotOnCurve { what } => told("Key.NotOnCurve", what, "", ""),
        KeyError::NotInSubgroup { what } => told("Key.NotInSubgroup", what, "", ""),
        KeyError::Identity { what } => told("Key.Identity", what, "", ""),
        KeyError::Dangling { what, got, len } => told("Key.Dangling", what, format!("less than {len}"), got),
        KeyError::Duplicate { what, index } => told("Key.Duplicate", what, "", index),
        KeyError::PermutationColumnNotQueried { index } => told("Key.PermutationColumnNotQueried", "", "", index),
        KeyError::EmptyPhase { phase } => told("Key.EmptyPhase", "", "", phase),
        KeyError::GateDegree { gate, max, got } => told("Key.GateDegree", format!("gate {gate}"), most(max), got),
        KeyError::Layout { tensor, reason } => told("Key.Layout", tensor, "", reason),
        other => panic!("no mutant is refused with {other:?}"),
    }
}

fn told(
    code: &str,
    what: impl std::fmt::Display,
    expected: impl std::fmt::Display,
    got: impl std::fmt::Display,
) -> [String; 4] {
    [code.to_owned(), what.to_string(), expected.to_string(), got.to_string()]
}

/// Without what says nothing.
fn entry(parts: [String; 4]) -> Value {
    let named = ["code", "what", "expected", "got"].into_iter().zip(parts).filter(|(_, part)| !part.is_empty());
    named.map(|(name, part)| (name.to_owned(), Value::String(part))).collect::<Map<_, _>>().into()
}
