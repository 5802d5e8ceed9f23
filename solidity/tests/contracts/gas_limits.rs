//! Too little gas: a valid proof is not refused for want of it, and nothing is accepted.

use crate::{
    chain::{Chain, Lie},
    fixtures::{Sample, sample_of, samples},
};
use apodict_solidity::{Meaning, Refusal, RefusalKind, call_gas, evm::Outcome, evm::Verdict, key_data};
use apodict_verifier::{Element, Fr, Layout};

fn deployed(sample: &Sample) -> (Chain, Vec<u8>) {
    let chain = Chain::new(sample, &key_data(&sample.fixture.key).expect("valid"));
    let calldata = chain.calldata(&sample.fixture.proof, &sample.fixture.instances);
    (chain, calldata)
}

/// Whether it is the answer to too little gas: the error with its two numbers, or nothing at all.
pub(crate) fn wants_gas(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Refused(Refusal { kind: RefusalKind::InsufficientGas, arguments }) => {
            assert!(arguments[0] > arguments[1], "needed and available: {verdict}");
            true
        }
        Verdict::Failed(Outcome::Reverted(data)) => data.is_empty(),
        Verdict::Failed(Outcome::Halted(reason)) => reason.contains("OutOfGas"),
        _ => false,
    }
}

/// Smallest gas for the call that is not answered with a want of gas.
fn boundary(chain: &mut Chain, calldata: &[u8]) -> u64 {
    let (mut little, mut enough) = (0, 1 << 23);
    while enough - little > 1 {
        let gas = little + (enough - little) / 2;
        if wants_gas(&chain.call_within(calldata, gas)) { little = gas } else { enough = gas }
    }
    enough
}

/// A contract that forwards too little: from nothing to more than enough, and each amount around the boundary.
#[test]
fn a_valid_proof_is_never_refused_for_want_of_gas() {
    for sample in samples() {
        let (mut chain, calldata) = deployed(&sample);
        let enough = boundary(&mut chain, &calldata);
        let around = (enough - 150)..(enough + 150);
        for gas in
            (0..enough + 20_000).step_by(199).chain(around).chain([call_gas(&sample.fixture.key).expect("valid")])
        {
            let verdict = chain.call_within(&calldata, gas);
            if gas < enough {
                assert!(wants_gas(&verdict), "{}, {gas} gas: {verdict}", sample.name);
            } else {
                assert_eq!(verdict, Verdict::Accepted, "{}, {gas} gas", sample.name);
            }
        }
    }
}

/// Whoever sends the transaction chooses its limit.
#[test]
fn a_valid_transaction_is_never_refused_for_want_of_gas() {
    let sample = sample_of("lean");
    let (mut chain, calldata) = deployed(&sample);
    let floor: u64 = 21_000 + calldata.iter().map(|byte| if *byte == 0 { 10 } else { 40 }).sum::<u64>();
    for gas_limit in (floor..floor + 400_000).step_by(499) {
        let (verdict, _) = chain.call_in_transaction(&calldata, gas_limit);
        assert!(verdict == Verdict::Accepted || wants_gas(&verdict), "{gas_limit} gas: {verdict}");
    }
}

/// The bound is computed, not measured: it must hold, and not ask for much that is never used.
#[test]
fn the_gas_that_is_asked_for_is_close_to_what_is_used() {
    for sample in samples() {
        let (mut chain, calldata) = deployed(&sample);
        let (verdict, gas) = chain.call_in_transaction(&calldata, 1 << 24);
        assert_eq!(verdict, Verdict::Accepted);
        let used = gas - 21_000 - calldata.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum::<u64>();
        let enough = boundary(&mut chain, &calldata);
        let documented = call_gas(&sample.fixture.key).expect("valid");
        println!("{}: uses {used}, needs {enough}, documented {documented}", sample.name);
        assert!(used < enough && enough <= documented, "{}: {used} {enough} {documented}", sample.name);
        assert!(documented - used < 8_000, "{}: {used} {documented}", sample.name);
    }
}

/// Many instances and the largest `k`: what passes the check reaches the pairing, which then says no.
#[test]
fn the_check_counts_instances_and_rows() {
    for sample in samples().into_iter().filter(|sample| !sample.fixture.instances.is_empty()) {
        for (num_instances, k) in [(sample.fixture.instances.len(), 28), (700, 12), (2_000, 28)] {
            let mut key = sample.fixture.key.clone();
            (key.num_instances, key.k) = (num_instances, k);
            key.layout = Layout::default();
            let mut chain = Chain::new(&sample, &key_data(&key).expect("valid"));
            let calldata = chain.calldata(&sample.fixture.proof, &vec![-Fr::from(1); num_instances]);
            let enough = boundary(&mut chain, &calldata);
            for gas in [enough, call_gas(&key).expect("valid")] {
                let Verdict::Refused(refusal) = chain.call_within(&calldata, gas) else { panic!("accepted or failed") };
                assert_eq!(refusal.kind, RefusalKind::ProofRejected, "{}, {num_instances}, {k}: {gas}", sample.name);
            }
        }
    }
}

/// With `W' = (1, 2)`, address 0 holds 1 when the pairing is called, which is what it answers where it holds. An answer
/// that never came, for want of gas or because it costs more elsewhere, must not be read from there.
#[test]
fn a_pairing_without_an_answer_accepts_nothing() {
    let sample = sample_of("lean");
    let (mut chain, _) = deployed(&sample);
    let layout = sample.fixture.key.constraint_system.proof_layout();
    let (_, range) = layout.iter().find(|(element, _)| *element == Element::OpeningProof).expect("the last element");
    let mut proof = sample.fixture.proof.clone();
    proof[range.clone()].fill(0);
    (proof[range.start + 31], proof[range.start + 63]) = (1, 2);
    let calldata = chain.calldata(&proof, &sample.fixture.instances);
    let enough = boundary(&mut chain, &calldata);
    for gas in ((enough - 40_000)..(enough + 120_000)).step_by(487) {
        let verdict = chain.call_within(&calldata, gas);
        let rejected = matches!(&verdict, Verdict::Refused(refusal) if refusal.kind == RefusalKind::ProofRejected);
        assert!(rejected || wants_gas(&verdict), "{gas} gas: {verdict}");
    }
    let (_, calls) = chain.call_among_liars(&calldata, None);
    for lie in [Lie::OutOfGas, Lie::Nothing] {
        let (verdict, _) = chain.call_among_liars(&calldata, Some((calls.len(), lie)));
        let Verdict::Refused(refusal) = verdict else { panic!("{lie:?}: {verdict}") };
        assert_eq!(refusal.kind, RefusalKind::PrecompileFailed, "{lie:?}");
    }
}

/// What the interface says of each error is what Rust says.
#[test]
fn the_interface_says_what_each_error_means() {
    let interface = include_str!("../../contracts/verifiers/IHalo2Verifier.sol");
    for kind in RefusalKind::ALL {
        let before = interface.split(&format!("error {}(", kind.name())).next().expect("a part");
        let notice = before.rsplit("@notice ").next().expect("a notice");
        let expected = match kind.meaning() {
            Meaning::Rejected => "Rejected.",
            Meaning::WrongCall => "Wrong call.",
            Meaning::TryAgain => "Try again.",
        };
        assert!(notice.starts_with(expected), "{}: {notice}", kind.name());
    }
}
