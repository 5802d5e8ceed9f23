//! Running products of the permutation argument, set by set.

use halo2_proofs::plonk::{self, Any};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::{Field, PrimeField},
};
use rand_core::RngCore;
use rayon::prelude::*;

use super::{Values, field, ntt::Domain};

/// The products in order, blinded. Draws from `rng` what halo2 draws, in its order.
pub(super) fn products(
    key: &plonk::ProvingKey<G1Affine>,
    domain: &Domain,
    values: &Values<'_>,
    beta: Fr,
    gamma: Fr,
    mut rng: impl RngCore,
) -> Vec<Vec<Fr>> {
    let cs = key.get_vk().cs();
    let (width, blinding) = (cs.degree() - 2, cs.blinding_factors());
    let columns = cs.permutation().get_columns();
    let roots = field::powers(domain.omega, domain.size());
    let mut delta = Fr::ONE;
    let mut start = Fr::ONE;
    let mut products = Vec::new();
    for (columns, sigmas) in columns.chunks(width).zip(key.permutation().permutations().chunks(width)) {
        let values: Vec<&[Fr]> = columns
            .iter()
            .map(|column| match column.column_type() {
                Any::Advice(_) => values.advice[column.index()].as_slice(),
                Any::Fixed => values.fixed[column.index()].values(),
                Any::Instance => values.instance[column.index()].as_slice(),
            })
            .collect();
        let mut factors = vec![Fr::ONE; domain.size()];
        factors.par_iter_mut().enumerate().for_each(|(row, factor)| {
            for (values, sigma) in values.iter().zip(sigmas) {
                *factor *= values[row] + beta * sigma[row] + gamma;
            }
        });
        field::batch_invert(&mut factors);
        let deltas: Vec<Fr> =
            std::iter::successors(Some(beta * delta), |delta| Some(*delta * Fr::DELTA)).take(columns.len()).collect();
        factors.par_iter_mut().enumerate().for_each(|(row, factor)| {
            for (values, delta) in values.iter().zip(&deltas) {
                *factor *= values[row] + roots[row] * delta + gamma;
            }
        });
        columns.iter().for_each(|_| delta *= Fr::DELTA);

        let usable = domain.size() - blinding;
        let mut product = Vec::with_capacity(domain.size());
        let mut running = start;
        for factor in &factors[..usable] {
            product.push(running);
            running *= factor;
        }
        start = product[usable - 1];
        product.extend((0..blinding).map(|_| Fr::random(&mut rng)));
        field::skip(&mut rng);
        products.push(product);
    }
    products
}
