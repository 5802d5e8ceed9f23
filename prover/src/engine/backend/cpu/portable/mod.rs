//! Any processor: halo2curves' field arithmetic, one element at a time, on all threads.

mod affine;
mod ntt;
mod program;
mod vectors;

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rayon::prelude::*;

use super::{
    Kernels,
    msm::{Sorted, Sums, Weighted},
};
use crate::engine::{
    Job,
    program::{Challenge, Program, Source},
};

pub(super) use ntt::Domain;

/// The backend for any processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl Sums for Portable {
    type Point = G1Affine;

    fn by_bucket(&self, job: &Job<'_>, sorted: Sorted, bases: &[G1Affine]) -> Vec<G1Affine> {
        affine::sum_buckets(job, sorted, bases)
    }

    fn add_all(&self, lefts: &mut Vec<G1Affine>, rights: &[G1Affine]) {
        affine::add_all(lefts, rights);
    }

    fn weighted(&self, ranges: &[&[G1Affine]]) -> Vec<Weighted> {
        affine::weighted(ranges)
    }
}

impl Kernels for Portable {
    type Domain = Domain;
    type Packed = Fr;
    type Program = Program;

    const LANES: usize = 1;
    const TRANSFORM: usize = 0;

    fn points(self, points: &[G1Affine]) -> Vec<G1Affine> {
        points.to_vec()
    }

    fn affine(self, points: &[G1Affine]) -> Vec<G1Affine> {
        points.to_vec()
    }

    fn domain(self, k: u32) -> Domain {
        Domain::new(k)
    }

    fn program(self, program: Program) -> Program {
        program
    }

    fn interpolate(self, job: &Job<'_>, domain: &Domain, values: &mut [Fr]) {
        domain.interpolate(job, values);
    }

    fn factors_to(self, domain: &Domain, shift: Fr) -> Vec<Fr> {
        vectors::powers(shift, domain.size())
    }

    fn factors_from(self, domain: &Domain, shift: Fr) -> Vec<Fr> {
        vectors::powers(Option::<Fr>::from(shift.invert()).unwrap_or(Fr::ZERO), domain.size())
    }

    fn evaluate_on_coset(self, job: &Job<'_>, domain: &Domain, to: &[Fr], coefficients: &[Fr]) -> Vec<Fr> {
        let mut values: Vec<Fr> = coefficients.iter().zip(to).map(|(a, b)| *a * b).collect();
        domain.evaluate(job, &mut values);
        values
    }

    fn interpolate_on_coset(self, job: &Job<'_>, domain: &Domain, from: &[Fr], mut values: Vec<Fr>) -> Vec<Fr> {
        domain.interpolate(job, &mut values);
        values.iter_mut().zip(from).for_each(|(value, factor)| *value *= factor);
        values
    }

    fn run<'c>(
        self,
        job: &Job<'_>,
        rows: usize,
        program: &Program,
        column: &dyn Fn(Source) -> &'c [Fr],
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        program::run(job, program, rows, &|source, rotation| (column(source), rotation), challenge)
    }

    fn reads(program: &Program) -> &[(Source, i32)] {
        program.columns()
    }

    fn multiplications(program: &Program) -> usize {
        program.multiplications()
    }

    fn run_on_coset<'c>(
        self,
        job: &Job<'_>,
        domain: &Domain,
        program: &Program,
        column: &dyn Fn(Source, i32) -> (&'c [Fr], i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        program::run(job, program, domain.size(), column, challenge)
    }

    fn divide_each(self, numerators: &[Fr], denominators: &mut [Fr]) {
        vectors::batch_invert(denominators);
        denominators.par_iter_mut().zip(numerators).for_each(|(value, numerator)| *value *= numerator);
    }

    fn powers(self, base: Fr, len: usize) -> Vec<Fr> {
        vectors::powers(base, len)
    }

    fn evaluate(self, poly: &[Fr], powers: &[Fr]) -> Fr {
        vectors::evaluate(poly, powers)
    }

    fn combine(self, polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr> {
        vectors::combine(polys, factors, len)
    }
}
