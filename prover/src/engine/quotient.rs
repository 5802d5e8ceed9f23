//! The quotient: everything that must vanish on the domain, folded with powers of `y` and divided by `X^n - 1`.
//!
//! It has degree below `n * pieces`, where `pieces` is the constraint system's degree less one, so its values on `pieces`
//! cosets of the domain determine it. On the coset of shift `s` the divisor is the constant `s^n - 1`. A transform of size
//! `n` gives `h mod (X^n - s^n)`, whose coefficients are `sum_i h_i * (s^n)^i` in the pieces `h_i`: a system of equations
//! with the same matrix for every coefficient. No transform is ever longer than `n`, and no coset is computed that the
//! degree does not ask for.

use std::collections::HashMap;

use halo2_proofs::plonk::{self, Any, Column};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::{Field, PrimeField, WithSmallOrderMulGroup},
};

use super::{
    Error, Job,
    backend::Backend,
    field,
    program::{Builder, Challenge, Id, Program, Source},
};

/// Domains up to this `k` go to all cosets at once, larger ones coset by coset.
const TOGETHER: u32 = 14;

/// Values of columns on one coset.
type Cosets<B> = HashMap<Source, <B as super::Types>::Coset>;

/// What of the quotient depends on the key alone.
#[derive(Debug)]
pub(super) struct Quotient<B: Backend> {
    program: B::Program,
    /// Constraints that it folds.
    terms: usize,
    /// Columns that it reads.
    sources: Vec<Source>,
    /// From `n` coefficients of each coset, before the division, to those of each piece.
    split: Vec<Vec<Fr>>,
    /// Values of the key's columns, coset by coset, if there is room for them.
    cached: Option<Vec<Cosets<B>>>,
}

/// Shifts of the cosets: as many as the quotient has pieces.
pub(super) fn shifts(vk: &plonk::VerifyingKey<G1Affine>) -> Vec<Fr> {
    let halo2 = vk.get_domain();
    let pieces = halo2.quotient_poly_degree as usize;
    // The cosets of the extended domain: their shifts' powers differ, since there are at least as many as pieces.
    std::iter::successors(Some(Fr::ZETA), |shift| Some(*shift * halo2.extended_omega)).take(pieces).collect()
}

pub(super) fn is_of_key(source: Source) -> bool {
    use Source::{Active, First, Fixed, Identity, Last, Sigma};
    matches!(source, Fixed(_) | Sigma(_) | First | Last | Active | Identity)
}

impl<B: Backend> Quotient<B> {
    /// `of_key` are the coefficients of the key's columns; their values on cosets are kept if they take no more than
    /// `budget` bytes.
    pub(super) fn new(
        backend: &B,
        cs: &plonk::ConstraintSystem<Fr>,
        (k, shifts): (u32, &[Fr]),
        domain: &B::Domain,
        of_key: &HashMap<Source, B::Column>,
        budget: usize,
    ) -> Result<Self, Error> {
        let (program, terms) = compile(cs)?;
        let mut matrix = Vec::with_capacity(shifts.len());
        for shift in shifts {
            let power = shift.pow_vartime([1 << k]);
            // What a coset gives is divided by s^n - 1 in the end: here the equations are multiplied with it.
            let divisor = power - Fr::ONE;
            matrix.push(field::powers(power, shifts.len()).into_iter().map(|entry| entry * divisor).collect());
        }
        let split = field::invert_matrix(matrix).ok_or(Error::Domain)?;
        let mut sources: Vec<Source> = program.columns().iter().map(|(source, _)| *source).collect();
        sources.sort_unstable();
        sources.dedup();

        let program = backend.program(program);
        let mut quotient = Self { program, terms, sources, split, cached: None };
        let bytes = of_key.len() * shifts.len() * (size_of::<Fr>() << k);
        if bytes <= budget {
            let job = Job::default();
            let each = |coset| quotient.cosets(backend, &job, domain, &[coset], |source| of_key.get(&source)).remove(0);
            quotient.cached = Some((0..shifts.len()).map(each).collect());
        }
        Ok(quotient)
    }

    /// Constraints of a circuit.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    /// Polynomials of degree below `n` that it is made of.
    pub(super) fn pieces(&self) -> usize {
        self.split.len()
    }

