//! Number-theoretic transforms of one size, with their twiddle factors.
//!
//! Decimation in frequency: every layer reads one table of factors from end to end. Above a size that the second-level
//! cache holds, halves go to different threads.

use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use rayon::prelude::*;

use super::vectors;
use crate::engine::{Job, field};

/// Transforms below this size stay on one thread.
const SPLIT: usize = 1 << 13;

/// Values that are put in order before somebody may stop it.
const REORDERED: usize = 1 << 16;

/// The `2^k`-th roots of unity, and the transforms between coefficients and values on them.
#[derive(Debug)]
pub struct Domain {
    k: u32,
    /// At `l`: powers of the root of order `2^(l + 1)`, `2^l` of them.
    twiddles: Vec<Vec<Fr>>,
    /// `2^-k`.
    size_inverse: Fr,
}

impl Domain {
    pub(in crate::engine::backend::cpu) fn new(k: u32) -> Self {
        let last = vectors::powers(field::omega(k), 1 << k >> 1);
        let twiddles = (0..k).map(|layer| last.iter().step_by(1 << (k - 1 - layer)).copied().collect()).collect();
        let size_inverse = (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
        Self { k, twiddles, size_inverse }
    }

    pub(super) fn size(&self) -> usize {
        1 << self.k
    }

    /// Coefficients to values on the domain, in place.
    pub(in crate::engine::backend::cpu) fn evaluate(&self, job: &Job<'_>, values: &mut [Fr]) {
        transform(job, values, &self.twiddles);
        self.reorder(job, values);
    }

    /// Values on the domain to coefficients, in place.
    pub(in crate::engine::backend::cpu) fn interpolate(&self, job: &Job<'_>, values: &mut [Fr]) {
        // With the inverse root, row j is what row -j is with the root.
        self.evaluate(job, values);
        values[1..].reverse();
        values.par_chunks_mut(vectors::CHUNK).for_each(|chunk| chunk.iter_mut().for_each(|v| *v *= self.size_inverse));
    }

    /// From bit-reversed order.
    fn reorder(&self, job: &Job<'_>, values: &mut [Fr]) {
        let shift = usize::BITS - self.k;
        for at in 0..values.len() {
            if at % REORDERED == 0 && job.cancelled() {
                return;
            }
            let other = at.reverse_bits().checked_shr(shift).unwrap_or(0);
            if at < other {
                values.swap(at, other);
            }
        }
    }
}

/// Leaves the values in bit-reversed order.
fn transform(job: &Job<'_>, values: &mut [Fr], twiddles: &[Vec<Fr>]) {
    let Some((layer, rest)) = twiddles.split_last() else { return };
    let (low, high) = values.split_at_mut(layer.len());
    let butterflies = |((low, high), layer): ((&mut [Fr], &mut [Fr]), &[Fr])| {
        for ((a, b), twiddle) in low.iter_mut().zip(high).zip(layer) {
            let difference = *a - *b;
            *a += *b;
            *b = difference * twiddle;
        }
    };
    if layer.len() < SPLIT {
        butterflies(((low, high), layer));
        transform(job, low, rest);
        transform(job, high, rest);
    } else if !job.cancelled() {
        let chunks = low.par_chunks_mut(vectors::CHUNK).zip(high.par_chunks_mut(vectors::CHUNK));
        chunks.zip(layer.par_chunks(vectors::CHUNK)).for_each(butterflies);
        rayon::join(|| transform(job, low, rest), || transform(job, high, rest));
    }
}
