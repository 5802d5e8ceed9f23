//! Processes of a fleet.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::command::{STORY, apodict};
use super::server::Server;

/// Short, so that tests need not wait.
pub(crate) const LEASE_S: u32 = 2;

/// What the processes of a test share.
pub(crate) struct Fleet {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: String,
    next: AtomicU32,
}

impl Fleet {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let fleet = Self { folder: tempfile::tempdir().unwrap(), database: cluster.url(), next: AtomicU32::new(0) };
        fleet.make_string("srs");
        fleet
    }

    /// Makes a reference string.
    pub(crate) fn make_string(&self, name: &str) {
        let made = apodict(self.folder.path(), &["srs", "generate", "-k", "12", "--unsafe", "-o", name]);
        assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// A folder of its own for a process, and what all of them are told.
    fn arguments(&self) -> [String; 10] {
        let path = |name: String| self.folder.path().join(name).display().to_string();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (data, artifacts) = (path(format!("data-{number}")), path("artifacts".to_owned()));
        let [database, lease, srs] = [self.database.clone(), LEASE_S.to_string(), path("srs".to_owned())];
        let [a, b, c, d, e] = ["--data", "--artifacts", "--database", "--lease", "--srs"].map(str::to_owned);
        [a, data, b, artifacts, c, database, d, lease, e, srs]
    }

    pub(crate) fn server(&self) -> Server {
        self.server_with(&[])
    }

    pub(crate) fn server_with(&self, more: &[&str]) -> Server {
        let [_, data, rest @ ..] = self.arguments();
        let rest: Vec<&str> = rest.iter().map(String::as_str).chain(["--fleet"]).chain(more.iter().copied()).collect();
        Server::start(Path::new(&data), &rest)
    }

    pub(crate) fn worker(&self, more: &[&str]) -> Worker {
        let mut process = Command::new(env!("CARGO_BIN_EXE_apodict"))
            .arg("worker")
            .args(self.arguments())
            .args(["--drain", "0"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let mut worker = Worker { process, run: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        worker.run = line.trim().strip_prefix("working as ").unwrap_or_else(|| panic!("{line}")).to_owned();
        worker
    }

    fn story(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(STORY).join(name)).unwrap()
    }

    /// Hands in the model of the examples.
    pub(crate) fn push(&self, server: &Server) -> String {
        server.ready(&[("model", &Self::story("model.onnx")), ("calibration", &Self::story("calibration.json"))])
    }

    fn input() -> Value {
        let input: Value = serde_json::from_slice(&Self::story("inputs/stretched.json")).unwrap();
        input["inputs"].clone()
    }

    pub(crate) fn request(&self, model: &str) -> Value {
        json!({"model": model, "inputs": Self::input()})
    }

    pub(crate) fn batch(&self, model: &str, count: usize) -> Value {
        let batch: Vec<_> = (0..count).map(|_| json!({"inputs": Self::input()})).collect();
        json!({"model": model, "batch": batch})
    }

    /// One value from the database.
    pub(crate) fn count(&self, cluster: &Cluster, sql: &str) -> String {
        cluster.ask(sql)
    }
}

/// A worker. Dropped, it is killed.
pub(crate) struct Worker {
    process: Child,
    /// Its name in the store.
    pub(crate) run: String,
}

impl Worker {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many processes it has.
    pub(crate) fn children(&self) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
        let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        children.map(|ids| ids.split_whitespace().count()).sum()
    }

    /// As `kill -9`.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// As `kill`; its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        signal("-TERM", self.id());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Numbers that only look random, the same for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
