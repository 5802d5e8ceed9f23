//! Batches of known answers.

use crate::answers::{Answer, ladder, square, verifier};
use apodict_verifier::{BatchItem, Error, Fr, Verifier, VerifyingKey, instances_from_words, verify_batch};

/// The verdict on a batch of answers, each under its own verifier.
fn batch(items: &[(&Verifier, &Answer)]) -> Result<(), Error> {
    let instances: Vec<Vec<Fr>> =
        items.iter().map(|(_, answer)| instances_from_words(&answer.instances).unwrap()).collect();
    let items = items.iter().zip(&instances);
    let items = items.map(|((verifier, answer), instances)| BatchItem { verifier, instances, proof: answer.proof });
    verify_batch(&items.collect::<Vec<_>>())
}

#[test]
fn a_batch_without_a_proof_is_refused() {
    assert_eq!(batch(&[]), Err(Error::EmptyBatch));
}

#[test]
fn one_false_proof_spoils_the_batch() {
    let (genuine, mut lie) = (ladder(), square());
    lie.instances[0][31] ^= 1;
    let (of_genuine, of_lie) = (genuine.verifier(), lie.verifier());
    for items in [[(&of_genuine, &genuine), (&of_lie, &lie)], [(&of_lie, &lie), (&of_genuine, &genuine)]] {
        assert_eq!(batch(&items), Err(Error::BatchRejected { count: 2 }));
    }
}

/// Two strings may share a point and still differ: each point is compared, not `[s]_2` alone.
#[test]
fn every_point_of_the_srs_is_compared() {
    type Change = (&'static str, fn(&mut VerifyingKey));
    let changes: [Change; 3] = [
        ("[1]_1", |key| key.srs.g1 = -key.srs.g1),
        ("[1]_2", |key| key.srs.g2 = -key.srs.g2),
        ("[s]_2", |key| key.srs.s_g2 = -key.srs.s_g2),
    ];
    let (first, second) = (ladder(), square());
    for (point, change) in changes {
        let mut key = second.key.clone();
        change(&mut key);
        let verdict = batch(&[(&first.verifier(), &first), (&verifier(key), &second)]);
        assert_eq!(verdict, Err(Error::BatchSrs { index: 1 }), "{point}");
    }
}

/// The commitments of equal keys are multiplied together. Another model has the same shape and other commitments: its
/// proofs must not be verified under the first one's.
#[test]
fn each_proof_is_verified_under_its_own_key() {
    let answer = ladder();
    let mut other_model = answer.key.clone();
    other_model.fixed_commitments.swap(0, 2);
    assert_ne!(other_model, answer.key);
    let (own, other) = (answer.verifier(), verifier(other_model));
    assert_eq!(batch(&[(&own, &answer), (&own, &answer)]), Ok(()));
    for verifiers in [[&own, &other], [&other, &own]] {
        assert_eq!(batch(&verifiers.map(|verifier| (verifier, &answer))), Err(Error::BatchRejected { count: 2 }));
    }
}
