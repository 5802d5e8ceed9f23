//! Kernels of the engine, on the backend that this machine gets and on the portable one, against halo2's.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]

#[cfg(target_arch = "x86_64")]
use apodict_prover::engine::backend::Avx512;
use apodict_prover::engine::{
    Job,
    backend::{Backend, HostColumn, Portable},
};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use halo2_proofs::{arithmetic::best_multiexp, poly::EvaluationDomain};
use halo2curves::{
    bn256::{Fr, G1, G1Affine},
    ff::{BatchInvert, Field},
    group::{Curve, Group},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// Bytes for multiples of the bases.
const MULTIPLES: usize = 256 << 20;

fn elements(len: usize) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::seed_from_u64(len as u64);
    (0..len).map(|_| Fr::random(&mut rng)).collect()
}

fn points(len: usize) -> Vec<G1Affine> {
    let mut point = G1::random(ChaCha20Rng::seed_from_u64(1));
    let next = |_| {
        point = point.double() + G1::generator();
        point
    };
    let projective: Vec<G1> = (0..len).map(next).collect();
    let mut affine = vec![G1Affine::default(); len];
    G1::batch_normalize(&projective, &mut affine);
    affine
}

/// Signed numbers of at most 16 bits.
fn small(len: usize) -> Vec<i64> {
    (0..len as i64).map(|at| at * 7919 % 65536 - 32768).collect()
}

fn field(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

fn commit<B: Backend>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    backend: &B,
    (bases, bytes): (&[G1Affine], usize),
    column: HostColumn,
) {
    let (bases, column) = (backend.bases(bases, bytes), backend.upload(column));
    group.bench_function(name, |b| b.iter(|| backend.commit(&Job::default(), &bases, &[&column])));
}

fn msm(criterion: &mut Criterion) {
    let bases = points(1 << 16);
    for k in [10, 12, 14, 16] {
        let bases = &bases[..1 << k];
        let full = elements(1 << k);
        let small = small(1 << k);
        let integers = HostColumn::Integers { small: small.clone(), large: Vec::new() };
        let small: Vec<Fr> = small.into_iter().map(field).collect();
        for (width, column, scalars) in
            [("full", HostColumn::Field(full.clone()), &full), ("16 bits", integers, &small)]
        {
            let mut group = criterion.benchmark_group(format!("msm 2^{k} {width}"));
            group.sample_size(10).throughput(Throughput::Elements(1 << k));
            commit(&mut group, "portable", &Portable, (bases, 0), column.clone());
            #[cfg(target_arch = "x86_64")]
            if let Some(backend) = Avx512::detect() {
                commit(&mut group, "avx512", &backend, (bases, 0), column.clone());
                commit(&mut group, "avx512 with multiples", &backend, (bases, MULTIPLES), column);
            }
            group.bench_function("halo2curves", |b| b.iter(|| best_multiexp(scalars, bases)));
        }
    }
}

fn interpolate<B: Backend>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, backend: &B, k: u32) {
    let domain = backend.domain(k, &[Fr::from(7)]);
    let (job, values) = (Job::default(), elements(1 << k));
    let upload = || vec![backend.upload(HostColumn::Field(values.clone()))];
    group.bench_function(name, |b| {
        b.iter_batched(upload, |columns| backend.interpolate(&job, &domain, columns), BatchSize::LargeInput);
    });
    let columns = upload();
    group.bench_function(format!("{name}, to a coset"), |b| {
        b.iter(|| backend.evaluate_on_cosets(&job, &domain, &[(0, &columns[0])]));
    });
}

fn ntt(criterion: &mut Criterion) {
    for k in [10, 12, 14, 16, 18] {
        let mut group = criterion.benchmark_group(format!("ntt 2^{k}"));
        group.sample_size(10).throughput(Throughput::Elements(1 << k));
        interpolate(&mut group, "portable", &Portable, k);
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            interpolate(&mut group, "avx512", &backend, k);
        }
        let domain = EvaluationDomain::<Fr>::new(2, k);
        let values = domain.lagrange_from_vec(elements(1 << k));
        group.bench_function("halo2-axiom", |b| {
            b.iter_batched(|| values.clone(), |values| domain.lagrange_to_coeff(values), BatchSize::LargeInput);
        });
    }
}

fn divide<B: Backend>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, backend: &B, len: usize) {
    let values = elements(len);
    let upload = || [(); 2].map(|()| backend.upload(HostColumn::Field(values.clone())));
    let product = |[above, below]: [B::Column; 2]| backend.grand_product(&Job::default(), above, below, Fr::ONE, &[]);
    group.bench_function(name, |b| b.iter_batched(upload, product, BatchSize::LargeInput));
}

fn grand_product(criterion: &mut Criterion) {
    for k in [10, 14] {
        let mut group = criterion.benchmark_group(format!("grand product 2^{k}"));
        group.throughput(Throughput::Elements(1 << k));
        divide(&mut group, "portable", &Portable, 1 << k);
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            divide(&mut group, "avx512", &backend, 1 << k);
        }
        let values = elements(1 << k);
        group.bench_function("halo2curves, batch inversion alone", |b| {
            let invert = |mut values: Vec<Fr>| values.iter_mut().batch_invert();
            b.iter_batched(|| values.clone(), invert, BatchSize::LargeInput);
        });
    }
}

/// What bounds everything else: products that wait for nothing.
fn multiplier(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("multiplications");
    let values = elements(1 << 10);
    group.throughput(Throughput::Elements(1 << 10));
    group.bench_function("halo2curves", |b| {
        let mut products = values.clone();
        b.iter(|| products.iter_mut().zip(&values).for_each(|(product, value)| *product *= value));
    });
    #[cfg(target_arch = "x86_64")]
    if let Some(backend) = Avx512::detect() {
        let factors = backend.pack(&values);
        let mut products = factors.clone();
        group.bench_function("avx512", |b| b.iter(|| backend.multiply_each(&mut products, &factors)));
    }
}

criterion_group!(kernels, multiplier, msm, ntt, grand_product);
criterion_main!(kernels);
