//! The key's bytes: one spelling per key, nothing accepted that is not one, nothing that makes decoding expensive.

use crate::answers::{ladder, square};
use apodict_verifier::{Expression, FORMAT_VERSION, KeyError, Layout, MAX_CIRCUIT_BYTES, MAX_KEY_BYTES, VerifyingKey};

/// Where the length of the circuit stands: after magic and version.
const LENGTH_OFFSET: usize = 4 + 2;
/// Where the circuit begins.
const CIRCUIT_OFFSET: usize = LENGTH_OFFSET + 4;
/// Where the structured reference string begins: after k, number of instances and transcript representation.
const SRS_OFFSET: usize = CIRCUIT_OFFSET + 1 + 4 + 32;
/// Where the shape begins: after the structured reference string.
const SHAPE_OFFSET: usize = SRS_OFFSET + 64 + 64 + 128 + 128;

#[test]
fn keys_survive_the_round_trip() {
    for answer in [ladder(), square()] {
        assert_eq!(answer.key.to_bytes().unwrap(), answer.key_bytes, "{}", answer.name);
    }
}

/// Every truncation fails, and says where it ended; of the circuit alone, too.
#[test]
fn truncated_keys_are_refused() {
    let bytes = ladder().key_bytes;
    for len in 0..bytes.len() {
        let error = VerifyingKey::from_bytes(&bytes[..len]).unwrap_err();
        let expected =
            if len < 4 { matches!(error, KeyError::Magic) } else { matches!(error, KeyError::Truncated { .. }) };
        assert!(expected, "{len} bytes: {error}");
    }
    let circuit = ladder().key.circuit_bytes().unwrap();
    for len in 0..circuit.len() {
        let error = VerifyingKey::from_circuit_bytes(&circuit[..len], Layout::default(), [0; 32]).unwrap_err();
        assert!(matches!(error, KeyError::Truncated { .. }), "{len} bytes: {error}");
    }
}

/// One spelling per key: what decodes at all encodes to the same bytes, so no two byte strings share a digest.
#[test]
fn every_flipped_bit_is_refused_or_is_another_key() {
    let answer = square();
    let mut accepted = 0;
    for bit in 0..answer.key_bytes.len() * 8 {
        let mut bytes = answer.key_bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(key) = VerifyingKey::from_bytes(&bytes) {
            accepted += 1;
            assert_ne!(key, answer.key);
            assert_eq!(key.to_bytes().unwrap(), bytes);
        }
    }
    assert!(accepted > 0, "flips of the digest and of constants are other keys");
}

fn spoilt(change: impl FnOnce(&mut Vec<u8>)) -> KeyError {
    let mut bytes = ladder().key_bytes.to_vec();
    change(&mut bytes);
    VerifyingKey::from_bytes(&bytes).unwrap_err()
}

/// Ends a circuit that a test has written: sets its length, describes nothing, names no program.
fn no_meaning(bytes: &mut Vec<u8>) {
    let len = u32::try_from(bytes.len() - CIRCUIT_OFFSET).unwrap();
    bytes[LENGTH_OFFSET..CIRCUIT_OFFSET].copy_from_slice(&len.to_be_bytes());
    bytes.extend([0; 2 + 2 + 32]);
}

/// One byte short of the program's digest.
fn shifted() -> KeyError {
    KeyError::Truncated { what: "digest of the program" }
}

