//! Steps: commands that are announced, run from a folder of the repository, and checked.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// One command with a name that is printed before it runs.
pub(crate) struct Step {
    name: String,
    command: Command,
}

impl Step {
    /// A step that runs `program` in the repository's root.
    pub(crate) fn new(name: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root());
        Self { name: name.into(), command }
    }

    /// A step that runs the cargo which runs this program.
    pub(crate) fn cargo(name: impl Into<String>) -> Self {
        Self::new(name, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs in `folder`, relative to the repository's root.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.command.current_dir(root().join(folder));
        self
    }

    /// Announces the step, runs it, tells how long it took, and fails unless it exits with 0.
    pub(crate) fn run(mut self) -> Result<()> {
        let line = self.line();
        eprintln!("\n==> {}\n    {line}", self.name);
        let begin = Instant::now();
        let status = self.command.status().with_context(|| format!("{}: cannot start `{line}`", self.name))?;
        if !status.success() {
            bail!("{}: `{line}` ended with {status}", self.name);
        }
        eprintln!("<== {}: {:.1} s", self.name, begin.elapsed().as_secs_f64());
        Ok(())
    }

    fn line(&self) -> String {
        let program = Path::new(self.command.get_program());
        let program = program.strip_prefix(root()).unwrap_or(program).to_string_lossy();
        std::iter::once(program)
            .chain(self.command.get_args().map(OsStr::to_string_lossy))
            .collect::<Vec<_>>()
            .join(" ")
    }
}
