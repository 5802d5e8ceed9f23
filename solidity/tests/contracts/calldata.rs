//! Calldata that is not what an encoder writes, and keys that are not what the caller pinned.

use crate::fixtures::{Sample, sample_of};
use apodict_solidity::{
    Call, CallError, KEY_DATA_PREFIX, RefusalKind, decode_call, encode_call, encode_call_words,
    evm::{Outcome, Verdict, VerifierOnEvm},
    instance_words,
};

fn genuine(sample: &Sample, evm: &VerifierOnEvm) -> Vec<u8> {
    encode_call(evm.key, evm.key_code_hash, &sample.fixture.proof, &sample.fixture.instances)
}

fn refusal(evm: &mut VerifierOnEvm, calldata: Vec<u8>) -> RefusalKind {
    match evm.call(calldata).expect("run").verdict {
        Verdict::Refused(refusal) => refusal.kind,
        other => panic!("{other}"),
    }
}

/// Whatever byte of a head changes, the call fails; where the ABI decoder can still follow it, with a named error.
#[test]
fn heads_have_one_spelling() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let genuine = genuine(&sample, &evm);
    let proof_end = 4 + 5 * 32 + sample.fixture.proof.len();
    let heads = [0x44 + 31, 0x64 + 30, 0x64 + 31, 0x84 + 30, 0x84 + 31, proof_end + 31];
    for at in heads {
        for bit in 0..8 {
            let mut calldata = genuine.clone();
            calldata[at] ^= 1 << bit;
            match evm.call(calldata).expect("run").verdict {
                Verdict::Accepted => panic!("byte {at:#x}, bit {bit}"),
                Verdict::Refused(refusal) => assert!(
                    [RefusalKind::NonCanonicalEncoding, RefusalKind::WrongProofLength].contains(&refusal.kind),
                    "byte {at:#x}, bit {bit}: {refusal}"
                ),
                // What Solidity's decoder cannot follow reverts without data.
                Verdict::Failed(outcome) => assert_eq!(outcome, Outcome::Reverted(vec![]), "byte {at:#x}, bit {bit}"),
            }
        }
    }
}

/// Two arrays of instances in one calldata: a wrapper could read one and the verifier the other.
#[test]
fn a_second_array_of_instances_is_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let mut calldata = genuine(&sample, &evm);
    let second = calldata.len() - 4;
    let array = calldata[calldata.len() - 32 * (1 + sample.fixture.instances.len())..].to_vec();
    calldata.extend(array);
    calldata[0x64..0x84].fill(0);
    calldata[0x64 + 24..0x84].copy_from_slice(&(second as u64).to_be_bytes());
    assert_eq!(refusal(&mut evm, calldata), RefusalKind::NonCanonicalEncoding);
}

/// Offsets that Solidity's decoder follows, to bytes that are not those that the verifier reads: what a wrapper decodes
/// would not be what was verified.
#[test]
fn offsets_to_other_bytes_are_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    for offset in [0x40, 0x60] {
        let mut calldata = genuine(&sample, &evm);
        calldata[0x44 + 31] = offset;
        assert_eq!(refusal(&mut evm, calldata), RefusalKind::NonCanonicalEncoding, "the proof at {offset:#x}");
    }
    // An array of instances that begins at a small instance, which serves as its length.
    let words = instance_words(&sample.fixture.instances);
    let small = words.iter().position(|word| word[..31] == [0; 31] && usize::from(word[31]) < words.len());
    let small = small.filter(|small| small + usize::from(words[*small][31]) < words.len()).expect("a small instance");
    let mut calldata = genuine(&sample, &evm);
    let at = calldata.len() - 32 * (words.len() - small) - 4;
    calldata[0x64..0x84].fill(0);
    calldata[0x64 + 24..0x84].copy_from_slice(&(at as u64).to_be_bytes());
    assert_eq!(refusal(&mut evm, calldata), RefusalKind::NonCanonicalEncoding, "the instances at {at:#x}");
}

#[test]
fn bytes_behind_the_instances_are_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    for extra in [1, 31, 32, 64] {
        let mut calldata = genuine(&sample, &evm);
        calldata.extend(vec![0; extra]);
        assert_eq!(refusal(&mut evm, calldata), RefusalKind::NonCanonicalEncoding, "{extra} bytes more");
    }
}

#[test]
fn cut_calldata_is_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let genuine = genuine(&sample, &evm);
    for len in [0, 3, 4, 35, 0x84, 0xa4, genuine.len() - 32, genuine.len() - 1] {
        let verdict = evm.call(genuine[..len].to_vec()).expect("run").verdict;
        assert_eq!(verdict, Verdict::Failed(Outcome::Reverted(vec![])), "{len} bytes");
    }
}

