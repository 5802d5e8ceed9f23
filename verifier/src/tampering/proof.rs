//! Mutants of proofs and instances.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "made for tests from genuine proofs: a panic is a failing test"
)]

use crate::{
    ConstraintSystem, Element, Error, Fr, G1Affine,
    encoding::{fr_from_be_bytes, fr_to_be_bytes, g1_from_be_bytes, g1_to_be_bytes, limbs, limbs_to_be},
};
use alloc::{format, string::String, vec, vec::Vec};
use ark_bn254::Fq;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, One, PrimeField};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One element of the proof.
    Proof(Element),
    /// Two neighbours of the proof changed places.
    Order(Element, Element),
    /// The length of the proof.
    ProofLength,
    /// One instance.
    Instance(usize),
    /// The order of instances.
    InstanceOrder(usize),
    /// The number of instances.
    InstanceCount,
}

/// A proof with its instances, one of them tampered with.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What was done, for messages: unique within the table.
    pub name: String,
    /// Where it was done.
    pub target: Target,
    /// Public values, 32 big-endian bytes each.
    pub instances: Vec<[u8; 32]>,
    /// Proof bytes.
    pub proof: Vec<u8>,
    /// What [`Verifier::verify_words`](crate::Verifier::verify_words) must say.
    pub expected: Error,
}

/// A way to spoil `N` bytes, and what must be said of it.
struct Mutation<const N: usize> {
    name: &'static str,
    apply: fn([u8; N]) -> [u8; N],
    expected: fn(Element) -> Error,
}

const POINT_MUTATIONS: &[Mutation<64>] = &[
    Mutation { name: "another point", apply: plus_generator, expected: rejected },
    Mutation { name: "negated", apply: negated_point, expected: rejected },
    Mutation { name: "the generator", apply: |_| g1_to_be_bytes(&G1Affine::generator()), expected: rejected },
    Mutation { name: "the identity", apply: |_| [0; 64], expected: at_infinity },
    Mutation { name: "y off by one", apply: |point| map_y(point, plus_one_fq), expected: off_curve },
    Mutation { name: "x zero", apply: |point| map_x(point, |_| [0; 32]), expected: off_curve },
    Mutation { name: "y zero", apply: |point| map_y(point, |_| [0; 32]), expected: off_curve },
    Mutation { name: "x and y swapped", apply: swapped, expected: off_curve },
    Mutation { name: "x plus p", apply: |point| map_x(point, plus_p), expected: coordinate_range },
    Mutation { name: "y plus p", apply: |point| map_y(point, plus_p), expected: coordinate_range },
    Mutation { name: "x equal to p", apply: |point| map_x(point, |_| plus_p([0; 32])), expected: coordinate_range },
    Mutation {
        name: "the identity, written p",
        apply: |_| map_x(map_y([0; 64], plus_p), plus_p),
        expected: coordinate_range,
    },
    Mutation { name: "all ones", apply: |_| [0xff; 64], expected: coordinate_range },
];

const SCALAR_MUTATIONS: &[Mutation<32>] = &[
    Mutation { name: "plus one", apply: plus_one_fr, expected: rejected },
    Mutation { name: "negated", apply: negated_fr, expected: rejected },
    Mutation { name: "zero", apply: |_| [0; 32], expected: rejected },
    Mutation { name: "one", apply: |_| fr_to_be_bytes(&Fr::one()), expected: rejected },
    Mutation { name: "plus r", apply: plus_r, expected: scalar_range },
    Mutation { name: "equal to r", apply: |_| plus_r([0; 32]), expected: scalar_range },
    Mutation { name: "all ones", apply: |_| [0xff; 32], expected: scalar_range },
];

fn rejected(_: Element) -> Error {
    Error::Rejected
}
fn at_infinity(element: Element) -> Error {
    Error::PointAtInfinity { element }
}
fn off_curve(element: Element) -> Error {
    Error::PointNotOnCurve { element }
}
fn coordinate_range(element: Element) -> Error {
    Error::CoordinateNotCanonical { element }
}
fn scalar_range(element: Element) -> Error {
    Error::ScalarNotCanonical { element }
}

