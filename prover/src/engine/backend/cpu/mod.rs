//! Backends that compute on the host's processors. All they do is the same but for the arithmetic ([`Kernels`]): columns,
//! what is shared between threads, when to stop, digits and buckets of commitments stand here once.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
mod column;
mod digits;
mod msm;
pub(super) mod portable;

use std::fmt::Debug;

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rayon::prelude::*;

use super::{HostColumn, Operations, Transfer, Types};
use crate::engine::{
    Job,
    program::{Challenge, Program, Source},
};
use column::Column;
use digits::Signed;
use msm::{Sums, Table};

/// The arithmetic of a kind of processor, on slices that lie in the host's memory.
pub trait Kernels: Sums + Copy + Debug + Send {
    /// Transforms of one size.
    type Domain: Debug + Send + Sync;
    /// One element or several, in the form in which programs want them.
    type Packed: Debug + Send + Sync + 'static;
    /// A compiled expression.
    type Program: Debug + Send + Sync;

    /// Points in the form in which they are added.
    fn points(self, points: &[G1Affine]) -> Vec<Self::Point>;

    /// The domain of `2^k` elements and its cosets.
    fn domain(self, k: u32, shifts: &[Fr]) -> Self::Domain;

    /// A program, to be run many times.
    fn program(self, program: Program) -> Self::Program;

    /// Values on the domain to coefficients.
    fn interpolate(self, domain: &Self::Domain, values: &mut [Fr]);

    /// Coefficients to values on a coset.
    fn evaluate_on_coset(self, domain: &Self::Domain, coset: usize, coefficients: &[Fr]) -> Vec<Self::Packed>;

    /// Values on a coset to coefficients.
    fn interpolate_on_coset(self, domain: &Self::Domain, coset: usize, values: Vec<Self::Packed>) -> Vec<Fr>;

    /// The program's value in every row.
    fn run<'c>(
        self,
        job: &Job<'_>,
        domain: &Self::Domain,
        program: &Self::Program,
        column: &dyn Fn(Source) -> &'c [Fr],
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr>;

    /// The program's value at every point of a coset.
    fn run_on_coset<'c>(
        self,
        job: &Job<'_>,
        domain: &Self::Domain,
        program: &Self::Program,
        column: &dyn Fn(Source) -> &'c [Self::Packed],
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Self::Packed>;

    /// `numerators[i] / denominators[i]` in place of the denominators; zero where the denominator is.
    fn divide_each(self, numerators: &[Fr], denominators: &mut [Fr]);

    /// `1, base, base^2, ..`, at least `len` of them.
    fn powers(self, base: Fr, len: usize) -> Vec<Self::Packed>;

    /// The value of a polynomial, given the powers of the point.
    fn evaluate(self, poly: &[Fr], powers: &[Self::Packed]) -> Fr;

    /// `sum_i factors[i] * polys[i]`; what is beyond a polynomial's end is 0.
    fn combine(self, polys: &[&[Fr]], factors: &[Fr], len: usize) -> Vec<Fr>;
}

impl<K: Kernels> Types for K {
    type Bases = Table<K::Point>;
    type Domain = K::Domain;
    type Column = Column;
    type Coset = Vec<K::Packed>;
    type Program = K::Program;
}

impl<K: Kernels> Transfer for K {
    fn bases(&self, points: &[G1Affine], bytes: usize) -> Self::Bases {
        Table::new(self, self.points(points), bytes)
    }

    fn domain(&self, k: u32, shifts: &[Fr]) -> K::Domain {
        Kernels::domain(*self, k, shifts)
    }

    fn program(&self, program: Program) -> K::Program {
        Kernels::program(*self, program)
    }

    fn upload(&self, column: HostColumn) -> Column {
        column.into()
    }

    fn download(&self, column: &Column) -> Vec<Fr> {
        column.elements().to_vec()
    }
}

impl<K: Kernels> Operations for K {
    fn commit(&self, job: &Job<'_>, bases: &Self::Bases, columns: &[&Column]) -> Vec<G1Affine> {
        let scalars: Vec<Vec<Signed>> = columns.par_iter().map(|column| column.scalars()).collect();
        msm::multi_scalar_multiply(self, job, bases, &scalars)
    }

