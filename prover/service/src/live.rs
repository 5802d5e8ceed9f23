//! How far running jobs are. It stands in memory, so that a running job writes nothing: the store gets it with the job's end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LOST_EVENTS, Progress};

/// Between two steps of one stage, at least this long, and a hundredth of the time since the first.
const BETWEEN_MS: i64 = 250;

/// Fewer than the numbers of events that are left out after a crash, when nobody knows how many steps were told.
const MAX_STEPS: usize = LOST_EVENTS as usize - 1;

/// Jobs of other processes that are known here.
const MAX_HEARD: usize = 10_000;

/// How long a job of another process is known here that nothing is heard of: it has ended, or goes slowly.
const UNHEARD: Duration = Duration::from_secs(3600);

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
    /// Of another process's, when it was heard of last.
    heard: Option<Instant>,
}

impl Attempt {
    /// The number of the event that the next step will be.
    fn next(&self) -> i64 {
        self.base + 1 + self.steps.len() as i64
    }

    fn new(number: u32, base: i64, heard: Option<Instant>) -> Self {
        Self { number, base, steps: Vec::new(), latest: None, closed: false, heard }
    }
}

/// A step, with the number of its event.
pub type Step = (i64, Progress);

impl Live {
    fn with<T>(&self, job: &str, of: impl FnOnce(&mut Attempt) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(job).map(of)
    }

    /// An attempt that was just begun, and the number of the job's last event.
    pub(crate) fn begin(&self, job: &str, number: u32, last_event: i64) {
        let attempt = Attempt::new(number, last_event, None);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job.to_owned(), attempt);
    }

    /// Hears of a step. Each stage's first is kept, and of the others as many as somebody may want to see. Returns the number of the event
    /// that it will be, if it is kept.
    pub(crate) fn tell(&self, job: &str, progress: &Progress) -> Option<i64> {
        let told = self.with(job, |attempt| {
            if attempt.closed {
                return None;
            }
            let first_ms = attempt.steps.first().map_or(progress.at_ms, |first| first.at_ms);
            let last_ms = attempt.steps.last().map_or(i64::MIN, |last| last.at_ms);
            let due = progress.at_ms.saturating_sub(last_ms) >= BETWEEN_MS.max((progress.at_ms - first_ms) / 100);
            let new = || attempt.steps.iter().all(|step| step.stage != progress.stage);
            let is_kept = (due || new()) && attempt.steps.len() < MAX_STEPS;
            if is_kept {
                attempt.steps.push(progress.clone());
            }
            attempt.latest = Some(progress.clone());
            is_kept.then(|| attempt.next() - 1)
        });
        told.flatten()
    }

    /// Hears of a step of an attempt that another process runs, which will be the event of this number.
    pub fn hear(&self, job: &str, attempt: u32, base: i64, number: i64, progress: Progress) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.len() >= MAX_HEARD && !jobs.contains_key(job) {
            return;
        }
        let now = Some(Instant::now());
        let known = jobs.entry(job.to_owned()).or_insert_with(|| Attempt::new(attempt, base, now));
        if known.number < attempt {
            *known = Attempt::new(attempt, base, now);
        }
        if known.number != attempt || known.heard.is_none() || known.closed {
            return;
        }
        known.heard = now;
        // Once one was missed, the others have no place here: all of them are stored in order, at the end.
        if number == known.next() && known.steps.len() < MAX_STEPS {
            known.steps.push(progress.clone());
        }
        known.latest = Some(progress);
    }

    /// Forgets jobs of other processes of which nothing is heard.
    pub fn forget_unheard(&self, now: Instant) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|_, attempt| attempt.heard.is_none_or(|heard| now.saturating_duration_since(heard) < UNHEARD));
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
        live.tell("one", &step(0, "before it begins"));
        live.begin("one", 1, 2);
        for (at_ms, stage) in [(0, "witness"), (1, "commit"), (2, "witness"), (300, "witness")] {
            live.tell("one", &step(at_ms, stage));
        }
        let kept = [(3, step(0, "witness")), (4, step(1, "commit")), (5, step(300, "witness"))];
        assert_eq!(live.after("one", 0), kept);
        assert_eq!(live.after("one", 4), kept[2..]);
        assert_eq!(live.latest("one"), Some(step(300, "witness")));
        let stored = live.close("one");
        assert_eq!(stored.len(), 3);
        live.tell("one", &step(900, "opening"));
        assert_eq!(live.after("one", 0).len(), 3, "nothing that will not be stored");
        live.reopen("one");
        live.tell("one", &step(900, "opening"));
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
            live.tell("one", &step(at_ms, "witness"));
        }
        assert!((100..2000).contains(&live.close("one").len()), "{}", live.close("one").len());
    }

    #[test]
    fn steps_of_other_processes_are_numbered_as_they_number_them() {
        let live = Live::default();
        let hear = |attempt, base, number: i64| live.hear("one", attempt, base, number, step(number, "witness"));
        hear(1, 2, 3);
        hear(1, 2, 4);
        // One was missed.
        hear(1, 2, 6);
        assert_eq!(live.after("one", 0), [(3, step(3, "witness")), (4, step(4, "witness"))]);
        assert_eq!(live.latest("one"), Some(step(6, "witness")));
        // It is begun anew; what comes late of the first attempt is no news.
        hear(2, 10_007, 10_008);
        hear(1, 2, 5);
        assert_eq!(live.after("one", 0), [(10_008, step(10_008, "witness"))]);
        live.forget_unheard(Instant::now());
        assert!(live.latest("one").is_some());
        live.forget_unheard(Instant::now() + UNHEARD);
        assert!(live.latest("one").is_none());
        // What runs here, no other process tells of.
        live.begin("one", 3, 2);
        live.hear("one", 3, 2, 3, step(3, "witness"));
        live.forget_unheard(Instant::now() + UNHEARD);
        assert_eq!((live.latest("one"), live.runs("one", 3)), (None, true));
    }

    #[test]
    fn other_processes_fill_no_memory() {
        let live = Live::default();
        for number in 0..MAX_HEARD + 10 {
            live.hear(&number.to_string(), 1, 2, 3, step(1, "witness"));
        }
        assert_eq!(live.0.lock().unwrap().len(), MAX_HEARD);
    }
}
