//! Backends that compute on the host's processors. All they do is the same but for the arithmetic ([`Kernels`]): columns,
//! what is shared between threads, when to stop, digits and buckets of commitments stand here once.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
mod column;
mod digits;
mod msm;
mod multiples;
pub(super) mod portable;
mod prefix;

use std::{borrow::Cow, collections::HashMap, fmt::Debug};

use halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use rayon::prelude::*;

use super::{Footprint, HostColumn, Operations, Transfer, Types};
use crate::engine::{
    Job,
    program::{Challenge, Program, Source},
};
use column::Column;
use msm::{Sums, Table};
use prefix::{divide_by_root, running_product};

pub(in crate::engine) use msm::{bytes as commitment_bytes, most_multiples};
pub(in crate::engine) use multiples::multiples;

/// The arithmetic of a kind of processor, on slices that lie in the host's memory.
pub trait Kernels: Sums + Copy + Debug + Send {
    /// Transforms of one size.
    type Domain: Debug + Send + Sync;
    /// One element or several, in the form in which programs want them.
    type Packed: Debug + Send + Sync + 'static;
    /// A compiled expression.
    type Program: Debug + Send + Sync;

    /// Elements of a [`Self::Packed`].
    const LANES: usize;

    /// Bytes that a transform takes for each element, beside what it reads and gives.
    const TRANSFORM: usize;

    /// Points in the form in which they are added.
    fn points(self, points: &[G1Affine]) -> Vec<Self::Point>;

    /// The way back.
    fn affine(self, points: &[Self::Point]) -> Vec<G1Affine>;

    /// Transforms between `2^k` values and as many coefficients.
    fn domain(self, k: u32) -> Self::Domain;

    /// A program, to be run many times.
    fn program(self, program: Program) -> Self::Program;

