//! What may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

#[cfg(feature = "service")]
use crate::service_arguments;
use apodict_circuits::quantize::{DeclaredDecision, Tolerance};
use apodict_prover::disk::{self, Cache};
use apodict_verifier::{
    SrsPolicy,
    files::{parse_bytes, parse_bytes32},
};

/// Proves decisions of quantized models, and verifies the proofs.
#[derive(Debug, Parser)]
#[command(
    name = "apodict",
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the proof is invalid."
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) global: Global,
}

/// Valid with every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print the result as one line of JSON on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Log more to stderr; twice for details of each stage.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Show no progress and no warnings.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide on a loan, prove the decision, verify it in Rust and on an EVM.
    Demo,
    /// Compile an ONNX model to a program.
    Compile(Compile),
    /// Compare a model or a program with floating point on data of your own: errors, flips, inputs out of range. No keys, no proofs.
    Evaluate(Evaluate),
    /// Describe a program: operators, size, ranges, errors, cost; or a verifying key: its digest's parts, its public values.
    Inspect(Inspect),
    /// Make the verifying key and the proving key of a program.
    Keys(Keys),
    /// Prove what a model or a program decides on an input.
    Prove(Prove),
    /// Verify a proof; exits with 3 if it is invalid.
    Verify(Verify),
    /// Time proofs: of synthetic programs, or of a model.
    Bench(Bench),
    /// Structured reference strings.
    #[command(subcommand)]
    Srs(Srs),
    /// Write the verifier contract of a program's shape, and its key as a data contract.
    Contract(Contract),
    /// Print the call of the verifier contract that checks a proof.
    Calldata(Calldata),
    /// Run the proving service: an HTTP API over jobs that outlive a crash.
    #[cfg(feature = "service")]
    Serve(service_arguments::Serve),
    /// Keys of the proving service.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    ApiKey(service_arguments::ApiKey),
    /// What `serve` starts to prove and compile.
    #[cfg(feature = "service")]
    #[command(hide = true)]
    WorkerChild,
    /// The contracts on a chain: deploy them, register models, submit decisions.
    #[cfg(feature = "chain")]
    #[command(subcommand)]
    Chain(Box<crate::chain_arguments::Chain>),
    /// Print a completion script for a shell.
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The ONNX model.
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: PathBuf,

    /// Where the program goes.
    #[arg(short, long, value_name = "OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

/// How a model becomes a program.
#[derive(Debug, Default, Args)]
pub(crate) struct CompileOptions {
    /// Samples that set the inputs' ranges and measure the error: JSON `{"batches": [{"inputs": ..}, ..]}`; .jsonl with `{"inputs": ..}`
    /// on each line; .npz, or for a model of one input .npy or an ONNX TensorProto (.pb), with an axis more, the leading one, that counts
    /// the samples. `-` for standard input.
    #[arg(long, value_name = "DATA", value_hint = ValueHint::FilePath)]
    pub(crate) calibrate: Option<PathBuf>,

    /// Fraction bits of the values between operators, instead of as many as the planner chooses.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(crate) bits: Option<u32>,

    /// Greatest error of an output against the float model on the samples, which the planner may use up: a number, `0.001`, or a share
    /// of what the output spans on them, `0.1%`; a 1024th of it if nothing is said. `OUTPUT=0.1%` for one output; may be given
    /// for each. A coarser one makes a smaller circuit.
    #[arg(long = "max-error", value_name = "[OUTPUT=]E", conflicts_with = "bits", value_parser = parse_max_error)]
    pub(crate) max_errors: Vec<MaxError>,

    /// What an output decides, which must not flip: `OUTPUT=argmax` for the greatest along its last axis, `OUTPUT=0.05` for whether it
    /// is at least that, `OUTPUT=none`. If nothing is said, softmax and ArgMax choose, and others decide nothing. May be given
    /// for each.
    #[arg(long = "decision", value_name = "OUTPUT=argmax|none|THRESHOLD", value_parser = parse_decision)]
    pub(crate) decisions: Vec<OutputDecision>,

    /// Take a program that misses the target, too, with a warning.
    #[arg(long)]
    pub(crate) allow_error: bool,

    /// Range that an input may take, checked by the circuit: `NAME=LOW,HIGH`, or of some of its elements, `NAME[2]=LOW,HIGH` for the
    /// third feature, `NAME[2:5]=..` for three of them. May be given for each.
    #[arg(long = "range", value_name = "NAME=LOW,HIGH", value_parser = parse_range)]
    pub(crate) ranges: Vec<InputRange>,

