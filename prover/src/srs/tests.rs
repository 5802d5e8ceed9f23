//! Strings that are made, read and doctored.

use super::*;
use crate::engine;

fn bytes(srs: &Srs) -> Vec<u8> {
    let mut bytes = Vec::new();
    srs.write(&mut bytes).expect("a vector takes it");
    bytes
}

#[test]
fn survives_a_file() {
    let srs = Srs::generate_unsafe(5).expect("k is in range");
    let back = Srs::read(&mut bytes(&srs).as_slice()).expect("what was written");
    assert_eq!((back.k(), back.digest()), (5, srs.digest()));
    for basis in [Basis::Monomial, Basis::Lagrange] {
        assert_eq!(back.bases.points(basis), srs.bases.points(basis));
    }
    back.check().expect("consistent");
    let cut = back.cut_to(4).expect("smaller");
    cut.check().expect("consistent");
    assert_eq!(cut.digest(), srs.digest());
    assert!(matches!(back.cut_to(6), Err(Error::SrsTooSmall { got: 5, needed: 6 })));
}

#[test]
fn the_first_powers_of_a_file_are_those_of_the_string() {
    let srs = Srs::generate_unsafe(7).expect("k is in range");
    let file = bytes(&srs);
    for k in [4, 6, 7] {
        let read = Srs::read_cut_to(&mut file.as_slice(), k).expect("what was written");
        let cut = srs.cut_to(k).expect("not larger");
        assert_eq!((read.k(), read.digest()), (k, cut.digest()));
        assert_eq!(bytes(&read), bytes(&cut));
    }
    let error = Srs::read_cut_to(&mut file.as_slice(), 8).expect_err("there are fewer");
    assert!(matches!(error, Error::SrsTooSmall { got: 7, needed: 8 }), "{error}");
}

#[test]
fn refuses_damaged_files() {
    let srs = Srs::generate_unsafe(5).expect("k is in range");
    let good = bytes(&srs);
    let refused = |bytes: &[u8]| Srs::read(&mut &*bytes).is_err() && Srs::read_cut_to(&mut &*bytes, 4).is_err();
    for len in [0, 7, 11, 12, 500, 2000, good.len() - 1] {
        assert!(refused(&good[..len]), "cut at {len}");
    }
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(refused(&bad), "flipped at {at}");
    }
    let mut long = good;
    long.push(0);
    assert!(refused(&long));
}

#[test]
fn check_finds_points_that_are_not_powers() {
    let srs = Srs::generate_unsafe(4).expect("k is in range");
    let powers = srs.bases.points(Basis::Monomial);
    let lagrange = srs.bases.points(Basis::Lagrange);
    let check = |monomial: &[G1Affine], lagrange: &[G1Affine]| {
        let points = |basis| Ok::<_, Error>(if basis == Basis::Monomial { monomial } else { lagrange }.to_vec());
        let bases = HostBases::new(Budget::default(), points)?;
        Srs::unchecked(4, bases, srs.second).check()
    };
    check(&powers, &lagrange).expect("consistent");
    let mut swapped = powers.clone();
    swapped.swap(2, 3);
    assert!(matches!(check(&swapped, &lagrange), Err(Error::SrsInconsistent(_))));
    assert!(matches!(check(&powers, &powers), Err(Error::SrsInconsistent(_))));
    let mut last = powers.clone();
    last[15] = last[14];
    assert!(matches!(check(&last, &lagrange), Err(Error::SrsInconsistent(_))));
    assert!(matches!(check(&powers, &powers[..15]), Err(Error::Engine(engine::Error::Basis { .. }))));
}

/// Multiples change how long commitments take, and nothing else.
#[test]
fn a_budget_changes_no_point() {
    let srs = Srs::generate_unsafe(5).expect("k is in range");
    let with = srs.clone().with_budget(Budget::for_many_proofs(64 << 20, 5)).expect("both bases");
    with.check().expect("consistent");
    assert_eq!(bytes(&with), bytes(&srs));
    assert_eq!(bytes(&with.cut_to(4).expect("smaller")), bytes(&srs.cut_to(4).expect("smaller")));
}