#[test]
fn a_proof_of_another_length_is_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let proof = &sample.fixture.proof;
    let words = instance_words(&sample.fixture.instances);
    for len in [0, 32, proof.len() - 32, proof.len() - 1, proof.len() + 1, proof.len() + 32] {
        let mut other = proof.clone();
        other.resize(len, 0);
        let calldata = encode_call_words(evm.key, evm.key_code_hash, &other, &words);
        assert_eq!(refusal(&mut evm, calldata), RefusalKind::WrongProofLength, "{len} bytes");
    }
}

#[test]
fn a_key_that_was_not_pinned_is_refused() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let Sample { fixture, .. } = &sample;
    let no_code = [0x77; 20];
    let verifier = evm.verifier;
    for (what, key, hash) in [
        ("another hash", evm.key, [1; 32]),
        ("no hash", evm.key, [0; 32]),
        ("an account without code", no_code, evm.key_code_hash),
        ("another contract", verifier, evm.key_code_hash),
    ] {
        let calldata = encode_call(key, hash, &fixture.proof, &fixture.instances);
        assert_eq!(refusal(&mut evm, calldata), RefusalKind::WrongKeyCodeHash, "{what}");
    }
    // The hash of an account that does not exist is zero: pinning zero pins no key.
    let calldata = encode_call(no_code, [0; 32], &fixture.proof, &fixture.instances);
    assert_eq!(refusal(&mut evm, calldata), RefusalKind::WrongKeyShape);
}

/// The key data cannot run: a call to it fails whatever it holds.
#[test]
fn key_data_is_not_code() {
    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    let key = evm.key;
    let transaction = evm.evm.call(key, vec![]).expect("run");
    assert!(matches!(transaction.outcome, Outcome::Halted(_)), "{transaction:?}");
    assert_eq!(KEY_DATA_PREFIX, 0xfe, "INVALID");
}

#[test]
fn calls_are_decoded_as_they_were_encoded() {
    for sample in crate::fixtures::samples() {
        let fixture = &sample.fixture;
        let (key, key_code_hash) = ([0x5a; 20], [0xc3; 32]);
        for proof in [&fixture.proof[..], &fixture.proof[..33], &[]] {
            let calldata = encode_call(key, key_code_hash, proof, &fixture.instances);
            let call = decode_call(&calldata).expect("canonical");
            let instances = fixture.instances.clone();
            assert_eq!(call, Call { key, key_code_hash, proof: proof.to_vec(), instances });
        }
    }
}

/// Whatever bit of the calldata changes, it is refused or it is another call, never a second spelling of the same.
#[test]
fn calls_have_one_spelling() {
    let sample = sample_of("lean");
    let calldata = genuine(&sample, &sample.deploy());
    let call = decode_call(&calldata).expect("canonical");
    for at in 0..calldata.len() {
        let mut changed = calldata.clone();
        changed[at] ^= 1 << (at % 8);
        if let Ok(other) = decode_call(&changed) {
            assert_ne!(other, call, "byte {at}");
            let Call { key, key_code_hash, proof, instances } = other;
            assert_eq!(encode_call(key, key_code_hash, &proof, &instances), changed, "byte {at}");
        }
    }
}

#[test]
fn what_is_not_a_call_is_said() {
    let sample = sample_of("lean");
    let calldata = genuine(&sample, &sample.deploy());
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = calldata.clone();
        change(&mut changed);
        decode_call(&changed).expect_err("not a call")
    };
    let not_canonical = |what| CallError::NotCanonical { what };
    let len = calldata.len();
    let proof_end = 4 + 5 * 32 + sample.fixture.proof.len();
    assert!(matches!(refused(&|data| data[0] ^= 1), CallError::Selector { .. }));
    assert!(matches!(refused(&|data| data.truncate(3)), CallError::Length { got: 3, .. }));
    assert!(matches!(refused(&|data| data.truncate(4)), CallError::Length { got: 4, .. }));
    assert_eq!(refused(&|data| data.truncate(len - 1)), CallError::Length { expected: len, got: len - 1 });
    assert!(matches!(refused(&|data| data[0x84..0xa4].fill(0xff)), CallError::Length { .. }));
    assert!(matches!(refused(&|data| data[proof_end..proof_end + 32].fill(0xff)), CallError::Length { .. }));
    assert_eq!(refused(&|data| data[4] = 1), not_canonical("the key's address"));
    assert_eq!(refused(&|data| data[0x44 + 31] ^= 0x20), not_canonical("the proof's offset"));
    assert_eq!(refused(&|data| data[0x64 + 31] ^= 0x20), not_canonical("the instances' offset"));
    assert_eq!(refused(&|data| data.push(0)), not_canonical("what follows the instances"));
    let alias = |data: &mut Vec<u8>| data[len - 32..].fill(0xff);
    assert_eq!(refused(&alias), CallError::Instance { index: sample.fixture.instances.len() - 1 });
    let odd = encode_call([0; 20], [0; 32], &[7; 33], &[]);
    for at in [4 + 5 * 32 + 33, 4 + 5 * 32 + 63] {
        let mut changed = odd.clone();
        changed[at] = 1;
        assert_eq!(decode_call(&changed), Err(not_canonical("the padding behind the proof")));
    }
}
