//! What Ctrl-C ends is the command, not the job.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use apodict_circuits::escaped;

use super::Error;

/// What is said, if anything is.
static WORD: Mutex<Option<String>> = Mutex::new(None);

/// As shells have it for a program that SIGINT ended.
const EXIT_CODE: i32 = 130;

/// As long as this lives, Ctrl-C is answered with a word.
pub(super) struct Interrupt;

impl Interrupt {
    pub(super) fn tell(word: String) -> Result<Self, Error> {
        static LISTENS: OnceLock<()> = OnceLock::new();
        if LISTENS.get().is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Signals)?;
            std::thread::Builder::new().spawn(move || runtime.block_on(listen())).map_err(Error::Signals)?;
            // One command follows jobs one after the other.
            let _ = LISTENS.set(());
        }
        *WORD.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
        Ok(Self)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        *WORD.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn listen() {
    if tokio::signal::ctrl_c().await.is_ok() {
        if let Some(word) = &*WORD.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nothing is lost if nobody listens.
            let _ = writeln!(std::io::stderr(), "\n{}", escaped(word));
        }
        std::process::exit(EXIT_CODE);
    }
}
