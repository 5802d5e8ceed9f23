//! What may be typed.

mod bench;
#[cfg(feature = "chain")]
mod chain;
mod compile;
mod contract;
mod prove;
#[cfg(feature = "service")]
mod remote;
#[cfg(feature = "service")]
mod service;
mod srs;

use clap::{Args, Parser, Subcommand};

pub(crate) use bench::{Bench, Peer};
#[cfg(feature = "chain")]
pub(crate) use chain::{Chain, ConsumerKind, Context, Demo, Deploy, Node, Origin, Place, Register, Signing, Submit};
pub(crate) use compile::{Compile, CompileOptions, Evaluate, Inspect, MaxError, Objective, OutputDecision};
pub(crate) use contract::{Calldata, Contract};
pub(crate) use prove::{Backend, Keys, Prove, Verify};
#[cfg(feature = "service")]
pub(crate) use remote::{
    DownloadJob, GetModel, Job, ListJobs, ListModels, Model, NamedJob, NamedModel, OnServer, PushModel,
    ServerArguments, SubmitJob,
};
#[cfg(feature = "service")]
pub(crate) use service::{
    ApiKey, Children, CreateKey, CreateWebhookSecret, Keeper, RevokeKey, RevokeWebhookSecret, Serve, WebhookSecret,
    Worker, fleet,
};
pub(crate) use srs::{Srs, SrsCheck, SrsFile, SrsGenerate, SrsImport, SrsPin};

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
    /// Decide what may be lent against a collateral, prove the decision, verify it in Rust and on an EVM.
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
    Serve(Serve),
    /// Prove and compile for servers of a fleet, `apodict serve --fleet`, which run on any machine.
    #[cfg(feature = "service")]
    Worker(Worker),
    /// Keys of the proving service.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Secrets that the proving service's webhooks are signed with.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    WebhookSecret(WebhookSecret),
    /// Jobs of a proving service: hand in, watch, cancel, fetch.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Job(Job),
    /// Models of a proving service: hand in, list, fetch, remove.
    #[cfg(feature = "service")]
    #[command(subcommand)]
    Model(Model),
    /// What `serve` and `worker` start to prove and compile.
    #[cfg(feature = "service")]
    #[command(hide = true)]
    WorkerChild,
    /// The contracts on a chain: deploy them, register models, submit decisions.
    #[cfg(feature = "chain")]
    #[command(subcommand)]
    Chain(Box<Chain>),
    /// Print a completion script for a shell.
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// No more than a tebibyte, so that bytes fit a word.
fn parse_mebibytes(text: &str) -> Result<usize, String> {
    let mebibytes = text.parse().ok().filter(|mebibytes| *mebibytes <= 1 << 20);
    mebibytes.ok_or_else(|| "expected a number of MiB, from 0 to 1048576".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
