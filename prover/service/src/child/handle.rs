//! The server's side of a child.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::{Reply, Request, Setup, frame};

/// How much of a child's last words is kept.
const STDERR_BYTES: usize = 4096;

/// How long a child may take to end once it has closed its pipes.
const GRACE: Duration = Duration::from_secs(1);

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
    /// It took more memory than it may.
    #[error("it ran out of memory")]
    OutOfMemory,
    /// The machine ran out of memory, and its kernel chose this process to end.
    #[error("the machine ran out of memory: its kernel ended the process")]
    KilledForMemory,
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
    /// What it should be asked is no message: the child is as it was.
    #[error("it cannot be asked: {0}")]
    Ask(io::Error),
}

/// A process that proves or compiles. Dropped, it is killed.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    input: ChildStdin,
    output: ChildStdout,
    words: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
    /// The number of the last request.
    asked: u64,
    /// How many processes the kernel had ended for want of memory when the last request was sent.
    kills: Option<u64>,
}

impl Child {
    /// Starts a process and tells it what it is for.
    ///
    /// # Errors
    /// [`ChildError`].
    pub async fn start(command: &ChildCommand, setup: Setup) -> Result<Self, ChildError> {
        let mut starting = Command::new(&command.program);
        // In a group of its own: what a terminal sends to the server's, the server decides about.
        #[cfg(unix)]
        starting.arg0("apodict").process_group(0);
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
        let mut child = Self { process, input, output, words, listening, asked: 0, kills: None };
        let not_started = |error: ChildError| match error {
            ChildError::Start(_) | ChildError::KilledForMemory => error,
            error => ChildError::Start(io::Error::other(error.to_string())),
        };
        match child.ask(&Request::Setup(setup), |_, _| ()).await.map_err(not_started)? {
            Reply::Ready => Ok(child),
            _ => Err(ChildError::Unexpected("something else than that it is ready")),
        }
    }

    /// Whether it is there, as far as anybody can know.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Asks, and waits for the answer; `tell` hears of progress until then.
    ///
    /// # Errors
    /// [`ChildError`]: the child is of no more use.
    pub async fn ask(&mut self, request: &Request, mut tell: impl FnMut(String, f64)) -> Result<Reply, ChildError> {
        self.asked += 1;
        self.kills = kernel_kills();
        let message = frame::encode(&(self.asked, request)).map_err(ChildError::Ask)?;
        if frame::send(&mut self.input, &message).await.is_err() {
            return Err(self.ended().await);
        }
        loop {
            match frame::receive::<(u64, Reply)>(&mut self.output).await {
                Ok((number, _)) if number != self.asked => {
                    return Err(ChildError::Unexpected("another request than the last"));
                }
                Ok((_, Reply::Progress { stage, fraction })) => {
                    tell(stage, if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 });
                }
                Ok((_, reply)) => return Ok(reply),
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
        let ours = match tokio::time::timeout(GRACE, self.process.wait()).await {
            Ok(_) => false,
            Err(_) => self.process.start_kill().is_ok(),
        };
        let status = self.process.wait().await;
        // What it said last may come after its end.
        let _ = (&mut self.listening).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if status.as_ref().is_ok_and(|status| ran_out_of_memory(status, &words)) {
            return ChildError::OutOfMemory;
        }
        if !ours && status.as_ref().is_ok_and(|status| killed_for_memory(status, self.kills, kernel_kills())) {
            return ChildError::KilledForMemory;
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

/// How many processes the kernel has ended for want of memory, where it tells.
fn kernel_kills() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/vmstat").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// Whether a process that was ended by SIGKILL, and not by this one, was ended for want of memory: the kernel has counted one more.
/// Where it does not count, nobody else sends this signal by habit.
#[cfg(unix)]
fn killed_for_memory(status: &ExitStatus, before: Option<u64>, after: Option<u64>) -> bool {
    use std::os::unix::process::ExitStatusExt;
    let more = before.zip(after).is_none_or(|(before, after)| after > before);
    status.signal() == Some(rustix::process::Signal::KILL.as_raw()) && more
}

#[cfg(not(unix))]
fn killed_for_memory(_status: &ExitStatus, _before: Option<u64>, _after: Option<u64>) -> bool {
    false
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_kill_of_the_kernels_is_told_from_others() {
        let (killed, terminated, failed) =
            (ExitStatus::from_raw(9), ExitStatus::from_raw(15), ExitStatus::from_raw(9 << 8));
        assert!(killed_for_memory(&killed, Some(3), Some(4)));
        assert!(killed_for_memory(&killed, None, None), "nobody counts");
        assert!(!killed_for_memory(&killed, Some(3), Some(3)), "somebody typed it");
        assert!(!killed_for_memory(&terminated, Some(3), Some(4)));
        assert!(!killed_for_memory(&failed, Some(3), Some(4)));
    }

    fn child(script: &str) -> ChildCommand {
        ChildCommand { program: "sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    fn setup() -> Setup {
        let duty = crate::child::Duty::OneJob;
        Setup { srs: None, srs_digest: None, cache: "unused".into(), duty, memory_bytes: 1 }
    }

    /// Before it is ready, it has seen no job: nothing is the job's fault.
    #[tokio::test]
    async fn what_does_not_get_ready_was_not_started() {
        let missing = ChildCommand { program: "/nonexistent/apodict".into(), arguments: vec![] };
        for command in [missing, child("exit 3"), child("echo 'memory allocation of 1 bytes failed' >&2; exit 134")] {
            let error = Child::start(&command, setup()).await.unwrap_err();
            assert!(matches!(error, ChildError::Start(_)), "{command:?}: {error:?}");
        }
    }

    /// The answer to request 0, which nobody sent.
    #[tokio::test]
    async fn an_answer_to_another_request_is_refused() {
        let late = frame::encode(&(0u64, Reply::Ready)).unwrap();
        let octal: String = late.iter().map(|byte| format!("\\{byte:03o}")).collect();
        let error = Child::start(&child(&format!("printf '{octal}'; cat")), setup()).await.unwrap_err();
        assert!(error.to_string().contains("another request"), "{error}");
    }
}
