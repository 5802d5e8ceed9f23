//! Where the arithmetic of a proof is done.
//!
//! A backend is three things: the types of what it holds ([`Types`]), the way in and out ([`Transfer`]), and what can be done
//! with it in between ([`Operations`]). The engine never looks into a column: it may lie in a device's memory from the
//! witness to the opening. What an operation takes by value it may overwrite.
//!
//! | backend | for |
//! |---|---|
//! | [`Portable`] | any processor |
//! | [`Avx512`] | processors with AVX-512 IFMA, eight elements at a time |
//! | [`Naive`] | tests: every definition written down, nothing else |
//!
//! All give the same bytes from the same generator, and pass the same suite (`conformance`).
//!
//! Long operations look at [`Job::cancelled`] between parts of some milliseconds and then return early with anything at all;
//! whoever calls them asks [`Job::check`] before using what came.

#[cfg(test)]
mod conformance;
mod cpu;
mod naive;

use std::fmt::Debug;

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::PrimeField,
};
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
pub use cpu::avx512::Avx512;
pub use cpu::portable::Portable;
pub use naive::Naive;

use super::{
    Job, field,
    program::{Challenge, Program, Source},
};

/// A column in the host's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostColumn {
    /// An element for each row.
    Field(Vec<Fr>),
    /// A small number for each row, with exceptions: most of a witness. Whoever commits to it pays for the bits that are
    /// there.
    Integers {
        /// One per row; 0 where a large value stands.
        small: Vec<i64>,
        /// Rows, ascending, with values that fit no `i64`.
        large: Vec<(usize, Fr)>,
    },
    /// A cell for each row, of a table of columns of `2^k` rows, as permutation arguments name them: `delta^column *
    /// omega^row`.
    Cells {
        /// log2 of the rows of a column.
        k: u32,
        /// `column << k | row`.
        cells: Vec<u32>,
    },
}

impl HostColumn {
    /// Field elements, as small numbers where most of them are.
    pub fn compact(values: &[Fr]) -> Self {
        let (mut small, mut large) = (vec![0; values.len()], Vec::new());
        for (row, value) in values.iter().enumerate() {
            match field::small(value) {
                Some(value) => small[row] = value,
                None => large.push((row, *value)),
            }
        }
        Self::Integers { small, large }.densest()
    }

