//! A short campaign of every target. `APODICT_FUZZ_RUNS` makes it long, `APODICT_FUZZ_SEED` another.

use apodict_fuzz::{
    campaign::{Campaign, run},
    target,
};

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} is not a number")))
}

fn campaign_of(name: &str, runs: usize) {
    let runs = number("APODICT_FUZZ_RUNS").map_or(runs, |runs| runs as usize);
    let campaign = Campaign { runs, seed: number("APODICT_FUZZ_SEED").unwrap_or(1) };
    let target = target(name).expect("a target");
    let tally = run(target, campaign).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{name}: {tally:?}");
    assert!(tally.accepted > 0 && tally.answers > 2, "{name} is too tame or too wild: {tally:?}");
}

#[test]
fn onnx_models() {
    campaign_of("onnx", 5000);
}

#[test]
fn models_to_compile() {
    campaign_of("compile", 1000);
}

#[test]
fn program_files() {
    campaign_of("program", 5000);
}

#[test]
fn input_files() {
    campaign_of("tensors", 20_000);
}

#[test]
fn keys() {
    campaign_of("key", 5000);
}

#[test]
fn key_files() {
    campaign_of("key_file", 5000);
}

#[test]
fn proof_files() {
    campaign_of("proof_file", 5000);
}

#[test]
fn proofs() {
    campaign_of("verifier", 2000);
}
