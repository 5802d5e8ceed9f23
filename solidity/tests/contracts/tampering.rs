//! The tampering table of the verifier library, and what only a contract can be given.

use crate::{
    fixtures::{Sample, sample_of, samples},
    verdict::{answer, expected},
};
use apodict_solidity::{RefusalKind, evm::Verdict, instance_words, key_data};
use apodict_verifier::{
    Error,
    tampering::{key_mutants, proof_mutants},
};

#[test]
fn accepts_genuine_proofs() {
    for sample in samples() {
        let Sample { fixture, name, .. } = &sample;
        let verification = sample.deploy().verify(&fixture.proof, &fixture.instances).expect("run");
        assert_eq!(verification.verdict, Verdict::Accepted, "{name}");
    }
}

#[test]
fn refuses_every_mutated_proof_with_its_error() {
    for sample in samples() {
        let Sample { fixture, name, .. } = &sample;
        let cs = &fixture.key.constraint_system;
        let mut evm = sample.deploy();
        for mutant in proof_mutants(cs, &instance_words(&fixture.instances), &fixture.proof) {
            let verification = evm.verify_words(&mutant.proof, &mutant.instances).expect("run");
            let expected = expected(cs, &Err(mutant.expected));
            assert_eq!(answer(&verification.verdict), expected, "{name}: {}", mutant.name);
        }
    }
}

/// The prover's proof under a key that was tampered with, its hash pinned: another key is another statement.
#[test]
fn refuses_the_proof_under_every_mutated_key() {
    for sample in samples() {
        let Sample { fixture, name, .. } = &sample;
        let cs = &fixture.key.constraint_system;
        for mutant in key_mutants(&fixture.key) {
            let Ok(data) = key_data(&mutant.key) else {
                assert!(matches!(mutant.expected, Err(Error::Key(_))), "{name}: {}", mutant.name);
                continue;
            };
            let verification = sample.deploy_with(&mutant.key).verify(&fixture.proof, &fixture.instances).expect("run");
            let answer = answer(&verification.verdict);
            if mutant.key.constraint_system != *cs {
                let kind = answer.expect_err("another shape").0;
                assert_eq!(kind, RefusalKind::WrongKeyShape, "{name}: {}", mutant.name);
            } else {
                assert_eq!(answer, expected(cs, &mutant.expected), "{name}: {}", mutant.name);
            }
            // Whoever pins the code's hash pins what no equation has, too: the meaning of the public values.
            assert_ne!(data, key_data(&fixture.key).expect("valid"), "{name}: {}", mutant.name);
        }
    }
}

/// A genuine proof of one shape means nothing to the verifier of another, whatever its key says.
#[test]
fn refuses_the_key_of_another_shape() {
    let (lean, wide) = (sample_of("lean"), sample_of("wide"));
    let mut evm = lean.deploy_with(&wide.fixture.key);
    let instances = &lean.fixture.instances;
    let verification = evm.verify(&lean.fixture.proof, instances).expect("run");
    let digest = |sample: &Sample| sample.fixture.key.constraint_system.shape_digest().expect("valid").to_vec();
    let Verdict::Refused(refusal) = verification.verdict else { panic!("{}", verification.verdict) };
    assert_eq!(refusal.kind, RefusalKind::WrongKeyShape);
    assert_eq!(refusal.arguments.concat(), [digest(&lean), digest(&wide)].concat());
    // A proof that holds for its key is not rejected by a verifier that is not the key's, for all its length.
    let verification = evm.verify(&wide.fixture.proof, &wide.fixture.instances).expect("run");
    let Verdict::Refused(refusal) = verification.verdict else { panic!("{}", verification.verdict) };
    assert_eq!(refusal.kind, RefusalKind::WrongKeyShape);
}