    /// Values on some of the cosets of those columns that `coefficients` knows.
    fn cosets<'c>(
        &self,
        backend: &B,
        job: &Job<'_>,
        domain: &B::Domain,
        which: &[usize],
        coefficients: impl Fn(Source) -> Option<&'c B::Column>,
    ) -> Vec<Cosets<B>>
    where
        B::Column: 'c,
    {
        let known: Vec<(Source, &B::Column)> =
            self.sources.iter().filter_map(|source| Some((*source, coefficients(*source)?))).collect();
        let requests: Vec<(usize, &B::Column)> =
            which.iter().flat_map(|coset| known.iter().map(move |(_, column)| (*coset, *column))).collect();
        let mut values = backend.evaluate_on_cosets(job, domain, &requests).into_iter();
        which.iter().map(|_| known.iter().map(|(source, _)| *source).zip(values.by_ref()).collect()).collect()
    }

    /// The pieces of the quotient. `coefficients` are those of all columns, the key's included.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn compute<'c>(
        &self,
        backend: &B,
        job: &Job<'_>,
        (k, domain): (u32, &B::Domain),
        coefficients: impl Fn(Source) -> Option<&'c B::Column>,
        challenge: impl Fn(Challenge) -> Fr,
    ) -> Result<Vec<B::Column>, Error>
    where
        B::Column: 'c,
    {
        let wanted = |source| if self.cached.is_some() && is_of_key(source) { None } else { coefficients(source) };
        let together = if k <= TOGETHER { self.pieces() } else { 1 };
        let all: Vec<usize> = (0..self.pieces()).collect();
        let mut parts = Vec::with_capacity(all.len());
        for which in all.chunks(together) {
            let own = self.cosets(backend, job, domain, which, wanted);
            job.check()?;
            let mut values = Vec::with_capacity(which.len());
            for (coset, own) in which.iter().zip(own) {
                let cached = self.cached.as_ref().and_then(|cached| cached.get(*coset));
                let find = |source: Source| match own.get(&source).or_else(|| cached?.get(&source)) {
                    Some(values) => values,
                    None => unreachable!("every column of the program is the key's or the proof's"),
                };
                values.push((*coset, backend.run_on_coset(job, domain, &self.program, &find, &challenge)));
                job.check()?;
            }
            parts.extend(backend.interpolate_on_cosets(job, domain, values));
            job.check()?;
        }
        let piece = |row: &Vec<Fr>| {
            let terms: Vec<(&B::Column, Fr)> = parts.iter().zip(row).map(|(part, factor)| (part, *factor)).collect();
            backend.combine(job, &terms, &[])
        };
        Ok(self.split.iter().map(piece).collect())
    }
}

/// Every constraint in halo2's order, folded with `y`, and how many they are.
fn compile(cs: &plonk::ConstraintSystem<Fr>) -> Result<(Program, usize), Error> {
    let mut builder = Builder::default();
    let mut terms: Vec<Id> = Vec::new();
    for polynomial in cs.gates().iter().flat_map(plonk::Gate::polynomials) {
        terms.push(builder.expression(polynomial)?);
    }
    permutation_terms(&mut builder, cs, &mut terms);
    for (at, lookup) in cs.lookups().iter().enumerate() {
        lookup_terms(&mut builder, at, [lookup.input_expressions(), lookup.table_expressions()], &mut terms)?;
    }
    let root = builder.horner(&terms, Challenge::Y);
    Ok((builder.compile(root), terms.len()))
}

/// The column as a source.
pub(super) fn source(column: &Column<Any>) -> Source {
    match column.column_type() {
        Any::Advice(_) => Source::Advice(column.index()),
        Any::Fixed => Source::Fixed(column.index()),
        Any::Instance => Source::Instance(column.index()),
    }
}

/// A running product begins with 1 and ends with 0 or 1.
fn bounds(builder: &mut Builder, product: Source) -> [Id; 2] {
    let [first, last] = [Source::First, Source::Last].map(|of| builder.column(of, 0));
    let (z, one) = (builder.column(product, 0), builder.constant(Fr::ONE));
    let begin = builder.sub(one, z);
    let square = builder.mul(z, z);
    let boolean = builder.sub(square, z);
    [builder.mul(first, begin), builder.mul(last, boolean)]
}