fn fr(word: [u8; 32]) -> Fr {
    fr_from_be_bytes(&word).expect("taken from a genuine proof")
}
fn plus_one_fr(word: [u8; 32]) -> [u8; 32] {
    fr_to_be_bytes(&(fr(word) + Fr::one()))
}
fn negated_fr(word: [u8; 32]) -> [u8; 32] {
    fr_to_be_bytes(&-fr(word))
}
fn plus_r(word: [u8; 32]) -> [u8; 32] {
    plus(word, Fr::MODULUS)
}
fn plus_p(word: [u8; 32]) -> [u8; 32] {
    plus(word, Fq::MODULUS)
}
/// The same residue, written differently. Both moduli have 254 bits: the sum fits into 256.
fn plus(word: [u8; 32], modulus: ark_ff::BigInt<4>) -> [u8; 32] {
    let mut sum = limbs(&word);
    let carry = sum.add_with_carry(&modulus);
    assert!(!carry, "a word of a genuine proof is smaller than its modulus");
    limbs_to_be(sum)
}
fn plus_one_fq(word: [u8; 32]) -> [u8; 32] {
    let coordinate = Fq::from_bigint(limbs(&word)).expect("taken from a genuine proof");
    limbs_to_be((coordinate + Fq::one()).into_bigint())
}
fn point(bytes: [u8; 64]) -> G1Affine {
    g1_from_be_bytes(&bytes).expect("taken from a genuine proof")
}
fn plus_generator(bytes: [u8; 64]) -> [u8; 64] {
    g1_to_be_bytes(&(point(bytes) + G1Affine::generator()).into_affine())
}
fn negated_point(bytes: [u8; 64]) -> [u8; 64] {
    g1_to_be_bytes(&-point(bytes))
}
fn map_x(mut bytes: [u8; 64], change: fn([u8; 32]) -> [u8; 32]) -> [u8; 64] {
    let x = change(bytes[..32].try_into().expect("32 bytes"));
    bytes[..32].copy_from_slice(&x);
    bytes
}
fn map_y(mut bytes: [u8; 64], change: fn([u8; 32]) -> [u8; 32]) -> [u8; 64] {
    let y = change(bytes[32..].try_into().expect("32 bytes"));
    bytes[32..].copy_from_slice(&y);
    bytes
}
fn swapped(mut bytes: [u8; 64]) -> [u8; 64] {
    bytes.rotate_left(32);
    bytes
}

/// All mutants of a genuine proof and its instances: each element of the proof by each mutation of its kind, each
/// pair of neighbours swapped, each instance, lengths and counts.
///
/// # Panics
/// If `proof` is not a well-formed proof for the shape, or an instance is not canonical.
pub fn proof_mutants(cs: &ConstraintSystem, instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let mut mutants = elements(cs, instances, proof);
    mutants.extend(swapped_neighbours(cs, instances, proof));
    mutants.extend(lengths(instances, proof));
    mutants.extend(changed_instances(instances, proof));
    mutants.extend(instance_counts(instances, proof));
    mutants.retain(|mutant| mutant.proof != proof || mutant.instances != instances);
    mutants
}

fn elements(cs: &ConstraintSystem, instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (element, range) in cs.proof_layout() {
        let mut add = |name: &str, bytes: &[u8], expected| {
            let mut proof = proof.to_vec();
            proof[range.clone()].copy_from_slice(bytes);
            let name = format!("{element}: {name}");
            mutants.push(Mutant {
                name,
                target: Target::Proof(element),
                instances: instances.to_vec(),
                proof,
                expected,
            });
        };
        let genuine = &proof[range.clone()];
        if let Ok(bytes) = genuine.try_into() {
            for mutation in POINT_MUTATIONS {
                add(mutation.name, &(mutation.apply)(bytes), (mutation.expected)(element));
            }
        }
        if let Ok(bytes) = genuine.try_into() {
            for mutation in SCALAR_MUTATIONS {
                add(mutation.name, &(mutation.apply)(bytes), (mutation.expected)(element));
            }
        }
    }
    mutants
}