    /// The same in the form that takes less memory.
    #[must_use]
    pub fn densest(self) -> Self {
        match &self {
            Self::Integers { small, large } if 2 * large.len() > small.len() => Self::Field(self.into_field()),
            _ => self,
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Field(values) => values.len(),
            Self::Integers { small, .. } => small.len(),
            Self::Cells { cells, .. } => cells.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Zeros up to the row `start`, then `values`: halo2's blinding of the last rows.
    pub fn end_with(&mut self, start: usize, values: impl Iterator<Item = Fr>) {
        match self {
            Self::Field(column) => {
                column.resize(start, Fr::zero());
                column.extend(values);
            }
            Self::Integers { small, large } => {
                small.resize(start, 0);
                large.extend(values.enumerate().map(|(at, value)| (start + at, value)));
                let rows = large.last().map_or(start, |(row, _)| start.max(row + 1));
                small.resize(rows, 0);
            }
            Self::Cells { .. } => {
                let mut column = Self::Field(std::mem::replace(self, Self::Field(Vec::new())).into_field());
                column.end_with(start, values);
                *self = column;
            }
        }
    }

    /// The same as field elements.
    pub fn into_field(self) -> Vec<Fr> {
        match self {
            Self::Field(values) => values,
            other => other.to_field(),
        }
    }

    /// The same as field elements.
    pub fn to_field(&self) -> Vec<Fr> {
        match self {
            Self::Field(values) => values.clone(),
            Self::Integers { small, large } => {
                let field = |value: &i64| {
                    let magnitude = Fr::from(value.unsigned_abs());
                    if *value < 0 { -magnitude } else { magnitude }
                };
                let mut values: Vec<Fr> = small.iter().map(field).collect();
                for (row, value) in large {
                    values[*row] = *value;
                }
                values
            }
            Self::Cells { k, cells } => {
                let columns = cells.iter().max().map_or(0, |cell| (cell >> k) as usize + 1);
                let (deltas, rows) = (field::powers(Fr::DELTA, columns), field::roots(*k));
                let name = |cell: &u32| {
                    let (column, row) = ((cell >> k) as usize, *cell as usize & ((1 << k) - 1));
                    // Most cells of a circuit stand for themselves, in the first column too.
                    if column == 0 { rows[row] } else { deltas[column] * rows[row] }
                };
                cells.par_iter().with_min_len(1 << 10).map(name).collect()
            }
        }
    }
}

/// What a backend holds.
pub trait Types: Debug + Send + Sync {
    /// Fixed points that are committed to.
    type Bases: Debug + Send + Sync;
    /// Roots of unity and what transforms between the domain and its cosets need.
    type Domain: Debug + Send + Sync;
    /// `n` field elements: values on the domain, or coefficients.
    type Column: Debug + Send + Sync;
    /// Values on a coset of the domain, in the form in which programs want them.
    type Coset: Debug + Send + Sync;
    /// A compiled expression.
    type Program: Debug + Send + Sync;
}

/// The way in and out.
pub trait Transfer: Types {
    /// Points that many commitments will be made to, with as many multiples as `bytes` allow, if they pay.
    fn bases(&self, points: &[G1Affine], bytes: usize) -> Self::Bases;

    /// The domain of `2^k` elements, `k >= 3`, with the cosets of these shifts.
    fn domain(&self, k: u32, shifts: &[Fr]) -> Self::Domain;

    /// A program, to be run many times.
    fn program(&self, program: Program) -> Self::Program;

    /// A column.
    fn upload(&self, column: HostColumn) -> Self::Column;

    /// A column's elements.
    fn download(&self, column: &Self::Column) -> Vec<Fr>;
}

/// What can be done with it. Columns and cosets have as many elements as the domain, unless it says otherwise.
pub trait Operations: Types {
    /// `sum_i column[i] * bases[i]` for each column. A column may be shorter than the bases.
    fn commit(&self, job: &Job<'_>, bases: &Self::Bases, columns: &[&Self::Column]) -> Vec<G1Affine>;

    /// Values on the domain to coefficients.
    fn interpolate(&self, job: &Job<'_>, domain: &Self::Domain, columns: Vec<Self::Column>) -> Vec<Self::Column>;

    /// Coefficients to values on cosets: for each request, which coset, and of what. A column may have a multiple of the
    /// domain's size of coefficients.
    fn evaluate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &Self::Domain,
        requests: &[(usize, &Self::Column)],
    ) -> Vec<Self::Coset>;

    /// Values on cosets to the coefficients of the polynomials of degree below `n` that have them.
    fn interpolate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &Self::Domain,
        cosets: Vec<(usize, Self::Coset)>,
    ) -> Vec<Self::Column>;

    /// The program's value in every row. Rotations wrap around.
    fn run<'c>(
        &self,
        job: &Job<'_>,
        domain: &Self::Domain,
        program: &Self::Program,
        column: &dyn Fn(Source) -> &'c Self::Column,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Self::Column;

    /// The program's value at every point of a coset. `column` says where to find a column as it is rotated: in which coset,
    /// and rotated by how much.
    fn run_on_coset<'c>(
        &self,
        job: &Job<'_>,
        domain: &Self::Domain,
        program: &Self::Program,
        column: &dyn Fn(Source, i32) -> (&'c Self::Coset, i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Self::Coset;

    /// Parts of the same length, one after the other.
    fn join(&self, parts: Vec<Self::Column>) -> Self::Column;

    /// `start`, then each value times `numerator / denominator` of its row; in the last rows `blinds`. A quotient whose
    /// denominator is zero counts as zero. Gives the column and its last value before the blinds.
    fn grand_product(
        &self,
        job: &Job<'_>,
        numerator: Self::Column,
        denominator: Self::Column,
        start: Fr,
        blinds: &[Fr],
    ) -> (Self::Column, Fr);

    /// Values of polynomials at points.
    fn evaluate(&self, job: &Job<'_>, queries: &[(&Self::Column, Fr)]) -> Vec<Fr>;

    /// `sum_i factor[i] * column[i] + low`, where `low` are the lowest coefficients of a polynomial. There is a column.
    fn combine(&self, job: &Job<'_>, terms: &[(&Self::Column, Fr)], low: &[Fr]) -> Self::Column;

    /// Divides by `prod (X - root)`, and drops the remainder.
    fn divide(&self, job: &Job<'_>, column: &Self::Column, roots: &[Fr]) -> Self::Column;
}

/// All three.
pub trait Backend: Transfer + Operations {}

impl<T: Transfer + Operations> Backend for T {}
