//! The structured reference string on a backend.

use std::io::{self, Write};

use halo2_proofs::{
    SerdeFormat,
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use halo2curves::{
    bn256::{Bn256, Fr, G1Affine},
    ff::{BatchInvert, Field, PrimeField},
    serde::SerdeObject,
};

use super::{
    Budget, Error, Job,
    backend::{Backend, HostColumn, Kernels, multiples},
    field,
};

/// Bytes of a point as halo2 writes it raw.
const POINT: usize = 64;

/// What a column is committed to with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Coefficients: powers of the secret.
    Monomial,
    /// Values on the domain: its Lagrange polynomials at the secret.
    Lagrange,
}

/// The structured reference string on a backend.
#[derive(Debug)]
pub struct Bases<B: Backend> {
    pub(super) backend: B,
    pub(super) len: usize,
    pub(super) monomial: B::Bases,
    pub(super) lagrange: B::Bases,
}

impl<B: Backend> Bases<B> {
    /// Takes both bases one after the other, the monomial one first, so that no more than one is held twice.
    ///
    /// # Errors
    /// Those of `points`; [`Error::Basis`] if they are of different lengths.
    pub fn new<E: From<Error>>(
        backend: B,
        budget: Budget,
        mut points: impl FnMut(Basis) -> Result<Vec<G1Affine>, E>,
    ) -> Result<Self, E> {
        let mut take = |basis| {
            let points = points(basis)?;
            Ok::<_, E>((points.len(), backend.bases(&points, budget.multiple_bytes / 2)))
        };
        let (len, monomial) = take(Basis::Monomial)?;
        let (got, lagrange) = take(Basis::Lagrange)?;
        if got != len {
            return Err(Error::Basis { expected: len, got }.into());
        }
        Ok(Self { backend, len, monomial, lagrange })
    }

    /// Copies them out of halo2's parameters, which show only one of the two.
    ///
    /// # Errors
    /// Those of halo2's writer, which writes to memory here.
    pub fn of_params(backend: B, params: &ParamsKZG<Bn256>, budget: Budget) -> Result<Self, Error> {
        Self::new(backend, budget, |basis| match basis {
            Basis::Monomial => Ok(params.get_g().to_vec()),
            Basis::Lagrange => {
                // The size, then the powers, then what is wanted.
                let most = params.get_g().len();
                let points = Vec::with_capacity(most);
                let mut lagrange = Points { skip: 4 + POINT * most, most, points, begun: Vec::with_capacity(POINT) };
                params.write_custom(&mut lagrange, SerdeFormat::RawBytesUnchecked)?;
                Ok(lagrange.points)
            }
        })
    }

    /// Powers that there are.
    pub fn num_powers(&self) -> usize {
        self.len
    }

    /// The points of a basis.
    pub fn points(&self, basis: Basis) -> Vec<G1Affine> {
        self.backend.points(self.of(basis), self.len)
    }

    /// The first `len` powers, or as many as there are.
    pub fn powers(&self, len: usize) -> Vec<G1Affine> {
        self.backend.points(&self.monomial, len)
    }

    /// A commitment to a column that is no longer than the bases.
    pub fn commit(&self, basis: Basis, column: Vec<Fr>) -> G1Affine {
        let column = self.backend.upload(HostColumn::Field(column));
        let points = self.backend.commit(&Job::default(), self.of(basis), &[&column]);
        points.first().copied().unwrap_or_default()
    }

    fn of(&self, basis: Basis) -> &B::Bases {
        match basis {
            Basis::Monomial => &self.monomial,
            Basis::Lagrange => &self.lagrange,
        }
    }
}

impl<K: Kernels> Bases<K> {
    /// `2^k` powers of a secret, each times `generator`. Whoever knows the secret can prove anything.
    ///
    /// # Errors
    /// None: it makes both bases of one length.
    pub(super) fn of_secret(backend: K, k: u32, generator: G1Affine, secret: Fr) -> Result<Self, Error> {
        let scalars = |basis| match basis {
            Basis::Monomial => field::powers(secret, 1 << k),
            Basis::Lagrange => lagrange(k, secret),
        };
        Self::new(backend, Budget::default(), |basis| Ok(multiples(backend, generator, &scalars(basis))))
    }
}

/// The domain's Lagrange polynomials at a point: `w^i (x^n - 1) / n (x - w^i)`.
fn lagrange(k: u32, x: Fr) -> Vec<Fr> {
    let roots = field::roots(k);
    if let Some(at) = roots.iter().position(|root| *root == x) {
        let mut values = vec![Fr::ZERO; 1 << k];
        values[at] = Fr::ONE;
        return values;
    }
    let mut values: Vec<Fr> = roots.iter().map(|root| x - root).collect();
    values.iter_mut().batch_invert();
    let size_inverse = (0..k).fold(Fr::ONE, |inverse, _| inverse * Fr::TWO_INV);
    let scale = (x.pow_vartime([1 << k]) - Fr::ONE) * size_inverse;
    values.iter_mut().zip(&roots).for_each(|(value, root)| *value *= scale * root);
    values
}

/// Picks points out of what halo2 writes, as it is written.
struct Points {
    /// Bytes before them.
    skip: usize,
    most: usize,
    points: Vec<G1Affine>,
    begun: Vec<u8>,
}

impl Write for Points {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        for byte in &bytes[skipped..] {
            if self.points.len() == self.most {
                break;
            }
            self.begun.push(*byte);
            if self.begun.len() == POINT {
                self.points.push(G1Affine::from_raw_bytes_unchecked(&self.begun));
                self.begun.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use halo2curves::{bn256::G1, group::Curve};

    use super::*;
    use crate::engine::backend::{Naive, Portable};

    /// halo2's own setup draws its secret from a generator, and so can we.
    #[test]
    fn powers_of_a_secret_are_those_that_halo2_makes() {
        let secret = Fr::from(0x1234_5678_9abc_def1).square();
        for k in [3, 5, 12] {
            let bases = Bases::of_secret(Portable, k, G1Affine::generator(), secret).expect("bases of one length");
            let monomial = bases.points(Basis::Monomial);
            for at in [0, 1, 2, 7] {
                let power = G1::generator() * secret.pow_vartime([at as u64]);
                assert_eq!(monomial[at], power.to_affine());
            }
            let projective = monomial.iter().map(G1::from).collect();
            assert_eq!(
                bases.points(Basis::Lagrange),
                halo2_proofs::arithmetic::g_to_lagrange::<G1Affine>(projective, k)
            );
        }
    }

    /// A secret on the domain has a Lagrange basis too: one point, and infinity.
    #[test]
    fn a_secret_on_the_domain_divides_by_no_zero() {
        let values = lagrange(4, field::omega(4).square());
        assert_eq!(values.iter().position(|value| *value == Fr::ONE), Some(2));
        assert_eq!(values.iter().filter(|value| **value == Fr::ZERO).count(), 15);
    }

    #[test]
    fn bases_of_different_lengths_are_refused() {
        let points = |basis| Ok(vec![G1Affine::generator(); if basis == Basis::Monomial { 8 } else { 7 }]);
        let error = Bases::new(Naive, Budget::default(), points).expect_err("one is shorter");
        assert!(matches!(error, Error::Basis { expected: 8, got: 7 }), "{error}");
    }
}
