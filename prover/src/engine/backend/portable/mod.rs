//! Any processor: halo2curves' field arithmetic, one element at a time, on all threads.

mod affine;
mod ntt;
mod program;
pub(super) mod vectors;

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rayon::prelude::*;

use super::{
    HostColumn, Operations, Transfer, Types,
    column::Column,
    digits::Signed,
    msm::{self, Sorted, Sums, Table, Weighted},
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

    fn by_bucket(&self, sorted: Sorted, bases: &[G1Affine]) -> Vec<G1Affine> {
        affine::sum_buckets(sorted, bases)
    }

    fn add_all(&self, lefts: &mut Vec<G1Affine>, rights: &[G1Affine]) {
        affine::add_all(lefts, rights);
    }

    fn weighted(&self, buckets: &[G1Affine], size: usize) -> Vec<Weighted> {
        affine::weighted(buckets, size)
    }
}

impl Types for Portable {
    type Bases = Table<G1Affine>;
    type Domain = Domain;
    type Column = Column;
    type Coset = Vec<Fr>;
    type Program = Program;
}

impl Transfer for Portable {
    fn bases(&self, points: &[G1Affine], bytes: usize) -> Table<G1Affine> {
        Table::new(self, points.to_vec(), bytes)
    }

    fn domain(&self, k: u32, shifts: &[Fr]) -> Domain {
        Domain::new(k, shifts)
    }

    fn program(&self, program: Program) -> Program {
        program
    }

    fn upload(&self, column: HostColumn) -> Column {
        column.into()
    }

    fn download(&self, column: &Column) -> Vec<Fr> {
        column.elements().to_vec()
    }
}

impl Operations for Portable {
    fn commit(&self, job: &Job<'_>, bases: &Table<G1Affine>, columns: &[&Column]) -> Vec<G1Affine> {
        let scalars: Vec<Vec<Signed>> = columns.par_iter().map(|column| column.scalars()).collect();
        msm::multi_scalar_multiply(self, job, bases, &scalars)
    }

    fn interpolate(&self, job: &Job<'_>, domain: &Domain, columns: Vec<Column>) -> Vec<Column> {
        let one = |column: Column| {
            let mut values = column.into_elements();
            if !job.cancelled() {
                domain.inverse(&mut values);
            }
            values.into()
        };
        columns.into_par_iter().map(one).collect()
    }

    fn evaluate_on_cosets(&self, job: &Job<'_>, domain: &Domain, requests: &[(usize, &Column)]) -> Vec<Vec<Fr>> {
        let one = |(coset, column): &(usize, &Column)| {
            if job.cancelled() { Vec::new() } else { domain.evaluate_on_coset(*coset, column.elements()) }
        };
        requests.par_iter().map(one).collect()
    }

    fn interpolate_on_cosets(&self, job: &Job<'_>, domain: &Domain, cosets: Vec<(usize, Vec<Fr>)>) -> Vec<Column> {
        let one = |(coset, mut values): (usize, Vec<Fr>)| {
            if !job.cancelled() {
                domain.interpolate_on_coset(coset, &mut values);
            }
            values.into()
        };
        cosets.into_par_iter().map(one).collect()
    }

    fn run<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain,
        program: &Program,
        column: &dyn Fn(Source) -> &'c Column,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Column {
        program::run(job, program, domain.size(), |source| column(source).elements(), challenge).into()
    }

    fn run_on_coset<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain,
        program: &Program,
        column: &dyn Fn(Source) -> &'c Vec<Fr>,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        program::run(job, program, domain.size(), |source| column(source), challenge)
    }

    fn grand_product(
        &self,
        job: &Job<'_>,
        numerator: Column,
        denominator: Column,
        start: Fr,
        blinds: &[Fr],
    ) -> (Column, Fr) {
        let mut factors = denominator.into_elements();
        if !job.cancelled() {
            vectors::batch_invert(&mut factors);
        }
        let numerator = numerator.elements();
        factors.par_iter_mut().zip(numerator).for_each(|(factor, numerator)| *factor *= numerator);
        let (column, last) = vectors::running_product(&factors, start, blinds);
        (column.into(), last)
    }

    fn evaluate(&self, _: &Job<'_>, queries: &[(&Column, Fr)]) -> Vec<Fr> {
        let most = queries.iter().map(|(column, _)| column.elements().len()).max().unwrap_or(0);
        let mut points: Vec<Fr> = queries.iter().map(|(_, point)| *point).collect();
        points.sort_unstable();
        points.dedup();
        let powers: Vec<Vec<Fr>> = points.par_iter().map(|point| vectors::powers(*point, most)).collect();
        let value = |(column, point): &(&Column, Fr)| match points.binary_search(point) {
            Ok(at) => vectors::evaluate(column.elements(), &powers[at]),
            Err(_) => Fr::ZERO,
        };
        queries.par_iter().map(value).collect()
    }

    fn combine(&self, _: &Job<'_>, terms: &[(&Column, Fr)], low: &[Fr]) -> Column {
        let (columns, factors): (Vec<&[Fr]>, Vec<Fr>) =
            terms.iter().map(|(column, factor)| (column.elements(), *factor)).unzip();
        let len = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let mut sum = vectors::combine(&columns, &factors, len);
        sum.iter_mut().zip(low).for_each(|(sum, low)| *sum += low);
        sum.into()
    }

    fn divide(&self, job: &Job<'_>, column: &Column, roots: &[Fr]) -> Column {
        let mut quotient = column.elements().to_vec();
        for root in roots.iter().take_while(|_| !job.cancelled()) {
            vectors::divide(&mut quotient, *root);
        }
        quotient.into()
    }
}
