//! Jobs on their way through children.
//!
//! | part | what it is |
//! |---|---|
//! | here | what a server holds, and its loops: a lane's loop claims a job and runs it |
//! | `payload` | what a job is to do, as it is stored |
//! | `run` | a job from its beginning to its stored end |
//! | `attempt` | one attempt of it: cancelled, late, drained or done |
//! | `submit` | jobs that come in and are cancelled |
//! | `requests` | from a payload to a request, from a reply to a result |
//! | `collect` | artifacts that nothing names any more |
//! | `warm` | children that serve many jobs |

mod attempt;
mod collect;
mod payload;
mod requests;
mod run;
mod submit;
mod warm;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use apodict_prover::disk::origin_name;
use apodict_verifier::SrsOrigin;
use tokio::sync::{Notify, watch};

use crate::artifacts::{ArtifactError, Artifacts};
use crate::clock::{Clock, wall_ms};
use crate::config::Config;
use crate::hub::{Hub, Signal};
use crate::ids::{Named, new_id};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::store::{Fence, GivenBack, Lane, Setback, Store, StoreError};
use crate::webhooks::Messenger;

pub use payload::{CompilePayload, Facts, Payload, PayloadError, ProvePayload};
pub(crate) use warm::{WarmPool, WarmSlot};

/// How long a loop sleeps if nobody wakes it.
const IDLE: Duration = Duration::from_secs(1);

/// How long no job is begun once the machine failed one.
const PAUSE_MS: i64 = 1000;

/// How often artifacts that nothing names are looked for.
const COLLECT_EVERY: Duration = Duration::from_secs(3600);

/// How far the system's clock may be from the server's before the log tells.
const DRIFT_MS: i64 = 10_000;

/// Why what a server has at hand cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorksError {
    /// The jobs.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
}

/// How far a server is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It takes and begins jobs.
    Serving,
    /// It begins none, and lets those that run go on.
    Draining,
    /// What still runs is given back.
    Stopping,
}

/// What a server holds.
#[derive(Debug)]
pub struct Works {
    /// What it was told.
    pub config: Config,
    /// Jobs, models, proofs, keys.
    pub store: Arc<dyn Store>,
    /// Files.
    pub artifacts: Artifacts,
    /// Who waits for what.
    pub hub: Hub,
    /// How far running jobs are.
    pub live: Live,
    /// The time, for jobs.
    pub clock: Clock,
    /// Counts.
    pub metrics: Metrics,
    /// The name of this process in the store.
    pub run: String,
    /// The digest of the structured reference string that the configuration names, as it was read: 64 hexadecimal digits.
    string: Option<String>,
    pub(crate) warm: WarmPool,
    /// Who tells others that jobs have ended.
    pub(crate) messenger: Option<Messenger>,
    phase: watch::Sender<Phase>,
    running: AtomicUsize,
    /// Until when no job is begun, since the machine failed one.
    paused_until_ms: AtomicI64,
    idle: Notify,
    wakes: [Notify; 3],
}

impl Works {
    /// Of a store and artifacts, with a new run. `string` is the digest of the structured reference string that the configuration names,
    /// if it names one, which was compared with the pinned one.
    pub fn new(config: Config, store: Arc<dyn Store>, artifacts: Artifacts, string: Option<[u8; 32]>) -> Self {
        let warm = WarmPool::new(config.limits.warm_children);
        let messenger = config.webhooks.clone().map(Messenger::new);
        Self {
            config,
            store,
            artifacts,
            hub: Hub::default(),
            live: Live::default(),
            clock: Clock::start(),
            metrics: Metrics::default(),
            run: new_id(Named::Run),
            string: string.map(hex::encode),
            warm,
            messenger,
            phase: watch::channel(Phase::Serving).0,
            running: AtomicUsize::new(0),
            paused_until_ms: AtomicI64::new(i64::MIN),
            idle: Notify::new(),
            wakes: [const { Notify::const_new() }; 3],
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Hears of the next phases.
    pub fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The digest of the structured reference string that the configuration names.
    pub fn string(&self) -> Option<&str> {
        self.string.as_deref()
    }

    /// What may be said of the server's string, as it was read: `ceremony` or `unsafe`.
    pub fn srs(&self) -> &'static str {
        self.origin(self.string())
    }

    /// What may be said of the string that a model's key was made with.
    pub fn srs_of(&self, facts: &Facts) -> &'static str {
        self.origin(Some(&facts.srs_digest))
    }

