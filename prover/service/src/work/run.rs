//! A job from its beginning to its stored end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::{WarmSlot, Works};
use crate::hub::Signal;
use crate::store::{Finished, GivenBack, Job, JobError, Outcome, Setback, StoreError, Written};

/// Between tries to store an end: a disk that is full may have room again.
const RETRY: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(500), Duration::from_secs(2)];

/// Between those after the first ones.
const LATER: Duration = Duration::from_secs(5);

/// Waits that never end.
pub(super) fn retries() -> impl Iterator<Item = Duration> {
    RETRY.into_iter().chain(std::iter::repeat(LATER))
}

/// How an attempt ended.
pub(super) enum End {
    Outcome(Outcome),
    GivenBack(Setback),
    /// The job is no longer this attempt's: cancelled, or begun anew.
    Lost,
}

impl End {
    pub(super) fn failed(code: &str, detail: String) -> Self {
        Self::Outcome(Outcome::Failed(JobError { code: code.to_owned(), detail }))
    }
}

/// An attempt's end, also if a defect of this program ended it: the same job would end it again.
async fn unless_it_panics(attempt: impl Future<Output = End>) -> End {
    AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a job ended by a panic");
        End::failed(crate::codes::INTERNAL, "a defect of the server ended the job: please report it".to_owned())
    })
}

/// An attempt that this process runs, until this is dropped: also by a panic, so that the job is given back.
struct Lives<'a> {
    works: &'a Works,
    job: &'a Job,
}

impl Drop for Lives<'_> {
    fn drop(&mut self) {
        self.works.live.forget(&self.job.id, self.job.attempt);
    }
}

impl Works {
    /// Runs a job that was claimed, and stores how it ended. A child that is still of use goes back to the pool before that.
    pub(crate) async fn run_job(self: &Arc<Self>, job: Job, slot: Option<WarmSlot>) {
        self.live.begin(&job.id, job.attempt, job.events);
        let lives = Lives { works: self, job: &job };
        // That it was begun.
        self.hub.changed(&job.id);
        let mut end = unless_it_panics(self.attempt(&job, slot)).await;
        for wait in retries() {
            match self.store_end(&job, &end).await {
                Ok(written) => {
                    let how = match (&end, written) {
                        (End::Lost, _) | (_, Written::Lost) => "lost",
                        (End::GivenBack(why), _) => why.name(),
                        (End::Outcome(Outcome::Failed(error)), _) => &error.code,
                        (End::Outcome(_), _) => "succeeded",
                    };
                    self.metrics.ended(job.kind.name(), how);
                    tracing::info!(job = job.id, attempt = job.attempt, how, "job ended");
                    break;
                }
                // Of a defect here: no wait mends that.
                Err(error) if error.is_constraint() => {
                    tracing::error!(%error, job = job.id, "a job's end is refused by the job store");
                    let detail = "the server could not store what came out: please report it".to_owned();
                    end = End::failed(crate::codes::INTERNAL, detail);
                }
                Err(error) => {
                    tracing::error!(%error, job = job.id, "a job's end cannot be stored: it is tried again");
                }
            }
            tokio::time::sleep(wait).await;
        }
        drop(lives);
        self.hub.tell_outside(|| Signal::Ended { job: job.id.clone(), attempt: job.attempt });
        self.hub.changed(&job.id);
        if job.webhook.is_some() {
            self.wake_messenger();
        }
        if matches!(end, End::GivenBack(_)) {
            self.wake(job.lane);
        }
    }

    async fn store_end(&self, job: &Job, end: &End) -> Result<Written, StoreError> {
        let progress = self.live.close(&job.id);
        let at_ms = self.clock.now_ms();
        match end {
            End::Outcome(outcome) => {
                let finished = Finished { at_ms, progress, outcome: outcome.clone() };
                self.store.finish(&job.id, &job.fence(), finished).await
            }
            End::GivenBack(why) => {
                self.store.give_back(&job.id, &job.fence(), GivenBack { at_ms, progress, why: *why }).await
            }
            End::Lost => Ok(Written::Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_job_alone() {
        let end = unless_it_panics(async { panic!("a defect") }).await;
        assert!(matches!(end, End::Outcome(Outcome::Failed(error)) if error.code == crate::codes::INTERNAL));
        assert!(matches!(unless_it_panics(async { End::Lost }).await, End::Lost));
    }
}
