//! Known answers and the tampering table, without halo2.

use crate::answers::{decisions, ladder, square};
use apodict_verifier::{
    BatchItem, Error, SrsPolicy, Verifier, instances_from_words,
    tampering::{key_mutants, proof_mutants},
    verify, verify_batch,
};

#[test]
fn known_answers_hold() {
    for answer in decisions().into_iter().chain([ladder(), square()]) {
        let verifier = Verifier::new(answer.key, SrsPolicy::AllowUnsafe).unwrap();
        assert_eq!(verifier.verify_words(&answer.instances, answer.proof), Ok(()), "{}", answer.name);
    }
}

/// A change of the format, of the transcript or of a circuit shows here.
#[test]
fn digests_are_pinned() {
    let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let digests = [ladder(), square()]
        .map(|answer| (hex(answer.key.digest().unwrap()), hex(answer.key.constraint_system.shape_digest().unwrap())));
    let expected = [
        (
            "fd20b4209acff6ed28f1b2dd791dcb8ea28ea00c13f531ca3a8c1a50d5c4f14d",
            "bc0d4c2588561caa3eb55cd8f567298048ab10f3b74e17f86c0d16026937aab4",
        ),
        (
            "0d714b23503c01bb83e325ab703ff8250489f4b61823e3555c9fa937363b4c05",
            "08589be62d710e9d31c8c61a9dc2782fcfd017b4b5c16cf7107e68e043899866",
        ),
    ];
    assert_eq!(digests, expected.map(|(key, shape)| (key.to_owned(), shape.to_owned())));
}

#[test]
fn every_mutated_proof_is_refused_with_its_error() {
    for answer in [ladder(), square()] {
        let verifier = Verifier::new(answer.key, SrsPolicy::AllowUnsafe).unwrap();
        for mutant in proof_mutants(&verifier.key().constraint_system, &answer.instances, answer.proof) {
            let verdict = verifier.verify_words(&mutant.instances, &mutant.proof);
            assert_eq!(verdict, Err(mutant.expected), "{}: {}", answer.name, mutant.name);
        }
    }
}

#[test]
fn every_mutated_key_refuses_the_proof_or_has_another_digest() {
    for answer in [ladder(), square()] {
        let instances = instances_from_words(&answer.instances).unwrap();
        for mutant in key_mutants(&answer.key) {
            let verdict = verify(&mutant.key, SrsPolicy::AllowUnsafe, &instances, answer.proof);
            assert_eq!(verdict, mutant.expected, "{}: {}", answer.name, mutant.name);
            if let Ok(digest) = mutant.key.digest() {
                assert_ne!(digest, answer.key.digest().unwrap(), "{}", mutant.name);
            }
        }
    }
}

#[test]
fn a_batch_of_known_answers_holds_and_breaks() {
    let (ladder, square) = (ladder(), square());
    let verifiers = [&ladder, &square].map(|answer| Verifier::new(answer.key.clone(), SrsPolicy::AllowUnsafe).unwrap());
    let instances = [&ladder, &square].map(|answer| instances_from_words(&answer.instances).unwrap());
    let proofs = [ladder.proof, square.proof];
    let items: Vec<_> = verifiers
        .iter()
        .zip(&instances)
        .zip(proofs)
        .map(|((verifier, instances), proof)| BatchItem { verifier, instances, proof })
        .collect();
    assert_eq!(verify_batch(&items), Ok(()));
    let crossed = [BatchItem { instances: &instances[0], ..items[0] }, BatchItem { proof: ladder.proof, ..items[1] }];
    let source = Error::ProofLength { expected: square.proof.len(), got: ladder.proof.len() };
    assert_eq!(verify_batch(&crossed), Err(Error::BatchItem { index: 1, source: source.into() }));
}
