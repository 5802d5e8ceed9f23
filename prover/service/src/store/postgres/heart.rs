//! A process says that it lives, from a thread of its own: however busy the others are, its lease is not lost for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, PgConnection};

use super::{PATIENCE, PostgresStore, dialect, now_ms};
use crate::clock::{Clock, milliseconds};
use crate::store::StoreError;

/// Beats in the time of a lease: some may be late.
const BEATS_IN_A_LEASE: u32 = 5;

/// How long the process may not have shown that its other threads go on, before its heart stops for it: what hangs gives its jobs back.
const HANGS: Duration = Duration::from_secs(60);

/// What a heart knows, and is told.
#[derive(Debug)]
pub struct Pulse {
    lease: Duration,
    beats: Mutex<Beats>,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct Beats {
    /// Since when no lease's time has passed without a beat.
    since: Option<Instant>,
    last: Option<Instant>,
    /// When the other threads showed last that they go on.
    shown: Instant,
}

impl Pulse {
    fn new(lease: Duration) -> Self {
        let beats = Beats { since: None, last: None, shown: Instant::now() };
        Self { lease, beats: Mutex::new(beats), stopped: AtomicBool::new(false) }
    }

    fn with<T>(&self, of: impl FnOnce(&mut Beats) -> T) -> T {
        of(&mut self.beats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The other threads go on.
    pub fn show(&self) {
        self.with(|beats| beats.shown = Instant::now());
    }

    fn hangs(&self, now: Instant) -> bool {
        self.with(|beats| now.saturating_duration_since(beats.shown) > HANGS)
    }

    fn beat(&self, now: Instant) {
        self.with(|beats| {
            let is_in_time = beats.last.is_some_and(|last| now.saturating_duration_since(last) < self.lease);
            if !is_in_time {
                beats.since = Some(now);
            }
            beats.last = Some(now);
        });
    }

    /// Whether the database was there all through the last lease: only then does it mean something that others were not heard of. After
    /// an outage all leases are over, and all who hold them may live.
    pub fn is_steady(&self) -> bool {
        let now = Instant::now();
        self.with(|beats| {
            let is_beating = beats.last.is_some_and(|last| now.saturating_duration_since(last) < self.lease);
            is_beating && beats.since.is_some_and(|since| now.saturating_duration_since(since) >= self.lease)
        })
    }
}

/// A thread that renews a run's lease, until it is dropped.
#[derive(Debug)]
pub struct Heart {
    pulse: Arc<Pulse>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Starts it. The clock follows the database's from then on.
    ///
    /// # Errors
    /// The system's: no thread.
    pub fn start(store: &PostgresStore, run: &str, lease: Duration, clock: Clock) -> std::io::Result<Self> {
        let pulse = Arc::new(Pulse::new(lease));
        let (store, run, beating) = (store.clone(), run.to_owned(), Arc::clone(&pulse));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("heart".to_owned())
            .spawn(move || runtime.block_on(beat(&store, &run, &beating, &clock)))?;
        Ok(Self { pulse, thread: Some(thread) })
    }

    /// What it knows.
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.pulse.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It ends within the patience of one question.
            let _ = thread.join();
        }
    }
}

async fn beat(store: &PostgresStore, run: &str, pulse: &Pulse, clock: &Clock) {
    let mut connection = None;
    while !pulse.stopped.load(Ordering::SeqCst) {
        let hangs = pulse.hangs(Instant::now());
        if hangs {
            tracing::error!("nothing goes on in this process: it lets go of its jobs");
        } else {
            let asked = tokio::time::timeout(PATIENCE.min(pulse.lease), beat_once(store, run, &mut connection, clock));
            match asked.await {
                Ok(Ok(())) => pulse.beat(Instant::now()),
                Ok(Err(error)) => {
                    connection = None;
                    tracing::error!(%error, "the lease cannot be renewed");
                }
                Err(_) => {
                    connection = None;
                    tracing::error!("the lease cannot be renewed: the database does not answer");
                }
            }
        }
        // Woken when it is to stop.
        std::thread::park_timeout(pulse.lease / BEATS_IN_A_LEASE);
    }
}

async fn beat_once(
    store: &PostgresStore,
    run: &str,
    connection: &mut Option<PgConnection>,
    clock: &Clock,
) -> Result<(), StoreError> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(store.options.connect().await?),
    };
    dialect::renew(connection, run).await?;
    let asked = Instant::now();
    let now = now_ms(connection).await?;
    // The answer is half of its way old.
    clock.follow(now.saturating_add(milliseconds(asked.elapsed()) / 2));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_heard_of_counts_only_after_a_whole_lease_of_beats() {
        let pulse = Pulse::new(Duration::from_millis(200));
        assert!(!pulse.is_steady());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(150) {
            pulse.beat(Instant::now());
            assert!(!pulse.is_steady());
            std::thread::sleep(Duration::from_millis(10));
        }
        while start.elapsed() < Duration::from_millis(260) {
            pulse.beat(Instant::now());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(pulse.is_steady());
        // An outage.
        std::thread::sleep(Duration::from_millis(210));
        assert!(!pulse.is_steady());
        pulse.beat(Instant::now());
        assert!(!pulse.is_steady(), "all others were out, too");
    }

    #[test]
    fn what_hangs_is_seen() {
        let pulse = Pulse::new(Duration::from_secs(1));
        let now = Instant::now();
        assert!(!pulse.hangs(now + HANGS / 2));
        assert!(pulse.hangs(now + HANGS * 2));
        pulse.show();
        assert!(!pulse.hangs(Instant::now()));
    }
}
