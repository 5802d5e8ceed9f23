//! How far a job is, and what came of it.

use super::bars::Bars;
use super::show;
use crate::store::{Event, Job, JobState, Kind};

/// Events that are read of a job: a large batch has more, whose times are not shown.
pub(super) const EVENTS: u32 = 200;

/// Stages of a proof, told when they are done.
const PROOF_STAGES: &[&str] = &["witness", "commit", "lookups", "products", "quotient", "evaluation", "opening"];

/// Stages of a compilation, told when they begin.
const COMPILE_STAGES: &[&str] = &["import", "quantize", "lay_out", "keys", "contract"];

/// Milliseconds from the beginning of the last attempt to the end.
pub(super) fn took(job: &Job) -> Option<f64> {
    Some((job.finished_ms? - job.started_ms?) as f64)
}

/// Milliseconds from the submission to the beginning of the last attempt; none of a job that began at once.
fn waited(job: &Job) -> Option<f64> {
    let waited = job.started_ms? - job.created_ms;
    (waited > 0).then_some(waited as f64)
}

/// `lay_out` for people.
pub(super) fn stage_name(stage: &str) -> String {
    show::name(&stage.replace('_', " "))
}

/// A stage as it stands.
pub(super) struct Stage {
    pub(super) name: String,
    /// `done`, `now`, `waits`.
    pub(super) state: &'static str,
    /// After the beginning of the attempt.
    pub(super) at: String,
}

/// What changes while a job runs.
pub(super) struct Progress {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) is_final: bool,
    pub(super) percent: u32,
    pub(super) stages: Vec<Stage>,
    /// What was done last, where the stages do not say it.
    pub(super) stage: String,
    pub(super) attempt: u32,
    pub(super) waited: String,
    pub(super) took: String,
    pub(super) error: Option<(String, String)>,
    pub(super) proofs: Vec<ProofRow>,
    pub(super) more_proofs: usize,
    /// Of the first proof.
    pub(super) bars: Option<Bars>,
}

pub(super) struct ProofRow {
    pub(super) id: String,
    pub(super) prove: String,
}

/// Proofs of a batch that are listed.
const PROOFS: usize = 256;

impl Progress {
    pub(super) fn new(job: Job, events: &[Event]) -> Self {
        let told = job.result.as_ref().and_then(|result| result["proofs"].as_array()).map_or(&[][..], Vec::as_slice);
        let proofs = told.iter().take(PROOFS).filter_map(|proof| {
            let prove = proof["prove_ms"].as_f64().map(show::duration).unwrap_or_default();
            Some(ProofRow { id: proof["id"].as_str()?.to_owned(), prove })
        });
        let succeeded = job.state == JobState::Succeeded;
        Self {
            state: job.state.name(),
            is_final: job.state.is_final(),
            percent: if succeeded { 100 } else { (100.0 * job.fraction.clamp(0.0, 1.0)).round() as u32 },
            stages: stages(&job, events),
            stage: job.stage.as_deref().map(stage_name).unwrap_or_default(),
            attempt: job.attempt,
            waited: waited(&job).map(show::duration).unwrap_or_default(),
            took: took(&job).map(show::duration).unwrap_or_default(),
            error: job.error.as_ref().map(|error| (error.code.clone(), error.detail.clone())),
            proofs: proofs.collect(),
            more_proofs: told.len().saturating_sub(PROOFS),
            bars: told.first().and_then(|proof| Bars::new(&stage_times(proof))),
            id: job.id,
        }
    }
}

/// Milliseconds by stage, of a proof in a job's result, in the order of the work.
pub(super) fn stage_times(proof: &serde_json::Value) -> Vec<(String, f64)> {
    const ORDER: [&str; 5] = ["witness", "commit", "quotient", "open", "check"];
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let times = proof["stages_ms"].as_object().into_iter().flatten();
    let mut times: Vec<_> = times.filter_map(|(name, ms)| Some((name.clone(), ms.as_f64()?))).collect();
    times.sort_by_key(|(name, _)| place(name));
    times
}

