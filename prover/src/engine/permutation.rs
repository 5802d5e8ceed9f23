//! Running products of the permutation argument, set by set.

use halo2_proofs::plonk;
use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

use super::{
    backend::Backend,
    program::{Builder, Challenge, Source},
    quotient::source,
};

/// The factors of a set's product.
#[derive(Debug)]
pub(super) struct Set<B: Backend> {
    /// `prod (value + delta^j * beta * X + gamma)`.
    pub(super) numerator: B::Program,
    /// `prod (value + beta * sigma + gamma)`.
    pub(super) denominator: B::Program,
}

impl<B: Backend> Set<B> {
    /// All sets of a constraint system, in order.
    pub(super) fn all(backend: &B, cs: &plonk::ConstraintSystem<Fr>) -> Vec<Self> {
        let width = cs.degree() - 2;
        let mut delta = Fr::ONE;
        let mut sets = Vec::new();
        for (set, columns) in cs.permutation().get_columns().chunks(width).enumerate() {
            let (mut numerator, mut denominator) = (Builder::default(), Builder::default());
            let (mut above, mut below) = (Vec::new(), Vec::new());
            for (at, column) in columns.iter().enumerate() {
                let factor = numerator.constant(delta);
                above.push(term(&mut numerator, source(column), Source::Identity, Some(factor)));
                below.push(term(&mut denominator, source(column), Source::Sigma(set * width + at), None));
                delta *= Fr::DELTA;
            }
            let [above, below] = [(numerator, above), (denominator, below)].map(|(mut builder, terms)| {
                let one = builder.constant(Fr::ONE);
                let product = terms.into_iter().fold(one, |product, term| builder.mul(product, term));
                backend.program(builder.compile(product))
            });
            sets.push(Self { numerator: above, denominator: below });
        }
        sets
    }
}

/// `value + beta * place * factor + gamma`.
fn term(builder: &mut Builder, value: Source, place: Source, factor: Option<super::program::Id>) -> super::program::Id {
    let [beta, gamma] = [Challenge::Beta, Challenge::Gamma].map(|of| builder.challenge(of));
    let (value, place) = (builder.column(value, 0), builder.column(place, 0));
    let scale = factor.map_or(beta, |factor| builder.mul(beta, factor));
    let placed = builder.mul(place, scale);
    let sum = builder.add(value, placed);
    builder.add(sum, gamma)
}
