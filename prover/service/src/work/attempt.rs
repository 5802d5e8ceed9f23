//! One attempt of a job: cancelled, late, drained or done.

use std::time::Duration;

use super::requests::{Asked, misfit, out_of_memory};
use super::run::{End, retries};
use super::{Phase, WarmSlot, Works};
use crate::artifacts::ArtifactError;
use crate::child::{Child, ChildError, Duty, Reply};
use crate::codes;
use crate::hub::Signal;
use crate::store::{Job, JobError, Outcome, Progress, Setback};
use crate::work::payload::PayloadError;

/// How often it is looked at how far a job is, and whether it is to go on: most proofs are done before.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What came of asking a child.
enum Answer {
    Reply(Reply),
    Child(ChildError),
    Payload(PayloadError),
    /// It was not waited for.
    Ended(End),
}

impl Works {
    /// Finds a child, asks it, and looks after the job meanwhile.
    pub(super) async fn attempt(&self, job: &Job, mut slot: Option<WarmSlot>) -> End {
        let asked = match self.request(job).await {
            Ok(asked) => asked,
            Err(error) => return self.unreadable(&error),
        };
        let duty = match slot {
            Some(_) => Duty::Warm { keys: self.config.limits.warm_keys },
            None => Duty::OneJob,
        };
        let setup = self.setup(duty);
        let memory_bytes = setup.memory_bytes;
        if asked.least_memory_bytes() > memory_bytes {
            return End::Outcome(Outcome::Failed(out_of_memory(memory_bytes)));
        }
        loop {
            let warm = slot.as_mut().and_then(WarmSlot::take_alive);
            let is_fresh = warm.is_none();
            let started = match warm {
                Some(child) => Ok(child),
                None => Child::start(&self.config.child, setup.clone()).await,
            };
            let mut child = match started {
                Ok(child) => child,
                Err(error) => return self.not_started(job, &error),
            };
            let answer = self.ask(job, &mut child, &asked).await;
            // What other jobs left in a child is not this job's fault: it gets one of its own.
            if !is_fresh && is_out_of_memory(&answer) {
                tracing::info!(job = job.id, "a used process has too little memory left: a new one is asked");
                child.kill().await;
                continue;
            }
            return match answer {
                Answer::Reply(reply) => {
                    let fits = asked.fits(&reply);
                    match &mut slot {
                        Some(slot) if fits => slot.child = Some(child),
                        _ => child.kill().await,
                    }
                    drop(slot);
                    if fits {
                        return self.result(job, &asked, reply).await;
                    }
                    tracing::error!(job = job.id, "a process answered something else than was asked");
                    End::Outcome(Outcome::Failed(misfit()))
                }
                Answer::Child(error) => self.ended(job, &error, memory_bytes),
                Answer::Payload(error) => {
                    child.kill().await;
                    self.unreadable(&error)
                }
                Answer::Ended(end) => {
                    child.kill().await;
                    end
                }
            };
        }
    }

    async fn ask(&self, job: &Job, child: &mut Child, asked: &Asked) -> Answer {
        let (sender, mut stages) = tokio::sync::mpsc::unbounded_channel();
        let tell = |stage: String, fraction: f64| {
            let _ = sender.send(Progress { at_ms: self.clock.now_ms(), stage, fraction });
        };
        let left = job.deadline_ms.map_or(self.config.limits.job_time, |deadline| {
            Duration::from_millis(u64::try_from(deadline - self.clock.now_ms()).unwrap_or(0))
        });
        let mut phases = self.phases();
        let mut changes = self.hub.listen(&job.id);
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let answer = {
            let mut answering = std::pin::pin!(self.converse(child, asked, tell));
            let mut late = std::pin::pin!(tokio::time::sleep(left));
            loop {
                tokio::select! {
                    answer = &mut answering => break answer,
                    () = &mut late => break Answer::Ended(End::failed(
                        codes::DEADLINE_EXCEEDED,
                        "the job ran until its deadline: allow it more time, or submit a smaller one".to_owned(),
                    )),
                    phase = phases.wait_for(|phase| *phase == Phase::Stopping) => {
                        drop(phase);
                        break Answer::Ended(End::GivenBack(Setback::Drained));
                    }
                    _ = ticks.tick() => {}
                    () = changes.changed() => {}
                }
                let mut told = false;
                while let Ok(stage) = stages.try_recv() {
                    self.tell(job, stage);
                    told = true;
                }
                if told {
                    self.hub.changed(&job.id);
                }
                match self.store.holds(&job.id, &job.fence()).await {
                    Ok(true) => {}
                    Ok(false) => break Answer::Ended(End::Lost),
                    Err(error) => tracing::error!(%error, job = job.id, "the job store does not answer"),
                }
            }
        };
        while let Ok(stage) = stages.try_recv() {
            self.tell(job, stage);
        }
        answer
    }

