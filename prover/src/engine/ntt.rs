//! Number-theoretic transforms of one size, with their twiddle factors.
//!
//! Decimation in frequency: every layer reads one table of factors from end to end. Above a size that the second-level
//! cache holds, halves go to different threads.

use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use rayon::prelude::*;

use super::field;

/// Transforms below this size stay on one thread.
const SPLIT: usize = 1 << 13;

/// The `2^k`-th roots of unity, and the transforms between values on them and coefficients.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) k: u32,
    pub(super) omega: Fr,
    pub(super) omega_inverse: Fr,
    /// At `l`: powers of the root of order `2^(l + 1)`, `2^l` of them.
    twiddles: Vec<Vec<Fr>>,
    inverse_twiddles: Vec<Vec<Fr>>,
    /// `2^-k`.
    size_inverse: Fr,
}

impl Domain {
    pub(super) fn new(k: u32) -> Self {
        let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let omega_inverse = (k..Fr::S).fold(Fr::ROOT_OF_UNITY_INV, |root, _| root.square());
        let layers = |root: Fr| -> Vec<Vec<Fr>> {
            let last = field::powers(root, 1 << k >> 1);
            (0..k).map(|layer| last.iter().step_by(1 << (k - 1 - layer)).copied().collect()).collect()
        };
        let size_inverse = (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
        Self { k, omega, omega_inverse, twiddles: layers(omega), inverse_twiddles: layers(omega_inverse), size_inverse }
    }

    pub(super) fn size(&self) -> usize {
        1 << self.k
    }

    /// `point * omega^rotation`.
    pub(super) fn rotate(&self, point: Fr, rotation: i32) -> Fr {
        let root = if rotation < 0 { self.omega_inverse } else { self.omega };
        point * root.pow_vartime([u64::from(rotation.unsigned_abs())])
    }

    /// Coefficients to values on the domain, in place.
    pub(super) fn forward(&self, values: &mut [Fr]) {
        transform(values, &self.twiddles);
        self.reverse(values);
    }

    /// Values on the domain to coefficients, in place.
    pub(super) fn inverse(&self, values: &mut [Fr]) {
        transform(values, &self.inverse_twiddles);
        self.reverse(values);
        values.par_chunks_mut(field::CHUNK).for_each(|chunk| chunk.iter_mut().for_each(|v| *v *= self.size_inverse));
    }

    /// Coefficients to values on `shift * domain`; `shift_powers` are `1, shift, shift^2, ..`.
    pub(super) fn coset(&self, coefficients: &[Fr], shift_powers: &[Fr]) -> Vec<Fr> {
        let mut values: Vec<Fr> = coefficients.iter().zip(shift_powers).map(|(a, b)| *a * b).collect();
        self.forward(&mut values);
        values
    }

    fn reverse(&self, values: &mut [Fr]) {
        let shift = usize::BITS - self.k;
        for at in 0..values.len() {
            let other = at.reverse_bits().checked_shr(shift).unwrap_or(0);
            if at < other {
                values.swap(at, other);
            }
        }
    }
}

/// Leaves the values in bit-reversed order.
fn transform(values: &mut [Fr], twiddles: &[Vec<Fr>]) {
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
        transform(low, rest);
        transform(high, rest);
    } else {
        let chunks = low.par_chunks_mut(field::CHUNK).zip(high.par_chunks_mut(field::CHUNK));
        chunks.zip(layer.par_chunks(field::CHUNK)).for_each(butterflies);
        rayon::join(|| transform(low, rest), || transform(high, rest));
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn transforms_evaluate_and_interpolate() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for k in [0, 1, 2, 5, 10, 15] {
            let domain = Domain::new(k);
            let coefficients: Vec<Fr> = (0..domain.size()).map(|_| Fr::random(&mut rng)).collect();
            let mut values = coefficients.clone();
            domain.forward(&mut values);
            for at in [0, 1, domain.size() / 2, domain.size() - 1] {
                let at = at % domain.size();
                assert_eq!(values[at], field::horner(&coefficients, domain.omega.pow_vartime([at as u64])), "k {k}");
            }
            let shift = Fr::from(5);
            let coset = domain.coset(&coefficients, &field::powers(shift, domain.size()));
            assert_eq!(coset[0], field::horner(&coefficients, shift));
            domain.inverse(&mut values);
            assert_eq!(values, coefficients);
        }
    }

    #[test]
    fn rotations_are_powers_of_the_root() {
        let domain = Domain::new(4);
        assert_eq!(domain.rotate(Fr::ONE, 16), Fr::ONE);
        assert_eq!(domain.rotate(domain.rotate(Fr::from(3), 5), -5), Fr::from(3));
        assert_eq!(domain.omega * domain.omega_inverse, Fr::ONE);
    }
}
