//! Ends a process whose run does not end or takes too much memory, and says on what.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::campaign::hexadecimal;

/// A run that takes longer does not end.
const LONGEST: Duration = Duration::from_secs(30);

/// Resident memory of the process.
const MOST_MEMORY: u64 = 4 << 30;

/// What is being run, and since when.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// Watches until it is dropped.
pub(crate) struct Watch {
    current: Current,
}

impl Watch {
    pub(crate) fn start(target: &'static str) -> Self {
        let current = Current::default();
        let watched = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(current) = watched.upgrade() {
                if let Some((since, input)) = &*current.lock().unwrap_or_else(PoisonError::into_inner) {
                    let memory = resident();
                    if since.elapsed() > LONGEST || memory > MOST_MEMORY {
                        eprintln!(
                            "{target}: {} s and {} MB on {}",
                            since.elapsed().as_secs(),
                            memory >> 20,
                            hexadecimal(input)
                        );
                        std::process::exit(1);
                    }
                }
                drop(current);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { current }
    }

    /// A run begins.
    pub(crate) fn begin(&self, input: &[u8]) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), input.to_vec()));
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Bytes of this process that are in memory; 0 where that is not known.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
