//! The tampering table: every mutant is refused by both, by ours with the exact error.

use crate::{
    circuits::{Ladder, Sealed, Square},
    sample::{Sample, Selectors, params},
};
use apodict_verifier::{
    Error, SrsPolicy, VerifyingKey, instances_from_words,
    tampering::{Target, key_mutants, proof_mutants},
    verify,
};
use halo2_proofs::plonk;
use halo2curves::{
    bn256::{Fr, G1Affine},
    group::Curve,
};
use std::collections::BTreeSet;

fn samples() -> Vec<Sample> {
    let ladder = Ladder { seed: 3 };
    vec![
        Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct),
        Sample::new(params(5), Square { root: 9 }, &[Fr::from(81)], Selectors::Direct),
        Sample::new(params(4), Sealed { secret: 8 }, &[], Selectors::Compressed),
    ]
}

#[test]
fn every_mutated_proof_is_refused_with_its_error() {
    for sample in samples() {
        let cs = &sample.key.constraint_system;
        let mutants = proof_mutants(cs, &sample.instances, &sample.proof);
        for mutant in &mutants {
            let ours = sample.ours(&mutant.instances, &mutant.proof);
            assert_eq!(ours, Err(mutant.expected.clone()), "{}: {}", sample.name, mutant.name);
            assert!(!sample.halo2(&mutant.instances, &mutant.proof), "halo2 accepts {}: {}", sample.name, mutant.name);
        }

        // The table leaves nothing out: each element, each instance, each name once.
        for (element, _) in cs.proof_layout() {
            let touching = mutants.iter().filter(|mutant| mutant.target == Target::Proof(element)).count();
            assert!(touching >= 5, "{element} is tampered with {touching} times");
        }
        for index in 0..sample.instances.len() {
            assert!(mutants.iter().any(|mutant| mutant.target == Target::Instance(index)));
        }
        let names: BTreeSet<_> = mutants.iter().map(|mutant| &mutant.name).collect();
        assert_eq!(names.len(), mutants.len());
    }
}

#[test]
fn every_mutated_key_refuses_the_proof_or_has_another_digest() {
    for sample in samples() {
        let instances = instances_from_words(&sample.instances).unwrap();
        for mutant in key_mutants(&sample.key) {
            let verdict = verify(&mutant.key, SrsPolicy::AllowUnsafe, &instances, &sample.proof);
            assert_eq!(verdict, mutant.expected, "{}: {}", sample.name, mutant.name);
            match mutant.key.digest() {
                Ok(digest) => assert_ne!(digest, sample.verifier.digest(), "{}", mutant.name),
                Err(error) => assert_eq!(verdict, Err(Error::Key(error)), "{}", mutant.name),
            }
        }
    }
}

/// halo2 under a key whose commitments were changed, as far as its keys can be taken apart.
#[test]
fn halo2_refuses_other_commitments_too() {
    let ladder = Ladder { seed: 3 };
    let sample = Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct);
    let rebuilt = |fixed: Vec<G1Affine>, permutation: Vec<G1Affine>| {
        plonk::VerifyingKey::from_parts(
            sample.vk.get_domain().clone(),
            fixed,
            plonk::permutation::VerifyingKey::from_commitments(permutation),
            sample.vk.cs().clone(),
            Vec::new(),
            false,
        )
    };
    let fixed = sample.vk.fixed_commitments().clone();
    let permutation = sample.vk.permutation().commitments().clone();
    let accepts = |vk| sample.halo2_with(&vk, &sample.instances, &sample.proof);
    assert!(accepts(rebuilt(fixed.clone(), permutation.clone())), "the key survives being taken apart");
    let shift = |point: G1Affine| (point + G1Affine::generator()).to_affine();
    for column in 0..fixed.len() {
        let mut fixed = fixed.clone();
        fixed[column] = shift(fixed[column]);
        assert!(!accepts(rebuilt(fixed, permutation.clone())), "fixed column {column}");
    }
    for column in 0..permutation.len() {
        let mut permutation = permutation.clone();
        permutation[column] = shift(permutation[column]);
        assert!(!accepts(rebuilt(fixed.clone(), permutation)), "permutation column {column}");
    }
}

/// The key of another model of the same shape, and of the same model at another size.
#[test]
fn the_key_of_another_circuit_refuses() {
    let ladder = |k| {
        let ladder = Ladder { seed: 3 };
        Sample::new(params(k), ladder, &ladder.instances(), Selectors::Direct)
    };
    let sample = ladder(5);
    let instances = instances_from_words(&sample.instances).unwrap();
    let larger = ladder(6);
    assert_eq!(verify(&larger.key, SrsPolicy::AllowUnsafe, &instances, &sample.proof), Err(Error::Rejected));
    assert!(!larger.halo2(&sample.instances, &sample.proof));

    let square = Sample::new(params(5), Square { root: 9 }, &[Fr::from(81)], Selectors::Direct);
    let length = Error::ProofLength { expected: square.proof.len(), got: sample.proof.len() };
    assert_eq!(verify(&square.key, SrsPolicy::AllowUnsafe, &instances[..1], &sample.proof), Err(length));
    assert!(!square.halo2(&sample.instances[..1], &sample.proof));

    // Only the commitment to the constants differs: what another model of the same shape would be.
    let mut other_model: VerifyingKey = sample.key.clone();
    other_model.fixed_commitments.swap(0, 2);
    assert_eq!(verify(&other_model, SrsPolicy::AllowUnsafe, &instances, &sample.proof), Err(Error::Rejected));
}

/// A genuine proof for other public values, as when a proof for one subject is shown for another.
#[test]
fn a_genuine_proof_does_not_serve_other_instances() {
    let sample_of = |seed| {
        let ladder = Ladder { seed };
        Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct)
    };
    let (mine, theirs) = (sample_of(3), sample_of(4));
    assert_eq!(mine.key, theirs.key);
    assert_eq!(mine.ours(&theirs.instances, &mine.proof), Err(Error::Rejected));
    assert!(!mine.halo2(&theirs.instances, &mine.proof));
}