    fn interpolate(&self, job: &Job<'_>, domain: &K::Domain, columns: Vec<Column>) -> Vec<Column> {
        let one = |column: Column| {
            let mut values = column.into_elements();
            if !job.cancelled() {
                Kernels::interpolate(*self, domain, &mut values);
            }
            values.into()
        };
        columns.into_par_iter().map(one).collect()
    }

    fn evaluate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &K::Domain,
        requests: &[(usize, &Column)],
    ) -> Vec<Vec<K::Packed>> {
        let one = |(coset, column): &(usize, &Column)| {
            if job.cancelled() { Vec::new() } else { self.evaluate_on_coset(domain, *coset, column.elements()) }
        };
        requests.par_iter().map(one).collect()
    }

    fn interpolate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &K::Domain,
        cosets: Vec<(usize, Vec<K::Packed>)>,
    ) -> Vec<Column> {
        let one = |(coset, values): (usize, Vec<K::Packed>)| {
            let none = job.cancelled();
            if none { Vec::new().into() } else { self.interpolate_on_coset(domain, coset, values).into() }
        };
        cosets.into_par_iter().map(one).collect()
    }

    fn run<'c>(
        &self,
        job: &Job<'_>,
        domain: &K::Domain,
        program: &K::Program,
        column: &dyn Fn(Source) -> &'c Column,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Column {
        Kernels::run(*self, job, domain, program, &|source| column(source).elements(), challenge).into()
    }

    fn run_on_coset<'c>(
        &self,
        job: &Job<'_>,
        domain: &K::Domain,
        program: &K::Program,
        column: &dyn Fn(Source) -> &'c Vec<K::Packed>,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<K::Packed> {
        Kernels::run_on_coset(*self, job, domain, program, &|source| column(source), challenge)
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
            self.divide_each(numerator.elements(), &mut factors);
        }
        let last = running_product(&mut factors, start, blinds);
        (factors.into(), last)
    }

    fn evaluate(&self, job: &Job<'_>, queries: &[(&Column, Fr)]) -> Vec<Fr> {
        let most = queries.iter().map(|(column, _)| column.elements().len()).max().unwrap_or(0);
        let mut points: Vec<Fr> = queries.iter().map(|(_, point)| *point).collect();
        points.sort_unstable();
        points.dedup();
        let powers: Vec<Vec<K::Packed>> = points.par_iter().map(|point| self.powers(*point, most)).collect();
        let value = |(column, point): &(&Column, Fr)| match points.binary_search(point) {
            Ok(at) if !job.cancelled() => Kernels::evaluate(*self, column.elements(), &powers[at]),
            _ => Fr::ZERO,
        };
        queries.par_iter().map(value).collect()
    }

    fn combine(&self, _: &Job<'_>, terms: &[(&Column, Fr)], low: &[Fr]) -> Column {
        let (columns, factors): (Vec<&[Fr]>, Vec<Fr>) =
            terms.iter().map(|(column, factor)| (column.elements(), *factor)).unzip();
        let len = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let mut sum = Kernels::combine(*self, &columns, &factors, len);
        sum.iter_mut().zip(low).for_each(|(sum, low)| *sum += low);
        sum.into()
    }

    fn divide(&self, job: &Job<'_>, column: &Column, roots: &[Fr]) -> Column {
        let mut quotient = column.elements().to_vec();
        for root in roots.iter().take_while(|_| !job.cancelled()) {
            divide_by_root(&mut quotient, *root);
        }
        quotient.into()
    }
}

/// Divides by `X - root` and drops the remainder, in place; the highest coefficient becomes 0.
fn divide_by_root(poly: &mut [Fr], root: Fr) {
    let mut carry = Fr::ZERO;
    for value in poly.iter_mut().rev() {
        let quotient = carry;
        carry = *value + carry * root;
        *value = quotient;
    }
}

/// In place of the factors: `start`, then each value times the factor of its row; in the last rows `blinds`. Gives the last
/// value before them.
fn running_product(factors: &mut [Fr], start: Fr, blinds: &[Fr]) -> Fr {
    let (rows, blinded) = factors.split_at_mut(factors.len() - blinds.len());
    let (mut running, mut last) = (start, start);
    for factor in rows {
        let next = running * *factor;
        *factor = running;
        (last, running) = (running, next);
    }
    blinded.copy_from_slice(blinds);
    last
}
