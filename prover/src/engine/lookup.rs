//! halo2's permuted lookups.
//!
//! Expressions are folded and products run on the backend. Sorting is not: the two folded columns of a lookup come to the
//! host, and the permuted ones go back.

use std::collections::HashMap;

use halo2_proofs::plonk;
use halo2curves::{bn256::Fr, ff::Field};
use rand_core::RngCore;
use rayon::prelude::*;

use super::{
    Error, Job,
    backend::{Backend, HostColumn},
    field,
    program::{Builder, Challenge, Id, Source},
    quotient::compressed,
};

/// Rows that are counted before somebody may stop it.
const COUNTED: usize = 1 << 14;

/// Programs of a lookup.
#[derive(Debug)]
pub(super) struct Lookup<B: Backend> {
    name: String,
    /// Input expressions, folded with `theta`.
    pub(super) input: B::Program,
    /// Table expressions, folded with `theta`.
    pub(super) table: B::Program,
    /// `(input + beta) * (table + gamma)`.
    pub(super) numerator: B::Program,
    /// The same of the permuted columns.
    pub(super) denominator: B::Program,
}

/// Columns on the domain, permuted so that equal inputs stand together, each run beside the table entry that it equals.
pub(super) struct Permuted {
    pub(super) input: HostColumn,
    pub(super) table: HostColumn,
}

impl<B: Backend> Lookup<B> {
    pub(super) fn all(backend: &B, cs: &plonk::ConstraintSystem<Fr>) -> Result<Vec<Self>, Error> {
        let compile = |expressions: &[plonk::Expression<Fr>]| {
            let mut builder = Builder::default();
            let root = compressed(&mut builder, expressions)?;
            Ok::<_, Error>(backend.program(builder.compile(root)))
        };
        let lookups = cs.lookups().iter().enumerate().map(|(at, lookup)| {
            let (inputs, tables) = (lookup.input_expressions(), lookup.table_expressions());
            let mut builder = Builder::default();
            let (input, table) = (compressed(&mut builder, inputs)?, compressed(&mut builder, tables)?);
            let numerator = factor(&mut builder, input, table);
            let numerator = backend.program(builder.compile(numerator));
            let mut builder = Builder::default();
            let input = builder.column(Source::LookupInput(at), 0);
            let table = builder.column(Source::LookupTable(at), 0);
            let denominator = factor(&mut builder, input, table);
            let denominator = backend.program(builder.compile(denominator));
            let name = lookup.name().to_owned();
            Ok(Self { name, input: compile(inputs)?, table: compile(tables)?, numerator, denominator })
        });
        lookups.collect()
    }

    /// Permutes folded columns. Draws from `rng` what halo2 draws, in its order. The order of runs is the inputs', where
    /// halo2 takes that of a hash table.
    ///
    /// # Errors
    /// [`Error::NotInTable`]; [`Error::Cancelled`].
    pub(super) fn permute(
        &self,
        job: &Job<'_>,
        mut input: Vec<Fr>,
        mut table: Vec<Fr>,
        usable: usize,
        mut rng: impl RngCore,
    ) -> Result<Permuted, Error> {
        let blinding = input.len() - usable;
        input.truncate(usable);
        input.par_sort_unstable();
        job.check()?;
        table.truncate(usable);
        table.par_sort_unstable();
        let mut counts: HashMap<Fr, usize> = HashMap::with_capacity(usable);
        for part in table.chunks(COUNTED) {
            job.check()?;
            part.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
        }
        // The first of a run takes the entry that it equals. The others take what is left, in any order.
        let mut beside = vec![Fr::ZERO; usable];
        let mut others = Vec::new();
        for row in 0..usable {
            if row % COUNTED == 0 {
                job.check()?;
            }
            if row > 0 && input[row] == input[row - 1] {
                others.push(row);
                continue;
            }
            match counts.get_mut(&input[row]) {
                Some(count) if *count > 0 => *count -= 1,
                _ => return Err(Error::NotInTable { lookup: self.name.clone() }),
            }
            beside[row] = input[row];
        }
        let mut rest = table.into_iter().filter(|value| match counts.get_mut(value) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        });
        for row in others {
            beside[row] = rest.next().unwrap_or(Fr::ZERO);
        }
        for column in [&mut input, &mut beside] {
            column.extend((0..blinding).map(|_| Fr::random(&mut rng)));
        }
        (0..2).for_each(|_| field::skip(&mut rng));
        Ok(Permuted { input: HostColumn::Field(input), table: HostColumn::Field(beside) })
    }
}

/// `(input + beta) * (table + gamma)`.
fn factor(builder: &mut Builder, input: Id, table: Id) -> Id {
    let [beta, gamma] = [Challenge::Beta, Challenge::Gamma].map(|of| builder.challenge(of));
    let (input, table) = (builder.add(input, beta), builder.add(table, gamma));
    builder.mul(input, table)
}