    fn origin(&self, string: Option<&str>) -> &'static str {
        let pinned = self.config.srs_digest.map(hex::encode);
        let is_pinned = pinned.is_some() && pinned.as_deref() == string;
        origin_name(if is_pinned { SrsOrigin::Ceremony } else { SrsOrigin::Unsafe })
    }

    /// Whether a model can be proved with the server's string, as far as that is known.
    pub fn has_string_of(&self, facts: &Facts) -> bool {
        self.string().is_none_or(|string| string == facts.srs_digest)
    }

    /// Where a model's jobs wait.
    pub fn lane_of(&self, facts: &Facts) -> Lane {
        let limits = self.config.limits;
        let is_small = facts.k <= limits.short_max_k && facts.least_memory_bytes <= limits.warm_memory_bytes;
        if is_small { Lane::Short } else { Lane::Long }
    }

    /// Tells a lane that a job waits, in other processes, too.
    pub fn wake(&self, lane: Lane) {
        self.wake_here(lane);
        self.hub.tell_outside(|| Signal::Waits(lane));
    }

    /// Tells a lane of this process that a job waits.
    pub(crate) fn wake_here(&self, lane: Lane) {
        self.wake_of(lane).notify_one();
    }

    fn wake_of(&self, lane: Lane) -> &Notify {
        let [short, long, compile] = &self.wakes;
        match lane {
            Lane::Short => short,
            Lane::Long => long,
            Lane::Compile => compile,
        }
    }

    /// Gives back what an earlier process left, and starts the loops: of the only process of its store.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(self: &Arc<Self>) -> Result<(), StoreError> {
        let lost = self.store.recover(&self.run, self.clock.now_ms()).await?;
        if !lost.is_empty() {
            tracing::warn!(jobs = lost.len(), "an earlier process ended in the middle of jobs: they are begun again");
        }
        self.start_lanes();
        self.start_looking();
        tokio::spawn(Arc::clone(self).collect_now_and_then());
        Ok(())
    }

    /// Claims and runs jobs.
    pub(crate) fn start_lanes(self: &Arc<Self>) {
        let limits = self.config.limits;
        let lanes = [
            (Lane::Short, limits.warm_children),
            (Lane::Long, limits.long_children),
            (Lane::Compile, limits.compile_children),
        ];
        for (lane, count) in lanes {
            for _ in 0..count.max(1) {
                tokio::spawn(Arc::clone(self).serve_lane(lane));
            }
        }
    }

    /// Looks after deadlines, and jobs that nobody runs.
    pub(crate) fn start_looking(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(self).look_after());
        tokio::spawn(Arc::clone(self).send_webhooks());
    }

    /// Begins no job for a moment: the machine failed one, and would fail all that wait.
    pub(crate) fn pause(&self) {
        self.paused_until_ms.store(self.clock.now_ms().saturating_add(PAUSE_MS), Ordering::Relaxed);
    }

    /// Whether the machine failed a job a moment ago.
    pub fn is_paused(&self) -> bool {
        self.clock.now_ms() < self.paused_until_ms.load(Ordering::Relaxed)
    }

    /// Begins no more jobs, waits for those that run as long as the configuration says or until `hurry` ends, and gives the rest back.
    pub async fn drain(&self, hurry: impl Future<Output = ()>) {
        self.phase.send_replace(Phase::Draining);
        for wake in &self.wakes {
            wake.notify_waiters();
        }
        let idle = tokio::select! {
            () = self.until_idle() => true,
            () = tokio::time::sleep(self.config.drain) => false,
            () = hurry => false,
        };
        if !idle {
            tracing::warn!(
                jobs = self.running.load(Ordering::SeqCst),
                "jobs are given back: they are begun again later"
            );
        }
        self.phase.send_replace(Phase::Stopping);
        // Giving back is one write each.
        let _ = tokio::time::timeout(Duration::from_secs(10), self.until_idle()).await;
        self.warm.close().await;
        if let Some(messenger) = &self.messenger {
            messenger.finish().await;
        }
    }

    async fn until_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.running.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Claims and runs the jobs of a lane, until the server drains.
    async fn serve_lane(self: Arc<Self>, lane: Lane) {
        let mut phases = self.phases();
        while self.phase() == Phase::Serving {
            if self.is_paused() {
                tokio::time::sleep(Duration::from_millis(PAUSE_MS.unsigned_abs())).await;
                continue;
            }
            let slot = if lane == Lane::Short { self.warm.acquire().await } else { None };
            // Counted before it is claimed: a drain must not overlook it.
            let counted = self.count();
            let claimed = match self.phase() {
                Phase::Serving => self.store.claim(&self.run, lane, self.clock.now_ms()).await,
                _ => break,
            };
            match claimed {
                // The next one is claimed while this one's result is written.
                Ok(Some(job)) if slot.is_some() => {
                    let works = Arc::clone(&self);
                    tokio::spawn(async move {
                        works.run_job(job, slot).await;
                        drop(counted);
                    });
                }
                // In a task of its own: a panic in it ends no lane.
                Ok(Some(job)) => {
                    let works = Arc::clone(&self);
                    if let Err(error) = tokio::spawn(async move { works.run_job(job, None).await }).await {
                        tracing::error!(%error, %lane, "a job's task ended without an end of the job");
                    }
                    drop(counted);
                }
                Ok(None) => {
                    drop((slot, counted));
                    tokio::select! {
                        () = self.wake_of(lane).notified() => {}
                        () = tokio::time::sleep(IDLE) => {}
                        _ = phases.changed() => {}
                    }
                }
                Err(error) => {
                    drop((slot, counted));
                    tracing::error!(%error, %lane, "no job can be claimed");
                    tokio::time::sleep(IDLE).await;
                }
            }
        }
    }

    /// Counts a job that runs, until this is dropped.
    pub(crate) fn count(self: &Arc<Self>) -> Counted {
        self.running.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(self))
    }

    async fn collect_now_and_then(self: Arc<Self>) {
        let mut phases = self.phases();
        loop {
            tokio::select! {
                () = tokio::time::sleep(COLLECT_EVERY) => {}
                phase = phases.wait_for(|phase| *phase != Phase::Serving) => {
                    drop(phase);
                    return;
                }
            }
            if let Err(error) = self.collect().await {
                tracing::error!(%error, "artifacts that nothing names cannot be removed");
            }
        }
    }

    /// Once a second: deadlines, jobs that nobody runs, the system's clock.
    async fn look_after(self: Arc<Self>) {
        let (mut unheld, mut drift) = (HashSet::new(), 0);
        while self.phase() == Phase::Serving {
            match self.store.expire(self.clock.now_ms()).await {
                Ok(late) => late.iter().for_each(|job| self.hub.changed(job)),
                Err(error) => tracing::error!(%error, "deadlines cannot be looked at"),
            }
            if let Err(error) = self.give_back_unheld(&mut unheld).await {
                tracing::error!(%error, "running jobs cannot be looked at");
            }
            let now = self.clock.drift_ms(wall_ms());
            if (now - drift).abs() > DRIFT_MS {
                drift = now;
                tracing::warn!(
                    ahead_ms = drift,
                    "the system's clock was set, or the machine slept: deadlines and times of jobs go on as they did, until the server \
                     is started again"
                );
            }
            tokio::time::sleep(IDLE).await;
        }
    }

    /// Gives back what the store says that this run had begun and nobody here runs: a write that was reported as failed and was none,
    /// say. What was begun a moment ago may be on its way to whoever runs it: only what is seen twice counts.
    async fn give_back_unheld(&self, seen: &mut HashSet<(String, u32)>) -> Result<(), StoreError> {
        let held = self.store.held(&self.run).await?;
        let unheld: HashSet<_> = held.into_iter().filter(|(job, attempt)| !self.live.runs(job, *attempt)).collect();
        for (job, attempt) in unheld.intersection(seen) {
            let fence = Fence { run: self.run.clone(), attempt: *attempt };
            let given = GivenBack { at_ms: self.clock.now_ms(), progress: Vec::new(), why: Setback::Unavailable };
            self.store.give_back(job, &fence, given).await?;
            tracing::error!(job, attempt, "nobody runs a job that was begun: it is begun again");
            self.hub.changed(job);
        }
        *seen = unheld;
        Ok(())
    }
}

/// A job that runs.
pub(crate) struct Counted(Arc<Works>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
