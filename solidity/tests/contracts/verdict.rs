//! The verifier library's errors as the contract's.

use apodict_solidity::{RefusalKind, evm::Verdict};
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
