//! The domain, whatever its size.

use halo2curves::{bn256::Fr, ff::Field};

use super::{
    Avx512,
    memory::Pack,
    ntt::{SMALLEST, Transform},
    vectors,
};
use crate::engine::{
    Job,
    backend::cpu::{
        Kernels,
        portable::{self, Portable},
    },
    field,
};

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
    Large(Transform),
}

fn invert(value: Fr) -> Fr {
    Option::<Fr>::from(value.invert()).unwrap_or(Fr::ZERO)
}

impl Domain {
    pub(super) fn new(simd: Avx512, k: u32) -> Self {
        let transforms = if k < SMALLEST {
            Transforms::Small(portable::Domain::new(k))
        } else {
            Transforms::Large(Transform::new(simd, k, field::omega(k)))
        };
        Self { k, transforms }
    }

    pub(super) fn packs(&self) -> usize {
        1 << (self.k - 3)
    }

    pub(super) fn interpolate(&self, job: &Job<'_>, values: &mut [Fr]) {
        match &self.transforms {
            Transforms::Small(domain) => domain.interpolate(job, values),
            Transforms::Large(transform) => transform.interpolate(job, values),
        }
    }

    /// `shift^i`; for large transforms times 16, from Montgomery form with `2^256` to that with `2^260`.
    pub(super) fn factors_to(&self, simd: Avx512, shift: Fr) -> Vec<Pack> {
        match &self.transforms {
            Transforms::Small(domain) => vectors::pack(simd, &Portable.factors_to(domain, shift)),
            Transforms::Large(_) => vectors::packed_powers(simd, shift, Fr::from(16), self.packs()),
        }
    }

    /// `shift^-i`; for large transforms divided by `16 n`.
    pub(super) fn factors_from(&self, simd: Avx512, shift: Fr) -> Vec<Pack> {
        match &self.transforms {
            Transforms::Small(domain) => vectors::pack(simd, &Portable.factors_from(domain, shift)),
            Transforms::Large(_) => {
                vectors::packed_powers(simd, invert(shift), invert(Fr::from(16 << self.k)), self.packs())
            }
        }
    }

    pub(super) fn evaluate_on_coset(
        &self,
        (simd, job): (Avx512, &Job<'_>),
        to: &[Pack],
        coefficients: &[Fr],
    ) -> Vec<Pack> {
        match &self.transforms {
            Transforms::Small(domain) => {
                let to = vectors::unpack(simd, to);
                vectors::pack(simd, &Portable.evaluate_on_coset(job, domain, &to, coefficients))
            }
            Transforms::Large(transform) => transform.evaluate_on_coset(job, coefficients, to),
        }
    }

    pub(super) fn interpolate_on_coset(
        &self,
        (simd, job): (Avx512, &Job<'_>),
        from: &[Pack],
        values: &[Pack],
    ) -> Vec<Fr> {
        match &self.transforms {
            Transforms::Small(domain) => {
                let [from, values] = [from, values].map(|packs| vectors::unpack(simd, packs));
                Portable.interpolate_on_coset(job, domain, &from, values)
            }
            Transforms::Large(transform) => transform.interpolate_on_coset(job, values, from),
        }
    }
}
