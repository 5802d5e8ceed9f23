//! How far running jobs are. It stands in memory, so that a running job writes nothing: the store gets it with the job's end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::store::{LOST_EVENTS, Progress};

/// Between two steps of one stage, at least this long, and a hundredth of the time since the first.
const BETWEEN_MS: i64 = 250;

/// Fewer than the numbers of events that are left out after a crash, when nobody knows how many steps were told.
const MAX_STEPS: usize = LOST_EVENTS as usize - 1;

/// What is known of the attempts that run, by job.
#[derive(Debug, Default)]
pub struct Live(Mutex<HashMap<String, Attempt>>);

#[derive(Debug)]
struct Attempt {
    number: u32,
    /// The number of the last event that is stored: steps are numbered from there, as they will be once they are stored.
    base: i64,
    steps: Vec<Progress>,
    latest: Option<Progress>,
    /// Nothing more is told: the steps are on their way into the store.
    closed: bool,
}

/// A step, with the number of its event.
pub type Step = (i64, Progress);

impl Live {
    fn with<T>(&self, job: &str, of: impl FnOnce(&mut Attempt) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(job).map(of)
    }

    /// An attempt that was just begun, and the number of the job's last event.
    pub(crate) fn begin(&self, job: &str, number: u32, last_event: i64) {
        let attempt = Attempt { number, base: last_event, steps: Vec::new(), latest: None, closed: false };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.to_owned(), attempt);
    }

    /// Hears of a step. Each stage's first is kept, and of the others as many as somebody may want to see.
    pub(crate) fn tell(&self, job: &str, progress: Progress) {
        self.with(job, |attempt| {
            if attempt.closed {
                return;
            }
            let first_ms = attempt.steps.first().map_or(progress.at_ms, |first| first.at_ms);
            let last_ms = attempt.steps.last().map_or(i64::MIN, |last| last.at_ms);
            let due = progress.at_ms.saturating_sub(last_ms) >= BETWEEN_MS.max((progress.at_ms - first_ms) / 100);
            let new = || attempt.steps.iter().all(|step| step.stage != progress.stage);
            if (due || new()) && attempt.steps.len() < MAX_STEPS {
                attempt.steps.push(progress.clone());
            }
            attempt.latest = Some(progress);
        });
    }

    /// Whether this attempt of a job runs.
    pub(crate) fn runs(&self, job: &str, number: u32) -> bool {
        self.with(job, |attempt| attempt.number == number).unwrap_or_default()
    }

    /// The last step, of a job that runs.
    pub(crate) fn latest(&self, job: &str) -> Option<Progress> {
        self.with(job, |attempt| attempt.latest.clone()).flatten()
    }

    /// Steps of the attempt that runs, after the event of this number.
    pub(crate) fn after(&self, job: &str, number: i64) -> Vec<Step> {
        let numbered = |attempt: &mut Attempt| {
            let steps = (attempt.base + 1..).zip(&attempt.steps);
            steps.filter(|(step, _)| *step > number).map(|(step, progress)| (step, progress.clone())).collect()
        };
        self.with(job, numbered).unwrap_or_default()
    }

    /// Ends what is told of a job, so that all of it can be stored. Returns its steps.
    pub(crate) fn close(&self, job: &str) -> Vec<Progress> {
        let closed = |attempt: &mut Attempt| {
            attempt.closed = true;
            attempt.steps.clone()
        };
        self.with(job, closed).unwrap_or_default()
    }

    /// Goes on with what is told of a job whose steps could not be stored.
    pub(crate) fn reopen(&self, job: &str) {
        self.with(job, |attempt| attempt.closed = false);
    }

    /// Forgets an attempt that has ended.
    pub(crate) fn forget(&self, job: &str, number: u32) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.get(job).is_some_and(|attempt| attempt.number == number) {
            jobs.remove(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(at_ms: i64, stage: &str) -> Progress {
        Progress { at_ms, stage: stage.to_owned(), fraction: 0.5 }
    }

    #[test]
    fn numbers_stand_as_they_will_be_stored() {
        let live = Live::default();
        live.tell("one", step(0, "before it begins"));
        live.begin("one", 1, 2);
        for (at_ms, stage) in [(0, "witness"), (1, "commit"), (2, "witness"), (300, "witness")] {
            live.tell("one", step(at_ms, stage));
        }
        let kept = [(3, step(0, "witness")), (4, step(1, "commit")), (5, step(300, "witness"))];
        assert_eq!(live.after("one", 0), kept);
        assert_eq!(live.after("one", 4), kept[2..]);
        assert_eq!(live.latest("one"), Some(step(300, "witness")));
        let stored = live.close("one");
        assert_eq!(stored.len(), 3);
        live.tell("one", step(900, "opening"));
        assert_eq!(live.after("one", 0).len(), 3, "nothing that will not be stored");
        live.reopen("one");
        live.tell("one", step(900, "opening"));
        assert_eq!(live.after("one", 0).len(), 4, "it goes on");
        live.forget("one", 2);
        assert!(live.latest("one").is_some(), "another attempt's");
        live.forget("one", 1);
        assert_eq!((live.latest("one"), live.after("one", 0)), (None, vec![]));
    }

    /// A day of a stage that tells of itself ten times a second.
    #[test]
    fn a_long_job_has_few_steps() {
        let live = Live::default();
        live.begin("one", 1, 2);
        for at_ms in (0..86_400_000).step_by(100) {
            live.tell("one", step(at_ms, "witness"));
        }
        assert!((100..2000).contains(&live.close("one").len()), "{}", live.close("one").len());
    }
}
