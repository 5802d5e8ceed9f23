//! What goes on chain: `contract`, `calldata`.

use std::path::PathBuf;

use apodict_verifier::files::parse_bytes;
use clap::{Args, ValueHint};

use super::SrsFile;

#[derive(Debug, Args)]
pub(crate) struct Contract {
    /// The program.
    #[arg(value_name = "OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// Folder for the contracts; made if need be.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// Folder with vk.json and pk.bin, which are made if they are not there; without it, one in the cache.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) keys: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) srs: SrsFile,
}

#[derive(Debug, Args)]
pub(crate) struct Calldata {
    /// The proof.
    #[arg(value_name = "proof.json", value_hint = ValueHint::FilePath)]
    pub(crate) proof: PathBuf,

    /// The verifying key.
    #[arg(long, value_name = "vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,

    /// Where the key's data contract stands.
    #[arg(long, value_name = "0x..", value_parser = parse_address)]
    pub(crate) key_address: [u8; 20],

    /// Tell what the call says too: context, inputs and outputs, with sign and scale.
    #[arg(long)]
    pub(crate) decode: bool,
}

fn parse_address(text: &str) -> Result<[u8; 20], String> {
    let bytes = parse_bytes(text)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("expected an address of 20 bytes, got {length}"))
}
