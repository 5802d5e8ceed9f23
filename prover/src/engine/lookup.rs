//! halo2's permuted lookups.

use std::collections::HashMap;

use halo2_proofs::plonk;
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rand_core::RngCore;
use rayon::prelude::*;

use super::{
    Error, Values, field,
    program::{Builder, Challenge, Program, Source},
    quotient::compressed,
};

/// Programs that fold a lookup's expressions with `theta`.
#[derive(Debug)]
pub(super) struct Lookup {
    name: String,
    input: Program,
    table: Program,
}

/// A lookup's columns on the domain: as given, and permuted so that equal inputs stand together, each run beside the table
/// entry that it equals.
pub(super) struct Permuted {
    input: Vec<Fr>,
    table: Vec<Fr>,
    pub(super) permuted_input: Vec<Fr>,
    pub(super) permuted_table: Vec<Fr>,
}

impl Lookup {
    pub(super) fn all(cs: &plonk::ConstraintSystem<Fr>) -> Result<Vec<Self>, Error> {
        let compile = |expressions: &[plonk::Expression<Fr>]| {
            let mut builder = Builder::default();
            let root = compressed(&mut builder, expressions)?;
            Ok::<_, Error>(builder.compile(root))
        };
        let lookups = cs.lookups().iter().map(|lookup| {
            let (input, table) = (compile(lookup.input_expressions())?, compile(lookup.table_expressions())?);
            Ok(Self { name: lookup.name().to_owned(), input, table })
        });
        lookups.collect()
    }

    /// Draws from `rng` what halo2 draws, in its order. The order of runs is the inputs', where halo2 takes that of a hash
    /// table.
    ///
    /// # Errors
    /// [`Error::NotInTable`].
    pub(super) fn permute(
        &self,
        key: &plonk::ProvingKey<G1Affine>,
        values: &Values<'_>,
        challenge: impl Fn(Challenge) -> Fr + Copy,
        mut rng: impl RngCore,
    ) -> Result<Permuted, Error> {
        let rows = key.fixed_values().first().map_or(1 << key.get_vk().get_domain().k, |column| column.len());
        let blinding = key.get_vk().cs().blinding_factors() + 1;
        let usable = rows - blinding;
        let column = |source: Source| match source {
            Source::Fixed(at) => values.fixed[at].values(),
            Source::Advice(at) => values.advice[at].as_slice(),
            Source::Instance(at) => values.instance[at].as_slice(),
            _ => &[],
        };
        let [input, table] = [&self.input, &self.table].map(|program| program.run(rows, column, challenge));

        let mut permuted_input = input[..usable].to_vec();
        permuted_input.par_sort_unstable();
        let mut entries = table[..usable].to_vec();
        entries.par_sort_unstable();
        let mut counts: HashMap<Fr, usize> = HashMap::with_capacity(usable);
        entries.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
        // The first of a run takes the entry that it equals. The others take what is left, in any order.
        let mut permuted_table = vec![Fr::ZERO; usable];
        let mut others = Vec::new();
        for row in 0..usable {
            if row > 0 && permuted_input[row] == permuted_input[row - 1] {
                others.push(row);
                continue;
            }
            match counts.get_mut(&permuted_input[row]) {
                Some(count) if *count > 0 => *count -= 1,
                _ => return Err(Error::NotInTable { lookup: self.name.clone() }),
            }
            permuted_table[row] = permuted_input[row];
        }
        let mut rest = entries.into_iter().filter(|value| match counts.get_mut(value) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        });
        for row in others {
            permuted_table[row] = rest.next().unwrap_or(Fr::ZERO);
        }
        for column in [&mut permuted_input, &mut permuted_table] {
            column.extend((0..blinding).map(|_| Fr::random(&mut rng)));
        }
        (0..2).for_each(|_| field::skip(&mut rng));
        Ok(Permuted { input, table, permuted_input, permuted_table })
    }
}

impl Permuted {
    /// The running product, blinded.
    pub(super) fn product(&self, beta: Fr, gamma: Fr, blinding: usize, mut rng: impl RngCore) -> Vec<Fr> {
        let rows = self.input.len();
        let mut factors: Vec<Fr> =
            self.permuted_input.par_iter().zip(&self.permuted_table).map(|(a, s)| (*a + beta) * (*s + gamma)).collect();
        field::batch_invert(&mut factors);
        let given = self.input.par_iter().zip(&self.table);
        factors.par_iter_mut().zip(given).for_each(|(factor, (a, s))| *factor *= (*a + beta) * (*s + gamma));
        let mut product = Vec::with_capacity(rows);
        let mut running = Fr::ONE;
        for factor in &factors[..rows - blinding] {
            product.push(running);
            running *= factor;
        }
        product.extend((0..blinding).map(|_| Fr::random(&mut rng)));
        field::skip(&mut rng);
        product
    }
}
