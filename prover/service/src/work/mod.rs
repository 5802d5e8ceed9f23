//! Jobs on their way through children.
//!
//! | part | what it is |
//! |---|---|
//! | here | what a server holds, and its loops: a lane's loop claims a job and runs it |
//! | `payload` | what a job is to do, as it is stored |
//! | `run` | one attempt of a job: cancelled, late, drained or done |
//! | `requests` | from a payload to a request, from a reply to a result |
//! | `warm` | children that serve many jobs |

mod payload;
mod requests;
mod run;
mod warm;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::artifacts::Artifacts;
use crate::config::Config;
use crate::hub::Hub;
use crate::ids::{Named, new_id, now_ms};
use crate::metrics::Metrics;
use crate::store::{Lane, Store, StoreError};

pub use payload::{CompilePayload, Facts, Payload, PayloadError, ProvePayload};
pub(crate) use warm::{WarmPool, WarmSlot};

/// How long a loop sleeps if nobody wakes it.
const IDLE: Duration = Duration::from_secs(1);

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
    /// Counts.
    pub metrics: Metrics,
    /// The name of this process in the store.
    pub run: String,
    pub(crate) warm: WarmPool,
    phase: watch::Sender<Phase>,
    running: AtomicUsize,
    idle: Notify,
    wakes: [Notify; 3],
}

impl Works {
    /// Of a store and artifacts, with a new run.
    pub fn new(config: Config, store: Arc<dyn Store>, artifacts: Artifacts) -> Self {
        let warm = WarmPool::new(config.limits.warm_children.max(1));
        Self {
            config,
            store,
            artifacts,
            hub: Hub::default(),
            metrics: Metrics::default(),
            run: new_id(Named::Run),
            warm,
            phase: watch::channel(Phase::Serving).0,
            running: AtomicUsize::new(0),
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

    /// Tells a lane that a job waits.
    pub fn wake(&self, lane: Lane) {
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

    /// Gives back what an earlier process left, and starts the loops.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(self: &Arc<Self>) -> Result<(), StoreError> {
        let lost = self.store.recover(&self.run, now_ms()).await?;
        if !lost.is_empty() {
            tracing::warn!(jobs = lost.len(), "an earlier process ended in the middle of jobs: they are begun again");
        }
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
        tokio::spawn(Arc::clone(self).expire());
        Ok(())
    }

    /// Begins no more jobs, waits for those that run as long as the configuration says, and gives the rest back.
    pub async fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
        for wake in &self.wakes {
            wake.notify_waiters();
        }
        if tokio::time::timeout(self.config.drain, self.until_idle()).await.is_err() {
            tracing::warn!(
                jobs = self.running.load(Ordering::SeqCst),
                "jobs are given back: they are begun again later"
            );
        }
        self.phase.send_replace(Phase::Stopping);
        // Giving back is one write each.
        let _ = tokio::time::timeout(Duration::from_secs(10), self.until_idle()).await;
        self.warm.close().await;
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
            let slot = if lane == Lane::Short { self.warm.acquire().await } else { None };
            // Counted before it is claimed: a drain must not overlook it.
            let counted = self.count();
            let claimed = match self.phase() {
                Phase::Serving => self.store.claim(&self.run, lane, now_ms()).await,
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
                Ok(Some(job)) => self.run_job(job, None).await,
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

    async fn expire(self: Arc<Self>) {
        while self.phase() == Phase::Serving {
            match self.store.expire(now_ms()).await {
                Ok(late) => late.iter().for_each(|job| self.hub.changed(job)),
                Err(error) => tracing::error!(%error, "deadlines cannot be looked at"),
            }
            tokio::time::sleep(IDLE).await;
        }
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