    /// Hears of a step of a job that runs here.
    fn tell(&self, job: &Job, progress: Progress) {
        if let Some(number) = self.live.tell(&job.id, &progress) {
            let (id, attempt, base) = (job.id.clone(), job.attempt, job.events);
            self.hub.tell_outside(|| Signal::Step { job: id, attempt, base, number, progress });
        }
    }

    /// Asks, with keys if the child has none.
    async fn converse(&self, child: &mut Child, asked: &Asked, mut tell: impl FnMut(String, f64)) -> Answer {
        let reply = match child.ask(&asked.request, &mut tell).await {
            Ok(reply) => reply,
            Err(error) => return Answer::Child(error),
        };
        let Some(facts) = &asked.facts else { return Answer::Reply(reply) };
        let needs_keys = matches!(reply, Reply::NeedKeys);
        self.metrics.keys(needs_keys);
        if !needs_keys {
            return Answer::Reply(reply);
        }
        let (keys, _files) = match self.keys(facts).await {
            Ok(keys) => keys,
            Err(error) => return Answer::Payload(error),
        };
        child.ask(&keys, &mut tell).await.map_or_else(Answer::Child, Answer::Reply)
    }

    /// Stores what came out. As long as that cannot be, it is tried again: it took work to make.
    async fn result(&self, job: &Job, asked: &Asked, reply: Reply) -> End {
        let reply = match reply {
            Reply::Failed(error) => return End::Outcome(Outcome::Failed(known(error))),
            Reply::Unavailable(why) => {
                tracing::error!(job = job.id, why, "a process could not do its job: it is begun again later");
                self.pause();
                return End::GivenBack(Setback::Unavailable);
            }
            reply => reply,
        };
        let mut phases = self.phases();
        for wait in retries() {
            match self.outcome(asked, &reply).await {
                Ok(outcome) => return End::Outcome(outcome),
                Err(error @ (ArtifactError::Store(_) | ArtifactError::Folder(_))) => {
                    tracing::error!(%error, job = job.id, "a result cannot be stored: it is tried again");
                }
                Err(error) => return self.unreadable(&error.into()),
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                phase = phases.wait_for(|phase| *phase == Phase::Stopping) => {
                    drop(phase);
                    return End::GivenBack(Setback::Drained);
                }
            }
            if matches!(self.store.holds(&job.id, &job.fence()).await, Ok(false)) {
                return End::Lost;
            }
        }
        End::GivenBack(Setback::Unavailable)
    }

    /// A child that gave no answer.
    fn ended(&self, job: &Job, error: &ChildError, memory_bytes: u64) -> End {
        self.metrics.child_ended();
        tracing::warn!(%error, job = job.id, attempt = job.attempt, "a child process gave no answer");
        match error {
            ChildError::OutOfMemory => End::Outcome(Outcome::Failed(out_of_memory(memory_bytes))),
            ChildError::KilledForMemory => End::failed(
                codes::OUT_OF_MEMORY,
                "the machine ran out of memory while the job ran: hand in a smaller model or batch, or have the server run on a \
                 larger machine"
                    .to_owned(),
            ),
            ChildError::Ask(error) => {
                End::failed(codes::WORKER_FAILED, format!("the job cannot be given to a process: {error}"))
            }
            // Whoever stops the server may have stopped its children, too.
            _ if self.phase() != Phase::Serving => End::GivenBack(Setback::Drained),
            _ => End::GivenBack(Setback::Crashed),
        }
    }

    fn not_started(&self, job: &Job, error: &ChildError) -> End {
        tracing::error!(%error, job = job.id, "no child process can be started: the job is begun again later");
        self.pause();
        End::GivenBack(Setback::Unavailable)
    }

    /// A store that does not answer may do so later; what is damaged stays so.
    fn unreadable(&self, error: &PayloadError) -> End {
        match error {
            PayloadError::Artifact(ArtifactError::Store(_) | ArtifactError::Folder(_)) => {
                tracing::error!(%error, "artifacts cannot be reached: the job is begun again later");
                self.pause();
                End::GivenBack(Setback::Unavailable)
            }
            error => End::failed(codes::INTERNAL, error.to_string()),
        }
    }
}

fn is_out_of_memory(answer: &Answer) -> bool {
    match answer {
        Answer::Child(ChildError::OutOfMemory) => true,
        Answer::Reply(Reply::Failed(error)) => error.code == codes::OUT_OF_MEMORY,
        _ => false,
    }
}

/// With a code that is one.
fn known(error: JobError) -> JobError {
    let code = if codes::is_known(&error.code) { error.code } else { codes::WORKER_FAILED.to_owned() };
    JobError { code, ..error }
}
