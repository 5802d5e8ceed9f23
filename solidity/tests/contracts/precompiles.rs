//! Precompiles that are missing or that are handed what they refuse, and denominators that are zero.

use crate::{
    chain::{Chain, Lie, create},
    fixtures::{Sample, sample_of, samples},
    gas_limits::wants_gas,
};
use apodict_solidity::{
    Fixture, RefusalKind, encode_call,
    evm::{Evm, Outcome, Verdict, VerifierOnEvm},
    key_data,
};
use apodict_verifier::{Challenge, Fr, Step, VerifyingKey, fr_to_be_bytes};
use ark_ff::{Field, PrimeField};
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::TxEnv,
    precompile::Precompiles,
    primitives::{Bytes, TxKind, hardfork::SpecId, keccak256},
};
use sha3::{Digest, Keccak256};

/// Creation code that leaves `data` as a contract's code.
fn creation_code(data: &[u8]) -> Vec<u8> {
    let [.., high, low] = data.len().to_be_bytes();
    [&[0x61, high, low, 0x80, 0x60, 0x0a, 0x3d, 0x39, 0x3d, 0xf3], data].concat()
}

/// Runs the genuine proof against key data that was edited, its hash pinned.
fn refusal_with_key_data(sample: &Sample, data: &[u8]) -> RefusalKind {
    let mut evm = Evm::new();
    let (verifier, _) = evm.deploy("the verifier", sample.creation_code()).expect("deployed");
    let (key, _) = evm.deploy("the key data", creation_code(data)).expect("deployed");
    let key_code_hash = Keccak256::digest(data).into();
    let mut evm = VerifierOnEvm { evm, verifier, key, key_code_hash, deployment_gas: (0, 0) };
    let calldata = encode_call(key, key_code_hash, &sample.fixture.proof, &sample.fixture.instances);
    match evm.call(calldata).expect("run").verdict {
        Verdict::Refused(refusal) => refusal.kind,
        other => panic!("{other}"),
    }
}

/// Where a word stands in the key data.
fn position(data: &[u8], word: &[u8; 32]) -> usize {
    1 + 32 * data[1..].chunks(32).position(|candidate| candidate == word).expect("a word of the key")
}

/// A commitment of the key that is not on the curve: no honest key has one, but the precompile's answer must count.
#[test]
fn a_precompile_that_refuses_its_input_is_noticed() {
    let sample = sample_of("lean");
    let data = key_data(&sample.fixture.key).expect("valid");
    for point in sample.fixture.key.permutation_commitments.iter().chain([&sample.fixture.key.srs.g1]) {
        let mut data = data.clone();
        let [x, ..] = *apodict_verifier::g1_to_be_bytes(point).as_chunks::<32>().0 else { panic!("a word") };
        let at = position(&data, &x);
        data[at + 31] ^= 1;
        assert_eq!(refusal_with_key_data(&sample, &data), RefusalKind::PrecompileFailed);
    }
}

/// The same of the key's last point, which only the pairing is given.
#[test]
fn a_pairing_that_refuses_its_input_is_noticed() {
    let sample = sample_of("lean");
    let mut data = key_data(&sample.fixture.key).expect("valid");
    *data.last_mut().expect("a byte") ^= 1;
    assert_eq!(refusal_with_key_data(&sample, &data), RefusalKind::PrecompileFailed);
}

/// Whichever call of a precompile does not succeed, or answers with another size, even if what it answers is right.
#[test]
fn each_answer_of_a_precompile_is_checked() {
    for sample in samples() {
        let mut chain = Chain::new(&sample, &key_data(&sample.fixture.key).expect("valid"));
        let calldata = chain.calldata(&sample.fixture.proof, &sample.fixture.instances);
        let (verdict, calls) = chain.call_among_liars(&calldata, None);
        assert_eq!(verdict, Verdict::Accepted, "{}", sample.name);
        for (index, (address, _)) in calls.iter().enumerate() {
            for lie in [Lie::Failed, Lie::Longer, Lie::Shorter, Lie::Nothing] {
                let (verdict, _) = chain.call_among_liars(&calldata, Some((index + 1, lie)));
                let what = format!("{}, call {index} of precompile {address}, {lie:?}: {verdict}", sample.name);
                match verdict {
                    Verdict::Refused(refusal) => assert_eq!(refusal.kind, RefusalKind::PrecompileFailed, "{what}"),
                    // What was left in place of the answer is no point: those that are given it take all gas.
                    _ => assert!(wants_gas(&verdict) && matches!(lie, Lie::Shorter | Lie::Nothing), "{what}"),
                }
            }
        }
        // An inverse that is none says nothing about the proof: a chain whose exponentiation is not Ethereum's.
        assert_eq!(calls[0].0, 5, "the inversion comes first");
        for lie in [Lie::Another, Lie::Two] {
            let (verdict, _) = chain.call_among_liars(&calldata, Some((1, lie)));
            let Verdict::Refused(refusal) = &verdict else { panic!("{}, {lie:?}: {verdict}", sample.name) };
            assert_eq!(refusal.kind, RefusalKind::PrecompileFailed, "{}, {lie:?}", sample.name);
        }
        // Only 1 says that a pairing holds.
        for lie in [Lie::Another, Lie::Two] {
            let (verdict, _) = chain.call_among_liars(&calldata, Some((calls.len(), lie)));
            let Verdict::Refused(refusal) = &verdict else { panic!("{}, {lie:?}: {verdict}", sample.name) };
            assert_eq!(refusal.kind, RefusalKind::ProofRejected, "{}, {lie:?}", sample.name);
        }
    }
}

