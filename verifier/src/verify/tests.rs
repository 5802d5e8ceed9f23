//! What no proof can be made to provoke.
#![allow(clippy::unwrap_used, reason = "a panic is a failing test")]

use super::*;
use crate::VerifyingKey;
use ark_ff::Field;

/// A verifier of the committed ladder, its instances and its proof.
fn ladder() -> (Verifier, Vec<Fr>, &'static [u8]) {
    let key = VerifyingKey::from_bytes(include_bytes!("../../tests/vectors/ladder.key")).unwrap();
    let (words, _) = include_bytes!("../../tests/vectors/ladder.instances").as_chunks();
    let instances = instances_from_words(words).unwrap();
    (Verifier::new(key, SrsPolicy::AllowUnsafe).unwrap(), instances, include_bytes!("../../tests/vectors/ladder.proof"))
}

/// `x` in the domain, and `u` among the points: both take a preimage of the hash, so here the rows are moved instead.
#[test]
fn a_challenge_among_the_rows_is_refused() {
    let (mut verifier, instances, proof) = ladder();
    assert_eq!(verifier.verify(&instances, proof), Ok(()));
    let cs = verifier.key.constraint_system.clone();
    let conversation = read(&cs, verifier.proof_len, &verifier.key.transcript_repr, &instances, proof).unwrap();
    let honest = verifier.domain.clone();

    verifier.domain = honest.with_row_one(conversation.x);
    assert_eq!(verifier.verify(&instances, proof), Err(Error::DegenerateChallenge));

    // Row 1 times x is where the next row's cells are opened.
    verifier.domain = honest.with_row_one(conversation.opening_u * conversation.x.inverse().unwrap());
    assert_eq!(verifier.verify(&instances, proof), Err(Error::DegenerateChallenge));
}
