//! Arithmetic on vectors of field elements.

use halo2curves::{
    bn256::Fr,
    ff::{BatchInvert, Field},
};
use rayon::prelude::*;

/// Elements that one task takes at least: below, sharing the work costs more than it saves.
pub(super) const CHUNK: usize = 1 << 10;

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

/// `sum_i factors[i] * polys[i]`; what is beyond a polynomial's end is 0.
pub(super) fn combine(polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; len];
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(at, chunk)| {
        for (poly, factor) in polys.iter().zip(factors) {
            let poly = poly.get(at * CHUNK..).unwrap_or(&[]);
            if *factor == Fr::ONE {
                chunk.iter_mut().zip(poly).for_each(|(sum, value)| *sum += value);
            } else {
                chunk.iter_mut().zip(poly).for_each(|(sum, value)| *sum += *value * factor);
            }
        }
    });
    sum
}
