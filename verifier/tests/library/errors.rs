//! No error is only declared: for each variant, something is refused with it.

use crate::answers::{ladder, square};
use apodict_verifier::{
    Error, KeyError, MAX_KEY_BYTES, SrsPolicy, VerifyingKey, instances_from_words,
    tampering::{key_mutants, proof_mutants},
    verify,
};
use std::{collections::BTreeSet, fmt::Debug};

/// Provoked elsewhere, because no proof and no key of the table can be made for it.
const ELSEWHERE: [(&str, &str); 11] = [
    ("DegenerateChallenge", "verify::tests::a_challenge_among_the_rows_is_refused"),
    ("EmptyBatch", "batch::a_batch_without_a_proof_is_refused"),
    ("BatchRejected", "batch::one_false_proof_spoils_the_batch"),
    ("BatchSrs", "batch::every_point_of_the_srs_is_compared"),
    ("BatchItem", "verify::a_batch_of_known_answers_holds_and_breaks"),
    ("Layout", "layout::a_layout_that_promises_much_is_refused"),
    ("UnsafeSrs", "layout::policies_and_pins_are_kept"),
    ("Digest", "layout::policies_and_pins_are_kept"),
    ("NothingDescribed", "layout::a_key_that_describes_nothing_verifies_and_is_not_decoded"),
    ("Context", "layout::decodes_every_integer_of_its_range_and_no_other"),
    ("PublicValue", "layout::decodes_every_integer_of_its_range_and_no_other"),
];

/// The names of both enums' variants, from their source: a new one is missing here until something provokes it.
fn declared() -> BTreeSet<String> {
    let lines = include_str!("../../src/error.rs").lines().filter_map(|line| line.strip_prefix("    "));
    lines
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect()
}

fn variant(error: &impl Debug) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// What is said of keys whose bytes were spoilt.
fn refused_bytes() -> impl Iterator<Item = KeyError> {
    let genuine = square().key_bytes;
    let flips = (0..genuine.len()).flat_map(|at| [(at, 0x01), (at, 0x80)]);
    let flipped = flips.map(|(at, bit)| {
        let mut bytes = genuine.to_vec();
        bytes[at] ^= bit;
        bytes
    });
    let lengths = [genuine[..genuine.len() - 1].to_vec(), [genuine, &[0]].concat(), vec![0; MAX_KEY_BYTES + 1]];
    flipped.chain(lengths).filter_map(|bytes| VerifyingKey::from_bytes(&bytes).err())
}

#[test]
fn every_variant_refuses_something() {
    let mut provoked: BTreeSet<String> = ELSEWHERE.iter().map(|(name, _)| (*name).to_owned()).collect();
    for answer in [ladder(), square()] {
        let verifier = answer.verifier();
        for mutant in proof_mutants(&answer.key.constraint_system, &answer.instances, answer.proof) {
            provoked.extend(verifier.verify_words(&mutant.instances, &mutant.proof).err().map(|error| variant(&error)));
        }
        let instances = instances_from_words(&answer.instances).unwrap();
        for mutant in key_mutants(&answer.key) {
            match verify(&mutant.key, SrsPolicy::AllowUnsafe, &instances, answer.proof) {
                Err(Error::Key(error)) => provoked.extend([variant(&error), "Key".to_owned()]),
                verdict => provoked.extend(verdict.err().map(|error| variant(&error))),
            }
        }
    }
    provoked.extend(refused_bytes().map(|error| variant(&error)));
    let declared = declared();
    assert!(declared.len() > 25, "the source was not understood: {declared:?}");
    let missing: Vec<_> = declared.difference(&provoked).collect();
    assert!(missing.is_empty(), "nothing is refused with {missing:?}");
}
