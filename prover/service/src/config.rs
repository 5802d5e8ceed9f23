//! What a server may be told.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::child::ChildCommand;
use crate::webhooks::WebhookRules;

/// How a server runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder for jobs, artifacts and caches, made if need be. One server at a time.
    pub data: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// File of the structured reference string; without it, one for development.
    pub srs: Option<PathBuf>,
    /// The digest of a ceremony's string, which that must be.
    pub srs_digest: Option<[u8; 32]>,
    /// How children are started.
    pub child: ChildCommand,
    /// What it allows.
    pub limits: Limits,
    /// Whether an API key is asked for even of programs on this machine.
    pub ask_for_keys: bool,
    /// How long running jobs may go on once the server is asked to stop.
    pub drain: Duration,
    /// Whether it serves its web page.
    pub page: PageSwitch,
    /// What it shares with others; without it, it is the only process of its folder.
    pub fleet: Option<FleetConfig>,
    /// How it tells others that jobs have ended, if it does.
    pub webhooks: Option<WebhookRules>,
}

/// What the processes of a fleet share.
#[derive(Clone)]
pub struct FleetConfig {
    /// Address of the Postgres database, `postgres://..`: its password may be in it.
    pub database: String,
    /// Folder of the artifacts, the same one for all.
    pub artifacts: PathBuf,
    /// After this long without a word from a process, its jobs are begun again.
    pub lease: Duration,
}

impl fmt::Debug for FleetConfig {
    /// Without the address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { artifacts, lease, .. } = self;
        formatter
            .debug_struct("FleetConfig")
            .field("artifacts", artifacts)
            .field("lease", lease)
            .finish_non_exhaustive()
    }
}

/// Whether a server has a web page beside its API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageSwitch {
    /// At `/`.
    #[default]
    On,
    /// Its addresses lead nowhere.
    Off,
}

/// What a server allows, and how much it does at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Warm children, each proving one small proof at a time. None in a server that leaves jobs to workers.
    pub warm_children: usize,
    /// Prepared keys that each of them keeps.
    pub warm_keys: usize,
    /// Bytes that each of them may take.
    pub warm_memory_bytes: u64,
    /// Children for large proofs and batches at the same time.
    pub long_children: usize,
    /// Compilations at the same time.
    pub compile_children: usize,
    /// Bytes that a large proof or a compilation may take.
    pub job_memory_bytes: u64,
    /// Programs of at most `2^k` rows count as small.
    pub short_max_k: u32,
    /// log2 of the most rows of a model.
    pub max_k: u32,
    /// Bytes of an ONNX file, and of its calibration.
    pub upload_bytes: u64,
    /// Bytes of any other body.
    pub body_bytes: usize,
    /// Inputs of a batch.
    pub batch: usize,
    /// Jobs of a tenant that wait or run.
    pub open_jobs: u64,
    /// How often the process that works on a job may end without a result.
    pub attempts: u32,
    /// How long a job may take from its submission, unless it says less.
    pub job_time: Duration,
    /// The longest that `POST /v1/prove` waits.
    pub wait: Duration,
    /// Requests a second that a key may make in the long run; bursts are ten times as large.
    pub requests_per_s: f64,
    /// Connections at the same time. One address has half of them, one tenant an eighth for requests that wait.
    pub connections: usize,
    /// Bytes of bodies that are read at the same time, and of what they are read into. One tenant has a quarter of them.
    pub room_bytes: usize,
    /// How long a client may take to send a request's head, to send nothing in the middle of its body, or to read nothing of its answer.
    pub client_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // While one is given its next job, the other proves.
            warm_children: 2,
            warm_keys: 8,
            warm_memory_bytes: 1 << 30,
            long_children: 1,
            compile_children: 1,
            job_memory_bytes: 4 << 30,
            short_max_k: 14,
            max_k: 20,
            upload_bytes: 64 << 20,
            body_bytes: 16 << 20,
            batch: 256,
            open_jobs: 10_000,
            attempts: 5,
            job_time: Duration::from_secs(3600),
            wait: Duration::from_secs(60),
            requests_per_s: 1000.0,
            connections: 4096,
            room_bytes: 256 << 20,
            client_patience: Duration::from_secs(20),
        }
    }
}
