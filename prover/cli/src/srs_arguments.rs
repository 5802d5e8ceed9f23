//! What may be typed behind `apodict srs import`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::arguments::SrsPin;

#[derive(Debug, Args)]
pub(crate) struct SrsImport {
    /// The ceremony's file: a .ptau of snarkjs on BN254 (bn128), or halo2's parameters as `SerdeFormat::RawBytes` writes them.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: PathBuf,

    /// log2 of the rows of the largest program it shall serve; without it, all powers of the file, at most 2^24.
    #[arg(short, value_name = "K", value_parser = clap::value_parser!(u32).range(4..=24))]
    pub(crate) k: Option<u32>,

    #[command(flatten)]
    pub(crate) pin: SrsPin,

    /// Where the string goes.
    #[arg(short, long, value_name = "OUT.srs", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
}
