//! Why a command did not do what was asked, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use miette::Diagnostic;
use thiserror::Error;

use apodict_prover::disk;
use apodict_verifier::files::{Bytes32, FileError};

#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// Of files, keys and reference strings.
    #[error(transparent)]
    #[diagnostic(help("{}", .0.advice().unwrap_or_default()))]
    Disk(#[from] disk::Error),

    #[error("wrong key: the proof is for the key {expected}, {} is the key {got}", path.display())]
    #[diagnostic(help("verify with the vk.json of the program that made the proof; nothing is said about the proof"))]
    WrongKey { path: PathBuf, expected: Bytes32, got: Bytes32 },

    #[error("the verifying key {} does not say what its public values mean", path.display())]
    #[diagnostic(help(
        "it is no compiled model's, and nothing is said about the proof: check that with the verifier library"
    ))]
    NothingDescribed { path: PathBuf },

    #[error("cannot use the proof {}", path.display())]
    #[diagnostic(help("expected the JSON file that `apodict prove` writes"))]
    Proof { path: PathBuf, source: FileError },

    #[error("cannot use the program {}", path.display())]
    Program { path: PathBuf, source: apodict_circuits::Error },

    #[error("cannot compile {}", path.display())]
    #[diagnostic(help("{}", advice_for_compile(source)))]
    Compile { path: PathBuf, source: apodict_circuits::Error },

    #[error("cannot use {}", path.display())]
    #[diagnostic(help("{}", advice_for_input(source)))]
    Input { path: PathBuf, source: apodict_circuits::Error },

    #[error("cannot prove it")]
    Prove(#[from] apodict_prover::Error),

    #[error("no synthetic program takes 2^{k} rows")]
    #[diagnostic(help("name other sizes, as in --k 8,10,12"))]
    NoSyntheticProgram { k: u32 },

    #[error("the demonstration finds no {name} in its own files")]
    #[diagnostic(help("this is a defect of apodict: report it"))]
    Demonstration { name: &'static str },

    #[error("{option} does not apply to a program: it is compiled already")]
    #[diagnostic(help("leave {option} out, or name the ONNX model instead of the program"))]
    NotCompiling { option: &'static str },

    #[error("{option} does not apply to a verifying key")]
    #[diagnostic(help("leave {option} out, or name the program instead of the key"))]
    NotOfKey { option: &'static str },

    #[error("--model goes with a program, and {} is a model", path.display())]
    #[diagnostic(help("leave --model out: the model is compared with what it compiles to"))]
    ModelBesideModel { path: PathBuf },

    #[error("{option} is given twice for {name}")]
    #[diagnostic(help("give it once"))]
    GivenTwice { option: &'static str, name: String },

    #[error("standard input is named twice, by --data and by --calibrate")]
    #[diagnostic(help("it can be read once: write one of both to a file"))]
    StandardInputTwice,

    #[error("{} is not accurate enough: {shortfall}", path.display())]
    #[diagnostic(help(
        "nothing was written; --max-error E, E% of the span or OUTPUT=E says how much you accept, --allow-error takes what there is"
    ))]
    Inaccurate { path: PathBuf, shortfall: String },

    #[error("the verifiers disagree about this proof: the library says {library}, the contract {contract}")]
    #[diagnostic(help("this is a defect of apodict: trust neither, and report it with the proof and the key"))]
    Disagreement { library: &'static str, contract: String },

    #[error("the contract says nothing about this proof: {contract}")]
    #[diagnostic(help(
        "it neither accepts nor rejects: it may need more gas than a transaction can have (2^24); without --evm, the library decides"
    ))]
    Undecided { contract: String },

    #[error("the verifying key cannot be used")]
    Key(#[from] apodict_verifier::KeyError),

    #[error("the verifier contract cannot be made or run")]
    Contract(#[from] apodict_solidity::Error),

    #[cfg(feature = "chain")]
    #[error("the chain took what it must refuse: {what}")]
    #[diagnostic(help("this is a defect of apodict: report it"))]
    NotRefused { what: &'static str },

    #[cfg(feature = "chain")]
    #[error("there is no place for temporary files")]
    Scratch(#[source] io::Error),

    #[cfg(feature = "chain")]
    #[error(transparent)]
    #[diagnostic(help("{}", .0.advice().unwrap_or_default()))]
    Chain(#[from] apodict_chain::Error),

    #[cfg(feature = "service")]
    #[error(transparent)]
    #[diagnostic(help("{}", .0.advice().unwrap_or_default()))]
    Remote(#[from] crate::remote::Error),

    #[cfg(feature = "service")]
    #[error("{option} does not apply to what a server does")]
    #[diagnostic(help("leave {option} out: the server has its own; or leave --server out"))]
    NotOnServer { option: &'static str },

    #[cfg(feature = "service")]
    #[error("the server does not run")]
    Serve(#[from] apodict_service::server::ServeError),

    #[cfg(feature = "service")]
    #[error("the key cannot be stored")]
    Store(#[from] apodict_service::store::StoreError),

    #[cfg(feature = "service")]
    #[error("the system gives no threads or pipes to run on")]
    System(#[source] io::Error),

    #[cfg(feature = "service")]
    #[error("there is no key {id} that was not revoked before")]
    #[diagnostic(help("`apodict api-key list` shows the keys"))]
    NoSuchKey { id: String },

    #[cfg(feature = "service")]
    #[error("there is no address of the fleet's database")]
    #[diagnostic(help("set the variable APODICT_DATABASE to postgres://USER:PASSWORD@HOST/NAME, or pass --database"))]
    NoDatabase,

    #[cfg(feature = "service")]
    #[error("--database is of a fleet, and this is of one server alone")]
    #[diagnostic(help("add --fleet, or leave --database out"))]
    DatabaseOfNoFleet,

    #[cfg(feature = "service")]
    #[error("there is no secret {id} that was not revoked before")]
    #[diagnostic(help("`apodict webhook-secret list` shows the secrets"))]
    NoSuchSecret { id: String },

    #[cfg(feature = "service")]
    #[error("the tenant {tenant} has {most} secrets that sign already")]
    #[diagnostic(help("revoke the older one, which `apodict webhook-secret list` shows first"))]
    TooManySecrets { tenant: String, most: i64 },

    #[cfg(feature = "service")]
    #[error("there is no folder for the server's data: neither XDG_DATA_HOME nor HOME is set")]
    #[diagnostic(help("pass --data DIR"))]
    NoDataFolder,

    #[error("cannot print the result")]
    Print(#[source] io::Error),

    #[error("cannot encode the result")]
    Encode(#[from] serde_json::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotCompiling { .. }
            | Self::NotOfKey { .. }
            | Self::ModelBesideModel { .. }
            | Self::GivenTwice { .. }
            | Self::StandardInputTwice => Outcome::Usage.into(),
            #[cfg(feature = "service")]
            Self::NoDatabase | Self::DatabaseOfNoFleet | Self::NotOnServer { .. } => Outcome::Usage.into(),
            _ => Outcome::Failed.into(),
        }
    }
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    Usage,
    /// Of `verify`: the files could be read and the proof does not hold.
    InvalidProof,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Usage => 2,
            Outcome::InvalidProof => 3,
        })
    }
}

/// What to type, where the options of `compile` help; else nothing, since the error says what does.
fn advice_for_compile(error: &apodict_circuits::Error) -> String {
    use apodict_circuits::{Error, onnx, quantize};
    match error {
        Error::Onnx(onnx::Error::OpenDimension { key, .. }) => format!("--dim '{key}=NUMBER' sets it"),
        Error::Onnx(onnx::Error::UnusedDimension { .. }) => "--dim NAME=N sets an open dimension".to_owned(),
        Error::Quantize(quantize::Error::NoRange { input }) => {
            format!("--calibrate DATA or --range '{input}=LOW,HIGH' give it one")
        }
        Error::Quantize(quantize::Error::Sample { source, .. }) => match source.as_ref() {
            quantize::Error::InputValue { input, .. } => {
                format!("--range '{input}=LOW,HIGH' declares a wider one; without --range, the data set it")
            }
            _ => String::new(),
        },
        Error::Quantize(quantize::Error::NoPrecision { .. }) => {
            "--max-error E or --bits N ask for less precision, --range NAME=LOW,HIGH for smaller inputs".to_owned()
        }
        _ => String::new(),
    }
}

/// What to do about an input that no proof can take.
fn advice_for_input(error: &apodict_circuits::Error) -> String {
    use apodict_circuits::{Error, quantize};
    match error {
        Error::Quantize(quantize::Error::InputValue { input, .. }) => format!(
            "a program takes nothing beyond the ranges of its inputs: compile with --range '{input}=LOW,HIGH', or '{input}[INDEX]=LOW,HIGH' \
             for this feature alone, and make keys of the new program"
        ),
        _ => String::new(),
    }
}
