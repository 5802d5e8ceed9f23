//! Random mutations, from a fixed seed: the contract says what the verifier library says.

use crate::{
    fixtures::{Sample, samples},
    verdict::{answer, expected},
};
use apodict_solidity::{RefusalKind, instance_words};
use apodict_verifier::{Element, G1Affine, SrsPolicy, Verifier, fr_to_be_bytes, g1_to_be_bytes};
use ark_ec::{AffineRepr, CurveGroup};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::collections::BTreeMap;

const MUTATIONS_PER_SHAPE: usize = 400;

fn below(rng: &mut ChaCha20Rng, bound: usize) -> usize {
    (rng.next_u64() % bound as u64) as usize
}

/// One random change; by chance it may be none.
fn mutate(rng: &mut ChaCha20Rng, sample: &Sample) -> (Vec<[u8; 32]>, Vec<u8>) {
    let fixture = &sample.fixture;
    let (mut instances, mut proof) = (instance_words(&fixture.instances), fixture.proof.clone());
    let layout = fixture.key.constraint_system.proof_layout();
    match below(rng, 7) {
        0 => proof[below(rng, fixture.proof.len())] ^= 1 << below(rng, 8),
        1 if !instances.is_empty() => {
            let instance = below(rng, instances.len());
            instances[instance][below(rng, 32)] ^= 1 << below(rng, 8);
        }
        2 => {
            let word = 32 * below(rng, proof.len() / 32);
            rng.fill_bytes(&mut proof[word..word + 32]);
        }
        3 => {
            let word = 32 * below(rng, proof.len() / 32);
            proof[word..word + 32].fill(if rng.next_u32() & 1 == 0 { 0 } else { 0xff });
        }
        // Well-formed elements, so that the arithmetic is reached.
        4 | 5 => {
            let (element, range) = &layout[below(rng, layout.len())];
            let scalar = apodict_verifier::Fr::from(rng.next_u64()) * apodict_verifier::Fr::from(rng.next_u64());
            let bytes = match element {
                Element::Evaluation(_) => fr_to_be_bytes(&scalar).to_vec(),
                _ => g1_to_be_bytes(&(G1Affine::generator() * scalar).into_affine()).to_vec(),
            };
            proof[range.clone()].copy_from_slice(&bytes);
        }
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

#[test]
fn contract_and_library_agree_on_random_mutations() {
    let mut rng = ChaCha20Rng::seed_from_u64(20_260_102);
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    for sample in samples() {
        let key = &sample.fixture.key;
        let verifier = Verifier::new(key.clone(), SrsPolicy::AllowUnsafe).expect("valid");
        let mut evm = sample.deploy();
        for round in 0..MUTATIONS_PER_SHAPE {
            let (instances, proof) = mutate(&mut rng, &sample);
            let library = verifier.verify_words(&instances, &proof);
            let contract = answer(&evm.verify_words(&proof, &instances).expect("run").verdict);
            assert_eq!(contract, expected(&key.constraint_system, &library), "{}, round {round}", sample.name);
            *seen.entry(contract.err().map_or("accepted", |(kind, _)| kind.name())).or_default() += 1;
        }
    }
    for kind in [
        RefusalKind::ProofRejected,
        RefusalKind::WrongProofLength,
        RefusalKind::PointNotOnCurve,
        RefusalKind::CoordinateNotCanonical,
        RefusalKind::ScalarNotCanonical,
        RefusalKind::InstanceNotCanonical,
    ] {
        assert!(seen.get(kind.name()).is_some_and(|count| *count >= 10), "{}: {seen:?}", kind.name());
    }
}