    /// Let an input saturate: far beyond its range it is clamped to it in the circuit, and the decision is still proved. May be given
    /// for each.
    #[arg(long = "saturate", value_name = "NAME")]
    pub(crate) saturate: Vec<String>,

    /// Number for an open dimension: `NAME=N` for a named one, `INPUT[AXIS]=N` for another. May be given for each.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = parse_dim)]
    pub(crate) dims: Vec<Dim>,

    /// What the layout is chosen for: gas if nothing is said.
    #[arg(long, value_enum)]
    pub(crate) objective: Option<Objective>,
}

impl CompileOptions {
    /// The options given, for a message that one does not apply.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--calibrate", self.calibrate.is_some()),
            ("--bits", self.bits.is_some()),
            ("--max-error", !self.max_errors.is_empty()),
            ("--decision", !self.decisions.is_empty()),
            ("--allow-error", self.allow_error),
            ("--range", !self.ranges.is_empty()),
            ("--saturate", !self.saturate.is_empty()),
            ("--dim", !self.dims.is_empty()),
            ("--objective", self.objective.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Objective {
    /// Cheapest to verify in a contract: few columns.
    #[default]
    Gas,
    /// Fastest to prove.
    Latency,
    /// Least memory.
    Memory,
}

/// The declared range of one input, or of some elements of one, in the model's units.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputRange {
    /// With the elements' indices, if it is for some.
    pub(crate) name: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// How far an output may be from the float model's, or all that are not named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxError {
    pub(crate) output: Option<String>,
    pub(crate) tolerance: Tolerance,
}

fn parse_max_error(text: &str) -> Result<MaxError, String> {
    let expected = "expected a number greater than 0, in the units of the model's outputs, as in 0.001, or a share of what they span, as in \
                    0.1%; before it OUTPUT= for one output alone";
    let (output, amount) = match text.rsplit_once('=') {
        Some((output, amount)) => (Some(output.to_owned()), amount),
        None => (None, text),
    };
    let (amount, share) = match amount.trim().strip_suffix('%') {
        Some(percent) => (percent, true),
        None => (amount, false),
    };
    let amount = amount.trim().parse().ok().filter(|amount: &f64| *amount > 0.0 && amount.is_finite());
    let tolerance = match (amount, share) {
        (Some(percent), true) if percent <= 100.0 => Tolerance::OfSpan(percent / 100.0),
        (Some(error), false) => Tolerance::Absolute(error),
        _ => return Err(expected.to_owned()),
    };
    match output {
        Some(output) if output.is_empty() => Err(expected.to_owned()),
        output => Ok(MaxError { output, tolerance }),
    }
}

/// What one output decides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputDecision {
    pub(crate) output: String,
    pub(crate) decision: DeclaredDecision,
}

fn parse_decision(text: &str) -> Result<OutputDecision, String> {
    let expected = || format!("expected OUTPUT=argmax, OUTPUT=none or a threshold, as in score=0.05; got {text}");
    let (output, decision) = text.rsplit_once('=').filter(|(output, _)| !output.is_empty()).ok_or_else(expected)?;
    let decision = match decision.trim() {
        "argmax" => DeclaredDecision::ArgMax,
        "none" => DeclaredDecision::None,
        threshold => {
            let threshold = threshold.parse().ok().filter(|threshold: &f64| threshold.is_finite());
            DeclaredDecision::Threshold(threshold.ok_or_else(expected)?)
        }
    };
    Ok(OutputDecision { output: output.to_owned(), decision })
}

fn parse_range(text: &str) -> Result<InputRange, String> {
    let expected = || format!("expected NAME=LOW,HIGH with finite LOW <= HIGH, as in features=-4,4; got {text}");
    let (name, bounds) = text.rsplit_once('=').ok_or_else(expected)?;
    let (low, high) = bounds.split_once(',').ok_or_else(expected)?;
    let low: f64 = low.trim().parse().map_err(|_| expected())?;
    let high: f64 = high.trim().parse().map_err(|_| expected())?;
    if name.is_empty() || !low.is_finite() || !high.is_finite() || low > high {
        return Err(expected());
    }
    Ok(InputRange { name: name.to_owned(), low, high })
}

/// A number for one open dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dim {
    pub(crate) name: String,
    pub(crate) extent: usize,
}

