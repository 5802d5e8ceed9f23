//! Processors with AVX-512 IFMA: eight field elements at a time.
//!
//! | part | what it does |
//! |---|---|
//! | `lanes` | field arithmetic of both fields in limbs of 52 bits |
//! | `memory` | between memory and vectors |
//! | `ntt`, `domain` | transforms |
//! | `program` | expressions over columns |
//! | `points`, `buckets` | additions of points, for commitments |
//! | `vectors` | sums, products, quotients of columns |
//!
//! # Safety
//! Whoever has an [`Avx512`] has asked the processor: it is made by [`Avx512::detect`] alone. Functions that need the
//! instructions say so (`target_feature`), may be called without ceremony by each other, and from elsewhere only in an
//! `unsafe` block, which stands beside an [`Avx512`]. What else is unsafe reads and writes whole vectors through references
//! (`memory`). Nothing else in this crate is unsafe.

mod buckets;
mod domain;
mod lanes;
mod memory;
mod ntt;
mod points;
mod program;
mod vectors;

use halo2curves::bn256::{Fr, G1Affine};
use rayon::prelude::*;

use super::{
    HostColumn, Operations, Transfer, Types,
    column::Column,
    digits::Signed,
    msm::{self, Sorted, Sums, Table, Weighted},
    portable,
};
use crate::engine::{
    Job,
    program::{Challenge, Program, Source},
};

pub use domain::Domain;
pub use memory::Pack;
use points::Adder;
pub use points::Point;
pub use program::LaneProgram;

/// Set to anything, this variable makes the engine do without special instructions.
const PORTABLE: &str = "APODICT_PORTABLE";

/// The backend for processors with AVX-512 IFMA, and the proof that this is one.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The backend, if this processor has the instructions and the environment does not forbid them
    /// (`APODICT_PORTABLE=1`).
    pub fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        (found && std::env::var_os(PORTABLE).is_none()).then_some(Self(()))
    }

    /// Elements in packs; what is beyond the last is zero.
    pub fn pack(self, elements: &[Fr]) -> Vec<Pack> {
        vectors::pack(self, elements)
    }

    /// `values[i] *= factors[i]`, on one thread: what the multiplier does when it waits for nothing.
    pub fn multiply_each(self, values: &mut [Pack], factors: &[Pack]) {
        vectors::multiply_each(self, values, factors);
    }

    /// Goes through a slice in chunks of `chunk`, with the index of the first, on several threads if there are several.
    fn each<T: Send>(self, slice: &mut [T], chunk: usize, of: impl Fn(usize, &mut [T]) + Sync) {
        if slice.len() <= chunk {
            of(0, slice);
        } else {
            slice.par_chunks_mut(chunk).enumerate().for_each(|(at, part)| of(at * chunk, part));
        }
    }
}

impl Sums for Avx512 {
    type Point = Point;

    fn by_bucket(&self, sorted: Sorted, bases: &[Point]) -> Vec<Point> {
        buckets::sum(*self, sorted, bases)
    }

    fn add_all(&self, lefts: &mut Vec<Point>, rights: &[Point]) {
        buckets::add_all(*self, &mut Adder::new(), lefts, rights);
    }

    fn weighted(&self, buckets: &[Point], size: usize) -> Vec<Weighted> {
        buckets::weigh(*self, buckets, size)
    }
}

impl Types for Avx512 {
    type Bases = Table<Point>;
    type Domain = Domain;
    type Column = Column;
    type Coset = Vec<Pack>;
    type Program = LaneProgram;
}

impl Transfer for Avx512 {
    fn bases(&self, points: &[G1Affine], bytes: usize) -> Table<Point> {
        Table::new(self, points.par_iter().map(Point::new).collect(), bytes)
    }

    fn domain(&self, k: u32, shifts: &[Fr]) -> Domain {
        Domain::new(*self, k, shifts)
    }

    fn program(&self, program: Program) -> LaneProgram {
        LaneProgram::new(program)
    }

    fn upload(&self, column: HostColumn) -> Column {
        column.into()
    }

    fn download(&self, column: &Column) -> Vec<Fr> {
        column.elements().to_vec()
    }
}

