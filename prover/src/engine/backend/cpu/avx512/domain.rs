//! The domain and its cosets.

use halo2curves::{bn256::Fr, ff::Field};

use super::{
    Avx512,
    memory::Pack,
    ntt::{Factors, SMALLEST, Transform},
    vectors,
};
use crate::engine::{backend::cpu::portable, field};

/// Transforms of one size.
#[derive(Debug)]
pub struct Domain {
    k: u32,
    transforms: Transforms,
}

#[derive(Debug)]
enum Transforms {
    /// Below eight rows of eight: element by element.
    Small(portable::Domain),
    Large {
        transform: Transform,
        cosets: Vec<Coset>,
    },
}

/// What values on a coset are multiplied with, on the way there and back.
#[derive(Debug)]
struct Coset {
    /// `shift^i`, and 16: from Montgomery form with `2^256` to that with `2^260`.
    to: Vec<Pack>,
    /// `shift^-i / 16 n`.
    from: Vec<Pack>,
}

impl Domain {
    pub(super) fn new(simd: Avx512, k: u32, shifts: &[Fr]) -> Self {
        if k < SMALLEST {
            return Self { k, transforms: Transforms::Small(portable::Domain::new(k, shifts)) };
        }
        let transform = Transform::new(simd, k, field::omega(k));
        let packs = 1 << (k - 3);
        let invert = |value: Fr| Option::<Fr>::from(value.invert()).unwrap_or(Fr::ZERO);
        let back = invert(Fr::from(16 << k));
        let coset = |shift: &Fr| Coset {
            to: vectors::packed_powers(simd, *shift, Fr::from(16), packs),
            from: vectors::packed_powers(simd, invert(*shift), back, packs),
        };
        let cosets = shifts.iter().map(coset).collect();
        Self { k, transforms: Transforms::Large { transform, cosets } }
    }

    pub(super) fn packs(&self) -> usize {
        1 << (self.k - 3)
    }

    pub(super) fn interpolate(&self, values: &mut [Fr]) {
        match &self.transforms {
            Transforms::Small(domain) => domain.interpolate(values),
            Transforms::Large { transform, .. } => transform.interpolate(values),
        }
    }

    pub(super) fn evaluate_on_coset(&self, simd: Avx512, coset: usize, coefficients: &[Fr]) -> Vec<Pack> {
        match &self.transforms {
            Transforms::Small(domain) => vectors::pack(simd, &domain.evaluate_on_coset(coset, coefficients)),
            Transforms::Large { transform, cosets } => {
                transform.evaluate_on_coset(coefficients, Factors::Each(&cosets[coset].to))
            }
        }
    }

    pub(super) fn interpolate_on_coset(&self, simd: Avx512, coset: usize, values: &[Pack]) -> Vec<Fr> {
        match &self.transforms {
            Transforms::Small(domain) => {
                let mut values = vectors::unpack(simd, values);
                domain.interpolate_on_coset(coset, &mut values);
                values
            }
            Transforms::Large { transform, cosets } => {
                transform.interpolate_on_coset(values, Factors::Each(&cosets[coset].from))
            }
        }
    }
}
