//! The quotient: everything that must vanish on the domain, folded with powers of `y` and divided by `X^n - 1`.
//!
//! It has degree below `n * pieces`, where `pieces` is the constraint system's degree less one, so its values on `pieces`
//! cosets of the domain determine it. On the coset of shift `s` the divisor is the constant `s^n - 1`. A transform of size
//! `n` gives `h mod (X^n - s^n)`, whose coefficients are `sum_i h_i * (s^n)^i` in the pieces `h_i`: a system of equations
//! with the same matrix for every coefficient. No transform is ever longer than `n`, and no coset is computed that the
//! degree does not ask for.

use halo2_proofs::plonk::{self, Any, Column};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::{Field, PrimeField, WithSmallOrderMulGroup},
};
use rayon::prelude::*;

use super::{
    Error, field,
    ntt::Domain,
    program::{Builder, Challenge, Id, Program, Source},
};

/// Bytes that cosets of a key's columns may take.
const CACHE: usize = 256 << 20;

/// Values of columns on one coset.
type Coset = Vec<(Source, Vec<Fr>)>;

/// What of the quotient depends on the key alone.
#[derive(Debug)]
pub(super) struct Quotient {
    program: Program,
    /// Powers of each coset's shift.
    shifts: Vec<Vec<Fr>>,
    /// From `n` coefficients of each coset, before the division, to those of each piece.
    split: Vec<Vec<Fr>>,
    /// Cosets of the key's columns, coset by coset, if they fit [`CACHE`].
    cached: Option<Vec<Coset>>,
}

/// Coefficients of the columns of one proof.
pub(super) struct Columns<'a> {
    pub(super) key: &'a plonk::ProvingKey<G1Affine>,
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) instance: &'a [Vec<Fr>],
    pub(super) products: &'a [Vec<Fr>],
    /// Product, permuted input, permuted table of each lookup.
    pub(super) lookups: &'a [[Vec<Fr>; 3]],
}

impl Columns<'_> {
    fn coefficients(&self, source: Source) -> &[Fr] {
        match source {
            Source::Advice(at) => &self.advice[at],
            Source::Instance(at) => &self.instance[at],
            Source::Product(at) => &self.products[at],
            Source::LookupProduct(at) => &self.lookups[at][0],
            Source::LookupInput(at) => &self.lookups[at][1],
            Source::LookupTable(at) => &self.lookups[at][2],
            of_key => key_coefficients(self.key, of_key),
        }
    }
}

/// What does not change from proof to proof; nothing for [`Source::Identity`], which is known without a transform.
fn key_coefficients(key: &plonk::ProvingKey<G1Affine>, source: Source) -> &[Fr] {
    match source {
        Source::Fixed(at) => key.fixed_polys()[at].values(),
        Source::Sigma(at) => key.permutation().polys()[at].values(),
        Source::First => key.l0().values(),
        Source::Last => key.l_last().values(),
        Source::Active => key.l_active_row().values(),
        _ => &[],
    }
}

fn is_of_key(source: Source) -> bool {
    use Source::{Active, First, Fixed, Identity, Last, Sigma};
    matches!(source, Fixed(_) | Sigma(_) | First | Last | Active | Identity)
}

fn coset(domain: &Domain, shifts: &[Fr], source: Source, coefficients: &[Fr]) -> Vec<Fr> {
    if source == Source::Identity {
        let shift = shifts.get(1).copied().unwrap_or(Fr::ONE);
        return field::powers(domain.omega, domain.size()).into_iter().map(|root| root * shift).collect();
    }
    domain.coset(coefficients, shifts)
}

impl Quotient {
    pub(super) fn new(key: &plonk::ProvingKey<G1Affine>, domain: &Domain) -> Result<Self, Error> {
        let program = compile(key.get_vk().cs())?;
        let halo2 = key.get_vk().get_domain();
        let pieces = halo2.quotient_poly_degree as usize;
        // The cosets of the extended domain: their shifts' powers differ, since there are at least as many as pieces.
        let shifts: Vec<Fr> =
            std::iter::successors(Some(Fr::ZETA), |shift| Some(*shift * halo2.extended_omega)).take(pieces).collect();
        let mut matrix = Vec::with_capacity(pieces);
        for shift in &shifts {
            let power = shift.pow_vartime([domain.size() as u64]);
            // What a coset gives is divided by s^n - 1 in the end: here the equations are multiplied with it.
            let divisor = power - Fr::ONE;
            matrix.push(field::powers(power, pieces).into_iter().map(|entry| entry * divisor).collect());
        }
        let split = field::invert_matrix(matrix).ok_or(Error::Domain)?;
        let shifts: Vec<Vec<Fr>> = shifts.iter().map(|shift| field::powers(*shift, domain.size())).collect();

        let mut sources: Vec<Source> = program.columns().filter(|source| is_of_key(*source)).collect();
        let mut seen = std::collections::HashSet::new();
        sources.retain(|source| seen.insert(*source));
        let bytes = sources.len() * pieces * domain.size() * size_of::<Fr>();
        let cached = (bytes <= CACHE).then(|| {
            let of = |shifts: &Vec<Fr>| -> Coset {
                let of = |source: &Source| (*source, coset(domain, shifts, *source, key_coefficients(key, *source)));
                sources.par_iter().map(of).collect()
            };
            shifts.par_iter().map(of).collect()
        });
        Ok(Self { program, shifts, split, cached })
    }

    /// The pieces of the quotient, `n` coefficients each.
    pub(super) fn compute(
        &self,
        domain: &Domain,
        columns: &Columns<'_>,
        challenge: impl Fn(Challenge) -> Fr + Sync,
    ) -> Vec<Vec<Fr>> {
        let mut sources: Vec<Source> = self.program.columns().collect();
        let mut seen = std::collections::HashSet::new();
        sources.retain(|source| seen.insert(*source) && !(self.cached.is_some() && is_of_key(*source)));

        // Small domains go at once, large ones coset by coset.
        let one = |(at, shifts): (usize, &Vec<Fr>)| -> Vec<Fr> {
            let own: Coset = (sources.par_iter())
                .map(|source| (*source, coset(domain, shifts, *source, columns.coefficients(*source))))
                .collect();
            let cached: &[(Source, Vec<Fr>)] = self.cached.as_ref().map_or(&[], |cached| &cached[at]);
            let find = |source: Source| -> &[Fr] {
                let found = own.iter().chain(cached).find(|(of, _)| *of == source);
                found.map_or(&[], |(_, values)| values.as_slice())
            };
            let mut values = self.program.run(domain.size(), find, &challenge);
            drop(own);
            domain.inverse(&mut values);
            // Back from the coset: shift^-i = shift^(n - i) / shift^n.
            let inverse = Option::<Fr>::from((shifts[domain.size() - 1] * shifts[1]).invert()).unwrap_or(Fr::ZERO);
            values[1..]
                .par_iter_mut()
                .zip(shifts.par_iter().rev())
                .for_each(|(value, power)| *value *= *power * inverse);
            values
        };
        let cosets: Vec<Vec<Fr>> = if domain.k <= 14 {
            self.shifts.par_iter().enumerate().map(one).collect()
        } else {
            self.shifts.iter().enumerate().map(one).collect()
        };
        let cosets: Vec<&[Fr]> = cosets.iter().map(Vec::as_slice).collect();
        self.split.iter().map(|row| field::combine(&cosets, row, domain.size())).collect()
    }
}

/// Every constraint in halo2's order, folded with `y`.
fn compile(cs: &plonk::ConstraintSystem<Fr>) -> Result<Program, Error> {
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
    Ok(builder.compile(root))
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
