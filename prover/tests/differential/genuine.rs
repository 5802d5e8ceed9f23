//! Genuine proofs are accepted by both.

use crate::{
    circuits::{Ladder, Sealed, Square},
    sample::{Sample, Selectors, params},
};
use halo2curves::bn256::Fr;

fn accepted(sample: &Sample) {
    assert!(sample.halo2(&sample.instances, &sample.proof), "halo2 refuses {}", sample.name);
    assert_eq!(sample.ours(&sample.instances, &sample.proof), Ok(()), "{}", sample.name);
    assert_eq!(sample.verifier.proof_len(), sample.proof.len(), "{}", sample.name);
}

#[test]
fn proofs_of_every_size_are_accepted() {
    for k in 4..=8 {
        for selectors in [Selectors::Direct, Selectors::Compressed] {
            let ladder = Ladder { seed: 40 + u64::from(k) };
            accepted(&Sample::new(params(k), ladder, &ladder.instances(), selectors));
            accepted(&Sample::new(params(k), Square { root: 12 }, &[Fr::from(144)], selectors));
            accepted(&Sample::new(params(k), Sealed { secret: 5 }, &[], selectors));
        }
    }
}

/// What the circuits must have for the other tests to mean something.
#[test]
fn the_ladder_covers_the_features_of_a_machine() {
    let ladder = Ladder { seed: 1 };
    let sample = Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct);
    let cs = &sample.key.constraint_system;
    assert_eq!(cs.degree, 5);
    assert_eq!(cs.num_permutation_products(), 3);
    assert_eq!(cs.challenge_phases, [0, 0]);
    assert_eq!(cs.advice_phases, [0, 0, 1, 0, 1]);
    let rotations = |queries: &[apodict_verifier::Query]| {
        let mut rotations: Vec<_> = queries.iter().map(|query| query.rotation).collect();
        rotations.sort_unstable();
        rotations.dedup();
        rotations
    };
    assert_eq!(rotations(&cs.advice_queries), [-1, 0, 1]);
    assert_eq!(rotations(&cs.fixed_queries), [0, 1]);
    assert_eq!(rotations(&cs.instance_queries), [-1, 0, 1]);
    assert!(sample.key.fixed_commitments.iter().any(|point| point.infinity), "a column of zeros");
}

/// One contract serves all models and sizes of a shape: the shape's digest must not see them.
#[test]
fn the_shape_does_not_depend_on_values_or_size() {
    let digest = |k, seed| {
        let ladder = Ladder { seed };
        let sample = Sample::new(params(k), ladder, &ladder.instances(), Selectors::Direct);
        (sample.key.constraint_system.shape_digest().unwrap(), sample.key.digest().unwrap())
    };
    let (small, small_key) = digest(4, 1);
    let (large, large_key) = digest(7, 2);
    assert_eq!(small, large);
    assert_ne!(small_key, large_key);
}
