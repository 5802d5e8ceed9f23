//! What makes keys and proofs, and what checks them: `keys`, `prove`, `verify`.

use std::path::PathBuf;

use apodict_verifier::files::parse_bytes32;
use clap::{Args, ValueEnum, ValueHint};

use super::{CompileOptions, SrsFile, SrsPin, parse_mebibytes};

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// The program.
    #[arg(value_name = "OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// Folder for vk.json and pk.bin; made if need be.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) srs: SrsFile,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// An ONNX model, which is compiled first, or a program.
    #[arg(value_name = "MODEL.onnx|OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) model: PathBuf,

    /// The input: JSON `{"inputs": {"NAME": nested arrays}}`, .npy, .npz, or an ONNX TensorProto (.pb).
    #[arg(long, value_name = "IN.json", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,

    /// Where the proof goes.
    #[arg(short, long, value_name = "proof.json", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    /// Folder with vk.json and pk.bin, which are made if they are not there; without it, one in the cache. With --server, where vk.json goes;
    /// without it, beside the proof.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) keys: Option<PathBuf>,

    /// 32 bytes that bind the proof to its use.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32, default_value = NO_CONTEXT, hide_default_value = true)]
    pub(crate) context: [u8; 32],

    /// What computes the proof.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) backend: Backend,

    /// MiB that the process may take, at most; without it, what the machine has.
    #[arg(long = "memory", value_name = "MIB", value_parser = parse_mebibytes)]
    pub(crate) memory_mib: Option<usize>,

    #[command(flatten)]
    pub(crate) srs: SrsFile,

    #[cfg(feature = "service")]
    #[command(flatten)]
    pub(crate) on: super::OnServer,

    #[command(flatten, next_help_heading = "Only with MODEL.onnx")]
    pub(crate) options: CompileOptions,
}

/// The context of a proof that is bound to no use.
const NO_CONTEXT: &str = "0x0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// The fastest that this machine has.
    #[default]
    Auto,
    /// The processor.
    Cpu,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The proof.
    #[arg(value_name = "proof.json", value_hint = ValueHint::FilePath)]
    pub(crate) proof: PathBuf,

    /// The verifying key, from someone you trust or made again from the model.
    #[arg(long, value_name = "vk.json", value_hint = ValueHint::FilePath)]
    #[cfg_attr(feature = "service", arg(required_unless_present = "server", conflicts_with = "server"))]
    #[cfg_attr(not(feature = "service"), arg(required = true))]
    pub(crate) key: Option<PathBuf>,

    /// Refuse any other key than the one with this digest: what makes `--key` a key that you trust.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) key_digest: Option<[u8; 32]>,

    #[command(flatten)]
    pub(crate) srs: SrsPin,

    /// Refuse a proof that is bound to another context.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) context: Option<[u8; 32]>,

    /// Verify by the contract too, on an EVM inside this process, and tell the gas.
    #[arg(long)]
    #[cfg_attr(feature = "service", arg(conflicts_with = "server"))]
    pub(crate) evm: bool,

    #[cfg(feature = "service")]
    #[command(flatten)]
    pub(crate) on: super::OnServer,
}