fn parse_dim(text: &str) -> Result<Dim, String> {
    let dim = text.rsplit_once('=').and_then(|(name, extent)| Some((name, extent.parse().ok()?)));
    match dim {
        Some((name, extent @ 1..)) if !name.is_empty() => Ok(Dim { name: name.to_owned(), extent }),
        _ => Err(format!("expected NAME=N with N of at least 1, as in sequence=64; got {text}")),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// An ONNX model, which is compiled first, or a program.
    #[arg(value_name = "MODEL.onnx|OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// The records, as --calibrate takes them; `-` for standard input.
    #[arg(long, value_name = "DATA", value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,

    /// The ONNX model that a program is compared with; without it, only what the program itself computes is shown. Of the options
    /// below, `--dim` and `--decision` apply to it.
    #[arg(long, value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Only with MODEL.onnx")]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The program, or a verifying key.
    #[arg(value_name = "OUT.apo|vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// The ONNX model that it should be of: it is compiled again, with the options below, and if that gives another program this one
    /// is measured. Without it, the program's file is believed.
    #[arg(long, value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Only with --model")]
    pub(crate) options: CompileOptions,
}

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

    /// Folder with vk.json and pk.bin, which are made if they are not there; without it, one in the cache.
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

/// No more than a tebibyte, so that bytes fit a word.
fn parse_mebibytes(text: &str) -> Result<usize, String> {
    let mebibytes = text.parse().ok().filter(|mebibytes| *mebibytes <= 1 << 20);
    mebibytes.ok_or_else(|| "expected a number of MiB, from 0 to 1048576".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The proof.
    #[arg(value_name = "proof.json", value_hint = ValueHint::FilePath)]
    pub(crate) proof: PathBuf,

    /// The verifying key, from someone you trust or made again from the model.
    #[arg(long, value_name = "vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,

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
    pub(crate) evm: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Srs {
    /// Make one for development: whoever makes it can forge proofs.
    Generate(SrsGenerate),
    /// Check the pairings of one's powers.
    Check(SrsCheck),
    /// Import the powers of a ceremony: snarkjs' .ptau, or halo2's raw parameters.
    Import(crate::srs_arguments::SrsImport),
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

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn reads_ranges() {
        let range = parse_range("a=b=-1.5,2").unwrap();
        assert_eq!(range, InputRange { name: "a=b".into(), low: -1.5, high: 2.0 });
        for wrong in ["", "x", "x=1", "=0,1", "x=2,1", "x=NaN,1", "x=0,inf", "x=0,1,2"] {
            parse_range(wrong).unwrap_err();
        }
    }

    #[test]
    fn reads_greatest_errors() {
        let of = |output: Option<&str>, tolerance| MaxError { output: output.map(str::to_owned), tolerance };
        for (text, expected) in [
            ("0.001", of(None, Tolerance::Absolute(0.001))),
            ("1e-9", of(None, Tolerance::Absolute(1e-9))),
            ("0.1%", of(None, Tolerance::OfSpan(0.001))),
            ("score=5", of(Some("score"), Tolerance::Absolute(5.0))),
            ("a=b:0=50 %", of(Some("a=b:0"), Tolerance::OfSpan(0.5))),
        ] {
            assert_eq!(parse_max_error(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0", "-1", "x", "nan", "inf", "0%", "%", "101%", "1%%", "=1", "y=", "y=0", "y=-1%"] {
            assert!(parse_max_error(wrong).unwrap_err().contains("greater than 0"), "{wrong}");
        }
    }

    #[test]
    fn reads_decisions() {
        let of = |output: &str, decision| OutputDecision { output: output.to_owned(), decision };
        for (text, expected) in [
            ("y=argmax", of("y", DeclaredDecision::ArgMax)),
            ("y=none", of("y", DeclaredDecision::None)),
            ("a=b=-0.5", of("a=b", DeclaredDecision::Threshold(-0.5))),
        ] {
            assert_eq!(parse_decision(text), Ok(expected), "{text}");
        }
        for wrong in ["", "y", "y=", "=none", "y=max", "y=nan", "y=inf", "argmax"] {
            assert!(parse_decision(wrong).unwrap_err().contains("expected OUTPUT=argmax"), "{wrong}");
        }
    }

    #[test]
    fn reads_dimensions() {
        assert_eq!(parse_dim("tokens[1]=64"), Ok(Dim { name: "tokens[1]".into(), extent: 64 }));
        for wrong in ["", "x", "x=0", "=1", "x=-1", "x=1.5"] {
            parse_dim(wrong).unwrap_err();
        }
    }
}
