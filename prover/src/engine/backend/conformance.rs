//! What every backend must do: the same as [`Naive`], on sizes and values where shortcuts go wrong.

use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::{Field, PrimeField},
    group::{Curve, Group, prime::PrimeCurveAffine},
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

#[cfg(target_arch = "x86_64")]
use super::Avx512;
use super::{Backend, HostColumn, Naive, Operations, Portable, Transfer};
use crate::engine::{
    Job, field,
    program::{Builder, Challenge, Program, Source},
};

/// One test for each part of the suite.
macro_rules! suite {
    ($name:ident, $backend:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn commitments_of_every_small_size_with_edge_cases() {
                $backend.into_iter().for_each(|backend| super::small_commitments(&backend));
            }

            #[test]
            fn commitments_to_columns_of_every_width() {
                $backend.into_iter().for_each(|backend| super::widths(&backend));
            }

            #[test]
            fn commitments_on_few_and_many_threads() {
                $backend.into_iter().for_each(|backend| super::threads(&backend));
            }

            #[test]
            fn transforms_of_every_size() {
                $backend.into_iter().for_each(|backend| super::transforms(&backend));
            }

            #[test]
            fn columns_longer_than_the_domain() {
                $backend.into_iter().for_each(|backend| super::long_columns(&backend));
            }

            #[test]
            fn programs_with_rotations_on_the_domain_and_on_cosets() {
                $backend.into_iter().for_each(|backend| super::programs(&backend));
            }

            #[test]
            fn running_products() {
                $backend.into_iter().for_each(|backend| super::grand_products(&backend));
            }

            #[test]
            fn values_sums_and_quotients_of_polynomials() {
                $backend.into_iter().for_each(|backend| super::polynomials(&backend));
            }
        }
    };
}

suite!(portable, [Portable]);
// Where the processor lacks the instructions there is no such backend to test.
#[cfg(target_arch = "x86_64")]
suite!(avx512, Avx512::detect());

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Random elements, with those at the field's edges among them.
fn elements(len: usize, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    let edges = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, -Fr::TWO_INV, Fr::from(u64::MAX), -Fr::from(1 << 15)];
    (0..len).map(|at| if at % 5 == 3 { edges[at / 5 % edges.len()] } else { Fr::random(&mut rng) }).collect()
}

fn points(len: usize) -> Vec<G1Affine> {
    let mut rng = rng(len as u64);
    (0..len).map(|_| G1::random(&mut rng).to_affine()).collect()
}

fn commit<B: Backend>(backend: &B, bases: &[G1Affine], bytes: usize, columns: &[HostColumn]) -> Vec<G1Affine> {
    let columns: Vec<B::Column> = columns.iter().map(|column| backend.upload(column.clone())).collect();
    let views: Vec<&B::Column> = columns.iter().collect();
    backend.commit(&Job::default(), &backend.bases(bases, bytes), &views)
}

fn same_commitments<B: Backend>(backend: &B, bases: &[G1Affine], columns: &[HostColumn]) {
    let expected = commit(&Naive, bases, 0, columns);
    // Without multiples, with all that there may be, with some.
    for bytes in [0, 64 * 254 * bases.len(), 64 * 5 * bases.len()] {
        assert_eq!(commit(backend, bases, bytes, columns), expected, "{} bases, {bytes} bytes", bases.len());
    }
}

/// What went in comes out, with multiples and without.
fn same_points<B: Backend>(backend: &B, points: &[G1Affine]) {
    for bytes in [0, 64 * 254 * points.len()] {
        let bases = backend.bases(points, bytes);
        for len in [0, points.len() / 2, points.len(), points.len() + 1] {
            assert_eq!(backend.points(&bases, len), points[..len.min(points.len())]);
        }
    }
}

fn small_commitments<B: Backend>(backend: &B) {
    for len in 0..=70 {
        let mut bases = points(len);
        let mut columns = vec![
            HostColumn::Field(elements(len, 3)),
            HostColumn::Field(vec![Fr::ONE; len]),
            HostColumn::Field(vec![-Fr::from(77); len]),
            HostColumn::Field(vec![Fr::ZERO; len]),
            // A short tail.
            HostColumn::Field(elements(len / 2, 4)),
            HostColumn::Integers { small: vec![-9; len], large: Vec::new() },
        ];
        if len > 1 {
            let small = (0..len as i64).map(|i| if i % 2 == 0 { i64::MIN + i } else { i64::MAX - i }).collect();
            columns.push(HostColumn::Integers { small, large: vec![(0, Fr::TWO_INV), (len - 1, -Fr::TWO_INV)] });
        }
        same_commitments(backend, &bases, &columns);
        // Repeated points, opposite ones, the point at infinity; sums that cancel.
        for at in 1..len {
            match at % 4 {
                0 => bases[at] = bases[at - 1],
                1 => bases[at] = -bases[at - 1],
                2 => bases[at] = G1Affine::identity(),
                _ => {}
            }
        }
        same_points(backend, &bases);
        same_commitments(backend, &bases, &columns);
        same_commitments(backend, &vec![G1Affine::generator(); len], &columns);
        same_commitments(backend, &vec![G1Affine::identity(); len], &columns[..1]);
    }
    assert!(commit(backend, &points(3), 0, &[]).is_empty());
}

