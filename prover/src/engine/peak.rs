//! What bounds every proof: field multiplications that wait for nothing.

use std::time::{Duration, Instant};

use halo2curves::bn256::Fr;

#[cfg(target_arch = "x86_64")]
use super::backend::Avx512;

/// How long it is measured.
const MEASURED: Duration = Duration::from_millis(50);

/// Elements that are multiplied over and over: they and their factors stay in the first-level cache.
const ELEMENTS: usize = 1 << 8;

/// Multiplications a second of this machine's backend on all threads, measured for some 50 ms: each thread multiplies elements that
/// lie in its cache, none of which waits for another.
pub fn host_peak() -> f64 {
    let values: Vec<Fr> = (1..=ELEMENTS as u64).map(|value| Fr::from(value).square()).collect();
    rayon::broadcast(|_| {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Avx512::detect() {
            let factors = backend.pack(&values);
            let mut products = factors.clone();
            return rate(|| backend.multiply_each(&mut products, &factors));
        }
        let mut products = values.clone();
        rate(|| {
            std::hint::black_box(&mut products).iter_mut().zip(&values).for_each(|(product, value)| *product *= value)
        })
    })
    .into_iter()
    .sum()
}

/// Multiplications a second of a pass over all elements.
fn rate(mut pass: impl FnMut()) -> f64 {
    let (start, mut passes) = (Instant::now(), 0);
    while start.elapsed() < MEASURED {
        (0..16).for_each(|_| pass());
        passes += 16;
    }
    f64::from(passes) * ELEMENTS as f64 / start.elapsed().as_secs_f64()
}
