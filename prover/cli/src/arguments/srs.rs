//! Structured reference strings: `srs`, and how other commands name one.

use std::path::PathBuf;

use apodict_prover::disk::{self, Cache};
use apodict_verifier::{SrsPolicy, files::parse_bytes32};
use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum Srs {
    /// Make one for development: whoever makes it can forge proofs.
    Generate(SrsGenerate),
    /// Check the pairings of one's powers.
    Check(SrsCheck),
    /// Import the powers of a ceremony: snarkjs' .ptau, or halo2's raw parameters.
    Import(SrsImport),
}

#[derive(Debug, Args)]
pub(crate) struct SrsGenerate {
    /// log2 of the rows of the largest program it serves.
    #[arg(short, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(crate) k: u32,

    /// Say that you know it: a proof under this string convinces nobody else.
    #[arg(long = "unsafe", required = true)]
    pub(crate) acknowledged: bool,

    /// Where it goes.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SrsCheck {
    /// The structured reference string.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) pin: SrsPin,
}

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

#[derive(Debug, Default, Args)]
pub(crate) struct SrsFile {
    /// Structured reference string; without it, an UNSAFE one for development, made once and kept in the cache.
    #[arg(long = "srs", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) pin: SrsPin,
}

impl SrsFile {
    /// The string, large enough for `2^k` rows.
    pub(crate) fn load(&self, k: u32) -> Result<apodict_prover::Srs, disk::Error> {
        disk::srs_for(k, self.path.as_deref(), self.pin.digest.as_ref(), &Cache::of_user())
    }
}

/// The one thing that makes a structured reference string more than unsafe.
#[derive(Debug, Default, Args)]
pub(crate) struct SrsPin {
    /// Digest of a ceremony's structured reference string that you trust: any other is refused, and this one is not called unsafe.
    #[arg(long = "srs-digest", value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) digest: Option<[u8; 32]>,
}

impl SrsPin {
    /// Refuses another string than the pinned one.
    pub(crate) fn check(&self, digest: [u8; 32]) -> Result<(), disk::Error> {
        disk::check_pin(self.digest.as_ref(), digest)
    }

    pub(crate) fn policy(&self) -> SrsPolicy<'_> {
        self.digest.as_ref().map_or(SrsPolicy::AllowUnsafe, |digest| SrsPolicy::Ceremony(std::slice::from_ref(digest)))
    }
}
