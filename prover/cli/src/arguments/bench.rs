//! What `bench` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{CompileOptions, parse_mebibytes};

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// An ONNX model, which is compiled first, or a program; without it, synthetic programs.
    #[arg(value_name = "MODEL.onnx|OUT.apo", value_hint = ValueHint::FilePath, requires = "input")]
    pub(crate) model: Option<PathBuf>,

    /// The model's input.
    #[arg(long, value_name = "IN.json", value_hint = ValueHint::FilePath, requires = "model")]
    pub(crate) input: Option<PathBuf>,

    /// log2 of the rows of synthetic programs.
    #[arg(short, long, value_name = "K", value_delimiter = ',', default_values_t = [8, 10, 12], conflicts_with = "model",
        value_parser = clap::value_parser!(u32).range(6..=20))]
    pub(crate) k: Vec<u32>,

    /// Time this prover too, in pairs.
    #[arg(long, value_enum)]
    pub(crate) against: Option<Against>,

    /// Time this prover alone: its memory is then that of the process.
    #[arg(long, value_enum, conflicts_with = "against")]
    pub(crate) only: Option<Peer>,

    /// Proofs of each.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = parse_runs)]
    pub(crate) runs: usize,

    /// Ask this many further proofs of each to stop, early to late, and tell how long they went on.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(usize))]
    pub(crate) cancel: usize,

    /// MiB that the engine may take, at most; without it, what the machine has.
    #[arg(long = "memory", value_name = "MIB", value_parser = parse_mebibytes)]
    pub(crate) memory_mib: Option<usize>,

    #[command(flatten, next_help_heading = "Only with MODEL.onnx")]
    pub(crate) options: CompileOptions,
}

/// A prover to time the engine against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Against {
    /// halo2-axiom's `create_proof`.
    Stock,
}

/// A prover to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Our own.
    Engine,
    /// halo2-axiom's `create_proof`.
    Stock,
}

fn parse_runs(text: &str) -> Result<usize, String> {
    let runs = text.parse().ok().filter(|runs| (1..=10_000).contains(runs));
    runs.ok_or_else(|| "expected a number from 1 to 10000".to_owned())
}
