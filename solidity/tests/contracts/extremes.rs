//! Arithmetic at the ends of the field.
//!
//! Sums are lazy and some differences are taken of values that may exceed `r`, so a mistake shows only where evaluations
//! are large: in a genuine proof they are random. Whoever knows the string's secret can prove anything, with evaluations
//! of their choice: such proofs must be accepted by the contract and by the library alike.

use crate::{
    chain::Chain,
    fixtures::{Sample, samples},
    precompiles::challenges,
};
use apodict_solidity::{Fixture, evm::Verdict, key_data};
use apodict_verifier::{
    Element, Fr, G1Affine, G2Affine, SrsPolicy, Verifier, VerifyingKey, fr_to_be_bytes, g1_to_be_bytes,
};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

const SECRET: u64 = 0x5eed;
const FORGERIES_PER_SHAPE: usize = 48;

/// The key on a string whose secret is [`SECRET`].
fn with_known_secret(mut key: VerifyingKey) -> VerifyingKey {
    key.srs.s_g2 = (G2Affine::generator() * Fr::from(SECRET)).into_affine();
    key.srs.g2 = G2Affine::generator();
    key.srs.g1 = G1Affine::generator();
    key.srs.s_g1 = (G1Affine::generator() * Fr::from(SECRET)).into_affine();
    key
}

/// Often 0, 1 or -1: a product of two is then often near the end of the field, and so is a sum.
fn extreme(rng: &mut ChaCha20Rng) -> Fr {
    match rng.next_u32() % 6 {
        0 => Fr::from(0),
        1 | 2 => Fr::from(1),
        3 | 4 => -Fr::from(1),
        _ => Fr::from(rng.next_u64()).inverse().unwrap_or_default(),
    }
}

/// A proof with chosen evaluations and instances, and the `W'` for which the pairing holds. What the contract would pair
/// with a `W'` of its own is read from its call: `S + u W'`, where `e(S + u W', [1]_2) = e(W', [s]_2)` is asked.
fn forge(sample: &Sample, rng: &mut ChaCha20Rng) -> Fixture {
    let Fixture { key, mut proof, mut instances } = sample.fixture.clone();
    let key = with_known_secret(key);
    instances.iter_mut().for_each(|instance| *instance = extreme(rng));
    for (element, range) in key.constraint_system.proof_layout() {
        match element {
            Element::Evaluation(_) => proof[range].copy_from_slice(&fr_to_be_bytes(&extreme(rng))),
            Element::OpeningProof => proof[range].copy_from_slice(&g1_to_be_bytes(&G1Affine::generator())),
            _ => {}
        }
    }
    let mut fixture = Fixture { key, proof, instances };
    let (_, u) = challenges(&fixture);
    let mut chain = Chain::new(sample, &key_data(&fixture.key).expect("valid"));
    let calldata = chain.calldata(&fixture.proof, &fixture.instances);
    let (verdict, calls) = chain.call_among_liars(&calldata, None);
    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict}");
    let (8, input) = calls.last().expect("the pairing") else { panic!("not the pairing") };
    let paired = point(&input[..64]);
    let opening = (paired - G1Affine::generator() * u) * (Fr::from(SECRET) - u).inverse().expect("not the secret");
    let start = fixture.proof.len() - 64;
    fixture.proof[start..].copy_from_slice(&g1_to_be_bytes(&opening.into_affine()));
    fixture
}

fn point(bytes: &[u8]) -> G1Affine {
    let coordinate = |bytes| <G1Affine as AffineRepr>::BaseField::from_be_bytes_mod_order(bytes);
    G1Affine::new(coordinate(&bytes[..32]), coordinate(&bytes[32..]))
}

#[test]
fn contract_and_library_agree_at_the_ends_of_the_field() {
    let mut rng = ChaCha20Rng::seed_from_u64(20_261_127);
    for sample in samples() {
        for round in 0..FORGERIES_PER_SHAPE {
            let fixture = forge(&sample, &mut rng);
            let verifier = Verifier::new(fixture.key.clone(), SrsPolicy::AllowUnsafe).expect("valid");
            assert_eq!(verifier.verify(&fixture.instances, &fixture.proof), Ok(()), "{}, round {round}", sample.name);
            let mut chain = Chain::new(&sample, &key_data(&fixture.key).expect("valid"));
            let calldata = chain.calldata(&fixture.proof, &fixture.instances);
            assert_eq!(chain.call_among_liars(&calldata, None).0, Verdict::Accepted, "{}, round {round}", sample.name);
        }
    }
}
