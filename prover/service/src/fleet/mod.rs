//! Servers and workers on several machines, which share a database and the artifacts.
//!
//! | part | what it is |
//! |---|---|
//! | here | a process joins and leaves |
//! | `words` | what processes tell each other: where to look |
//! | [`worker`] | a process that runs jobs, without HTTP |
//!
//! The database hands out jobs and holds their results; what processes tell each other only saves them from looking into it all the time.
//! So a word that is lost costs a second, and no more.

mod words;
pub mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::hub::Signal;
use crate::store::postgres::{Heart, PostgresStore, Pulse, Speaker};
use crate::store::{JobStore, Lane, StoreError};
use crate::work::Works;
use words::{decode, encode};

/// How often it is looked for jobs of processes that are gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Between tries to reach the database.
const AGAIN: Duration = Duration::from_secs(1);

/// Words that are told at once.
const AT_ONCE: usize = 256;

/// A process's part in a fleet. Dropped without [`Fleet::leave`], it is as if the process had been killed.
#[derive(Debug)]
pub struct Fleet {
    store: PostgresStore,
    run: String,
    heart: Heart,
    tasks: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// Joins: the clock follows the database's, the lease is held, and others are heard.
    ///
    /// # Errors
    /// [`StoreError`], if the database does not answer.
    pub async fn join(works: &Arc<Works>, store: PostgresStore, lease: Duration) -> Result<Self, StoreError> {
        works.clock.follow(store.now_ms().await?);
        let heart = Heart::start(&store, &works.run, lease, works.clock.clone()).map_err(sqlx::Error::Io)?;
        let mut tasks = vec![
            tokio::spawn(hear(Arc::clone(works), store.clone())),
            tokio::spawn(look_for_lost(Arc::clone(works), store.clone(), heart.pulse())),
        ];
        // Once for each store of works.
        if let Some(outside) = works.hub.outside() {
            tasks.push(tokio::spawn(tell(works.run.clone(), store.clone(), outside)));
        }
        Ok(Self { store, run: works.run.clone(), heart, tasks })
    }

    /// Leaves, once nothing runs here any more.
    pub async fn leave(self) {
        let Self { store, run, heart, tasks } = self;
        for task in tasks {
            task.abort();
            // It has connections of the store's until then.
            let _ = task.await;
        }
        // It waits for its thread.
        let _ = tokio::task::spawn_blocking(move || drop(heart)).await;
        if let Err(error) = store.leave(&run).await {
            tracing::warn!(%error, "the database was not told that this process ends: it sees so by itself");
        }
    }
}

/// Tells other processes what happens here.
async fn tell(run: String, store: PostgresStore, mut outside: mpsc::Receiver<Signal>) {
    let mut speaker: Option<Speaker> = None;
    let mut signals = Vec::new();
    while outside.recv_many(&mut signals, AT_ONCE).await > 0 {
        // Many changes of one job are one word.
        signals.dedup();
        let words: Vec<String> = signals.drain(..).filter_map(|signal| encode(&run, &signal)).collect();
        let connected = match speaker.take() {
            Some(speaker) => Ok(speaker),
            None => store.speaker().await,
        };
        let told = match connected {
            Ok(mut connected) => connected.tell(&words).await.map(|()| connected),
            Err(error) => Err(error),
        };
        match told {
            Ok(connected) => speaker = Some(connected),
            // They look into the store by themselves.
            Err(error) => {
                tracing::warn!(%error, "other processes were not told of changes: they see them later");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Hears what happens in other processes.
async fn hear(works: Arc<Works>, store: PostgresStore) {
    loop {
        match store.listener().await {
            Err(error) => tracing::warn!(%error, "changes in other processes are not heard: they are seen later"),
            Ok(mut listener) => {
                // What was said meanwhile.
                wake_all(&works);
                loop {
                    match listener.try_recv().await {
                        Ok(Some(word)) => {
                            if let Some(signal) = decode(&works.run, word.payload()) {
                                heard(&works, signal);
                            }
                        }
                        Ok(None) => wake_all(&works),
                        Err(error) => {
                            tracing::warn!(%error, "changes in other processes are not heard: they are seen later");
                            break;
                        }
                    }
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn heard(works: &Works, signal: Signal) {
    match signal {
        Signal::Waits(lane) => works.wake_here(lane),
        Signal::Changed(job) => works.hub.heard(&job),
        Signal::Ended { job, attempt } => works.live.forget(&job, attempt),
        Signal::Step { job, attempt, base, number, progress } => {
            works.live.hear(&job, attempt, base, number, progress);
            works.hub.heard(&job);
        }
    }
}

fn wake_all(works: &Works) {
    Lane::ALL.iter().for_each(|lane| works.wake_here(*lane));
}

/// Gives back jobs of processes that are gone, and shows the heart that this one goes on.
async fn look_for_lost(works: Arc<Works>, store: PostgresStore, pulse: Arc<Pulse>) {
    let mut is_first = true;
    loop {
        pulse.show();
        works.live.forget_unheard(Instant::now());
        if pulse.is_steady() {
            let now = works.clock.now_ms();
            // Times that lie ahead need be looked for once: later ones are by a clock that is followed.
            let looked = match is_first {
                true => store.recover(&works.run, now).await,
                false => store.reclaim(&works.run, now).await,
            };
            is_first &= looked.is_err();
            match looked {
                Ok(lost) if lost.is_empty() => {}
                Ok(lost) => {
                    tracing::warn!(jobs = lost.len(), "a process ended in the middle of jobs: they are begun again");
                    lost.iter().for_each(|job| works.hub.changed(job));
                    Lane::ALL.iter().for_each(|lane| works.wake(*lane));
                }
                Err(error) => tracing::error!(%error, "jobs of processes that are gone cannot be looked for"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
