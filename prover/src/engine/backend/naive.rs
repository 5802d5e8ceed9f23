//! The oracle: every operation as its definition reads, one element after the other. It shares no arithmetic with the other
//! backends but that of halo2curves, and takes time that grows with the square of the rows.

use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};

use super::{Footprint, HostColumn, Operations, Transfer, Types};
use crate::engine::{
    Job, field,
    program::{Challenge, Operation, Program, Source},
};

/// The backend for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Naive;

/// The points of a domain and the shifts of its cosets.
#[derive(Debug)]
pub struct Points {
    domain: Vec<Fr>,
    shifts: Vec<Fr>,
}

impl Types for Naive {
    type Bases = Vec<G1Affine>;
    type Domain = Points;
    type Column = Vec<Fr>;
    type Coset = Vec<Fr>;
    type Program = Program;
}

impl Transfer for Naive {
    fn footprint(&self) -> Footprint {
        let element = size_of::<Fr>();
        Footprint { point: size_of::<G1Affine>(), element, coset_element: element, transform_element: 0 }
    }

    fn bases(&self, points: &[G1Affine], _: usize) -> Vec<G1Affine> {
        points.to_vec()
    }

    fn points(&self, bases: &Vec<G1Affine>, len: usize) -> Vec<G1Affine> {
        bases.iter().take(len).copied().collect()
    }

    fn domain(&self, k: u32, shifts: &[Fr]) -> Points {
        Points { domain: field::powers(field::omega(k), 1 << k), shifts: shifts.to_vec() }
    }

    fn program(&self, program: Program) -> Program {
        program
    }

    fn upload(&self, column: HostColumn) -> Vec<Fr> {
        column.into_field()
    }

    fn download(&self, column: &Vec<Fr>) -> Vec<Fr> {
        column.clone()
    }
}

/// `1 / value`, zero for zero.
fn invert(value: Fr) -> Fr {
    Option::<Fr>::from(value.invert()).unwrap_or(Fr::ZERO)
}

/// `p_i = 1/n sum_j values[j] * point_j^-i`, for the powers of a root of unity as points.
fn interpolate(points: &[Fr], values: &[Fr]) -> Vec<Fr> {
    let scale = invert(Fr::from(points.len() as u64));
    let coefficient = |i: usize| {
        let term = |(point, value): (&Fr, &Fr)| *value * invert(*point).pow_vartime([i as u64]);
        points.iter().zip(values).map(term).sum::<Fr>() * scale
    };
    (0..points.len()).map(coefficient).collect()
}

fn run<'c>(
    rows: usize,
    program: &Program,
    column: &dyn Fn(Source, i32) -> (&'c Vec<Fr>, i32),
    challenge: &dyn Fn(Challenge) -> Fr,
) -> Vec<Fr> {
    let uniforms = program.uniforms(challenge);
    let row = |row: usize| {
        let mut cells = uniforms.clone();
        for (source, rotation) in program.columns() {
            let (values, rotation) = column(*source, *rotation);
            cells.push(values[(row as i64 + i64::from(rotation)).rem_euclid(rows as i64) as usize]);
        }
        cells.resize(program.cells(), Fr::ZERO);
        for step in program.steps() {
            let (a, b) = (cells[step.a as usize], cells[step.b as usize]);
            cells[step.out as usize] = match step.operation {
                Operation::Add => a + b,
                Operation::Sub => a - b,
                Operation::Mul => a * b,
            };
        }
        cells[program.root()]
    };
    (0..rows).map(row).collect()
}

impl Operations for Naive {
    fn commit(&self, _: &Job<'_>, bases: &Vec<G1Affine>, columns: &[&Vec<Fr>]) -> Vec<G1Affine> {
        let one = |column: &&Vec<Fr>| column.iter().zip(bases).map(|(s, p)| p.to_curve() * s).sum::<G1>().to_affine();
        columns.iter().map(one).collect()
    }

