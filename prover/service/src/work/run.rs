//! One attempt of a job.

use std::sync::Arc;
use std::time::Duration;

use super::requests::{Asked, out_of_memory};
use super::{Phase, WarmSlot, Works};
use crate::artifacts::ArtifactError;
use crate::child::{Child, ChildError, Duty, Reply, Request};
use crate::codes;
use crate::ids::now_ms;
use crate::store::{Control, Finished, GivenBack, Job, JobError, Kind, Outcome, Progress, Written};
use crate::work::payload::PayloadError;

/// How often progress is stored, and a request to stop looked for: most proofs are done before.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Between tries to write a result: a disk that is full may have room again.
const RETRY: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// How an attempt ended.
enum End {
    Outcome(Outcome),
    GivenBack(GivenBack),
    /// The job is another's now.
    Lost,
}

fn failed(code: &str, detail: String) -> End {
    End::Outcome(Outcome::Failed(JobError { code: code.to_owned(), detail }))
}

impl Works {
    /// Runs a job that was claimed, and stores how it ended. A child that is still of use goes back to the pool before that.
    pub(crate) async fn run_job(self: &Arc<Self>, job: Job, slot: Option<WarmSlot>) {
        let mut progress = Vec::new();
        let end = self.attempt(&job, slot, &mut progress).await;
        let fence = job.fence();
        let mut tries = RETRY.into_iter().chain(std::iter::repeat(Duration::from_secs(5)));
        loop {
            let stored = match &end {
                End::Outcome(outcome) => {
                    let finished = Finished { at_ms: now_ms(), progress: progress.clone(), outcome: outcome.clone() };
                    self.store.finish(&job.id, &fence, finished).await
                }
                End::GivenBack(why) => self.store.give_back(&job.id, &fence, why.clone(), now_ms()).await,
                End::Lost => Ok(Written::Lost),
            };
            match stored {
                Ok(written) => {
                    let how = match (&end, written) {
                        (_, Written::Lost) => "lost",
                        (End::GivenBack(_) | End::Lost, _) => "given_back",
                        (End::Outcome(Outcome::Failed(error)), _) => &error.code,
                        (End::Outcome(Outcome::Cancelled), _) => "cancelled",
                        (End::Outcome(_), _) => "succeeded",
                    };
                    self.metrics.ended(job.kind.name(), how);
                    tracing::info!(job = job.id, attempt = job.attempt, how, "job ended");
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, job = job.id, "a job's end cannot be stored: it is tried again");
                    tokio::time::sleep(tries.next().unwrap_or(IDLE_RETRY)).await;
                }
            }
        }
        self.hub.changed(&job.id);
        if matches!(end, End::GivenBack(_)) {
            self.wake(job.lane);
        }
    }

    /// Asks a child, and looks after the job meanwhile.
    async fn attempt(&self, job: &Job, mut slot: Option<WarmSlot>, progress: &mut Vec<Progress>) -> End {
        let asked = match self.request(job).await {
            Ok(asked) => asked,
            Err(error) => return unreadable(&error),
        };
        let duty = match slot {
            Some(_) => Duty::Warm { keys: self.config.limits.warm_keys },
            None => Duty::OneJob,
        };
        let setup = self.setup(duty);
        let memory_bytes = setup.memory_bytes;
        let needed = asked.facts.as_ref().map_or(0, |facts| facts.least_memory_bytes);
        if needed > memory_bytes {
            return End::Outcome(Outcome::Failed(out_of_memory(memory_bytes)));
        }
        let warm = slot.as_mut().and_then(|slot| slot.child.take());
        let child = match warm {
            Some(child) => Ok(child),
            None => Child::start(&self.config.child, setup).await,
        };
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return self.ended(job, &error, memory_bytes),
        };
        let (sender, mut stages) = tokio::sync::mpsc::unbounded_channel();
        let tell = move |stage: String, fraction: f64| {
            let _ = sender.send(Progress { at_ms: now_ms(), stage, fraction });
        };
        let left = job.deadline_ms.map_or(self.config.limits.job_time, |deadline| {
            Duration::from_millis(u64::try_from(deadline - now_ms()).unwrap_or(0))
        });
        let mut phases = self.phases();
        let mut changes = self.hub.listen(&job.id);
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + TELL_EVERY, TELL_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = {
            let mut answering = std::pin::pin!(self.converse(&mut child, asked, tell));
            let late = tokio::time::sleep(left);
            let mut late = std::pin::pin!(late);
            loop {
                let look = tokio::select! {
                    answer = &mut answering => break Ok(answer),
                    () = &mut late => break Err(failed(
                        codes::DEADLINE_EXCEEDED,
                        "the job ran until its deadline: allow it more time, or submit a smaller one".to_owned(),
                    )),
                    phase = phases.wait_for(|phase| *phase == Phase::Stopping) => {
                        drop(phase);
                        break Err(End::GivenBack(GivenBack::Drained));
                    }
                    _ = ticks.tick() => true,
                    changed = changes.changed() => changed.is_ok(),
                };
                while let Ok(stage) = stages.try_recv() {
                    progress.push(stage);
                }
                if !look {
                    continue;
                }
                match self.store.record(&job.id, &job.fence(), progress).await {
                    Ok(Control::Continue) => {
                        if !progress.is_empty() {
                            progress.clear();
                            self.hub.changed(&job.id);
                            changes.mark_unchanged();
                        }
                    }
                    Ok(Control::Cancel) => break Err(End::Outcome(Outcome::Cancelled)),
                    Ok(Control::Lost) => break Err(End::Lost),
                    Err(error) => tracing::error!(%error, job = job.id, "progress cannot be stored"),
                }
            }
        };
        while let Ok(stage) = stages.try_recv() {
            progress.push(stage);
        }
        match end {
            Ok(Ok(reply)) => {
                match &mut slot {
                    Some(slot) => slot.child = Some(child),
                    None => child.kill().await,
                }
                drop(slot);
                self.result(job, reply).await
            }
            Ok(Err(Answer::Child(error))) => self.ended(job, &error, memory_bytes),
            Ok(Err(Answer::Payload(error))) => {
                child.kill().await;
                unreadable(&error)
            }
            Err(end) => {
                child.kill().await;
                end
            }
        }
    }

    /// Asks, with keys if the child has none.
    async fn converse(
        &self,
        child: &mut Child,
        asked: Asked,
        mut tell: impl FnMut(String, f64),
    ) -> Result<Reply, Answer> {
        let Asked { request, facts } = asked;
        let reply = child.ask(&request, &mut tell).await?;
        match (reply, facts) {
            (Reply::NeedKeys, Some(facts)) => {
                self.metrics.keys(true);
                let keys: Request = self.keys(&facts).await?;
                Ok(child.ask(&keys, &mut tell).await?)
            }
            (reply, facts) => {
                if facts.is_some() {
                    self.metrics.keys(false);
                }
                Ok(reply)
            }
        }
    }

    async fn result(&self, job: &Job, reply: Reply) -> End {
        let mut tries = RETRY.into_iter();
        loop {
            let stored = match (job.kind, reply.clone()) {
                (Kind::Prove, Reply::Proved(proved)) => self.proved(proved).await,
                (Kind::Compile, Reply::Compiled(model)) => self.compiled(*model).await,
                (_, Reply::Failed(error)) => return End::Outcome(Outcome::Failed(error)),
                _ => {
                    return failed(
                        codes::WORKER_FAILED,
                        "its process answered something else than was asked".to_owned(),
                    );
                }
            };
            match (stored, tries.next()) {
                (Ok(outcome), _) => return End::Outcome(outcome),
                (Err(error), Some(wait)) => {
                    tracing::error!(%error, job = job.id, "a result cannot be stored: it is tried again");
                    tokio::time::sleep(wait).await;
                }
                (Err(error), None) => return unreadable(&error.into()),
            }
        }
    }

    fn ended(&self, job: &Job, error: &ChildError, memory_bytes: u64) -> End {
        self.metrics.child_ended();
        tracing::warn!(%error, job = job.id, attempt = job.attempt, "a child process gave no answer");
        match error {
            ChildError::OutOfMemory => End::Outcome(Outcome::Failed(out_of_memory(memory_bytes))),
            _ => End::GivenBack(GivenBack::Lost),
        }
    }
}

const IDLE_RETRY: Duration = Duration::from_secs(5);

enum Answer {
    Child(ChildError),
    Payload(PayloadError),
}

impl From<ChildError> for Answer {
    fn from(error: ChildError) -> Self {
        Self::Child(error)
    }
}

impl From<PayloadError> for Answer {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

/// A store that does not answer may do so later; what is damaged stays so.
fn unreadable(error: &PayloadError) -> End {
    match error {
        PayloadError::Artifact(ArtifactError::Store(_)) => {
            tracing::error!(%error, "artifacts cannot be reached: the job is begun again");
            End::GivenBack(GivenBack::Lost)
        }
        error => failed(codes::INTERNAL, error.to_string()),
    }
}
