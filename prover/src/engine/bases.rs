//! The structured reference string as the engine reads it.

use halo2_proofs::{
    SerdeFormat,
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use halo2curves::{
    bn256::{Bn256, G1Affine},
    serde::SerdeObject,
};

use super::Error;

/// Bytes of a point as halo2 writes it raw.
const POINT: usize = 64;

/// Powers of the secret, and Lagrange polynomials at it.
#[derive(Debug)]
pub struct Bases {
    pub(super) monomial: Vec<G1Affine>,
    pub(super) lagrange: Vec<G1Affine>,
}

impl Bases {
    /// Copies both bases out of halo2's parameters, which show only one of them.
    ///
    /// # Errors
    /// None for parameters in memory; the writer's own otherwise.
    pub fn new(params: &ParamsKZG<Bn256>) -> Result<Self, Error> {
        let monomial = params.get_g().to_vec();
        let mut bytes = Vec::with_capacity(2 * POINT * monomial.len() + 512);
        params.write_custom(&mut bytes, SerdeFormat::RawBytesUnchecked)?;
        // The size, then the powers, then what is wanted.
        let lagrange = bytes.get(4 + POINT * monomial.len()..).unwrap_or(&[]).chunks_exact(POINT).take(monomial.len());
        let lagrange = lagrange.map(G1Affine::from_raw_bytes_unchecked).collect();
        Ok(Self { monomial, lagrange })
    }
}
