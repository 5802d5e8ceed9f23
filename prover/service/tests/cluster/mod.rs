//! A Postgres of a test's own: in a new folder, on a socket in it, removed when it is dropped.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Who runs it where the test runs as root, whom Postgres refuses.
const NOBODY: u32 = 65534;

/// A running Postgres.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    binaries: PathBuf,
}

impl Cluster {
    /// Makes and starts one.
    ///
    /// # Panics
    /// If there is no Postgres on this machine, or it does not start: says which.
    pub(crate) fn start() -> Self {
        let binaries = binaries().unwrap_or_else(|| {
            panic!("there is no Postgres on this machine: install it (Debian: apt-get install postgresql), or set APODICT_POSTGRES to the folder of its `initdb`")
        });
        // The path of a socket has a hundred bytes: not below the build's folder.
        let folder = tempfile::Builder::new().prefix("apodict-pg").tempdir_in("/tmp").unwrap();
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let cluster = Self { folder, binaries };
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        cluster.up();
        cluster
    }

    /// Starts it, after it was made or stopped.
    pub(crate) fn up(&self) {
        let (data, log) = (self.data(), self.path("log"));
        let options = format!("-k {} -c listen_addresses=", self.folder.path().display());
        self.run("pg_ctl", &["-D", &data, "-l", &log, "-o", &options, "-w", "-t", "60", "start"]);
    }

    /// Stops it as a crash does: nothing is written any more.
    pub(crate) fn crash(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        // Of a URL, the path of a socket is an option.
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// The address of a schema of its own, which is made if need be: as good as a database, and made faster.
    pub(crate) fn schema(&self, name: &str) -> String {
        let socket = self.folder.path().display().to_string();
        let create = format!("CREATE SCHEMA IF NOT EXISTS {name}");
        self.run("psql", &["-q", "-h", &socket, "-U", "postgres", "-c", &create, "postgres"]);
        format!("{}&options[search_path]={name}", self.url())
    }

    /// What the database answers, without its frame.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let socket = self.folder.path().display().to_string();
        self.run("psql", &["-X", "-q", "-A", "-t", "-h", &socket, "-U", "postgres", "-c", sql, "postgres"])
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn data(&self) -> String {
        self.path("data")
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        // To a file, not to a pipe: the server that `pg_ctl` leaves behind would hold that open.
        let output = self.folder.path().join(format!("{program}.out"));
        let file = std::fs::File::create(&output).unwrap();
        let status = self
            .command(program, arguments)
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = std::fs::read_to_string(&output).unwrap_or_default();
        assert!(status.success(), "{program} {arguments:?} ended with {status}: {said}");
        said.trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have been stopped.
        let mut stopped = self.command("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
        let _ = stopped.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let start = Instant::now();
        while Path::new(&self.data()).join("postmaster.pid").exists() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The folder of `initdb`: as the variable says, in the path, or the newest of Debian's.
fn binaries() -> Option<PathBuf> {
    let named = std::env::var_os("APODICT_POSTGRES").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut debian: Vec<_> = debian.into_iter().flatten().flatten().map(|version| version.path().join("bin")).collect();
    debian.sort();
    named
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(debian.into_iter().rev())
        .find(|folder| ["initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file()))
}
