//! Ceremonies' files: what is read of them, and what is refused.

mod ceremony;

use std::io::Cursor;

use apodict_prover::{CeremonyFile, Error, ImportedSrs, Srs};
use apodict_verifier::{SrsOrigin, SrsPolicy};
use ceremony::{Ceremony, ptau, raw};
use halo2_proofs::arithmetic::g_to_lagrange;
use halo2curves::{
    bn256::{Fq2, G1, G1Affine, G2Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};

const POWER: u32 = 5;

fn import(file: &[u8], k: Option<u32>) -> Result<ImportedSrs, Error> {
    Srs::import(&mut Cursor::new(file), k)
}

/// As halo2 writes `2^k` powers.
fn halo2(ceremony: &Ceremony, k: u32) -> Vec<u8> {
    let powers = &ceremony.first[..1 << k];
    let lagrange = g_to_lagrange::<G1Affine>(powers.iter().map(|point| G1::from(*point)).collect(), k);
    [k.to_le_bytes().to_vec(), raw(powers), raw(&lagrange), raw(&ceremony.second[..2])].concat()
}

fn refused(file: &[u8]) -> String {
    match import(file, None) {
        Err(error @ (Error::File { .. } | Error::SrsInconsistent(_) | Error::Key(_) | Error::K { .. })) => {
            error.to_string()
        }
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn the_same_string_from_either_file_and_in_every_size() {
    let ceremony = Ceremony::held(POWER, 3);
    let files = [(ceremony.ptau(), CeremonyFile::Ptau), (halo2(&ceremony, POWER), CeremonyFile::Halo2)];
    let mut digests = Vec::new();
    for (file, kind) in &files {
        for k in [None, Some(5), Some(4)] {
            let imported = import(file, k).unwrap();
            assert_eq!((imported.file, imported.k_of_file, imported.srs.k()), (*kind, POWER, k.unwrap_or(POWER)));
            let mut written = Vec::new();
            imported.srs.write(&mut written).unwrap();
            let back = Srs::read(&mut written.as_slice()).unwrap();
            assert_eq!(back.digest(), imported.srs.digest());
            digests.push(imported.srs.digest());
        }
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    // Of both kinds of files the first two powers say it.
    let expected = apodict_verifier::Srs {
        g1: apodict_prover::export::g1(&G1Affine::generator()),
        s_g1: apodict_prover::export::g1(&ceremony.first[1]),
        g2: apodict_prover::export::g2(&G2Affine::generator()),
        s_g2: apodict_prover::export::g2(&ceremony.second[1]),
    };
    assert_eq!(digests[0], expected.digest());
    // Whoever held it, nobody's word makes it a ceremony's but a pin.
    assert_eq!(SrsPolicy::AllowUnsafe.origin(&digests[0]), SrsOrigin::Unsafe);
    assert_eq!(SrsPolicy::Ceremony(&[digests[0]]).origin(&digests[0]), SrsOrigin::Ceremony);
    assert_ne!(import(&Ceremony::held(POWER, 4).ptau(), None).unwrap().srs.digest(), digests[0]);
}

/// The beginning of a real ceremony's string: the first powers of `powersOfTau28_hez_final_08.ptau`, whose BLAKE2b-512 hash is the
/// one that snarkjs 0.7.6 lists (d6a8fb3a04feb600..f57b583), cut to 2^4 by leaving out what follows, contributions included.
#[test]
fn reads_a_real_ceremonys_powers() {
    let imported = import(include_bytes!("ceremony/hermez_04.ptau"), None).unwrap();
    let digest = "6acb01de1cab1e8ae2139bccddf5cad0bbe421a1dca8cfc521c865e1de33f267";
    assert_eq!(hex::encode(imported.srs.digest()), digest);
    assert_eq!(imported.srs.k(), 4);
}

#[test]
fn a_size_that_the_file_or_no_string_has_is_refused() {
    let file = Ceremony::held(POWER, 1).ptau();
    assert!(matches!(import(&file, Some(6)), Err(Error::SrsTooSmall { got: POWER, needed: 6 })));
    assert!(matches!(import(&file, Some(3)), Err(Error::K { got: 3, .. })));
    assert!(matches!(import(&Ceremony::held(3, 1).ptau(), None), Err(Error::K { got: 3, .. })));
}

/// Cut anywhere, or with any byte of what is read changed, neither file is taken.
#[test]
fn damaged_files_are_refused() {
    let ceremony = Ceremony::held(4, 2);
    for good in [ceremony.ptau(), halo2(&ceremony, 4)] {
        for len in (0..good.len()).step_by(131).chain([good.len() - 1]) {
            refused(&good[..len]);
        }
        let long = [good.as_slice(), &[0]].concat();
        refused(&long);
    }
    let good = ceremony.ptau();
    // Of the powers in the first group those are read that are taken; the header, the table of sections and two powers of the second.
    let first = 12 + 12 + 44 + 12;
    let second = first + 31 * 64 + 12;
    for at in (0..first).chain((first..first + 16 * 64).step_by(37)).chain((second..second + 256).step_by(7)) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        if (64..68).contains(&at) {
            // Of a larger ceremony, from which these powers were cut: a claim of the file that nothing depends on.
            continue;
        }
        assert!(import(&bad, None).is_err(), "flipped at {at}");
    }
    let good = halo2(&ceremony, 4);
    for at in (0..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        refused(&bad);
    }
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let ceremony = Ceremony::held(4, 2);
    let with = |kind: u32, content: Vec<u8>| {
        let mut sections = ceremony.sections();
        sections.iter_mut().filter(|section| section.0 == kind).for_each(|section| section.1 = content.clone());
        ptau(&sections)
    };
    let without =
        |kind: u32| ptau(&ceremony.sections().into_iter().filter(|section| section.0 != kind).collect::<Vec<_>>());
    let header = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut header = ceremony.sections().swap_remove(0).1;
        change(&mut header);
        with(1, header)
    };
    let twice = ptau(&[ceremony.sections(), ceremony.sections()].concat());
    let mut own = Vec::new();
    Srs::generate_unsafe(4).unwrap().write(&mut own).unwrap();
    let compressed = [4u32.to_le_bytes().to_vec(), vec![0; 2 * 32 * 16 + 2 * 64]].concat();
    let mut many = ceremony.ptau();
    many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut long = ceremony.ptau();
    long[16..24].copy_from_slice(&(u64::MAX - 3).to_le_bytes());
    let mut version = ceremony.ptau();
    version[4] = 2;
    for (file, says) in [
        (b"".to_vec(), "ends too early"),
        (vec![0xff; 5000], "neither begins like a .ptau"),
        (own, "apodict srs check"),
        (compressed, "SerdeFormat::RawBytes"),
        (many, "sections"),
        (long, "behind the file's end"),
        (version, "version 2"),
        (twice, "section 1 twice"),
        (without(1), "no section 1"),
        (without(2), "no section 2"),
        (without(3), "no section 3"),
        (with(2, vec![0; 64]), "section 2 has 64 bytes"),
        (with(3, Vec::new()), "section 3 has 0 bytes"),
        (header(&|header| header[0] = 48), "another curve"),
        (header(&|header| header[4] ^= 1), "another curve"),
        (header(&|header| header.push(0)), "header has 45 bytes"),
        (header(&|header| header[36] = 29), "2^29"),
        (header(&|header| header[39] = 0xff), "announces"),
        (with(1, Vec::new()), "another curve"),
    ] {
        let error = refused(&file);
        assert!(error.contains(says), "{error}\nshould say {says}");
    }
}

/// Points that are on their curves and no powers.
#[test]
fn points_that_are_not_powers_of_one_secret_are_refused() {
    let swap = |change: &dyn Fn(&mut Ceremony)| {
        let mut ceremony = Ceremony::held(4, 2);
        change(&mut ceremony);
        refused(&ceremony.ptau())
    };
    let other = Ceremony::held(4, 3);
    for error in [
        swap(&|ceremony| ceremony.first.swap(2, 3)),
        swap(&|ceremony| ceremony.first[15] = ceremony.first[14]),
        swap(&|ceremony| ceremony.second[1] = other.second[1]),
        swap(&|ceremony| ceremony.first[7] = G1Affine::identity()),
        swap(&|ceremony| {
            ceremony.first.iter_mut().for_each(|point| *point = (G1::from(*point) + G1::from(*point)).to_affine())
        }),
    ] {
        assert!(error.contains("inconsistent"), "{error}");
    }
    // A secret of zero, whose every commitment is that of a constant.
    let zero = swap(&|ceremony| {
        ceremony.first.iter_mut().skip(1).for_each(|point| *point = G1Affine::identity());
        ceremony.second[1] = G2Affine::identity();
    });
    assert!(zero.contains("secret is zero"), "{zero}");
    // Both bases of halo2's file are read.
    let ceremony = Ceremony::held(4, 2);
    let mut doctored = halo2(&ceremony, 4);
    let at = 4 + 16 * 64;
    let (head, tail) = doctored.split_at_mut(at + 64);
    head[at..].swap_with_slice(&mut tail[..64]);
    assert!(refused(&doctored).contains("two bases"));
}

/// The twist has more points than the group.
#[test]
fn a_point_outside_of_the_second_group_is_refused() {
    let mut ceremony = Ceremony::held(4, 2);
    ceremony.second[1] = outside();
    let error = refused(&ceremony.ptau());
    assert!(error.contains("subgroup"), "{error}");
}

/// On the twist, and not in the group that the generator makes.
fn outside() -> G2Affine {
    let generator = G2Affine::generator();
    let b = generator.y.square() - generator.x.square() * generator.x;
    let mut x = Fq2::ONE;
    loop {
        if let Some(y) = Option::<Fq2>::from((x.square() * x + b).sqrt()) {
            let point = G2Affine { x, y };
            let in_group = apodict_prover::export::g2(&point);
            if !in_group.is_in_correct_subgroup_assuming_on_curve() {
                return point;
            }
        }
        x += Fq2::ONE;
    }
}
