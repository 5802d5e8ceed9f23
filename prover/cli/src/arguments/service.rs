//! What may be typed after `serve`, `worker`, `api-key` and `webhook-secret`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use apodict_service::config::FleetConfig;
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

    #[command(flatten)]
    pub(crate) children: Children,

    /// Leave the jobs to `apodict worker`, on any machine: jobs are kept in a database, files where all machines reach them.
    #[arg(long, requires = "artifacts")]
    pub(crate) fleet: bool,

    #[command(flatten)]
    pub(crate) database: Database,

    /// Folder for the artifacts of a fleet, the same one for all of its servers and workers.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "fleet")]
    pub(crate) artifacts: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) lease: Lease,

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

    #[command(flatten)]
    pub(crate) drain: Drain,

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

/// The processes that prove and compile.
#[derive(Debug, Args)]
pub(crate) struct Children {
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
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Seconds that running jobs may go on once the process is asked to stop.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    drain: u64,
}

impl Drain {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.drain)
    }
}

/// Where its address may stand, which lists of processes do not show.
const DATABASE: &str = "APODICT_DATABASE";

#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Address of a fleet's database, `postgres://USER:PASSWORD@HOST/NAME`; better in the variable APODICT_DATABASE, since lists of
    /// processes show what is typed.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    database: Option<String>,
}

impl Database {
    /// As typed, or as the variable says.
    pub(crate) fn address(&self) -> Result<String, Failure> {
        let variable = || std::env::var(DATABASE).ok().filter(|url| !url.is_empty());
        self.database.clone().or_else(variable).ok_or(Failure::NoDatabase)
    }

    /// As typed, which is a mistake where there is no fleet; the variable may be there for other commands.
    pub(crate) fn typed(&self) -> Option<&str> {
        self.database.as_deref()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Lease {
    /// Seconds after which the jobs of a process of a fleet are begun again, if it is not heard of.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=3600))]
    lease: u64,
}

/// What the processes of a fleet share.
pub(crate) fn fleet(database: &Database, artifacts: PathBuf, lease: &Lease) -> Result<FleetConfig, Failure> {
    Ok(FleetConfig { database: database.address()?, artifacts, lease: Duration::from_secs(lease.lease) })
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) data: Data,

    #[command(flatten)]
    pub(crate) database: Database,

    /// Folder for the artifacts, the same one for all servers and workers.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) artifacts: PathBuf,

    #[command(flatten)]
    pub(crate) lease: Lease,

    #[command(flatten)]
    pub(crate) srs: SrsFile,

    #[command(flatten)]
    pub(crate) children: Children,

    #[command(flatten)]
    pub(crate) drain: Drain,
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
    List(Keeper),
    /// End a key.
    Revoke(RevokeKey),
}

/// Who keeps keys and secrets: a server's folder, or a fleet's database.
#[derive(Debug, Args)]
pub(crate) struct Keeper {
    #[command(flatten)]
    pub(crate) data: Data,

    /// Of a fleet, whose database has its address in `--database` or in the variable APODICT_DATABASE.
    #[arg(long, conflicts_with = "data")]
    fleet: bool,

    #[command(flatten)]
    database: Database,
}

impl Keeper {
    /// The address of a fleet's database, if it is one's.
    pub(crate) fn database(&self) -> Result<Option<String>, Failure> {
        match (self.fleet, self.database.typed()) {
            (true, _) => self.database.address().map(Some),
            (false, Some(_)) => Err(Failure::DatabaseOfNoFleet),
            (false, None) => Ok(None),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    #[command(flatten)]
    pub(crate) keeper: Keeper,

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
    pub(crate) keeper: Keeper,

    /// `key_..`, as `list` shows it.
    pub(crate) id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookSecret {
    /// Make a secret; it is shown once, and signs beside the one before until that is revoked.
    Create(CreateWebhookSecret),
    /// List the secrets, without their values.
    List(Keeper),
    /// End a secret.
    Revoke(RevokeWebhookSecret),
}

#[derive(Debug, Args)]
pub(crate) struct CreateWebhookSecret {
    #[command(flatten)]
    pub(crate) keeper: Keeper,

    /// Whose webhooks it signs.
    #[arg(long, value_name = "TENANT", default_value = "default", value_parser = parse_tenant)]
    pub(crate) tenant: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeWebhookSecret {
    #[command(flatten)]
    pub(crate) keeper: Keeper,

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
