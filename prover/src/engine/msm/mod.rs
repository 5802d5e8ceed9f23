//! Sums of multiples of fixed points: what a commitment is.
//!
//! Pippenger's bucket method. A scalar is taken with the sign that makes it shorter and cut into signed digits, so that a
//! small number, of either sign, costs as many digits as it has bits and no more; the width of a digit follows from how
//! long the scalars of the column are. Buckets are summed pair by pair in affine coordinates ([`affine`]), all buckets of
//! several windows at once, so that one inversion serves hundreds of additions: six multiplications each.

mod affine;
mod digits;

use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    group::{Curve, Group, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

use digits::Digits;

/// Points that one task sums at least, windows permitting, and about as many as the second-level cache holds.
const TASK: usize = 1 << 13;

/// Buckets that a running sum goes through before its parts are put together.
const SEGMENT: usize = 16;

/// `sum_i scalars[i] * bases[i]` for each column of scalars. A column may be shorter than the bases.
pub(super) fn multi_scalar_multiply(bases: &[G1Affine], columns: &[&[Fr]]) -> Vec<G1Affine> {
    let digits: Vec<Digits> = columns.par_iter().map(|column| Digits::new(column)).collect();
    let tasks: Vec<(usize, std::ops::Range<usize>)> = (digits.iter().enumerate())
        .flat_map(|(column, digits)| {
            let each = (TASK / digits.len().max(1)).max(1);
            // No fewer tasks than threads, if there are windows enough.
            let each = each.min(digits.windows().div_ceil(rayon::current_num_threads()).max(1));
            let starts = (0..digits.windows()).step_by(each);
            starts.map(move |start| (column, start..(start + each).min(digits.windows())))
        })
        .collect();
    let sums: Vec<Vec<G1>> =
        tasks.par_iter().map(|(column, windows)| window_sums(bases, &digits[*column], windows.clone())).collect();
    let mut totals = vec![G1::identity(); columns.len()];
    // Windows from the highest: tasks stand in their order.
    for ((column, _), sums) in tasks.iter().zip(&sums).rev() {
        for sum in sums.iter().rev() {
            for _ in 0..digits[*column].width() {
                totals[*column] = totals[*column].double();
            }
            totals[*column] += sum;
        }
    }
    let mut points = vec![G1Affine::identity(); columns.len()];
    G1::batch_normalize(&totals, &mut points);
    points
}

/// For each of the windows: the sum of the points, each as often as its digit says.
fn window_sums(bases: &[G1Affine], digits: &Digits, windows: std::ops::Range<usize>) -> Vec<G1> {
    let per_window = 1usize << (digits.width() - 1);
    let buckets = affine::sum_buckets(
        windows.len() * per_window,
        windows.clone().enumerate().flat_map(|(at, window)| {
            digits.of(window).iter().enumerate().filter(|(_, digit)| **digit != 0).map(move |(point, digit)| {
                let bucket = at * per_window + usize::from(digit.unsigned_abs()) - 1;
                (bucket, point, *digit < 0)
            })
        }),
        bases,
    );

    // Within a segment of buckets B_1 .. B_L, from the end: T = sum B_j, U = sum j * B_j. All segments go in step.
    let segment = SEGMENT.min(per_window);
    let mut totals = vec![G1Affine::identity(); buckets.len() / segment];
    let mut weighted = totals.clone();
    let mut next = totals.clone();
    for at in (0..segment).rev() {
        next.iter_mut().zip(buckets.chunks_exact(segment)).for_each(|(next, segment)| *next = segment[at]);
        affine::add_all(&mut totals, &next);
        affine::add_all(&mut weighted, &totals);
    }
    let segments = per_window / segment;
    let of_window = |(totals, weighted): (&[G1Affine], &[G1Affine])| {
        // sum_s U_s + L * sum_s s * T_s
        let (mut running, mut sum) = (G1::identity(), G1::identity());
        for total in totals.iter().skip(1).rev() {
            running += total;
            sum += running;
        }
        for _ in 0..segment.trailing_zeros() {
            sum = sum.double();
        }
        weighted.iter().fold(sum, |sum, part| sum + part)
    };
    totals.chunks_exact(segments).zip(weighted.chunks_exact(segments)).map(of_window).collect()
}

#[cfg(test)]
mod tests {
    use halo2_proofs::arithmetic::best_multiexp;
    use halo2curves::ff::{Field, PrimeField};
    use rand_chacha::{
        ChaCha20Rng,
        rand_core::{RngCore, SeedableRng},
    };

    use super::*;

    fn points(len: usize) -> Vec<G1Affine> {
        let mut rng = ChaCha20Rng::seed_from_u64(len as u64);
        (0..len).map(|_| G1::random(&mut rng).to_affine()).collect()
    }

    fn check(bases: &[G1Affine], scalars: &[Fr]) {
        let expected = scalars.iter().zip(bases).map(|(s, p)| p.to_curve() * s).sum::<G1>().to_affine();
        assert_eq!(multi_scalar_multiply(bases, &[scalars]), [expected]);
    }

    #[test]
    fn every_small_size_with_edge_cases() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let special = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2), -Fr::from(1 << 15), Fr::TWO_INV, -Fr::TWO_INV];
        for len in 0..=70 {
            let mut bases = points(len);
            let scalars: Vec<Fr> =
                (0..len).map(|at| if at % 3 == 0 { special[at % 7] } else { Fr::random(&mut rng) }).collect();
            check(&bases, &scalars);
            // Repeated points, opposite ones, the point at infinity; sums that cancel.
            for at in 1..len {
                match at % 4 {
                    0 => bases[at] = bases[at - 1],
                    1 => bases[at] = -bases[at - 1],
                    2 => bases[at] = G1Affine::identity(),
                    _ => {}
                }
            }
            check(&bases, &scalars);
            check(&bases, &vec![Fr::ONE; len]);
            check(&bases, &vec![-Fr::from(77); len]);
        }
    }

    #[test]
    fn columns_of_every_width_agree_with_halo2() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let bases = points(1000);
        let mut narrow = |bits: u32| -> Vec<Fr> {
            let mut bit = || rng.next_u32() & 1;
            let mut number = || {
                let magnitude = (0..bits).fold(Fr::ZERO, |sum, _| sum.double() + Fr::from(u64::from(bit())));
                if bit() == 0 { magnitude } else { -magnitude }
            };
            (0..1000).map(|_| number()).collect()
        };
        let columns: Vec<Vec<Fr>> = [1, 8, 16, 31, 63, 64, 65, 128, 200, 254].map(&mut narrow).into();
        let views: Vec<&[Fr]> = columns.iter().map(Vec::as_slice).collect();
        let got = multi_scalar_multiply(&bases, &views);
        for (column, got) in columns.iter().zip(got) {
            assert_eq!(best_multiexp(column, &bases).to_affine(), got);
        }
    }
}