/// `x` and SHPLONK's `u` of a proof.
pub(crate) fn challenges(fixture: &Fixture) -> (Fr, Fr) {
    let VerifyingKey { constraint_system, transcript_repr, .. } = &fixture.key;
    let mut buffer = fr_to_be_bytes(transcript_repr).to_vec();
    buffer.extend(fixture.instances.iter().flat_map(fr_to_be_bytes));
    let (mut x, mut u) = (Fr::from(0), Fr::from(0));
    let mut rest = fixture.proof.as_slice();
    for step in constraint_system.transcript_steps() {
        match step {
            Step::Read(element) => {
                let (bytes, tail) = rest.split_at(element.num_bytes());
                buffer.extend(bytes);
                rest = tail;
            }
            Step::Squeeze(challenge) => {
                if buffer.len() == 32 {
                    buffer.push(1);
                }
                buffer = keccak256(&buffer).to_vec();
                match challenge {
                    Challenge::X => x = Fr::from_be_bytes_mod_order(&buffer),
                    Challenge::OpeningU => u = Fr::from_be_bytes_mod_order(&buffer),
                    _ => {}
                }
            }
        }
    }
    (x, u)
}

/// No proof can be made that meets a zero denominator, but a key can: roots of unity that were chosen after the proof.
#[test]
fn a_zero_denominator_is_refused() {
    let sample = sample_of("lean");
    let genuine = key_data(&sample.fixture.key).expect("valid");
    let domain = apodict_verifier::Domain::new(sample.fixture.key.k).expect("k is in range");
    let (x, u) = challenges(&sample.fixture);
    let last = -(sample.fixture.key.constraint_system.blinding_factors as i64) - 1;
    // u = omega * x; x = omega^-1, a blinded row; x = omega^last
    for (row, root) in [(1, u * x.inverse().expect("not zero")), (-1, x), (last, x)] {
        let mut data = genuine.clone();
        let at = position(&data, &fr_to_be_bytes(&domain.row(row)));
        data[at..at + 32].copy_from_slice(&fr_to_be_bytes(&root));
        assert_eq!(refusal_with_key_data(&sample, &data), RefusalKind::DegenerateChallenge, "row {row}");
    }
}

/// A chain that has not got BN254's precompiles: a call to an empty account succeeds and returns nothing.
#[test]
fn the_constructor_refuses_a_chain_without_the_precompiles() {
    let tx = TxEnv::builder().kind(TxKind::Create).data(Bytes::from(sample_of("lean").creation_code())).build();
    let context = Context::mainnet().modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA));
    let mut evm = context.build_mainnet();
    evm.precompiles.precompiles = Precompiles::homestead();
    let result = evm.transact(tx.expect("valid")).expect("run").result;
    let selector = &Keccak256::digest("PrecompileSelfTestFailed()")[..4];
    assert_eq!(result.output().map(AsRef::as_ref), Some(selector), "{result:?}");
}

/// The constructor asks four times: a multiplication, an addition, a pairing that holds and one that does not.
#[test]
fn the_constructor_refuses_precompiles_that_lie() {
    let code = sample_of("lean").creation_code();
    let (created, calls) = create(code.clone(), None);
    assert!(matches!(created, Outcome::Returned(_)), "{created:?}");
    assert_eq!(calls.iter().map(|(address, _)| *address).collect::<Vec<_>>(), [7, 6, 8, 8]);
    let selector = Keccak256::digest("PrecompileSelfTestFailed()")[..4].to_vec();
    for call in 1..=calls.len() {
        for lie in [Lie::Failed, Lie::Longer, Lie::Shorter, Lie::Nothing, Lie::OutOfGas, Lie::Another] {
            let (created, _) = create(code.clone(), Some((call, lie)));
            assert_eq!(created, Outcome::Reverted(selector.clone()), "call {call}, {lie:?}");
        }
    }
    // A pairing that holds must be answered with 1.
    assert_eq!(create(code, Some((3, Lie::Two))).0, Outcome::Reverted(selector));
}