fn stages(job: &Job, events: &[Event]) -> Vec<Stage> {
    let (known, told_when_done) = match job.kind {
        Kind::Prove => (PROOF_STAGES, true),
        Kind::Compile => (COMPILE_STAGES, false),
    };
    let last = job.stage.as_deref().and_then(|stage| known.iter().position(|known| *known == stage));
    // How many are done.
    let done = match (job.state, last) {
        (JobState::Succeeded, _) => known.len(),
        (_, None) => 0,
        (_, Some(last)) => last + usize::from(told_when_done),
    };
    let begun = events.iter().rposition(|event| event.kind == "started");
    let attempt = begun.and_then(|at| events.get(at..)).unwrap_or_default();
    let start = attempt.first().map(|event| event.at_ms);
    // Beyond these there may be more, of a large batch.
    let complete = events.len() < EVENTS as usize;
    let at = |name: &str| {
        let found = attempt.iter().rev().find(|event| event.kind == "stage" && event.data["stage"] == name);
        let after = found.zip(start).filter(|_| complete).map(|(event, start)| (event.at_ms - start).max(0) as f64);
        after.map(|ms| format!("+{}", show::duration(ms))).unwrap_or_default()
    };
    let running = job.state == JobState::Running;
    let stage = |(place, name): (usize, &&str)| Stage {
        name: stage_name(name),
        state: if place < done {
            "done"
        } else if place == done && running {
            "now"
        } else {
            "waits"
        },
        at: at(name),
    };
    known.iter().enumerate().map(stage).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Lane;

    fn job(kind: Kind, state: JobState, stage: Option<&str>) -> Job {
        Job {
            seq: 1,
            id: "job_0".into(),
            tenant: "a".into(),
            kind,
            lane: Lane::Short,
            model: "mdl_0".into(),
            priority: 0,
            payload: String::new(),
            state,
            run: None,
            attempt: 1,
            events: 0,
            created_ms: 0,
            started_ms: Some(10),
            finished_ms: None,
            deadline_ms: None,
            stage: stage.map(str::to_owned),
            fraction: 0.5,
            result: None,
            error: None,
            webhook: None,
        }
    }

    fn states(job: &Job, events: &[Event]) -> Vec<&'static str> {
        stages(job, events).iter().map(|stage| stage.state).collect()
    }

    #[test]
    fn stages_are_done_begun_or_wait() {
        let running = job(Kind::Prove, JobState::Running, Some("commit"));
        assert_eq!(states(&running, &[])[..4], ["done", "done", "now", "waits"]);
        // A compilation tells of a stage as it begins.
        let compiling = job(Kind::Compile, JobState::Running, Some("quantize"));
        assert_eq!(states(&compiling, &[])[..3], ["done", "now", "waits"]);
        assert!(states(&job(Kind::Prove, JobState::Queued, None), &[]).iter().all(|state| *state == "waits"));
        assert!(
            states(&job(Kind::Prove, JobState::Succeeded, Some("opening")), &[]).iter().all(|state| *state == "done")
        );
        let failed = job(Kind::Prove, JobState::Failed, Some("witness"));
        assert_eq!(states(&failed, &[])[..2], ["done", "waits"]);
    }

    #[test]
    fn times_are_of_the_last_attempt() {
        let event = |number: i64, at_ms: i64, kind: &str, stage: &str| Event {
            number,
            at_ms,
            kind: kind.into(),
            data: json!({"stage": stage}),
        };
        let events = [
            event(1, 0, "queued", ""),
            event(2, 5, "started", ""),
            event(3, 8, "stage", "witness"),
            event(4, 100, "started", ""),
            event(5, 112, "stage", "witness"),
        ];
        let stages = stages(&job(Kind::Prove, JobState::Running, Some("witness")), &events);
        assert_eq!((stages[0].at.as_str(), stages[1].at.as_str()), ("+12 ms", ""));
    }
}
