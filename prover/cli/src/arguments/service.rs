//! What may be typed after `serve` and `api-key`.

use std::net::SocketAddr;
use std::path::PathBuf;

use apodict_service::store::Scope;
use apodict_service::webhooks::Network;
use clap::{Args, Subcommand, ValueHint};

use super::SrsFile;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Data {
    /// Folder for jobs, artifacts and caches; without it, `apodict/` below the user's data folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
}

impl Data {
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let of_user = || {
            let folder = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
            let folder = folder.or_else(|| variable("HOME").map(|home| home.join(".local/share")));
            folder.map(|folder| folder.join("apodict"))
        };
        self.data.clone().or_else(of_user).ok_or(Failure::NoDataFolder)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) data: Data,

    /// Where to listen; port 0 for any that is free, which is printed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8451")]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) srs: SrsFile,

    /// Processes that prove small models, one proof at a time each.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parse_count)]
    pub(crate) workers: usize,

    /// Processes that prove large models and batches.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_count)]
    pub(crate) long_workers: usize,

    /// MiB that each of the first may take.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    pub(crate) worker_memory: u64,

    /// MiB that a large proof or a compilation may take.
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    pub(crate) job_memory: u64,

    /// log2 of the most rows of a model.
    #[arg(long, value_name = "K", default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=24))]
    pub(crate) max_k: u32,

    /// Models of at most 2^K rows are proved by warm processes.
    #[arg(long, value_name = "K", default_value_t = 14, value_parser = clap::value_parser!(u32).range(4..=24))]
    pub(crate) short_max_k: u32,

    /// MiB of an ONNX file, and of its calibration.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) max_upload: u64,

    /// Jobs of a tenant that wait or run.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_jobs: u64,

    /// Seconds that a job may take from its submission.
    #[arg(long, value_name = "S", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(crate) job_time: u64,

    /// Requests a second that a key may make in the long run; bursts are ten times as large.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,

    /// Ask for an API key on this machine, too: behind a proxy, everybody's requests come from here.
    #[arg(long)]
    pub(crate) ask_for_keys: bool,

    /// Seconds that running jobs may go on once the server is asked to stop.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(crate) drain: u64,

    /// Serve the API alone, without the web page.
    #[arg(long)]
    pub(crate) no_page: bool,

    /// Tell the addresses that requests name as their `webhook` when jobs end; `apodict webhook-secret create` makes what signs it.
    #[arg(long)]
    pub(crate) webhooks: bool,

    /// A network, besides the internet, whose addresses webhooks may name, as in 10.1.0.0/16; several times if need be.
    #[arg(long, value_name = "NETWORK", requires = "webhooks")]
    pub(crate) webhook_allow: Vec<Network>,
}

fn parse_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=64).contains(count));
    count.ok_or_else(|| "expected a number from 1 to 64".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key; its secret is shown once.
    Create(CreateKey),
    /// List the keys, without their secrets.
    List(Data),
    /// End a key.
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    #[command(flatten)]
    pub(crate) data: Data,

    /// What it is for.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) name: String,

    /// Whose it is: tenants do not see each other.
    #[arg(long, value_name = "TENANT", default_value = "default", value_parser = parse_tenant)]
    pub(crate) tenant: String,

    /// What it may do: read, prove, models, operate; the first three if nothing is said.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = parse_scope)]
    pub(crate) scopes: Vec<Scope>,

    /// Days until it ends.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    pub(crate) days: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    #[command(flatten)]
    pub(crate) data: Data,

    /// `key_..`, as `list` shows it.
    pub(crate) id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookSecret {
    /// Make a secret; it is shown once, and signs beside the one before until that is revoked.
    Create(CreateWebhookSecret),
    /// List the secrets, without their values.
    List(Data),
    /// End a secret.
    Revoke(RevokeWebhookSecret),
}

#[derive(Debug, Args)]
pub(crate) struct CreateWebhookSecret {
    #[command(flatten)]
    pub(crate) data: Data,

    /// Whose webhooks it signs.
    #[arg(long, value_name = "TENANT", default_value = "default", value_parser = parse_tenant)]
    pub(crate) tenant: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeWebhookSecret {
    #[command(flatten)]
    pub(crate) data: Data,

    /// `whs_..`, as `list` shows it.
    pub(crate) id: String,
}

fn parse_tenant(text: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    match text {
        "" => Err("expected a name".to_owned()),
        text if text.len() <= 64 && text.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("expected at most 64 letters, digits, `-`, `_` and `.`".to_owned()),
    }
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|_| "expected read, prove, models or operate".to_owned())
}
