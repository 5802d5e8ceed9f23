//! Strings that lie.

use apodict_circuits::{
    Program,
    int::{Builder, Interval, Op, Output, Row, Source, Term},
    machine::{Machine, Objective},
    synthetic,
};
use apodict_verifier::{SrsOrigin, SrsPolicy};
use halo2_proofs::plonk::keygen_pk2;
use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::Field,
    group::Curve,
};
use sha3::{Digest, Keccak256};

use super::*;
use crate::ProvingKey;

/// `y = 3 x_0 + weight * x_1`
fn program(weight: i64) -> Program {
    let mut builder = Builder::new();
    let x = builder.input("x", vec![2], 0, vec![Interval::new(-8, 7)]).expect("an input");
    let term = |element, weight| Term { source: Source { input: 0, element }, weight };
    let rows = vec![Row { bias: 0, terms: vec![term(0, 3), term(1, weight)] }];
    let y = builder.push("y", Op::Linear { rows }, vec![x], vec![1], 0).expect("a sum");
    let graph = builder.finish(vec![Output { name: "y".into(), node: y }]).expect("a graph");
    synthetic::of_graph(graph, Objective::Gas).expect("it fits")
}

/// The fixed columns and those of the permutation, one list.
fn columns(program: &Program, srs: &Srs) -> Vec<Vec<Fr>> {
    let key = keygen_pk2(&srs.params(), &Machine::new(program.layout()), false).expect("a key");
    let all = key.fixed_values().iter().chain(key.permutation().permutations());
    all.map(|column| column.values().to_vec()).collect()
}

/// A vector that is orthogonal to all rows but one, with which its product is 1: Gauss and Jordan's elimination.
fn orthogonal(rows: &[Vec<Fr>], except: usize) -> Option<Vec<Fr>> {
    let mut system: Vec<(Vec<Fr>, Fr)> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| (row.clone(), if index == except { Fr::ONE } else { Fr::ZERO }))
        .collect();
    let mut pivots = Vec::new();
    for index in 0..system.len() {
        let Some(at) = system[index].0.iter().position(|value| *value != Fr::ZERO) else {
            if system[index].1 != Fr::ZERO {
                return None;
            }
            continue;
        };
        let inverse = system[index].0[at].invert().expect("not zero");
        system[index].0.iter_mut().for_each(|value| *value *= inverse);
        system[index].1 *= inverse;
        let (pivot, sum) = system[index].clone();
        for (_, (row, target)) in system.iter_mut().enumerate().filter(|(other, _)| *other != index) {
            let factor = row[at];
            row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
            *target -= factor * sum;
        }
        pivots.push((index, at));
    }
    let mut solution = vec![Fr::ZERO; rows[0].len()];
    pivots.into_iter().for_each(|(index, at)| solution[at] = system[index].1);
    Some(solution)
}

/// The genuine image of the secret in both groups, and points in Lagrange form that turn one column of `honest` into that of
/// `attacker`.
fn doctored(srs: &Srs, honest: &Program, attacker: &Program) -> Srs {
    let (before, after) = (columns(honest, srs), columns(attacker, srs));
    let differing: Vec<usize> = (0..before.len()).filter(|column| before[*column] != after[*column]).collect();
    let [column] = differing.as_slice() else { panic!("{differing:?} differ") };
    let difference = before[*column].iter().zip(&after[*column]).map(|(before, after)| after - before).collect();
    let shift = srs.bases.commit(Basis::Lagrange, difference);
    let weights = orthogonal(&before, *column).expect("columns are independent");
    let mut lagrange = srs.bases.points(Basis::Lagrange);
    for (point, weight) in lagrange.iter_mut().zip(weights) {
        *point = (G1::from(*point) + shift * weight).to_affine();
    }
    let points =
        |basis| Ok::<_, Error>(if basis == Basis::Monomial { srs.bases.points(basis) } else { lagrange.clone() });
    Srs::unchecked(srs.k, HostBases::new(Budget::default(), points).expect("both bases"), srs.second)
}

fn file(srs: &Srs) -> Vec<u8> {
    let mut bytes = Vec::new();
    srs.write(&mut bytes).expect("a vector takes it");
    bytes
}

