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
    Kernels,
    msm::{Sorted, Sums, Weighted},
};
use crate::engine::{
    Job,
    program::{Challenge, Program, Source},
};

use domain::Domain;
use memory::Pack;
use points::Adder;
use points::Point;
use program::{LaneProgram, Rows};

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

    fn by_bucket(&self, job: &Job<'_>, sorted: Sorted, bases: &[Point]) -> Vec<Point> {
        buckets::sum((*self, job), sorted, bases)
    }

    fn add_all(&self, lefts: &mut Vec<Point>, rights: &[Point]) {
        buckets::add_all(*self, &mut Adder::default(), lefts, rights);
    }

    fn weighted(&self, ranges: &[&[Point]]) -> Vec<Weighted> {
        buckets::weigh(*self, ranges)
    }
}

impl Kernels for Avx512 {
    type Domain = Domain;
    type Packed = Pack;
    type Program = LaneProgram;

    const LANES: usize = 8;
    const TRANSFORM: usize = size_of::<Pack>() / Self::LANES;

    fn points(self, points: &[G1Affine]) -> Vec<Point> {
        points.par_iter().map(Point::new).collect()
    }

    fn affine(self, points: &[Point]) -> Vec<G1Affine> {
        let sixteenth = points::sixteenth();
        points.par_iter().map(|point| point.to_affine(&sixteenth)).collect()
    }

    fn domain(self, k: u32) -> Domain {
        Domain::new(self, k)
    }

    fn program(self, program: Program) -> LaneProgram {
        LaneProgram::new(program)
    }

    fn interpolate(self, job: &Job<'_>, domain: &Domain, values: &mut [Fr]) {
        domain.interpolate(job, values);
    }

    fn factors_to(self, domain: &Domain, shift: Fr) -> Vec<Pack> {
        domain.factors_to(self, shift)
    }

    fn factors_from(self, domain: &Domain, shift: Fr) -> Vec<Pack> {
        domain.factors_from(self, shift)
    }

    fn evaluate_on_coset(self, job: &Job<'_>, domain: &Domain, to: &[Pack], coefficients: &[Fr]) -> Vec<Pack> {
        domain.evaluate_on_coset((self, job), to, coefficients)
    }

    fn interpolate_on_coset(self, job: &Job<'_>, domain: &Domain, from: &[Pack], values: Vec<Pack>) -> Vec<Fr> {
        domain.interpolate_on_coset((self, job), from, &values)
    }

    fn run<'c>(
        self,
        job: &Job<'_>,
        rows: usize,
        program: &LaneProgram,
        column: &dyn Fn(Source) -> &'c [Fr],
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        let of = |source, rotation| (Rows::Elements(column(source)), rotation);
        vectors::unpack(self, &program.run((self, job), rows / 8, &of, challenge))
    }

    fn reads(program: &LaneProgram) -> &[(Source, i32)] {
        program.reads()
    }

    fn multiplications(program: &LaneProgram) -> usize {
        program.multiplications()
    }

    fn run_on_coset<'c>(
        self,
        job: &Job<'_>,
        domain: &Domain,
        program: &LaneProgram,
        column: &dyn Fn(Source, i32) -> (&'c [Pack], i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Pack> {
        let rows = |source, rotation| {
            let (packs, rotation) = column(source, rotation);
            (Rows::Packs(packs), rotation)
        };
        program.run((self, job), domain.packs(), &rows, challenge)
    }

    fn divide_each(self, numerators: &[Fr], denominators: &mut [Fr]) {
        vectors::divide_each(self, numerators, denominators);
    }

    fn powers(self, base: Fr, len: usize) -> Vec<Pack> {
        vectors::packed_powers(self, base, Fr::one(), len.div_ceil(8))
    }

    fn evaluate(self, poly: &[Fr], powers: &[Pack]) -> Fr {
        vectors::evaluate(self, poly, powers)
    }

    fn combine(self, polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
        vectors::combine(self, polys, factors, len)
    }
}
