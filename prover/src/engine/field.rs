//! Arithmetic on vectors of field elements.

use halo2curves::{
    bn256::Fr,
    ff::{BatchInvert, Field},
};
use rand_core::RngCore;
use rayon::prelude::*;

/// Elements that one task takes at least: below, sharing the work costs more than it saves.
pub(super) const CHUNK: usize = 1 << 10;

/// Draws an element and drops it: the blind of a commitment, which halo2 draws and KZG does not use. Whoever starts from the
/// same generator gets the same commitments.
pub(super) fn skip(mut rng: impl RngCore) {
    let _ = Fr::random(&mut rng);
}

/// Replaces every element by its inverse, and leaves zeros.
pub(super) fn batch_invert(values: &mut [Fr]) {
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        chunk.iter_mut().batch_invert();
    });
}

/// `1, base, base^2, ..`.
pub(super) fn powers(base: Fr, len: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::ZERO; len];
    powers.par_chunks_mut(CHUNK).enumerate().for_each(|(at, chunk)| {
        let mut power = base.pow_vartime([(at * CHUNK) as u64]);
        for value in chunk {
            *value = power;
            power *= base;
        }
    });
    powers
}

/// Value of a polynomial, given the powers of the point.
pub(super) fn evaluate(poly: &[Fr], powers: &[Fr]) -> Fr {
    let dot = |(a, b): (&[Fr], &[Fr])| a.iter().zip(b).map(|(a, b)| *a * b).sum::<Fr>();
    poly.par_chunks(CHUNK).zip(powers.par_chunks(CHUNK)).map(dot).sum()
}

/// `sum_i factors[i] * polys[i]`; all polynomials have `len` coefficients.
pub(super) fn combine(polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; len];
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(at, chunk)| {
        for (poly, factor) in polys.iter().zip(factors) {
            let poly = &poly[at * CHUNK..];
            if *factor == Fr::ONE {
                chunk.iter_mut().zip(poly).for_each(|(sum, value)| *sum += value);
            } else {
                chunk.iter_mut().zip(poly).for_each(|(sum, value)| *sum += *value * factor);
            }
        }
    });
    sum
}

/// Divides by `X - root` and drops the remainder, in place; the highest coefficient becomes 0.
pub(super) fn divide(poly: &mut [Fr], root: Fr) {
    let mut carry = Fr::ZERO;
    for value in poly.iter_mut().rev() {
        let quotient = carry;
        carry = *value + carry * root;
        *value = quotient;
    }
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
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn random(len: usize) -> Vec<Fr> {
        let mut rng = ChaCha20Rng::seed_from_u64(len as u64);
        (0..len).map(|_| Fr::random(&mut rng)).collect()
    }

    #[test]
    fn evaluation_combination_and_powers_are_what_they_say() {
        for len in [1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let (a, b) = (random(len), random(len + 1)[1..].to_vec());
            let point = a[0] + Fr::from(7);
            let powers = powers(point, len);
            assert_eq!(powers[len - 1], point.pow_vartime([len as u64 - 1]));
            assert_eq!(evaluate(&a, &powers), horner(&a, point));
            let both = combine(&[&a, &b], &[Fr::ONE, point], len);
            assert_eq!(horner(&both, point), horner(&a, point) + point * horner(&b, point));
        }
    }

    #[test]
    fn division_leaves_the_quotient() {
        let (poly, root, at) = (random(40), Fr::from(3), Fr::from(11));
        let mut quotient = poly.clone();
        divide(&mut quotient, root);
        assert_eq!(quotient[39], Fr::ZERO);
        assert_eq!(horner(&quotient, at) * (at - root) + horner(&poly, root), horner(&poly, at));
    }

    #[test]
    fn interpolation_meets_its_points() {
        for len in 1..6 {
            let (points, values) = (random(len), random(len + 10)[10..].to_vec());
            let poly = interpolate(&points, &values);
            assert!(points.iter().zip(&values).all(|(point, value)| horner(&poly, *point) == *value));
        }
    }

    #[test]
    fn inverses_are_inverse() {
        let mut values = random(CHUNK + 3);
        values[5] = Fr::ZERO;
        let before = values.clone();
        batch_invert(&mut values);
        let good = |(a, b): (&Fr, &Fr)| *a * b == if *a == Fr::ZERO { Fr::ZERO } else { Fr::ONE };
        assert!(before.iter().zip(&values).all(good));

        let points = [2u64, 3, 5].map(Fr::from);
        let matrix: Vec<Vec<Fr>> = points.iter().map(|p| powers(*p, 3)).collect();
        let inverse = invert_matrix(matrix.clone()).expect("points differ");
        for (i, row) in matrix.iter().enumerate() {
            let views: Vec<&[Fr]> = inverse.iter().map(Vec::as_slice).collect();
            let unit: Vec<Fr> = (0..3).map(|j| if i == j { Fr::ONE } else { Fr::ZERO }).collect();
            assert_eq!(combine(&views, row, 3), unit);
        }
        assert!(invert_matrix(vec![vec![Fr::ONE; 2]; 2]).is_none());
    }
}
