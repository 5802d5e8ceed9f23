//! `cargo run --release --bin apodict-fuzz -- TARGET [--runs N] [--seed S]`: a campaign on any toolchain.
//!
//! `.. -- TARGET --input FILE` runs one input, `.. -- TARGET --write FOLDER` writes the seeds, for cargo-fuzz to begin with.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result, bail};
use apodict_fuzz::{
    TARGETS, Target,
    campaign::{Campaign, run},
    target,
};

fn main() -> ExitCode {
    match fuzz(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(arguments: &[String]) -> Result<()> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    let usage = || {
        format!(
            "usage: apodict-fuzz TARGET [--runs N] [--seed S] [--input FILE] [--write FOLDER]; targets: {}",
            names()
        )
    };
    let (name, options) = arguments.split_first().with_context(usage)?;
    let target = target(name).with_context(usage)?;
    let mut campaign = Campaign { runs: 1_000_000, seed: 1 };
    for option in options.chunks(2) {
        match option {
            [key, value] if key == "--runs" => campaign.runs = value.parse().with_context(usage)?,
            [key, value] if key == "--seed" => campaign.seed = value.parse().with_context(usage)?,
            [key, file] if key == "--input" => {
                let bytes = std::fs::read(file).with_context(|| format!("cannot read {file}"))?;
                println!("{:?}", (target.run)(&bytes));
                return Ok(());
            }
            [key, folder] if key == "--write" => return write(target, folder.as_ref()),
            _ => bail!(usage()),
        }
    }
    let start = Instant::now();
    let tally = run(target, campaign).map_err(|failure| anyhow::anyhow!("{failure}"))?;
    println!(
        "{name}: {} runs with seed {} in {:.0} s: {} taken, {} refused, {} different answers",
        tally.accepted + tally.refused,
        campaign.seed,
        start.elapsed().as_secs_f64(),
        tally.accepted,
        tally.refused,
        tally.answers
    );
    Ok(())
}

fn write(target: &Target, folder: &std::path::Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (at, seed) in (target.seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed{at:03}")), seed)?;
    }
    Ok(())
}