impl Operations for Avx512 {
    fn commit(&self, job: &Job<'_>, bases: &Table<Point>, columns: &[&Column]) -> Vec<G1Affine> {
        let scalars: Vec<Vec<Signed>> = columns.par_iter().map(|column| column.scalars()).collect();
        msm::multi_scalar_multiply(self, job, bases, &scalars)
    }

    fn interpolate(&self, job: &Job<'_>, domain: &Domain, columns: Vec<Column>) -> Vec<Column> {
        let one = |column: Column| {
            let mut values = column.into_elements();
            if !job.cancelled() {
                domain.interpolate(&mut values);
            }
            values.into()
        };
        columns.into_par_iter().map(one).collect()
    }

    fn evaluate_on_cosets(&self, job: &Job<'_>, domain: &Domain, requests: &[(usize, &Column)]) -> Vec<Vec<Pack>> {
        let one = |(coset, column): &(usize, &Column)| {
            if job.cancelled() { Vec::new() } else { domain.evaluate_on_coset(*self, *coset, column.elements()) }
        };
        requests.par_iter().map(one).collect()
    }

    fn interpolate_on_cosets(&self, job: &Job<'_>, domain: &Domain, cosets: Vec<(usize, Vec<Pack>)>) -> Vec<Column> {
        let one = |(coset, values): (usize, Vec<Pack>)| {
            if job.cancelled() { Vec::new().into() } else { domain.interpolate_on_coset(*self, coset, &values).into() }
        };
        cosets.into_par_iter().map(one).collect()
    }

    fn run<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain,
        program: &LaneProgram,
        column: &dyn Fn(Source) -> &'c Column,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Column {
        let mut packed: Vec<(Source, Vec<Pack>)> = Vec::new();
        for source in program.sources() {
            if packed.iter().all(|(of, _)| *of != source) {
                packed.push((source, vectors::pack(*self, column(source).elements())));
            }
        }
        let find = |source| packed.iter().find(|(of, _)| *of == source).map_or(&[][..], |(_, values)| values);
        let values = program.run((*self, job), domain.packs(), find, challenge);
        vectors::unpack(*self, &values).into()
    }

    fn run_on_coset<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain,
        program: &LaneProgram,
        column: &dyn Fn(Source) -> &'c Vec<Pack>,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Pack> {
        program.run((*self, job), domain.packs(), |source| column(source), challenge)
    }

    fn grand_product(
        &self,
        _: &Job<'_>,
        numerator: Column,
        denominator: Column,
        start: Fr,
        blinds: &[Fr],
    ) -> (Column, Fr) {
        let mut factors = denominator.into_elements();
        vectors::divide_each(*self, numerator.elements(), &mut factors);
        let (column, last) = portable::vectors::running_product(&factors, start, blinds);
        (column.into(), last)
    }

    fn evaluate(&self, job: &Job<'_>, queries: &[(&Column, Fr)]) -> Vec<Fr> {
        let most = queries.iter().map(|(column, _)| column.elements().len()).max().unwrap_or(0);
        let mut points: Vec<Fr> = queries.iter().map(|(_, point)| *point).collect();
        points.sort_unstable();
        points.dedup();
        let powers = |point: &Fr| vectors::packed_powers(*self, *point, Fr::one(), most.div_ceil(8));
        let powers: Vec<Vec<Pack>> = points.par_iter().map(powers).collect();
        let value = |(column, point): &(&Column, Fr)| match points.binary_search(point) {
            Ok(at) if !job.cancelled() => vectors::evaluate(*self, column.elements(), &powers[at]),
            _ => Fr::zero(),
        };
        queries.par_iter().map(value).collect()
    }

    fn combine(&self, _: &Job<'_>, terms: &[(&Column, Fr)], low: &[Fr]) -> Column {
        let (columns, factors): (Vec<&[Fr]>, Vec<Fr>) =
            terms.iter().map(|(column, factor)| (column.elements(), *factor)).unzip();
        let len = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let mut sum = vectors::combine(*self, &columns, &factors, len);
        sum.iter_mut().zip(low).for_each(|(sum, low)| *sum += low);
        sum.into()
    }

    fn divide(&self, job: &Job<'_>, column: &Column, roots: &[Fr]) -> Column {
        let mut quotient = column.elements().to_vec();
        for root in roots.iter().take_while(|_| !job.cancelled()) {
            portable::vectors::divide(&mut quotient, *root);
        }
        quotient.into()
    }
}