    /// Values on the domain to coefficients.
    fn interpolate(self, job: &Job<'_>, domain: &Self::Domain, values: &mut [Fr]);

    /// What coefficients are multiplied with on the way to the coset of this shift.
    fn factors_to(self, domain: &Self::Domain, shift: Fr) -> Vec<Self::Packed>;

    /// What they are multiplied with on the way back.
    fn factors_from(self, domain: &Self::Domain, shift: Fr) -> Vec<Self::Packed>;

    /// Coefficients to values on a coset.
    fn evaluate_on_coset(
        self,
        job: &Job<'_>,
        domain: &Self::Domain,
        to: &[Self::Packed],
        coefficients: &[Fr],
    ) -> Vec<Self::Packed>;

    /// Values on a coset to coefficients.
    fn interpolate_on_coset(
        self,
        job: &Job<'_>,
        domain: &Self::Domain,
        from: &[Self::Packed],
        values: Vec<Self::Packed>,
    ) -> Vec<Fr>;

    /// Columns that a program reads, with their rotations.
    fn reads(program: &Self::Program) -> &[(Source, i32)];

    /// Multiplications of a program, for each row.
    fn multiplications(program: &Self::Program) -> usize;

    /// The program's value in every row; the first follows the last.
    fn run<'c>(
        self,
        job: &Job<'_>,
        rows: usize,
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
        column: &dyn Fn(Source, i32) -> (&'c [Self::Packed], i32),
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

/// Scalars that are committed to at a time, of short columns.
pub(in crate::engine) const DIGITS: usize = 1 << 15;

/// Multiplications of a transform of `2^k` elements, its scaling included.
const fn of_transform(k: u32) -> usize {
    ((k as usize) << k >> 1) + (1 << k)
}

/// Multiplications of a quotient in a batch of them: three for its inverse, one with the numerator.
const QUOTIENT: usize = 4;

/// Rows of columns that are unpacked together.
const ROWS: usize = 1 << 14;

/// Rows that are combined before somebody may stop it.
const COMBINED: usize = 1 << 17;

/// Rows that are mixed together.
const MIXED: usize = 1 << 9;

/// Elements on all cosets of a domain that keeps their factors; larger ones compute them anew for every few columns.
pub(in crate::engine) const KEPT: usize = 1 << 16;

/// A domain with cosets.
#[derive(Debug)]
pub struct Domain<K: Kernels> {
    k: u32,
    transforms: K::Domain,
    cosets: Vec<Coset<K>>,
}

#[derive(Debug)]
struct Coset<K: Kernels> {
    shift: Fr,
    /// Factors on the way there and back.
    kept: Option<[Vec<K::Packed>; 2]>,
}

impl<K: Kernels> Domain<K> {
    /// Factors on the way to or from the cosets that are asked for and do not keep their own.
    fn factors(
        &self,
        which: impl Iterator<Item = usize>,
        of: impl Fn(Fr) -> Vec<K::Packed> + Sync,
    ) -> HashMap<usize, Vec<K::Packed>> {
        let mut which: Vec<usize> = which.filter(|coset| self.cosets[*coset].kept.is_none()).collect();
        which.sort_unstable();
        which.dedup();
        which.into_par_iter().map(|coset| (coset, of(self.cosets[coset].shift))).collect()
    }
}

impl<K: Kernels> Types for K {
    type Bases = Table<K::Point>;
    type Domain = Domain<K>;
    type Column = Column;
    type Coset = Vec<K::Packed>;
    type Program = K::Program;
}

impl<K: Kernels> Transfer for K {
    fn footprint(&self) -> Footprint {
        Footprint {
            point: size_of::<K::Point>(),
            element: size_of::<Fr>(),
            coset_element: size_of::<K::Packed>() / K::LANES,
            transform_element: K::TRANSFORM,
        }
    }

    fn bases(&self, points: &[G1Affine], bytes: usize) -> Self::Bases {
        Table::new(self, Kernels::points(*self, points), bytes)
    }

    fn points(&self, bases: &Self::Bases, len: usize) -> Vec<G1Affine> {
        let points = bases.points();
        self.affine(&points[..len.min(points.len())])
    }

    fn domain(&self, k: u32, shifts: &[Fr]) -> Domain<K> {
        let transforms = Kernels::domain(*self, k);
        let keep = shifts.len() << k <= KEPT;
        let kept = |shift| keep.then(|| [self.factors_to(&transforms, shift), self.factors_from(&transforms, shift)]);
        let cosets = shifts.iter().map(|shift| Coset { shift: *shift, kept: kept(*shift) }).collect();
        Domain { k, transforms, cosets }
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
        // Long columns fill all threads one by one, and so digits and buckets of one take memory at a time.
        let longest = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let together = (DIGITS / longest.max(1)).max(1);
        let batches = columns.chunks(together);
        batches.flat_map(|columns| msm::multi_scalar_multiply(self, job, bases, columns)).collect()
    }

    fn interpolate(&self, job: &Job<'_>, domain: &Domain<K>, columns: Vec<Column>) -> Vec<Column> {
        job.count(columns.len() * of_transform(domain.k));
        let one = |column: Column| {
            let mut values = column.into_elements();
            if !job.cancelled() {
                Kernels::interpolate(*self, job, &domain.transforms, &mut values);
            }
            values.into()
        };
        columns.into_par_iter().map(one).collect()
    }

    fn evaluate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &Domain<K>,
        requests: &[(usize, &Column)],
    ) -> Vec<Vec<K::Packed>> {
        job.count(requests.len() * of_transform(domain.k));
        let made = domain
            .factors(requests.iter().map(|(coset, _)| *coset), |shift| self.factors_to(&domain.transforms, shift));
        let one = |(at, column): &(usize, &Column)| {
            if job.cancelled() {
                return Vec::new();
            }
            let coset = &domain.cosets[*at];
            let to = coset.kept.as_ref().map_or_else(|| &made[at], |[to, _]| to);
            let combine = |blocks: &[&[Fr]], factors: &[Fr]| Kernels::combine(*self, blocks, factors, 1 << domain.k);
            let coefficients = column.remainder(domain.k, coset.shift, combine);
            self.evaluate_on_coset(job, &domain.transforms, to, &coefficients)
        };
        requests.par_iter().map(one).collect()
    }

    fn interpolate_on_cosets(
        &self,
        job: &Job<'_>,
        domain: &Domain<K>,
        cosets: Vec<(usize, Vec<K::Packed>)>,
    ) -> Vec<Column> {
        job.count(cosets.len() * of_transform(domain.k));
        let made = domain
            .factors(cosets.iter().map(|(coset, _)| *coset), |shift| self.factors_from(&domain.transforms, shift));
        let one = |(at, values): (usize, Vec<K::Packed>)| {
            if job.cancelled() {
                return Vec::new().into();
            }
            let from = domain.cosets[at].kept.as_ref().map_or_else(|| &made[&at], |[_, from]| from);
            self.interpolate_on_coset(job, &domain.transforms, from, values).into()
        };
        cosets.into_par_iter().map(one).collect()
    }

    fn run<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain<K>,
        program: &K::Program,
        column: &dyn Fn(Source) -> &'c Column,
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Column {
        let (rows, reads) = (1 << domain.k, K::reads(program));
        job.count(rows * K::multiplications(program));
        // Where no row needs another, columns are unpacked a few rows at a time.
        let alone = reads.iter().all(|(_, rotation)| *rotation == 0);
        let step = if alone { ROWS.min(rows) } else { rows };
        let mut values = Vec::with_capacity(rows);
        for start in (0..rows).step_by(step) {
            let part = |source: Source| match alone {
                true => column(source).part(start..start + step),
                false => column(source).elements(),
            };
            let columns: HashMap<Source, Cow<'_, [Fr]>> =
                reads.iter().map(|(source, _)| (*source, part(*source))).collect();
            values.append(&mut Kernels::run(*self, job, step, program, &|source| &columns[&source], challenge));
        }
        values.into()
    }

    fn run_on_coset<'c>(
        &self,
        job: &Job<'_>,
        domain: &Domain<K>,
        program: &K::Program,
        column: &dyn Fn(Source, i32) -> (&'c Vec<K::Packed>, i32),
        challenge: &dyn Fn(Challenge) -> Fr,
    ) -> Vec<K::Packed> {
        job.count(K::multiplications(program) << domain.k);
        let column = |source, rotation| {
            let (values, rotation) = column(source, rotation);
            (&values[..], rotation)
        };
        Kernels::run_on_coset(*self, job, &domain.transforms, program, &column, challenge)
    }

    fn mix(&self, job: &Job<'_>, columns: Vec<Column>, matrix: &[Vec<Fr>]) -> Vec<Column> {
        let mut columns: Vec<Vec<Fr>> = columns.into_iter().map(Column::into_elements).collect();
        job.count(matrix.len() * columns.iter().map(Vec::len).sum::<usize>());
        let mut blocks: Vec<Vec<&mut [Fr]>> = Vec::new();
        for column in &mut columns {
            for (at, block) in column.chunks_mut(MIXED).enumerate() {
                match blocks.get_mut(at) {
                    Some(of_rows) => of_rows.push(block),
                    None => blocks.push(vec![block]),
                }
            }
        }
        blocks.into_par_iter().filter(|_| !job.cancelled()).for_each(|mut of_rows| {
            let given: Vec<&[Fr]> = of_rows.iter().map(|block| &**block).collect();
            let len = given.first().map_or(0, |block| block.len());
            let mixed: Vec<Vec<Fr>> =
                matrix.iter().map(|factors| Kernels::combine(*self, &given, factors, len)).collect();
            of_rows.iter_mut().zip(&mixed).for_each(|(block, mixed)| block.copy_from_slice(mixed));
        });
        columns.into_iter().map(Column::from).collect()
    }

    fn join(&self, parts: Vec<Column>) -> Column {
        let mut parts = parts.into_iter().map(Column::into_elements);
        let mut elements = parts.next().unwrap_or_default();
        elements.reserve_exact(parts.len() * elements.len());
        parts.for_each(|part| elements.extend_from_slice(&part));
        elements.into()
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
        job.count((QUOTIENT + 1) * factors.len());
        if !job.cancelled() {
            self.divide_each(&numerator.elements(), &mut factors);
        }
        let last = running_product(&mut factors, start, blinds);
        (factors.into(), last)
    }

    fn evaluate(&self, job: &Job<'_>, queries: &[(&Column, Fr)]) -> Vec<Fr> {
        let most = queries.iter().map(|(column, _)| column.elements().len()).max().unwrap_or(0);
        let mut points: Vec<Fr> = queries.iter().map(|(_, point)| *point).collect();
        points.sort_unstable();
        points.dedup();
        // The powers of one point after the other: they take as much memory as a column.
        let mut values = vec![Fr::ZERO; queries.len()];
        for point in points {
            let powers = self.powers(point, most);
            job.count(
                most + queries.iter().filter(|(_, at)| *at == point).map(|(column, _)| column.len()).sum::<usize>(),
            );
            let of_point = values.par_iter_mut().zip(queries).filter(|(_, (_, at))| *at == point);
            of_point.filter(|_| !job.cancelled()).for_each(|(value, (column, _))| {
                *value = Kernels::evaluate(*self, &column.elements(), &powers);
            });
        }
        values
    }

    fn combine(&self, job: &Job<'_>, terms: &[(&Column, Fr)], low: &[Fr]) -> Column {
        if job.cancelled() {
            return Vec::new().into();
        }
        let (columns, factors): (Vec<Cow<'_, [Fr]>>, Vec<Fr>) =
            terms.iter().map(|(column, factor)| (column.elements(), *factor)).unzip();
        job.count(columns.iter().map(|column| column.len()).sum());
        let len = columns.iter().map(|column| column.len()).max().unwrap_or(0);
        let mut sum = Vec::with_capacity(len);
        while sum.len() < len && !job.cancelled() {
            let rows = COMBINED.min(len - sum.len());
            let rest = columns.iter().map(|column| column.get(sum.len()..).unwrap_or(&[]));
            let part: Vec<&[Fr]> = rest.map(|rest| &rest[..rows.min(rest.len())]).collect();
            sum.append(&mut Kernels::combine(*self, &part, &factors, rows));
        }
        sum.iter_mut().zip(low).for_each(|(sum, low)| *sum += low);
        sum.into()
    }

    fn divide(&self, job: &Job<'_>, column: &Column, roots: &[Fr]) -> Column {
        let mut quotient = if job.cancelled() { Vec::new() } else { column.elements().to_vec() };
        job.count(roots.len() * quotient.len());
        for root in roots.iter().take_while(|_| !job.cancelled()) {
            divide_by_root(&mut quotient, *root);
        }
        quotient.into()
    }
}
