//! Verifies a proof from three files and says how long it took.
//!
//! ```sh
//! cd verifier/tests/vectors
//! cargo run --release -p apodict-verifier --example verify -- ladder.key ladder.instances ladder.proof
//! ```

#![allow(clippy::disallowed_types, reason = "it says how long the library took")]

use apodict_verifier::{SrsPolicy, Verifier, VerifyingKey};
use std::{env, error::Error, fs, time::Instant};

const RUNS: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let [key, instances, proof] = paths.as_slice() else {
        return Err("usage: verify KEY INSTANCES PROOF".into());
    };
    let (key, instances, proof) = (fs::read(key)?, fs::read(instances)?, fs::read(proof)?);
    let (instances, rest) = instances.as_chunks::<32>();
    if !rest.is_empty() {
        return Err("instances are 32 bytes each".into());
    }

    let start = Instant::now();
    let verifier = Verifier::new(VerifyingKey::from_bytes(&key)?, SrsPolicy::AllowUnsafe)?;
    println!("key: {} bytes, {:.2} ms to check", key.len(), start.elapsed().as_secs_f64() * 1e3);

    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        verifier.verify_words(instances, &proof)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("proof: {} bytes, holds, {:.2} ms (median of {RUNS})", proof.len(), times[RUNS / 2]);
    Ok(())
}