fn widths<B: Backend>(backend: &B) {
    let mut rng = rng(5);
    let bases = points(600);
    let mut narrow = |bits: u32| {
        let mut bit = || u64::from(rng.next_u32() & 1);
        let mut number = || {
            let magnitude = (0..bits).fold(Fr::ZERO, |sum, _| sum.double() + Fr::from(bit()));
            if bit() == 0 { magnitude } else { -magnitude }
        };
        HostColumn::Field((0..600).map(|_| number()).collect())
    };
    let mut columns: Vec<HostColumn> = [1, 8, 16, 31, 63, 64, 65, 128, 200, 254].map(&mut narrow).into();
    // A witness: small numbers, and blinded rows.
    let small: Vec<i64> = (0..590).map(|i| i * 7919 % 65536 - 32768).collect();
    let mut witness = HostColumn::Integers { small, large: vec![(17, Fr::TWO_INV)] };
    witness.end_with(592, elements(8, 6).into_iter());
    columns.push(witness);
    same_commitments(backend, &bases, &columns);
}

/// Where there are more threads than sets of buckets, sets are divided: columns come one by one here.
fn threads<B: Backend>(backend: &B) {
    let bases = points(600);
    let small: Vec<i64> = (0..600).map(|i| i * 7919 % 65536 - 32768).collect();
    let columns = [
        HostColumn::Field(elements(600, 7)),
        HostColumn::Integers { small: small.clone(), large: Vec::new() },
        HostColumn::Integers { small, large: vec![(17, Fr::TWO_INV), (599, -Fr::TWO_INV)] },
        HostColumn::Field(vec![Fr::from(3); 600]),
    ];
    for threads in [1, 3, 7, 64] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        for column in &columns {
            pool.install(|| same_commitments(backend, &bases, std::slice::from_ref(column)));
        }
    }
}

fn upload<B: Backend>(backend: &B, columns: &[Vec<Fr>]) -> Vec<B::Column> {
    columns.iter().map(|column| backend.upload(HostColumn::Field(column.clone()))).collect()
}

fn download<B: Backend>(backend: &B, columns: &[B::Column]) -> Vec<Vec<Fr>> {
    columns.iter().map(|column| backend.download(column)).collect()
}

/// Columns forth and back: as values, as coefficients, by way of cosets.
fn transformed<B: Backend>(backend: &B, k: u32, columns: &[Vec<Fr>]) -> [Vec<Vec<Fr>>; 2] {
    let job = Job::default();
    let domain = backend.domain(k, &[Fr::from(7), Fr::DELTA]);
    let coefficients = backend.interpolate(&job, &domain, upload(backend, columns));
    let requests: Vec<(usize, &B::Column)> = coefficients.iter().enumerate().map(|(at, c)| (at % 2, c)).collect();
    let cosets = backend.evaluate_on_cosets(&job, &domain, &requests).into_iter().enumerate();
    let back = backend.interpolate_on_cosets(&job, &domain, cosets.map(|(at, coset)| (at % 2, coset)).collect());
    [download(backend, &coefficients), download(backend, &back)]
}

fn transforms<B: Backend>(backend: &B) {
    for k in 3..=9 {
        let columns: Vec<Vec<Fr>> = (0..3).map(|seed| elements(1 << k, seed)).collect();
        let [coefficients, back] = transformed(backend, k, &columns);
        assert_eq!(coefficients, back, "k {k}");
        assert_eq!(coefficients, transformed(&Naive, k, &columns)[0], "k {k}");
    }
    // Too large for the oracle: a few values.
    for k in [13, 16] {
        let values = vec![elements(1 << k, 8)];
        let [coefficients, back] = transformed(backend, k, &values);
        assert_eq!(coefficients, back, "k {k}");
        for at in [0, 1, 5, (1 << k) - 1] {
            let point = field::omega(k).pow_vartime([at as u64]);
            assert_eq!(field::horner(&coefficients[0], point), values[0][at], "k {k}");
        }
    }
}

