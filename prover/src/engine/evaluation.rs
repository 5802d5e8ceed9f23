//! Which polynomial is opened where: in which order values are written, and in which order they are proved.

use std::collections::HashMap;

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{backend::Backend, field, opening::Query, program::Source};

/// Everything that is opened, by the order of [`Polynomials::list`].
pub(super) struct Polynomials<'a, B: Backend> {
    pub(super) cs: &'a plonk::ConstraintSystem<Fr>,
    pub(super) k: u32,
    pub(super) of_key: &'a HashMap<Source, B::Column>,
    pub(super) advice: &'a [B::Column],
    pub(super) products: &'a [B::Column],
    /// Product, permuted input, permuted table of each lookup.
    pub(super) lookups: &'a [[B::Column; 3]],
    pub(super) mask: &'a B::Column,
    pub(super) quotient: &'a B::Column,
}

/// Polynomials, by index, with the rotations at which they are opened.
struct Plan {
    /// In the order in which values are written.
    written: Vec<(usize, i32)>,
    /// In the order in which they are opened.
    opened: Vec<(usize, i32)>,
}

/// The quotient's value is not written: the verifier computes it.
const UNWRITTEN: usize = 1;

impl<'a, B: Backend> Polynomials<'a, B> {
    fn list(&self) -> Vec<&'a B::Column> {
        let fixed = (0..self.cs.num_fixed_columns()).map(Source::Fixed);
        let sigmas = (0..self.cs.permutation().get_columns().len()).map(Source::Sigma);
        let of_key = fixed.chain(sigmas).filter_map(|source| self.of_key.get(&source));
        let mut list: Vec<&'a B::Column> = self.advice.iter().chain(of_key).chain(self.products).collect();
        list.extend(self.lookups.iter().flatten());
        list.extend([self.quotient, self.mask]);
        list
    }

    fn plan(&self) -> Plan {
        let cs = self.cs;
        let mut next = 0;
        let mut take = |count: usize| {
            next += count;
            next - count..next
        };
        let advice = take(self.advice.len());
        let fixed = take(cs.num_fixed_columns());
        let sigmas = take(cs.permutation().get_columns().len());
        let products = take(self.products.len());
        let lookups: Vec<[usize; 3]> =
            self.lookups.iter().map(|_| take(3)).map(|of| [of.start, of.start + 1, of.start + 2]).collect();
        let (quotient, mask) = (take(1).start, take(1).start);
        let advice: Vec<(usize, i32)> =
            cs.advice_queries().iter().map(|(column, at)| (advice.start + column.index(), at.0)).collect();
        let fixed: Vec<(usize, i32)> =
            cs.fixed_queries().iter().map(|(column, at)| (fixed.start + column.index(), at.0)).collect();
        let last = -(cs.blinding_factors() as i32 + 1);

        let mut written = [advice.clone(), fixed.clone(), vec![(mask, 0)]].concat();
        written.extend(sigmas.clone().map(|poly| (poly, 0)));
        for poly in products.clone() {
            written.extend([(poly, 0), (poly, 1)]);
            if poly + 1 < products.end {
                written.push((poly, last));
            }
        }
        for [product, input, table] in &lookups {
            written.extend([(*product, 0), (*product, 1), (*input, 0), (*input, -1), (*table, 0)]);
        }
        written.push((quotient, 0));

        let mut opened = advice;
        opened.extend(products.clone().flat_map(|poly| [(poly, 0), (poly, 1)]));
        opened.extend(products.rev().skip(1).map(|poly| (poly, last)));
        for [product, input, table] in &lookups {
            opened.extend([(*product, 0), (*input, 0), (*table, 0), (*input, -1), (*product, 1)]);
        }
        opened.extend(fixed);
        opened.extend(sigmas.map(|poly| (poly, 0)));
        opened.extend([(quotient, 0), (mask, 0)]);
        Plan { written, opened }
    }

    /// The polynomials; the values at `x` and its rotations to write, in their order; the queries in the order of the opening.
    pub(super) fn evaluate(
        &self,
        x: Fr,
        values: impl FnOnce(&[(&'a B::Column, Fr)]) -> Vec<Fr>,
    ) -> (Vec<&'a B::Column>, Vec<Fr>, Vec<Query>) {
        let (list, plan) = (self.list(), self.plan());
        let point = |rotation| field::rotate(x, rotation, self.k);
        let queries: Vec<(&'a B::Column, Fr)> =
            plan.written.iter().map(|(poly, rotation)| (list[*poly], point(*rotation))).collect();
        let mut values = values(&queries);
        let known: HashMap<(usize, i32), Fr> = plan.written.iter().copied().zip(values.iter().copied()).collect();
        let query = |(poly, rotation): &(usize, i32)| {
            let value = known.get(&(*poly, *rotation)).copied()?;
            Some(Query { poly: *poly, point: point(*rotation), value })
        };
        let opened = plan.opened.iter().filter_map(query).collect();
        values.truncate(plan.written.len() - UNWRITTEN);
        (list, values, opened)
    }
}