fn permutation_terms(builder: &mut Builder, cs: &plonk::ConstraintSystem<Fr>, terms: &mut Vec<Id>) {
    let columns = cs.permutation().get_columns();
    let width = cs.degree() - 2;
    let sets = columns.len().div_ceil(width);
    if sets == 0 {
        return;
    }
    let last_rotation = -(cs.blinding_factors() as i32 + 1);
    let first = builder.column(Source::First, 0);
    terms.push(bounds(builder, Source::Product(0))[0]);
    terms.push(bounds(builder, Source::Product(sets - 1))[1]);
    // A set goes on where the one before it ended.
    for set in 1..sets {
        let here = builder.column(Source::Product(set), 0);
        let before = builder.column(Source::Product(set - 1), last_rotation);
        let step = builder.sub(here, before);
        terms.push(builder.mul(step, first));
    }
    let [beta, gamma] = [Challenge::Beta, Challenge::Gamma].map(|of| builder.challenge(of));
    let (identity, active) = (builder.column(Source::Identity, 0), builder.column(Source::Active, 0));
    let beta_identity = builder.mul(beta, identity);
    let mut delta = Fr::ONE;
    for (set, columns) in columns.chunks(width).enumerate() {
        let mut left = builder.column(Source::Product(set), 1);
        let mut right = builder.column(Source::Product(set), 0);
        for (at, column) in columns.iter().enumerate() {
            let value = builder.column(source(column), 0);
            let blinded = builder.add(value, gamma);
            let sigma = builder.column(Source::Sigma(set * width + at), 0);
            let permuted = builder.mul(beta, sigma);
            let factor = builder.add(blinded, permuted);
            left = builder.mul(left, factor);
            let delta_id = builder.constant(delta);
            let own = builder.mul(beta_identity, delta_id);
            let factor = builder.add(blinded, own);
            right = builder.mul(right, factor);
            delta *= Fr::DELTA;
        }
        let difference = builder.sub(left, right);
        terms.push(builder.mul(difference, active));
    }
}

fn lookup_terms(
    builder: &mut Builder,
    at: usize,
    [inputs, tables]: [&Vec<plonk::Expression<Fr>>; 2],
    terms: &mut Vec<Id>,
) -> Result<(), Error> {
    let [beta, gamma] = [Challenge::Beta, Challenge::Gamma].map(|of| builder.challenge(of));
    let [first, active] = [Source::First, Source::Active].map(|of| builder.column(of, 0));
    terms.extend(bounds(builder, Source::LookupProduct(at)));

    let input = compressed(builder, inputs)?;
    let table = compressed(builder, tables)?;
    let (input, table) = (builder.add(input, beta), builder.add(table, gamma));
    let (permuted_input, before) =
        (builder.column(Source::LookupInput(at), 0), builder.column(Source::LookupInput(at), -1));
    let permuted_table = builder.column(Source::LookupTable(at), 0);
    let (a, s) = (builder.add(permuted_input, beta), builder.add(permuted_table, gamma));
    let permuted = builder.mul(a, s);
    let (z, next) = (builder.column(Source::LookupProduct(at), 0), builder.column(Source::LookupProduct(at), 1));
    let left = builder.mul(next, permuted);
    let given = builder.mul(input, table);
    let right = builder.mul(z, given);
    let step = builder.sub(left, right);
    terms.push(builder.mul(step, active));

    let difference = builder.sub(permuted_input, permuted_table);
    terms.push(builder.mul(difference, first));
    let change = builder.sub(permuted_input, before);
    let either = builder.mul(difference, change);
    terms.push(builder.mul(either, active));
    Ok(())
}

/// Expressions of a lookup, folded with `theta`.
pub(super) fn compressed(builder: &mut Builder, expressions: &[plonk::Expression<Fr>]) -> Result<Id, Error> {
    let terms: Vec<Id> =
        expressions.iter().map(|expression| builder.expression(expression)).collect::<Result<_, _>>()?;
    Ok(builder.horner(&terms, Challenge::Theta))
}
