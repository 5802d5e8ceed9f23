//! Kernels of the engine, on the backend that this machine gets and on the portable one, against halo2's.
//!
//! The throughput of the engine's kernels counts field multiplications, so that the multiplier's own bounds it.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]

use apodict_circuits::synthetic;
#[cfg(target_arch = "x86_64")]
use apodict_prover::engine::backend::Avx512;
use apodict_prover::{
    Context, ProvingKey, Srs,
    engine::{
        Job,
        backend::{Backend, HostColumn, Portable},
        host_backend,
    },
    prove,
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
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

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

/// Signed numbers of at most so many bits beside the sign.
fn integers(len: usize, bits: u32) -> HostColumn {
    let mut rng = ChaCha20Rng::seed_from_u64(len as u64);
    let small = (0..len).map(|_| (rng.next_u64() as i64) >> (63 - bits)).collect();
    HostColumn::Integers { small, large: Vec::new() }
}

/// An engine's kernel, with the multiplications that it makes for its throughput.
fn kernel<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, input: impl Fn() -> T, work: impl Fn(&Job<'_>, T)) {
    let job = Job::default();
    work(&job, input());
    group.throughput(Throughput::Elements(job.multiplications()));
    group.bench_function(name, |b| b.iter_batched(&input, |input| work(&job, input), BatchSize::LargeInput));
}

/// Runs on every backend that this machine has.
macro_rules! on_backends {
    ($group:expr, $bench:expr) => {
        $bench($group, "portable", &Portable);
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            $bench($group, "avx512", &backend);
        }
    };
}

fn commit<B: Backend>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    backend: &B,
    (bases, bytes): (&[G1Affine], usize),
    column: HostColumn,
) {
    let (bases, column) = (backend.bases(bases, bytes), backend.upload(column));
    kernel(group, name, || (), |job, ()| drop(backend.commit(job, &bases, &[&column])));
}

fn msm(criterion: &mut Criterion) {
    let bases = points(1 << 16);
    for k in [10, 12, 14, 16] {
        let bases = &bases[..1 << k];
        let full = elements(1 << k);
        for (width, column, scalars) in [
            ("full", HostColumn::Field(full.clone()), full),
            ("64 bits", integers(1 << k, 63), Vec::new()),
            ("32 bits", integers(1 << k, 31), Vec::new()),
            ("16 bits", integers(1 << k, 15), integers(1 << k, 15).into_field()),
            ("8 bits", integers(1 << k, 7), Vec::new()),
        ] {
            let mut group = criterion.benchmark_group(format!("msm 2^{k} {width}"));
            group.sample_size(10);
            if !scalars.is_empty() {
                group.bench_function("halo2curves", |b| b.iter(|| best_multiexp(&scalars, bases)));
            }
            commit(&mut group, "portable", &Portable, (bases, 0), column.clone());
            #[cfg(target_arch = "x86_64")]
            if let Some(backend) = Avx512::detect() {
                commit(&mut group, "avx512", &backend, (bases, 0), column.clone());
                commit(&mut group, "avx512 with multiples", &backend, (bases, MULTIPLES), column);
            }
        }
    }
}

fn interpolate<B: Backend>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, backend: &B, k: u32) {
    let domain = backend.domain(k, &[Fr::from(7)]);
    let values = elements(1 << k);
    let upload = || vec![backend.upload(HostColumn::Field(values.clone()))];
    kernel(group, name, upload, |job, columns| drop(backend.interpolate(job, &domain, columns)));
    let columns = upload();
    let to_coset = |job: &Job<'_>, ()| drop(backend.evaluate_on_cosets(job, &domain, &[(0, &columns[0])]));
    kernel(group, &format!("{name}, to a coset"), || (), to_coset);
    let coset = || vec![(0, backend.evaluate_on_cosets(&Job::default(), &domain, &[(0, &columns[0])]).remove(0))];
    let back = |job: &Job<'_>, cosets| drop(backend.interpolate_on_cosets(job, &domain, cosets));
    kernel(group, &format!("{name}, from a coset"), coset, back);
}

fn ntt(criterion: &mut Criterion) {
    for k in [10, 12, 14, 16, 18] {
        let mut group = criterion.benchmark_group(format!("ntt 2^{k}"));
        group.sample_size(10);
        let domain = EvaluationDomain::<Fr>::new(2, k);
        let values = domain.lagrange_from_vec(elements(1 << k));
        group.bench_function("halo2-axiom", |b| {
            b.iter_batched(|| values.clone(), |values| domain.lagrange_to_coeff(values), BatchSize::LargeInput);
        });
        let coefficients = domain.coeff_from_vec(elements(1 << k));
        group.bench_function("halo2-axiom, to the extended coset", |b| {
            b.iter_batched(|| coefficients.clone(), |poly| domain.coeff_to_extended(&poly), BatchSize::LargeInput);
        });
        on_backends!(&mut group, |group: &mut _, name, backend| interpolate(group, name, backend, k));
    }
}

fn divide<B: Backend>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, backend: &B, len: usize) {
    let values = elements(len);
    let upload = || [(); 2].map(|()| backend.upload(HostColumn::Field(values.clone())));
    kernel(group, name, upload, |job, [above, below]| drop(backend.grand_product(job, above, below, Fr::ONE, &[])));
}

fn grand_product(criterion: &mut Criterion) {
    for k in [10, 14, 16] {
        let mut group = criterion.benchmark_group(format!("batch inversion and grand product 2^{k}"));
        let values = elements(1 << k);
        group.bench_function("halo2curves, batch inversion alone", |b| {
            let invert = |mut values: Vec<Fr>| values.iter_mut().batch_invert();
            b.iter_batched(|| values.clone(), invert, BatchSize::LargeInput);
        });
        on_backends!(&mut group, |group: &mut _, name, backend| divide(group, name, backend, 1 << k));
    }
}

/// The quotient of the machine's circuit: cosets, constraints, and back, its pieces committed to.
fn quotient(criterion: &mut Criterion) {
    for k in [10, 12, 14, 16] {
        let Some(program) = synthetic::filling(k) else { continue };
        let srs = Srs::generate_unsafe(k).expect("k is in range");
        let key = ProvingKey::generate(&program, &srs).expect("the string is large enough");
        let inputs = synthetic::inputs(program.graph().nodes[0].len());
        let prove =
            || prove(&srs, &key, &program, &inputs, Context::default(), &Job::default()).expect("a good witness");
        let mut group = criterion.benchmark_group(format!("quotient 2^{k}"));
        group.sample_size(10).throughput(Throughput::Elements(prove().stages.quotient.multiplications));
        group.bench_function(host_backend(), |b| {
            b.iter_custom(|proofs| (0..proofs).map(|_| prove().stages.quotient.time).sum());
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

criterion_group!(kernels, multiplier, msm, ntt, grand_product, quotient);
criterion_main!(kernels);
