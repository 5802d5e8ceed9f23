//! Arithmetic on vectors of field elements.

use halo2curves::{
    bn256::Fr,
    ff::{BatchInvert, Field},
};
use rayon::prelude::*;

/// Elements that one task takes at least: below, sharing the work costs more than it saves.
pub(super) const CHUNK: usize = 1 << 10;

/// Replaces every element by its inverse, and leaves zeros.
pub(in crate::engine::backend) fn batch_invert(values: &mut [Fr]) {
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        chunk.iter_mut().batch_invert();
    });
}

/// `1, base, base^2, ..`.
pub(in crate::engine::backend) fn powers(base: Fr, len: usize) -> Vec<Fr> {
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
pub(in crate::engine::backend) fn evaluate(poly: &[Fr], powers: &[Fr]) -> Fr {
    let dot = |(a, b): (&[Fr], &[Fr])| a.iter().zip(b).map(|(a, b)| *a * b).sum::<Fr>();
    poly.par_chunks(CHUNK).zip(powers.par_chunks(CHUNK)).map(dot).sum()
}

/// `sum_i factors[i] * polys[i]`; all polynomials have `len` coefficients.
pub(in crate::engine::backend) fn combine(polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
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
pub(in crate::engine::backend) fn divide(poly: &mut [Fr], root: Fr) {
    let mut carry = Fr::ZERO;
    for value in poly.iter_mut().rev() {
        let quotient = carry;
        carry = *value + carry * root;
        *value = quotient;
    }
}

/// `start`, then each value times the factor of its row; in the last rows `blinds`. And the last value before them.
pub(in crate::engine::backend) fn running_product(factors: &[Fr], start: Fr, blinds: &[Fr]) -> (Vec<Fr>, Fr) {
    let mut product = Vec::with_capacity(factors.len());
    let (mut running, mut last) = (start, start);
    for factor in &factors[..factors.len() - blinds.len()] {
        product.push(running);
        last = running;
        running *= factor;
    }
    product.extend(blinds);
    (product, last)
}
