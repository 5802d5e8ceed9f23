//! The project's own tasks: `cargo xtask` alone lists them.
//!
//! Each step prints its name and the command it runs. A tool that is missing is installed below `target/tools` where a
//! package registry has it, or named in one line with how to get it: no step is left out silently.

mod browser;
mod charts;
mod client;
mod contracts;
mod fleet;
mod lint;
mod measure;
mod models;
mod mutants;
mod nightly;
mod node_tests;
mod page;
mod soak;
mod step;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
The project's own tasks.

Usage: cargo xtask <TASK>

Tasks:
  test   Every test: Rust with doctests, contracts, examples
  lint   Formatting, clippy, documentation, licences, spelling, contracts
  bless  Accept what the code now gives as the pinned digests and snapshots
  browser
         The verifier in TypeScript: types, known answers, the tampering table
  client The Python client of the proving service: rules, types, tests against the server
  fleet [--long]
         The proving service on several machines: jobs in Postgres, and processes that are killed
  page [--bless]
         The service's web page: its files, and all of it in Chromium; write the files
  contracts test|bless|describe|compile|check|analyse|prove|coverage
         Contracts: forge's tests; write the rendered ones; only compile them; compare them; slither; halmos; coverage
  soak [--short | --bless] [--mode single] [--model FOLDER] [--seed N] [PART..]
         Load and faults for the service: latency, throughput, reads, queue, kills, disk, memory, schema. --short, a
         minute, sees that nothing is wrong; all of it, on a quiet machine, takes a quarter of an hour, and --bless
         keeps the figures
  node-tests [--bless | WORD..]
         ONNX's own node tests: compare what comes of them with the list; write the list; run some
  models [--bless]
         Models that scikit-learn and PyTorch export: compare them with ONNX Runtime; write what comes of it
  mutants [PATTERN..]
         Take each check of a list away, in a copy, and see that a test fails: before a release, hours
  nightly
         What is too long for every change: a million mutants of program files and runs of each fuzz target,
         slither, halmos and long runs for the contracts, faults of the service, `fleet --long`, then all of `mutants`
  measure [kernels] [proofs] [memory]
         Time the proof engine, all of it or a part, and draw the charts: on a quiet machine, an hour
  charts Draw the charts again from what was measured
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("contracts", modes)) = arguments.split_first().map(|(task, modes)| (task.as_str(), modes)) {
        return exit(contracts::contracts(modes));
    }
    if let Some(("measure", parts)) = arguments.split_first().map(|(task, parts)| (task.as_str(), parts)) {
        return exit(measure::measure(&parts.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    if let Some(("node-tests", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(node_tests::node_tests(arguments));
    }
    if let Some(("page", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(page::page(arguments));
    }
    if let Some(("fleet", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(fleet::fleet(arguments));
    }
    if let Some(("models", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(models::models(arguments));
    }
    if let Some(("soak", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(soak::soak(arguments));
    }
    if let Some(("mutants", arguments)) = arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        return exit(mutants::mutants(arguments));
    }
    let task: fn() -> Result<()> = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::test,
        ["browser"] => browser::browser,
        ["client"] => client::client,
        ["lint"] => lint::lint,
        ["charts"] => charts::charts,
        ["nightly"] => nightly::nightly,
        ["bless"] => test::bless,
        ["-h" | "--help" | "help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    exit(task())
}

fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
