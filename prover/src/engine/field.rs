//! Field arithmetic of the protocol itself: a few elements, on the host.

use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::RngCore;
use rayon::prelude::*;

use super::Job;

/// Random elements that one task makes.
const RANDOM: usize = 1 << 10;

/// Words of 32 bits that one of them takes.
const WORDS: u128 = 16;

/// `1, base, base^2, ..`.
pub(super) fn powers(base: Fr, len: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * base)).take(len).collect()
}

/// The root of unity of order `2^k`.
pub(super) fn omega(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// The domain of `2^k` elements, in order.
pub(super) fn roots(k: u32) -> Vec<Fr> {
    let (omega, part) = (omega(k), 1usize << k.min(10));
    let mut roots = vec![Fr::ONE; 1 << k];
    roots.par_chunks_mut(part).enumerate().for_each(|(at, roots)| {
        let mut power = omega.pow_vartime([(at * part) as u64]);
        for root in roots {
            *root = power;
            power *= omega;
        }
    });
    roots
}

/// Elements from ChaCha20, as they come from it one after the other, made on all threads; some of them, if the job is cancelled.
pub(super) fn random(job: &Job<'_>, seed: [u8; 32], len: usize) -> Vec<Fr> {
    let mut elements = vec![Fr::ZERO; len];
    elements.par_chunks_mut(RANDOM).enumerate().filter(|_| !job.cancelled()).for_each(|(at, elements)| {
        let mut rng = ChaCha20Rng::from_seed(seed);
        rng.set_word_pos(at as u128 * RANDOM as u128 * WORDS);
        elements.iter_mut().for_each(|element| *element = Fr::random(&mut rng));
    });
    elements
}

/// `point * omega^rotation` on the domain of `2^k` elements.
pub(super) fn rotate(point: Fr, rotation: i32, k: u32) -> Fr {
    point * omega(k).pow_vartime([i64::from(rotation).rem_euclid(1 << k) as u64])
}

/// The element as a small number, if it is one or the opposite of one.
pub(super) fn small(value: &Fr) -> Option<i64> {
    let magnitude = |value: &Fr| {
        let repr = value.to_repr();
        let (low, high) = repr.as_ref().split_first_chunk::<8>()?;
        let low = i64::try_from(u64::from_le_bytes(*low)).ok()?;
        high.iter().all(|byte| *byte == 0).then_some(low)
    };
    magnitude(value).or_else(|| magnitude(&-value).map(|low| -low))
}

/// Draws an element and drops it: the blind of a commitment, which halo2 draws and KZG does not use. Whoever starts from the
/// same generator gets the same commitments.
pub(super) fn skip(mut rng: impl RngCore) {
    let _ = Fr::random(&mut rng);
}

/// The polynomial of least degree with these values at these points, which differ.
pub(super) fn interpolate(points: &[Fr], values: &[Fr]) -> Vec<Fr> {
    let mut result = vec![Fr::ZERO; points.len()];
    for (at, (point, value)) in points.iter().zip(values).enumerate() {
        let mut basis = vec![Fr::ONE];
        let mut denominator = Fr::ONE;
        for (_, other) in points.iter().enumerate().filter(|(other, _)| *other != at) {
            denominator *= *point - other;
            // basis * (X - other)
            basis.push(Fr::ZERO);
            for degree in (0..basis.len()).rev() {
                let lower = if degree > 0 { basis[degree - 1] } else { Fr::ZERO };
                basis[degree] = lower - basis[degree] * other;
            }
        }
        let factor = *value * Option::<Fr>::from(denominator.invert()).unwrap_or(Fr::ZERO);
        result.iter_mut().zip(basis).for_each(|(sum, basis)| *sum += basis * factor);
    }
    result
}

/// The value at a point, by Horner's rule: for short polynomials.
pub(super) fn horner(poly: &[Fr], point: Fr) -> Fr {
    poly.iter().rev().fold(Fr::ZERO, |sum, value| sum * point + value)
}

/// Inverse of a square matrix.
///
/// `None` if it has none.
pub(super) fn invert_matrix(mut matrix: Vec<Vec<Fr>>) -> Option<Vec<Vec<Fr>>> {
    let size = matrix.len();
    for (at, row) in matrix.iter_mut().enumerate() {
        row.extend((0..size).map(|column| if column == at { Fr::ONE } else { Fr::ZERO }));
    }
    for column in 0..size {
        let pivot = (column..size).find(|row| matrix[*row][column] != Fr::ZERO)?;
        matrix.swap(column, pivot);
        let inverse = Option::<Fr>::from(matrix[column][column].invert())?;
        matrix[column].iter_mut().for_each(|value| *value *= inverse);
        let pivot = matrix[column].clone();
        for (_, row) in matrix.iter_mut().enumerate().filter(|(row, _)| *row != column) {
            let factor = row[column];
            row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Some(matrix.into_iter().map(|row| row[size..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_elements_come_in_the_order_of_the_generator() {
        let seed = [7; 32];
        let mut rng = ChaCha20Rng::from_seed(seed);
        let expected: Vec<Fr> = (0..2 * RANDOM + 5).map(|_| Fr::random(&mut rng)).collect();
        assert_eq!(random(&Job::default(), seed, expected.len()), expected);
        assert_eq!(random(&Job::default(), seed, 9), expected[..9]);
    }
}