#[test]
fn each_part_of_the_header_is_checked() {
    assert_eq!(spoilt(|bytes| bytes[0] = b'a'), KeyError::Magic);
    assert_eq!(spoilt(|bytes| bytes[5] = 1), KeyError::Version { expected: FORMAT_VERSION, got: 1 });
    let max = MAX_CIRCUIT_BYTES as u64;
    assert_eq!(
        spoilt(
            |bytes| bytes[LENGTH_OFFSET..CIRCUIT_OFFSET].copy_from_slice(&(MAX_CIRCUIT_BYTES as u32 + 1).to_be_bytes())
        ),
        KeyError::Limit { what: "bytes of a circuit", max, got: max + 1 }
    );
    assert_eq!(spoilt(|bytes| bytes[CIRCUIT_OFFSET] = 29), KeyError::Limit { what: "k", max: 28, got: 29 });
    let transcript_repr = CIRCUIT_OFFSET + 5..SRS_OFFSET;
    assert_eq!(
        spoilt(|bytes| bytes[transcript_repr].fill(0xff)),
        KeyError::NotCanonical { what: "transcript representation" }
    );
    let mut start = SRS_OFFSET;
    for (what, len) in [("[1]_1", 64), ("[s]_1", 64), ("[1]_2", 128), ("[s]_2", 128)] {
        let point = start..start + len;
        assert_eq!(spoilt(|bytes| bytes[point.clone()].fill(0xff)), KeyError::NotCanonical { what });
        assert_eq!(spoilt(|bytes| bytes[point.clone()].fill(0)), KeyError::Identity { what });
        assert_eq!(spoilt(|bytes| bytes[point.end - 1] ^= 1), KeyError::NotOnCurve { what });
        start = point.end;
    }
    assert_eq!(spoilt(|bytes| bytes.push(0)), KeyError::TrailingBytes { count: 1 });
    // A circuit that is said to be a byte longer takes what follows it.
    assert_eq!(spoilt(|bytes| bytes[CIRCUIT_OFFSET - 1] += 1), shifted());
}

/// A count in front of nothing costs nothing: it is refused when the input ends, and no memory is set aside for it.
#[test]
fn counts_that_lie_are_refused() {
    let shape_end = |bytes: &mut Vec<u8>| bytes.truncate(SHAPE_OFFSET);
    let error = spoilt(|bytes| {
        shape_end(bytes);
        // Fixed columns, instance columns, degree, blinding factors; then 65,535 advice phases, none of them there.
        bytes.extend_from_slice(&[0xff, 0xff, 1, 5, 0, 5, 0xff, 0xff]);
        no_meaning(bytes);
    });
    assert_eq!(error, KeyError::Truncated { what: "advice phases" });
}

/// A gate of a million negations is refused at the depth limit, before the stack ends.
#[test]
fn deep_gates_are_refused() {
    let nested = |depth: usize| {
        let error = spoilt(|bytes| {
            bytes.truncate(SHAPE_OFFSET);
            bytes.extend_from_slice(&[0, 0, 0, 3, 0, 5]);
            // One advice column, no challenges, no queries, no permutation, one gate.
            bytes.extend_from_slice(&[0, 1, 0, 0, 0]);
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(&[0, 1]);
            bytes.extend(std::iter::repeat_n(5, depth));
            no_meaning(bytes);
        });
        (error, KeyError::Limit { what: "nesting of a gate", max: 256, got: 257 })
    };
    let (error, expected) = nested(1_000_000);
    assert_eq!(error, expected);
    let (error, _) = nested(256);
    assert_eq!(error, KeyError::Limit { what: "nesting of a gate", max: 256, got: 257 });
    let (error, _) = nested(255);
    assert_eq!(error, KeyError::Truncated { what: "expression" });
}

#[test]
fn oversized_input_is_refused_before_it_is_read() {
    let error = VerifyingKey::from_bytes(&vec![0; MAX_KEY_BYTES + 1]).unwrap_err();
    let max = MAX_KEY_BYTES as u64;
    assert_eq!(error, KeyError::Limit { what: "bytes of a key", max, got: max + 1 });
    let circuit = vec![0; MAX_CIRCUIT_BYTES + 1];
    let error = VerifyingKey::from_circuit_bytes(&circuit, Layout::default(), [0; 32]).unwrap_err();
    let max = MAX_CIRCUIT_BYTES as u64;
    assert_eq!(error, KeyError::Limit { what: "bytes of a circuit", max, got: max + 1 });
}

/// Keys built by hand are checked before they are written: a file that cannot be read back never exists.
#[test]
fn invalid_keys_are_not_written() {
    let mut key = ladder().key;
    let mut gate = Expression::Advice(0);
    for _ in 0..300 {
        gate = Expression::Negated(Box::new(gate));
    }
    key.constraint_system.gates.push(gate);
    let expected = KeyError::Limit { what: "nesting of a gate", max: 256, got: 257 };
    assert_eq!(key.to_bytes(), Err(expected.clone()));
    assert_eq!(key.digest(), Err(expected.clone()));
    assert_eq!(key.constraint_system.shape_digest(), Err(expected));
}
