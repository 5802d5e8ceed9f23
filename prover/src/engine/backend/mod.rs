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
mod host_column;
mod naive;

use std::fmt::Debug;

use halo2curves::bn256::{Fr, G1Affine};

#[cfg(target_arch = "x86_64")]
pub use cpu::avx512::Avx512;
pub use cpu::portable::Portable;
pub(super) use cpu::{DIGITS, KEPT, Kernels, commitment_bytes, most_multiples, multiples};
pub use host_column::HostColumn;
pub use naive::Naive;

use super::{
    Job,
    program::{Challenge, Program, Source},
};

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

/// Bytes that things take on a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// A point of the bases.
    pub point: usize,
    /// An element of a column.
    pub element: usize,
    /// An element of a coset.
    pub coset_element: usize,
    /// An element of a transform under way, beside what it reads and gives.
    pub transform_element: usize,
}

/// The way in and out.
pub trait Transfer: Types {
    /// What things take.
    fn footprint(&self) -> Footprint;

    /// Points that many commitments will be made to, with as many multiples as `bytes` allow, if they pay.
    fn bases(&self, points: &[G1Affine], bytes: usize) -> Self::Bases;

    /// The first `len` points, or as many as there are, without multiples.
    fn points(&self, bases: &Self::Bases, len: usize) -> Vec<G1Affine>;

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

    /// Coefficients to values on cosets: for each request, which coset, and of what. A column may be shorter than the
    /// domain, or as long as several of it.
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

    /// `sum_j matrix[i][j] * columns[j]` for each row of a square matrix.
    fn mix(&self, job: &Job<'_>, columns: Vec<Self::Column>, matrix: &[Vec<Fr>]) -> Vec<Self::Column>;

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
