//! Random mutations: thousands of them, from a fixed seed. Both verifiers must say the same about each.

use crate::{
    circuits::{Ladder, Square},
    sample::{Sample, Selectors, params},
};
use apodict_verifier::{Element, Error};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
    group::Curve,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeMap;

const MUTATIONS_PER_SAMPLE: usize = 1500;

fn below(rng: &mut ChaCha20Rng, bound: usize) -> usize {
    (rng.next_u64() % bound as u64) as usize
}

/// One random change of the proof or the instances. It may by chance be none.
fn mutate(rng: &mut ChaCha20Rng, sample: &Sample) -> (Vec<[u8; 32]>, Vec<u8>) {
    let (mut instances, mut proof) = (sample.instances.clone(), sample.proof.clone());
    let layout = sample.key.constraint_system.proof_layout();
    let words = proof.len() / 32;
    match below(rng, 10) {
        // Bytes.
        0 => proof[below(rng, sample.proof.len())] ^= 1 << below(rng, 8),
        1 => proof[below(rng, sample.proof.len())] = rng.next_u32() as u8,
        2 => {
            let instance = below(rng, instances.len());
            let word = &mut instances[instance];
            match below(rng, 3) {
                0 => word[below(rng, 32)] ^= 1 << below(rng, 8),
                1 => rng.fill_bytes(word),
                _ => word.fill(0xff),
            }
        }
        // Words.
        3 => {
            let (from, to) = (32 * below(rng, words), 32 * below(rng, words));
            proof.copy_within(from..from + 32, to);
        }
        4 => {
            let word = 32 * below(rng, words);
            rng.fill_bytes(&mut proof[word..word + 32]);
        }
        5 => {
            let word = 32 * below(rng, words);
            proof[word..word + 32].fill(if rng.next_u32() & 1 == 0 { 0 } else { 0xff });
        }
        // Well-formed elements, so that the arithmetic is reached.
        6 | 7 => {
            let (element, range) = &layout[below(rng, layout.len())];
            let bytes = match element {
                Element::Evaluation(_) => {
                    apodict_prover::transcript::scalar_to_be_bytes(&Fr::random(&mut *rng)).to_vec()
                }
                _ => {
                    let point = (G1Affine::generator() * Fr::random(&mut *rng)).to_affine();
                    apodict_verifier::g1_to_be_bytes(&apodict_prover::export::g1(&point)).to_vec()
                }
            };
            proof[range.clone()].copy_from_slice(&bytes);
        }
        8 => {
            let (_, a) = &layout[below(rng, layout.len())];
            let (_, b) = &layout[below(rng, layout.len())];
            if a.len() == b.len() {
                proof.copy_within(a.clone(), b.start);
            }
        }
        // Length.
        _ => {
            let at = below(rng, proof.len());
            if rng.next_u32() & 1 == 0 {
                proof.truncate(at);
            } else {
                proof.insert(at, rng.next_u32() as u8);
            }
        }
    }
    (instances, proof)
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Rejected => "rejected",
        Error::ProofLength { .. } => "length",
        Error::PointNotOnCurve { .. } => "off the curve",
        Error::CoordinateNotCanonical { .. } => "coordinate",
        Error::ScalarNotCanonical { .. } => "scalar",
        Error::InstanceNotCanonical { .. } => "instance",
        Error::PointAtInfinity { .. } => "identity",
        _ => "other",
    }
}

#[test]
fn both_verifiers_agree_on_random_mutations() {
    let ladder = Ladder { seed: 77 };
    let samples = [
        Sample::new(params(4), ladder, &ladder.instances(), Selectors::Direct),
        Sample::new(params(6), Square { root: 11 }, &[Fr::from(121)], Selectors::Compressed),
    ];
    let mut rng = ChaCha20Rng::seed_from_u64(20_260_101);
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    for sample in &samples {
        for round in 0..MUTATIONS_PER_SAMPLE {
            let (instances, proof) = mutate(&mut rng, sample);
            let ours = sample.ours(&instances, &proof);
            let halo2 = sample.halo2(&instances, &proof);
            assert_eq!(ours.is_ok(), halo2, "{}, round {round}: ours says {ours:?}", sample.name);
            let unchanged = instances == sample.instances && proof == sample.proof;
            assert_eq!(ours.is_ok(), unchanged, "{}, round {round}", sample.name);
            *seen.entry(ours.as_ref().err().map_or("accepted", kind)).or_default() += 1;
        }
    }
    // The mutations must reach behind the decoding as well as into every check of it.
    for expected in ["rejected", "length", "off the curve", "coordinate", "scalar", "instance"] {
        assert!(seen.get(expected).is_some_and(|count| *count >= 20), "{expected}: {seen:?}");
    }
    assert_eq!(seen.get("other"), None, "{seen:?}");
}