    fn interpolate(&self, _: &Job<'_>, domain: &Points, columns: Vec<Vec<Fr>>) -> Vec<Vec<Fr>> {
        columns.iter().map(|values| interpolate(&domain.domain, values)).collect()
    }

    fn evaluate_on_cosets(&self, _: &Job<'_>, domain: &Points, requests: &[(usize, &Vec<Fr>)]) -> Vec<Vec<Fr>> {
        let one = |(coset, column): &(usize, &Vec<Fr>)| {
            domain.domain.iter().map(|point| field::horner(column, *point * domain.shifts[*coset])).collect()
        };
        requests.iter().map(one).collect()
    }

    fn interpolate_on_cosets(&self, _: &Job<'_>, domain: &Points, cosets: Vec<(usize, Vec<Fr>)>) -> Vec<Vec<Fr>> {
        let one = |(coset, values): (usize, Vec<Fr>)| {
            let powers = field::powers(invert(domain.shifts[coset]), values.len());
            interpolate(&domain.domain, &values).into_iter().zip(powers).map(|(value, power)| value * power).collect()
        };
        cosets.into_iter().map(one).collect()
    }

    fn run<'c>(
        &self,
        _: &Job<'_>,
        domain: &Points,
        program: &Program,
        column: &dyn Fn(Source) -> &'c Vec<Fr>,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        run(domain.domain.len(), program, &|source, rotation| (column(source), rotation), challenge)
    }

    fn run_on_coset<'c>(
        &self,
        _: &Job<'_>,
        domain: &Points,
        program: &Program,
        column: &dyn Fn(Source, i32) -> (&'c Vec<Fr>, i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<Fr> {
        run(domain.domain.len(), program, column, challenge)
    }

    fn mix(&self, job: &Job<'_>, columns: Vec<Vec<Fr>>, matrix: &[Vec<Fr>]) -> Vec<Vec<Fr>> {
        let row = |row: &Vec<Fr>| {
            let terms: Vec<(&Vec<Fr>, Fr)> = columns.iter().zip(row.iter().copied()).collect();
            self.combine(job, &terms, &[])
        };
        matrix.iter().map(row).collect()
    }

    fn join(&self, parts: Vec<Vec<Fr>>) -> Vec<Fr> {
        parts.concat()
    }

    fn grand_product(
        &self,
        _: &Job<'_>,
        numerator: Vec<Fr>,
        denominator: Vec<Fr>,
        start: Fr,
        blinds: &[Fr],
    ) -> (Vec<Fr>, Fr) {
        let mut product = vec![start];
        for row in 1..numerator.len() - blinds.len() {
            product.push(product[row - 1] * numerator[row - 1] * invert(denominator[row - 1]));
        }
        let last = product[product.len() - 1];
        product.extend(blinds);
        (product, last)
    }

    fn evaluate(&self, _: &Job<'_>, queries: &[(&Vec<Fr>, Fr)]) -> Vec<Fr> {
        queries.iter().map(|(column, point)| field::horner(column, *point)).collect()
    }

    fn combine(&self, _: &Job<'_>, terms: &[(&Vec<Fr>, Fr)], low: &[Fr]) -> Vec<Fr> {
        let at = |column: &[Fr], row: usize| column.get(row).copied().unwrap_or(Fr::ZERO);
        let row = |row| terms.iter().map(|(column, factor)| at(column, row) * factor).sum::<Fr>() + at(low, row);
        (0..terms.iter().map(|(column, _)| column.len()).max().unwrap_or(0)).map(row).collect()
    }

    fn divide(&self, _: &Job<'_>, column: &Vec<Fr>, roots: &[Fr]) -> Vec<Fr> {
        let mut quotient = column.clone();
        for root in roots {
            // From the highest: q_(i - 1) = p_i + root * q_i
            let mut above = Fr::ZERO;
            for row in (0..quotient.len()).rev() {
                let value = quotient[row];
                quotient[row] = above;
                above = value + *root * above;
            }
        }
        quotient
    }
}
