//! Which polynomial is opened where: in which order values are written, and in which order they are proved.

use std::collections::HashMap;

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{backend::Backend, columns::Columns, field, opening::Query, program::Source};

/// Everything that is opened, by the order of [`Polynomials::list`].
pub(super) struct Polynomials<'a, B: Backend> {
    pub(super) cs: &'a plonk::ConstraintSystem<Fr>,
    pub(super) k: u32,
    pub(super) of_key: &'a HashMap<Source, B::Column>,
    pub(super) circuits: &'a [Columns<B>],
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
        let mut list: Vec<&'a B::Column> = fixed.chain(sigmas).filter_map(|of| self.of_key.get(&of)).collect();
        for circuit in self.circuits {
            list.extend(circuit.advice.iter().chain(&circuit.products));
            for (product, permuted) in circuit.lookup_products.iter().zip(&circuit.permuted) {
                list.extend([product].into_iter().chain(permuted));
            }
        }
        list.extend([self.quotient, self.mask]);
        list
    }

    fn plan(&self) -> Plan {
        let cs = self.cs;
        let last = -(cs.blinding_factors() as i32 + 1);
        let mut next = 0;
        let mut take = |count: usize| {
            next += count;
            next - count..next
        };
        let fixed = take(cs.num_fixed_columns()).start;
        let sigmas = take(cs.permutation().get_columns().len());
        let fixed: Vec<(usize, i32)> =
            cs.fixed_queries().iter().map(|(column, at)| (fixed + column.index(), at.0)).collect();
        let sigmas: Vec<(usize, i32)> = sigmas.map(|poly| (poly, 0)).collect();

        // Of all circuits: advice columns, products, lookups.
        let mut written: [Vec<(usize, i32)>; 3] = Default::default();
        let mut opened = Vec::new();
        for circuit in self.circuits {
            let advice = take(circuit.advice.len()).start;
            let products = take(circuit.products.len());
            let lookups: Vec<usize> = circuit.permuted.iter().map(|_| take(3).start).collect();

            let advice = cs.advice_queries().iter().map(|(column, at)| (advice + column.index(), at.0));
            written[0].extend(advice.clone());
            opened.extend(advice);
            for poly in products.clone() {
                written[1].extend([(poly, 0), (poly, 1)]);
                if poly + 1 < products.end {
                    written[1].push((poly, last));
                }
            }
            opened.extend(products.clone().flat_map(|poly| [(poly, 0), (poly, 1)]));
            opened.extend(products.rev().skip(1).map(|poly| (poly, last)));
            for product in lookups {
                let (input, table) = (product + 1, product + 2);
                written[2].extend([(product, 0), (product, 1), (input, 0), (input, -1), (table, 0)]);
                opened.extend([(product, 0), (input, 0), (table, 0), (input, -1), (product, 1)]);
            }
        }
        let (quotient, mask) = (take(1).start, take(1).start);
        let [advice, products, lookups] = written;
        opened.extend(fixed.iter().chain(&sigmas));
        opened.extend([(quotient, 0), (mask, 0)]);
        let written = [advice, fixed, vec![(mask, 0)], sigmas, products, lookups, vec![(quotient, 0)]].concat();
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