/// With such a string an honest machine commits an honest program to the attacker's model, and nothing that is derived from the
/// string's secret tells: only the pairings over all points do.
#[test]
fn a_string_that_turns_one_model_into_another_is_refused() {
    let (honest, attacker) = (program(2), program(5));
    let genuine = Srs::generate_unsafe(honest.plan().k).expect("k is in range");
    let evil = doctored(&genuine, &honest, &attacker);
    assert_eq!(evil.digest(), genuine.digest());
    let commitments = |program: &Program, srs: &Srs| {
        let key = ProvingKey::generate(program, srs).expect("keys");
        (key.verifying_key().fixed_commitments.clone(), key.verifying_key().permutation_commitments.clone())
    };
    assert_eq!(commitments(&honest, &evil), commitments(&attacker, &genuine), "the attack is real");

    let refused = |srs: &Srs| {
        let error = Srs::read(&mut file(srs).as_slice()).expect_err("it lies");
        assert!(matches!(error, Error::SrsInconsistent(_)), "{error}");
    };
    refused(&evil);
    Srs::read(&mut file(&genuine).as_slice()).expect("it does not");
    // The part that smaller programs use is made of the powers, which are genuine here.
    Srs::read_cut_to(&mut file(&evil).as_slice(), genuine.k() - 1).expect("the doctored points are not read");
}

/// Powers that were doctored are found by whoever reads any part of them.
#[test]
fn doctored_powers_are_refused_in_every_part() {
    let genuine = Srs::generate_unsafe(6).expect("k is in range");
    for at in [1, 2, 7, 15] {
        let mut powers = genuine.bases.points(Basis::Monomial);
        powers[at] = (G1::from(powers[at]) + G1Affine::generator()).to_affine();
        let bases = of_powers(6, Budget::default(), &powers).expect("both bases");
        let evil = file(&Srs::unchecked(6, bases, genuine.second));
        for k in [None, Some(4), Some(5)] {
            let read = Srs::read_unless_known(&mut evil.as_slice(), k, |_| false);
            assert!(matches!(read, Err(Error::SrsInconsistent(_))), "power {at}, k = {k:?}");
        }
    }
}

/// A file cannot say that it comes from a ceremony: that word needs a pin of its digest.
#[test]
fn an_unsafe_string_cannot_call_itself_a_ceremony() {
    let srs = Srs::generate_unsafe(4).expect("k is in range");
    let genuine = file(&srs);
    // Format 1 had a byte for it behind its magic.
    let mut laundered = genuine.clone();
    laundered[7] = 1;
    laundered.insert(8, 1);
    let len = laundered.len() - 32;
    let digest: [u8; 32] = Keccak256::digest(&laundered[..len]).into();
    laundered[len..].copy_from_slice(&digest);
    assert!(matches!(Srs::read(&mut laundered.as_slice()), Err(Error::File { .. })));

    let read = Srs::read(&mut genuine.as_slice()).expect("what was written");
    let policy = |pins: &[[u8; 32]]| SrsPolicy::Ceremony(pins).origin(&read.digest());
    assert_eq!(policy(&[]), SrsOrigin::Unsafe);
    assert_eq!(policy(&[[7; 32]]), SrsOrigin::Unsafe);
    assert_eq!(policy(&[[7; 32], read.digest()]), SrsOrigin::Ceremony);
}

/// The file's digest covers every byte, the string's only what is the same for every size; a verdict is remembered by the former.
#[test]
fn a_verdict_is_remembered_by_the_digest_of_the_whole_file() {
    let srs = Srs::generate_unsafe(5).expect("k is in range");
    let digest_of = |srs: &Srs| {
        let read = Srs::read_unless_known(&mut file(srs).as_slice(), None, |_| true).expect("well formed");
        (read.file_digest, read.srs.digest())
    };
    let mut powers = srs.bases.points(Basis::Monomial);
    powers[31] = powers[30];
    let evil = Srs::unchecked(5, of_powers(5, Budget::default(), &powers).expect("both bases"), srs.second);
    let (genuine, doctored) = (digest_of(&srs), digest_of(&evil));
    assert_ne!(genuine.0, doctored.0);
    assert_eq!(genuine.1, doctored.1);
    assert!(Srs::read_unless_known(&mut file(&evil).as_slice(), None, |digest| *digest == genuine.0).is_err());
}
