//! The server's side of a child.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::{Reply, Request, Setup, frame};

/// How much of a child's last words is kept.
const STDERR_BYTES: usize = 4096;

/// How to start a child.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// The program.
    pub program: PathBuf,
    /// What it is told.
    pub arguments: Vec<OsString>,
}

impl ChildCommand {
    /// This program again, with the hidden verb.
    ///
    /// # Errors
    /// The system does not say where it is.
    pub fn of_this_program() -> io::Result<Self> {
        // The file itself, even if an upgrade has put another under its name meanwhile.
        let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        Ok(Self { program, arguments: vec!["worker-child".into()] })
    }
}

/// Why a child gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// It took more memory than it may, or than there is.
    #[error("it ran out of memory")]
    OutOfMemory,
    /// It ended.
    #[error("its process ended ({status}): {words}")]
    Ended {
        /// How.
        status: String,
        /// What it said last.
        words: String,
    },
    /// It could not be started.
    #[error("its process could not be started: {0}")]
    Start(io::Error),
    /// It said something else than was asked.
    #[error("its process answered {0}")]
    Unexpected(&'static str),
}

/// A process that proves or compiles. Dropped, it is killed.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    input: ChildStdin,
    output: ChildStdout,
    words: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
}

impl Child {
    /// Starts a process and tells it what it is for.
    ///
    /// # Errors
    /// [`ChildError`].
    pub async fn start(command: &ChildCommand, setup: Setup) -> Result<Self, ChildError> {
        let mut starting = Command::new(&command.program);
        #[cfg(unix)]
        starting.arg0("apodict");
        let spawned = starting
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut process = spawned.map_err(ChildError::Start)?;
        let (Some(input), Some(output), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(ChildError::Unexpected("without pipes"));
        };
        let words = Arc::default();
        let listening = tokio::spawn(listen(stderr, Arc::clone(&words)));
        let mut child = Self { process, input, output, words, listening };
        match child.ask(&Request::Setup(setup), |_, _| ()).await? {
            Reply::Ready => Ok(child),
            _ => Err(ChildError::Unexpected("something else than that it is ready")),
        }
    }

    /// Asks, and waits for the answer; `tell` hears of progress until then.
    ///
    /// # Errors
    /// [`ChildError`]: the child is of no more use.
    pub async fn ask(&mut self, request: &Request, mut tell: impl FnMut(String, f64)) -> Result<Reply, ChildError> {
        if frame::send(&mut self.input, request).await.is_err() {
            return Err(self.ended().await);
        }
        loop {
            match frame::receive(&mut self.output).await {
                Ok(Reply::Progress { stage, fraction }) => tell(stage, fraction),
                Ok(reply) => return Ok(reply),
                Err(_) => return Err(self.ended().await),
            }
        }
    }

    /// The process's number, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it, and waits until it is gone.
    pub async fn kill(mut self) {
        if let Err(error) = self.process.kill().await {
            tracing::warn!(%error, "a child process could not be ended");
        }
    }

    /// Why it no longer answers.
    async fn ended(&mut self) -> ChildError {
        // It may have closed its pipes and still be there.
        let _ = self.process.start_kill();
        let status = self.process.wait().await;
        // What it said last may come after its end.
        let _ = (&mut self.listening).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if status.as_ref().is_ok_and(|status| ran_out_of_memory(status, &words)) {
            return ChildError::OutOfMemory;
        }
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        ChildError::Ended { status, words: apodict_circuits::escaped(words).to_string() }
    }
}

/// An allocation that the limit refuses aborts the process, which says so before.
fn ran_out_of_memory(status: &ExitStatus, words: &str) -> bool {
    let said = words.contains("memory allocation of") || words.contains("Cannot allocate memory");
    said && !status.success()
}

async fn listen(mut stderr: ChildStderr, words: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(piece.get(..length).unwrap_or_default());
        let excess = words.len().saturating_sub(STDERR_BYTES);
        words.drain(..excess);
    }
}
