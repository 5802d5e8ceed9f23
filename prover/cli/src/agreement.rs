//! Whether the library and the contract say the same about a proof.

use apodict_solidity::evm::Verdict;
use apodict_solidity::{Meaning, Refusal, RefusalKind};
use apodict_verifier::Error;

use crate::failure::Failure;

/// A contract agrees with a refusal only where it rejects: a call that went wrong, or that ran out of gas, says nothing about
/// the proof.
///
/// # Errors
/// [`Failure::Undecided`] where the contract says nothing; [`Failure::Disagreement`] where it says something else.
pub(crate) fn check(library: &Result<(), Error>, contract: &Verdict) -> Result<(), Failure> {
    let (agree, says_something) = match contract {
        Verdict::Accepted => (library.is_ok(), true),
        // To the contract, how many instances there are is the caller's matter.
        Verdict::Refused(Refusal { kind: RefusalKind::WrongInstanceCount, .. }) => {
            (matches!(library, Err(Error::InstanceCount { .. })), true)
        }
        Verdict::Refused(Refusal { kind, .. }) => {
            let meaning = kind.meaning();
            (library.is_err() && meaning == Meaning::Rejected, meaning != Meaning::TryAgain)
        }
        Verdict::Failed(_) => (false, false),
    };
    let contract = contract.to_string();
    match (agree, says_something) {
        (true, _) => Ok(()),
        (false, true) => {
            Err(Failure::Disagreement { library: if library.is_ok() { "accepted" } else { "refused" }, contract })
        }
        (false, false) => Err(Failure::Undecided { contract }),
    }
}

#[cfg(test)]
mod tests {
    use apodict_solidity::evm::Outcome;

    use super::*;

    const COUNT: Error = Error::InstanceCount { expected: 4, got: 3 };

    fn refused(kind: RefusalKind) -> Verdict {
        Verdict::Refused(Refusal { kind, arguments: vec![] })
    }

    /// How the two are judged, in a word.
    fn judged(library: Result<(), Error>, contract: &Verdict) -> &'static str {
        match check(&library, contract) {
            Ok(()) => "agree",
            Err(Failure::Undecided { .. }) => "undecided",
            Err(Failure::Disagreement { .. }) => "disagree",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_acceptance_agrees_with_nothing_else() {
        assert_eq!(judged(Ok(()), &Verdict::Accepted), "agree");
        assert_eq!(judged(Err(Error::Rejected), &Verdict::Accepted), "disagree");
        assert_eq!(judged(Err(COUNT), &Verdict::Accepted), "disagree");
    }

    #[test]
    fn only_a_rejection_agrees_with_a_refusal() {
        for kind in RefusalKind::ALL {
            let (of_valid, of_false) = match kind.meaning() {
                Meaning::Rejected => ("disagree", "agree"),
                Meaning::WrongCall => ("disagree", "disagree"),
                Meaning::TryAgain => ("undecided", "undecided"),
            };
            assert_eq!(judged(Ok(()), &refused(kind)), of_valid, "{kind:?}");
            assert_eq!(judged(Err(Error::Rejected), &refused(kind)), of_false, "{kind:?}");
        }
    }

    #[test]
    fn what_a_contract_does_not_say_is_no_agreement() {
        for outcome in [Outcome::Reverted(vec![]), Outcome::Returned(vec![]), Outcome::Halted("OutOfGas(Basic)".into())]
        {
            let contract = Verdict::Failed(outcome);
            assert_eq!(judged(Ok(()), &contract), "undecided");
            assert_eq!(judged(Err(Error::Rejected), &contract), "undecided");
        }
    }

    #[test]
    fn a_wrong_number_of_instances_is_one_to_both() {
        assert_eq!(judged(Err(COUNT), &refused(RefusalKind::WrongInstanceCount)), "agree");
        assert_eq!(judged(Err(COUNT), &refused(RefusalKind::WrongKeyShape)), "disagree");
        assert_eq!(judged(Err(Error::Rejected), &refused(RefusalKind::WrongInstanceCount)), "disagree");
    }
}