/// Columns longer than the domain have the values of their remainders.
fn long_columns<B: Backend>(backend: &B) {
    let job = Job::default();
    for (k, times) in [(3, 2), (4, 8), (6, 4), (7, 8), (9, 2), (8, 1)] {
        let shifts = [Fr::from(7), Fr::DELTA];
        let (domain, naive) = (backend.domain(k, &shifts), Naive.domain(k, &shifts));
        let host = [elements(times << k, 3), elements(1 << k, 4), elements(3, 5)];
        let columns = upload(backend, &host);
        for coset in [0, 1] {
            let requests: Vec<(usize, &B::Column)> = columns.iter().map(|column| (coset, column)).collect();
            let on_coset = backend.evaluate_on_cosets(&job, &domain, &requests);
            let requests: Vec<(usize, &Vec<Fr>)> = host.iter().map(|column| (coset, column)).collect();
            let expected = Naive.evaluate_on_cosets(&job, &naive, &requests);
            let on_coset = on_coset.into_iter().map(|values| (coset, values)).collect();
            let remainders = backend.interpolate_on_cosets(&job, &domain, on_coset);
            let expected = expected.into_iter().map(|values| (coset, values)).collect();
            let expected = Naive.interpolate_on_cosets(&job, &naive, expected);
            assert_eq!(download(backend, &remainders), expected, "k {k}, {times} times as long");
        }
        let indicator = HostColumn::Indicator { k: k + 1, rows: 2..3 };
        let (column, host_column) = (backend.upload(indicator.clone()), indicator.into_field());
        let on_coset = backend.evaluate_on_cosets(&job, &domain, &[(1, &column)]).remove(0);
        let remainder = backend.interpolate_on_cosets(&job, &domain, vec![(1, on_coset)]);
        let expected = Naive.evaluate_on_cosets(&job, &naive, &[(1, &host_column)]).remove(0);
        let expected = Naive.interpolate_on_cosets(&job, &naive, vec![(1, expected)]);
        assert_eq!(download(backend, &remainder), expected, "k {k}");
        let joined = backend.join(upload(backend, &[host[0].clone(), host[0].clone()]));
        assert_eq!(backend.download(&joined), [&host[0][..], &host[0]].concat());
    }
}

/// A program with long sums, differences of them, products of those, and every kind of operand.
fn program(seed: u64) -> Program {
    let mut rng = rng(seed);
    let mut builder = Builder::default();
    let mut ids: Vec<_> = [0, 1, -1, 3, -9, 64]
        .into_iter()
        .enumerate()
        .map(|(at, by)| builder.column(Source::Advice(at % 3), by))
        .collect();
    ids.push(builder.challenge(Challenge::Beta));
    ids.push(builder.constant(-Fr::from(5)));
    for _ in 0..150 {
        let mut pick = || ids[rng.next_u32() as usize % ids.len()];
        let (a, b) = (pick(), pick());
        let next = match rng.next_u32() % 5 {
            0 | 1 => builder.add(a, b),
            2 | 3 => builder.sub(a, b),
            _ => builder.mul(a, b),
        };
        ids.push(next);
    }
    let root = builder.horner(&ids, Challenge::Y);
    builder.compile(root)
}

fn ran<B: Backend>(backend: &B, k: u32, program: Program, columns: &[Vec<Fr>]) -> [Vec<Fr>; 2] {
    let job = Job::default();
    let domain = backend.domain(k, &[Fr::from(11)]);
    let columns = upload(backend, columns);
    let program = backend.program(program);
    let index = |source| match source {
        Source::Advice(at) => at,
        _ => 0,
    };
    let challenge = |of| if of == Challenge::Y { Fr::from(3) } else { -Fr::from(2) };
    let on_domain = backend.run(&job, &domain, &program, &|source| &columns[index(source)], &challenge);
    let requests: Vec<(usize, &B::Column)> = columns.iter().map(|column| (0, column)).collect();
    let cosets = backend.evaluate_on_cosets(&job, &domain, &requests);
    let on_cosets = |source, rotation| (&cosets[index(source)], rotation);
    let on_coset = backend.run_on_coset(&job, &domain, &program, &on_cosets, &challenge);
    let on_coset = backend.interpolate_on_cosets(&job, &domain, vec![(0, on_coset)]);
    [backend.download(&on_domain), backend.download(&on_coset[0])]
}

fn programs<B: Backend>(backend: &B) {
    for k in 3..=7 {
        let columns: Vec<Vec<Fr>> = (0..3).map(|seed| elements(1 << k, seed)).collect();
        for seed in 0..6 {
            let [on_domain, on_coset] = ran(backend, k, program(seed), &columns);
            let expected = ran(&Naive, k, program(seed), &columns);
            assert_eq!([on_domain, on_coset], expected, "k {k}, seed {seed}");
        }
        // A program may be a column or a constant.
        let mut builder = Builder::default();
        let (column, constant) = (builder.column(Source::Advice(1), 0), builder.constant(Fr::from(9)));
        assert_eq!(ran(backend, k, builder.compile(column), &columns)[0], columns[1]);
        assert_eq!(ran(backend, k, builder.compile(constant), &columns)[0], vec![Fr::from(9); 1 << k]);
    }
}

