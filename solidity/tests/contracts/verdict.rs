//! The verifier library's errors as the contract's.

use crate::fixtures::sample_of;
use apodict_solidity::{
    Error as SolidityError, RefusalKind,
    evm::{Evm, Outcome, Verdict},
};
use apodict_verifier::{ConstraintSystem, Element, Error};

/// What a verdict says, in words that both sides share.
pub(crate) type Answer = Result<(), (RefusalKind, Vec<u64>)>;

/// What the contract must say where the library says `verdict`.
pub(crate) fn expected(cs: &ConstraintSystem, verdict: &Result<(), Error>) -> Answer {
    let position = |element: &Element| {
        let layout = cs.proof_layout();
        let position = layout.iter().position(|(candidate, _)| candidate == element);
        vec![position.expect("an element of the shape") as u64]
    };
    let Err(error) = verdict else { return Ok(()) };
    Err(match error {
        Error::ProofLength { expected, got } => (RefusalKind::WrongProofLength, vec![*expected as u64, *got as u64]),
        Error::InstanceCount { expected, got } => {
            (RefusalKind::WrongInstanceCount, vec![*expected as u64, *got as u64])
        }
        Error::InstanceNotCanonical { index } => (RefusalKind::InstanceNotCanonical, vec![*index as u64]),
        Error::ScalarNotCanonical { element } => (RefusalKind::ScalarNotCanonical, position(element)),
        Error::CoordinateNotCanonical { element } => (RefusalKind::CoordinateNotCanonical, position(element)),
        Error::PointNotOnCurve { element } => (RefusalKind::PointNotOnCurve, position(element)),
        Error::PointAtInfinity { element } => (RefusalKind::PointAtInfinity, position(element)),
        Error::DegenerateChallenge => (RefusalKind::DegenerateChallenge, vec![]),
        Error::Rejected => (RefusalKind::ProofRejected, vec![]),
        other => panic!("no contract says {other}"),
    })
}

/// What the contract says.
pub(crate) fn answer(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Refused(refusal) => {
            let number = |argument: &[u8; 32]| argument.last_chunk().map_or(0, |low| u64::from_be_bytes(*low));
            Err((refusal.kind, refusal.arguments.iter().map(number).collect()))
        }
        Verdict::Failed(outcome) => panic!("not an answer: {outcome:?}"),
    }
}

/// A call of an account without code succeeds and returns nothing; other contracts return what they like.
#[test]
fn only_the_word_1_is_an_acceptance() {
    let word = |low: u8| [&[0; 31][..], &[low]].concat();
    let others =
        [vec![], vec![1], word(0), word(2), [word(1), word(1)].concat(), [word(1), vec![0]].concat(), vec![1; 32]];
    for data in others.into_iter().chain([[vec![1], word(0)].concat()[..32].to_vec(), word(1)[..31].to_vec()]) {
        let outcome = Outcome::Returned(data);
        assert_eq!(Verdict::of(outcome.clone()), Verdict::Failed(outcome));
    }
    assert_eq!(Verdict::of(Outcome::Returned(word(1))), Verdict::Accepted);

    let sample = sample_of("lean");
    let mut evm = sample.deploy();
    evm.verifier = [0x77; 20];
    let verification = evm.verify(&sample.fixture.proof, &sample.fixture.instances).expect("run");
    assert_eq!(verification.verdict, Verdict::Failed(Outcome::Returned(vec![])));
}

/// Creation code that succeeds and leaves no code would be such an account.
#[test]
fn a_contract_without_code_is_not_deployed() {
    // STOP; RETURN of nothing
    for code in [vec![], vec![0x00], vec![0x5f, 0x5f, 0xf3]] {
        let error = Evm::new().deploy("the verifier", code).expect_err("no code");
        assert!(matches!(&error, SolidityError::Deployment { reason, .. } if reason.contains("no code")), "{error}");
    }
}
