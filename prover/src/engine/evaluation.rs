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

/// Sets of points at which polynomials of a constraint system are opened.
pub(super) fn point_sets(cs: &plonk::ConstraintSystem<Fr>) -> usize {
    let last = -(cs.blinding_factors() as i32 + 1);
    let mut of_column: HashMap<(bool, usize), Vec<i32>> = HashMap::new();
    for (column, at) in cs.advice_queries() {
        of_column.entry((true, column.index())).or_default().push(at.0);
    }
    for (column, at) in cs.fixed_queries() {
        of_column.entry((false, column.index())).or_default().push(at.0);
    }
    let mut sets: Vec<Vec<i32>> = of_column.into_values().collect();
    // The quotient, the mask; running products; permuted columns.
    sets.push(vec![0]);
    let products = cs.permutation().get_columns().len().div_ceil((cs.degree() - 2).max(1));
    sets.extend((products > 0).then(|| vec![0, 1]));
    sets.extend((products > 1).then(|| vec![0, 1, last]));
    sets.extend((!cs.lookups().is_empty()).then(|| [vec![0, 1], vec![-1, 0]]).into_iter().flatten());
    sets.iter_mut().for_each(|set| set.sort_unstable());
    sets.sort_unstable();
    sets.dedup();
    sets.len()
}

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

#[cfg(test)]
mod tests {
    use apodict_circuits::machine::{Shape, configure};
    use halo2_proofs::poly::Rotation;
    use halo2curves::ff::Field;

    use super::*;
    use crate::engine::{backend::Naive, opening};

    /// As many sets as the queries of a proof really make.
    fn same_sets(cs: &plonk::ConstraintSystem<Fr>) {
        let columns = |count| vec![Vec::new(); count];
        let (fixed, sigmas) = (cs.num_fixed_columns(), cs.permutation().get_columns().len());
        let sources = (0..fixed).map(Source::Fixed).chain((0..sigmas).map(Source::Sigma));
        let circuit: Columns<Naive> = Columns {
            advice: columns(cs.num_advice_columns()),
            instance: Vec::new(),
            products: columns(sigmas.div_ceil(cs.degree() - 2)),
            lookup_products: columns(cs.lookups().len()),
            permuted: vec![Default::default(); cs.lookups().len()],
        };
        let polynomials: Polynomials<'_, Naive> = Polynomials {
            cs,
            k: 10,
            of_key: &sources.map(|source| (source, Vec::new())).collect(),
            circuits: &[circuit],
            mask: &Vec::new(),
            quotient: &Vec::new(),
        };
        let (_, _, queries) = polynomials.evaluate(Fr::from(7), |queries| vec![Fr::ZERO; queries.len()]);
        assert_eq!(opening::sets(&queries).len(), point_sets(cs));
    }

    #[test]
    fn sets_of_points_are_known_beforehand() {
        for shape in Shape::ALL {
            let mut cs = plonk::ConstraintSystem::default();
            configure(&mut cs, shape);
            same_sets(&cs);
        }
        for (permuted, lookups) in [(0, 0), (0, 1), (2, 0), (9, 2)] {
            let mut cs = plonk::ConstraintSystem::<Fr>::default();
            let (far, table) = (cs.advice_column(), cs.fixed_column());
            cs.create_gate("far", |cells| {
                let at =
                    |rotation, cells: &mut plonk::VirtualCells<'_, Fr>| cells.query_advice(far, Rotation(rotation));
                vec![at(-7, cells) * at(5, cells) * cells.query_fixed(table, Rotation::cur())]
            });
            for _ in 0..permuted {
                let column = cs.advice_column();
                cs.enable_equality(column);
            }
            for _ in 0..lookups {
                cs.lookup_any("any", |cells| {
                    vec![(cells.query_advice(far, Rotation::cur()), cells.query_fixed(table, Rotation::cur()))]
                });
            }
            same_sets(&cs);
        }
    }
}
