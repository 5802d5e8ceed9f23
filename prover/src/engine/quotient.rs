//! The quotient: everything that must vanish on the domain, folded with powers of `y` and divided by `X^n - 1`.
//!
//! It has degree below `n * pieces`, where `pieces` is the constraint system's degree less one, so its values on `pieces`
//! cosets of the domain determine it. On the coset of shift `s` the divisor is the constant `s^n - 1`. No coset is computed
//! that the degree does not ask for.
//!
//! Where memory is short each coset is taken in `2^d` parts: the coset of shift `s` is made of those of shifts `s * w^j` of the
//! group of order `m = n / 2^d`, with `w` the domain's root. A row's neighbour stands in another part, so that only columns
//! that are read in several rows are held in several. On a part of shift `t`, a transform of size `m` gives
//! `h mod (X^m - t^m)`, whose coefficients are `sum_i h_i * (t^m)^i` in the pieces `h_i` of `m` coefficients: a system of
//! equations with the same matrix for every coefficient. No transform is ever longer than `m`.

use std::collections::{HashMap, HashSet};

use halo2_proofs::plonk::{self, Any, Column};
use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::{Field, PrimeField, WithSmallOrderMulGroup},
};

use super::{
    Budget, Error, Job,
    backend::{Backend, Footprint},
    field,
    program::{Builder, Challenge, Id, Program, Source},
};

/// The most parts that a coset is divided into, as a power of two.
const MOST_PARTS: u32 = 3;

/// log2 of the rows from which on the cosets are never computed together.
const BUSY: u32 = 13;

/// Values of columns on parts of cosets.
type Values<B> = HashMap<(Source, usize), <B as super::Types>::Coset>;

/// What of the quotient depends on the key alone.
#[derive(Debug)]
pub(super) struct Quotient<B: Backend> {
    program: B::Program,
    /// Constraints that it folds.
    terms: usize,
    /// Columns that it reads, and in which rows.
    reads: Vec<(Source, i32)>,
    shape: Shape,
    /// The group that parts are cosets of.
    domain: B::Domain,
    /// From coefficients of each part, before the division, to those of each piece.
    split: Vec<Vec<Fr>>,
    /// Values of those of the key's columns that there is room for.
    cached: Values<B>,
}

/// How the cosets are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Pieces of `n` coefficients, and as many cosets.
    pub(super) pieces: usize,
    /// log2 of the parts of a coset.
    pub(super) log_parts: u32,
    /// Parts that are computed together, a power of two or all.
    pub(super) together: usize,
}

impl Shape {
    /// The fastest that takes no more than `budget` bytes if there is one, else the smallest. `reads` are the columns whose
    /// values have to be computed, `element` bytes each.
    fn choose(pieces: usize, k: u32, reads: &[(Source, i32)], element: usize, budget: usize) -> Self {
        let one = Self { pieces, log_parts: 0, together: 1 };
        let parts = (1..=MOST_PARTS.min(k.saturating_sub(3))).map(|log_parts| Self { log_parts, ..one });
        // The columns of one coset keep all threads busy where they are long.
        let all = (k < BUSY).then_some(Self { together: pieces, ..one });
        let mut shapes = all.into_iter().chain([one]).chain(parts);
        let mut last = one;
        let fits = |shape: &Self| {
            last = *shape;
            shape.bytes(k, reads, element) <= budget
        };
        shapes.find(fits).unwrap_or(last)
    }

    fn parts(self) -> usize {
        self.pieces << self.log_parts
    }

    /// Where a column is found: in which part, and rotated by how much.
    fn place(self, part: usize, rotation: i32) -> (usize, i32) {
        let per_coset = 1 << self.log_parts;
        let row = (part % per_coset) as i32 + rotation;
        (part / per_coset * per_coset + row.rem_euclid(per_coset as i32) as usize, row.div_euclid(per_coset as i32))
    }

    /// What must be there for a part, once each.
    fn needed(self, part: usize, reads: &[(Source, i32)]) -> impl Iterator<Item = (Source, usize)> {
        reads.iter().map(move |(source, rotation)| (*source, self.place(part, *rotation).0))
    }

    /// Columns that are there at most at a time, on a part.
    fn values(self, reads: &[(Source, i32)]) -> usize {
        let most = (0..1 << self.log_parts).map(|part| self.needed(part, reads).collect::<HashSet<_>>().len()).max();
        self.together * most.unwrap_or(0)
    }

    /// Bytes that they take.
    fn bytes(self, k: u32, reads: &[(Source, i32)], element: usize) -> usize {
        self.values(reads) * (element << (k - self.log_parts))
    }
}

/// What is decided before anything is computed.
pub(super) struct Plan {
    program: Program,
    terms: usize,
    reads: Vec<(Source, i32)>,
    shape: Shape,
    /// The key's columns whose values on cosets are kept.
    keep: HashSet<Source>,
    /// Bytes that they take then.
    pub(super) kept_bytes: usize,
    /// Bytes of values on cosets while a proof is made.
    pub(super) work_bytes: usize,
}

impl Plan {
    pub(super) fn new(
        cs: &plonk::ConstraintSystem<Fr>,
        k: u32,
        footprint: Footprint,
        budget: Budget,
    ) -> Result<Self, Error> {
        let (program, terms) = compile(cs)?;
        let mut reads: Vec<(Source, i32)> = program.columns().to_vec();
        reads.sort_unstable();
        let (pieces, element) = (cs.degree() - 1, footprint.coset_element);
        // In their order, so that the same are kept in every process.
        let mut of_key: Vec<Source> = reads.iter().map(|(source, _)| *source).filter(|of| is_of_key(*of)).collect();
        of_key.dedup();
        let bytes = pieces * (element << k);
        let keep: HashSet<Source> = of_key.into_iter().take(budget.coset_bytes / bytes).collect();
        let own: Vec<(Source, i32)> = reads.iter().copied().filter(|(source, _)| !keep.contains(source)).collect();
        let shape = Shape::choose(pieces, k, &own, element, budget.work_bytes);
        let (kept_bytes, work_bytes) = (keep.len() * bytes, shape.bytes(k, &own, element));
        Ok(Self { program, terms, reads, shape, keep, kept_bytes, work_bytes })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }
}