fn swapped_neighbours(cs: &ConstraintSystem, instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let layout = cs.proof_layout();
    let pairs = layout.iter().zip(layout.iter().skip(1));
    pairs
        .filter(|((_, a), (_, b))| a.len() == b.len())
        .map(|((first, a), (second, b))| {
            let mut mutated = proof.to_vec();
            mutated[a.clone()].copy_from_slice(&proof[b.clone()]);
            mutated[b.clone()].copy_from_slice(&proof[a.clone()]);
            Mutant {
                name: format!("{first} and {second} swapped"),
                target: Target::Order(*first, *second),
                instances: instances.to_vec(),
                proof: mutated,
                expected: Error::Rejected,
            }
        })
        .collect()
}

fn lengths(instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let with_tail = |tail: &[u8]| [proof, tail].concat();
    let cases = [
        ("no proof", Vec::new()),
        ("the last byte missing", proof[..proof.len() - 1].to_vec()),
        ("the first byte missing", proof[1..].to_vec()),
        ("the last word missing", proof[..proof.len() - 32].to_vec()),
        ("the last point missing", proof[..proof.len() - 64].to_vec()),
        ("a byte more", with_tail(&[0])),
        ("a word more", with_tail(&[0; 32])),
        ("the proof twice", with_tail(proof)),
    ];
    cases
        .into_iter()
        .map(|(name, mutated)| Mutant {
            name: format!("proof length: {name}"),
            target: Target::ProofLength,
            instances: instances.to_vec(),
            expected: Error::ProofLength { expected: proof.len(), got: mutated.len() },
            proof: mutated,
        })
        .collect()
}

fn changed_instances(instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for index in 0..instances.len() {
        for mutation in SCALAR_MUTATIONS {
            let mut instances = instances.to_vec();
            instances[index] = (mutation.apply)(instances[index]);
            // The same rules as for a scalar of the proof, under the instance's own error.
            let canonical = fr_from_be_bytes(&instances[index]).is_some();
            mutants.push(Mutant {
                name: format!("instance {index}: {}", mutation.name),
                target: Target::Instance(index),
                instances,
                proof: proof.to_vec(),
                expected: if canonical { Error::Rejected } else { Error::InstanceNotCanonical { index } },
            });
        }
    }
    for index in 1..instances.len() {
        let mut instances = instances.to_vec();
        instances.swap(index - 1, index);
        mutants.push(Mutant {
            name: format!("instances {} and {index} swapped", index - 1),
            target: Target::InstanceOrder(index),
            instances,
            proof: proof.to_vec(),
            expected: Error::Rejected,
        });
    }
    mutants
}

fn instance_counts(instances: &[[u8; 32]], proof: &[u8]) -> Vec<Mutant> {
    let mut cases = vec![
        ("one more, zero", [instances, &[[0; 32]]].concat()),
        // The count is refused before any word is looked at.
        ("one more, not canonical", [instances, &[[0xff; 32]]].concat()),
    ];
    if let Some((last, rest)) = instances.split_last() {
        cases.push(("the last missing", rest.to_vec()));
        cases.push(("the last twice", [instances, &[*last]].concat()));
        cases.push(("the first missing", instances[1..].to_vec()));
    }
    cases
        .into_iter()
        .map(|(name, mutated)| Mutant {
            name: format!("instance count: {name}"),
            target: Target::InstanceCount,
            proof: proof.to_vec(),
            expected: Error::InstanceCount { expected: instances.len(), got: mutated.len() },
            instances: mutated,
        })
        .collect()
}