fn grand_products<B: Backend>(backend: &B) {
    for len in [8, 64, 512, 4096] {
        let (above, below) = (elements(len, 1), elements(len, 2));
        for blinds in [0, 1, 6] {
            let blinds = elements(blinds, 9);
            let [of_backend, expected] = [
                {
                    let columns = upload(backend, &[above.clone(), below.clone()]);
                    let [above, below]: [B::Column; 2] = columns.try_into().expect("two columns");
                    let (column, last) = backend.grand_product(&Job::default(), above, below, Fr::from(5), &blinds);
                    (backend.download(&column), last)
                },
                Naive.grand_product(&Job::default(), above.clone(), below.clone(), Fr::from(5), &blinds),
            ];
            assert_eq!(of_backend, expected, "{len} rows");
        }
        // None of them zero: nothing hides behind the first zero.
        let odd = |seed| elements(len, seed).into_iter().map(|v| if v == Fr::ZERO { Fr::ONE } else { v });
        let (above, below): (Vec<Fr>, Vec<Fr>) = (odd(3).collect(), odd(4).collect());
        let [a, b]: [B::Column; 2] = upload(backend, &[above.clone(), below.clone()]).try_into().expect("two columns");
        let (column, last) = backend.grand_product(&Job::default(), a, b, Fr::ONE, &[]);
        let expected = Naive.grand_product(&Job::default(), above, below, Fr::ONE, &[]);
        assert_eq!((backend.download(&column), last), expected, "{len} rows");
    }
}

fn polynomials<B: Backend>(backend: &B) {
    let job = Job::default();
    for len in [8, 16, 64, 128, 2048, 8192] {
        let host: Vec<Vec<Fr>> = (0..40).map(|seed| elements(len, seed)).collect();
        let columns = upload(backend, &host);
        let at = [Fr::ZERO, Fr::ONE, Fr::from(3), -Fr::TWO_INV];
        let queries: Vec<(&B::Column, Fr)> = columns.iter().zip(at.into_iter().cycle()).collect();
        let naive: Vec<(&Vec<Fr>, Fr)> = host.iter().zip(at.into_iter().cycle()).collect();
        assert_eq!(backend.evaluate(&job, &queries), Naive.evaluate(&job, &naive), "{len}");
        for low in [&[][..], &at] {
            for take in [1, 2, 33, 40] {
                let sum = backend.combine(&job, &queries[..take], low);
                assert_eq!(backend.download(&sum), Naive.combine(&job, &naive[..take], low), "{len}");
            }
        }
        // Polynomials of different lengths; what is beyond an end is 0.
        let shorter: Vec<Vec<Fr>> = [len, len / 2, 8, 1].iter().map(|len| host[0][..*len].to_vec()).collect();
        let terms = upload(backend, &shorter);
        let sum = backend.combine(&job, &terms.iter().zip(at).collect::<Vec<_>>(), &[]);
        let expected = Naive.combine(&job, &shorter.iter().zip(at).collect::<Vec<_>>(), &[]);
        assert_eq!(backend.download(&sum), expected, "{len}");
        for count in [1, 3, 32] {
            let matrix: Vec<Vec<Fr>> = (0..count).map(|row| elements(count, row as u64)).collect();
            let mixed = backend.mix(&job, upload(backend, &host[..count]), &matrix);
            assert_eq!(download(backend, &mixed), Naive.mix(&job, host[..count].to_vec(), &matrix), "{len}");
        }
        for roots in [&at[..1], &at[1..2], &at] {
            let quotient = backend.divide(&job, &columns[0], roots);
            assert_eq!(backend.download(&quotient), Naive.divide(&job, &host[0], roots), "{len}");
        }
    }
    // More than is combined at a time.
    let host: Vec<Vec<Fr>> = [(1 << 17) + 1001, 1 << 18, 77].map(|len| elements(len, 5)).to_vec();
    let factors = elements(3, 6);
    let columns = upload(backend, &host);
    let sum = backend.combine(&job, &columns.iter().zip(factors.iter().copied()).collect::<Vec<_>>(), &factors);
    let terms: Vec<(&Vec<Fr>, Fr)> = host.iter().zip(factors.iter().copied()).collect();
    assert_eq!(backend.download(&sum), Naive.combine(&job, &terms, &factors));
}