/// Shifts of the cosets of a quotient with so many pieces.
fn shifts(vk: &plonk::VerifyingKey<G1Affine>) -> Vec<Fr> {
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
    /// `of_key` are the coefficients of the key's columns; their values on cosets are kept if there is room for them.
    pub(super) fn new(
        backend: &B,
        vk: &plonk::VerifyingKey<G1Affine>,
        k: u32,
        of_key: &HashMap<Source, B::Column>,
        budget: Budget,
    ) -> Result<Self, Error> {
        let Plan { program, terms, reads, shape, keep, .. } = Plan::new(vk.cs(), k, backend.footprint(), budget)?;
        let shifts = shifts(vk);
        let per_coset = field::powers(field::omega(k), 1 << shape.log_parts);
        let shifts: Vec<Fr> =
            shifts.into_iter().flat_map(|shift| per_coset.iter().map(move |root| shift * root)).collect();

        let size = k - shape.log_parts;
        let mut matrix = Vec::with_capacity(shifts.len());
        for shift in &shifts {
            let power = shift.pow_vartime([1 << size]);
            // What a part gives is divided by s^n - 1 in the end: here the equations are multiplied with it.
            let divisor = shift.pow_vartime([1 << k]) - Fr::ONE;
            matrix.push(field::powers(power, shifts.len()).into_iter().map(|entry| entry * divisor).collect());
        }
        let split = field::invert_matrix(matrix).ok_or(Error::Domain)?;
        let domain = backend.domain(size, &shifts);
        let program = backend.program(program);
        let mut quotient = Self { program, terms, reads, shape, domain, split, cached: Values::<B>::default() };
        let mut cached = Values::<B>::default();
        for part in 0..shifts.len() {
            let missing = quotient.missing(&[part], |of| cached.contains_key(of) || !keep.contains(&of.0));
            quotient.evaluate(backend, &Job::default(), missing, |source| of_key.get(&source), &mut cached);
        }
        quotient.cached = cached;
        Ok(quotient)
    }

    /// Constraints of a circuit.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    /// Polynomials of degree below `n` that it is made of.
    pub(super) fn pieces(&self) -> usize {
        self.shape.pieces
    }

    /// What must be computed for these parts.
    fn missing(&self, parts: &[usize], known: impl Fn(&(Source, usize)) -> bool) -> Vec<(Source, usize)> {
        let needed = parts.iter().flat_map(|part| self.shape.needed(*part, &self.reads));
        let mut missing: Vec<(Source, usize)> = needed.filter(|of| !known(of)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Values of columns on parts.
    fn evaluate<'c>(
        &self,
        backend: &B,
        job: &Job<'_>,
        which: Vec<(Source, usize)>,
        coefficients: impl Fn(Source) -> Option<&'c B::Column>,
        values: &mut Values<B>,
    ) where
        B::Column: 'c,
    {
        let known = which.into_iter().filter_map(|of| Some((of, coefficients(of.0)?)));
        let (which, columns): (Vec<(Source, usize)>, Vec<&B::Column>) = known.unzip();
        let requests: Vec<(usize, &B::Column)> = which.iter().map(|(_, part)| *part).zip(columns).collect();
        values.extend(which.into_iter().zip(backend.evaluate_on_cosets(job, &self.domain, &requests)));
    }

    /// The pieces of the quotient. `coefficients` are those of all columns, the key's included.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn compute<'c>(
        &self,
        backend: &B,
        job: &Job<'_>,
        coefficients: impl Fn(Source) -> Option<&'c B::Column>,
        challenge: impl Fn(Challenge) -> Fr,
    ) -> Result<Vec<B::Column>, Error>
    where
        B::Column: 'c,
    {
        let all: Vec<usize> = (0..self.shape.parts()).collect();
        let cached = |of: &(Source, usize)| self.cached.get(of);
        let mut remainders = Vec::with_capacity(all.len());
        let mut own = Values::<B>::default();
        let mut left = all.len();
        for parts in all.chunks(self.shape.together) {
            left -= parts.len();
            // What the parts before left and these do not need goes first.
            let needed = self.missing(parts, |of| cached(of).is_some());
            own.retain(|of, _| needed.binary_search(of).is_ok());
            let missing = needed.into_iter().filter(|of| !own.contains_key(of)).collect();
            self.evaluate(backend, job, missing, &coefficients, &mut own);
            job.check()?;
            let mut values = Vec::with_capacity(parts.len());
            for part in parts {
                let find = |source: Source, rotation: i32| {
                    let (place, rotation) = self.shape.place(*part, rotation);
                    match own.get(&(source, place)).or_else(|| cached(&(source, place))) {
                        Some(values) => (values, rotation),
                        None => unreachable!("every column of the program is the key's or the proof's"),
                    }
                };
                values.push((*part, backend.run_on_coset(job, &self.domain, &self.program, &find, &challenge)));
                job.check()?;
            }
            if left == 0 {
                own.clear();
            }
            remainders.extend(backend.interpolate_on_cosets(job, &self.domain, values));
            job.check()?;
        }
        let mut pieces = backend.mix(job, remainders, &self.split).into_iter();
        let piece = |_| backend.join(pieces.by_ref().take(1 << self.shape.log_parts).collect());
        Ok((0..self.pieces()).map(piece).collect())
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
