//! Jobs: listed, and one as it goes on.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::bars::Bars;
use super::refused::{Refused, shown};
use super::session::{Sent, Visitor};
use super::show;
use super::sign::Nothing;
use super::state::{Frame, PageState, Section};
use crate::api::read::{Path, Query};
use crate::api::{self, Problem};
use crate::codes;
use crate::store::{Event, Job, JobFilter, JobState, Kind, Page, Scope};

/// Jobs of a page.
const ROWS: u32 = 25;

/// Models whose names are looked up, and offered in the filter.
const NAMED_MODELS: u32 = 200;

/// Events that are read of a job: a large batch has more, whose times are not shown.
const EVENTS: u32 = 200;

/// Tells the script that nothing changes any more.
const STOP_POLLING: u16 = 286;

/// Stages of a proof, told when they are done.
const PROOF_STAGES: &[&str] = &["witness", "commit", "lookups", "products", "quotient", "evaluation", "opening"];

/// Stages of a compilation, told when they begin.
const COMPILE_STAGES: &[&str] = &["import", "quantize", "lay_out", "keys", "contract"];

/// Which jobs; what a form leaves empty is not asked for.
#[derive(Clone, Default, Deserialize)]
pub(super) struct JobsQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    cursor: String,
}

/// A choice of a filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct JobRow {
    id: String,
    short: String,
    kind: &'static str,
    state: &'static str,
    model: String,
    model_name: String,
    stage: String,
    created: String,
    took: String,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    models: Vec<Choice>,
    filtered: bool,
    jobs: Vec<JobRow>,
    /// Address of the next page.
    older: Option<String>,
}

/// An enum by its name; nothing of nothing.
fn named<T: std::str::FromStr>(what: &str, text: &str) -> Result<Option<T>, Problem> {
    let wrong = |_| Problem::new(codes::INVALID_REQUEST, format_args!("{what}: choose one of the list"));
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

pub(super) async fn list(
    State(page): State<PageState>,
    visitor: Visitor,
    query: Result<Query<JobsQuery>, Problem>,
) -> Result<Response, Refused> {
    visitor.caller.may(Scope::Read)?;
    let Query(query) = query?;
    let (state, kind) = (named::<JobState>("state", &query.state)?, named::<Kind>("kind", &query.kind)?);
    let model = Some(query.model.clone()).filter(|model| !model.is_empty());
    let before = Some(query.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let wrong = |_| Problem::new(codes::INVALID_REQUEST, "cursor: follow the link below the list");
    let before = before.map(str::parse).transpose().map_err(wrong)?;
    let store = &page.app.works.store;
    let (tenant, filter) = (&visitor.caller.tenant, JobFilter { state, kind, model: model.clone() });
    let mut found = store.jobs(tenant, &filter, Page { before, limit: ROWS + 1 }).await.map_err(Problem::from)?;
    let models = Page { before: None, limit: NAMED_MODELS };
    let models = store.models(tenant, models).await.map_err(Problem::from)?;
    let names: BTreeMap<&str, String> =
        models.iter().map(|model| (model.id.as_str(), show::name(&model.name))).collect();

    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let older = found.last().filter(|_| more).map(|last| older(&query, last.seq));
    let choice =
        |value: &str, label: String, asked: &str| Choice { chosen: value == asked, value: value.to_owned(), label };
    let states = JobState::ALL.iter().map(|state| choice(state.name(), state.to_string(), &query.state));
    let kinds = Kind::ALL.iter().map(|kind| choice(kind.name(), kind.to_string(), &query.kind));
    let mut offered: Vec<_> = models
        .iter()
        .map(|model| {
            choice(&model.id, format!("{} ({})", show::name(&model.name), show::short(&model.id)), &query.model)
        })
        .collect();
    // One that was removed, or is older.
    if let Some(model) = model.filter(|model| !names.contains_key(model.as_str())) {
        offered.push(choice(&model, show::short(&show::name(&model)), &query.model));
    }
    Ok(shown(&JobsPage {
        frame: Frame::new(&visitor, Section::Jobs),
        states: states.collect(),
        kinds: kinds.collect(),
        models: offered,
        filtered: state.is_some() || kind.is_some() || !query.model.is_empty() || before.is_some(),
        jobs: found.into_iter().map(|job| row(job, &names)).collect(),
        older,
    }))
}

/// The same question from this job on.
fn older(query: &JobsQuery, seq: i64) -> String {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut address = format!("/page/jobs?cursor={seq}");
    for (name, value) in [("state", &query.state), ("kind", &query.kind), ("model", &query.model)] {
        // What is found has such names.
        if !value.is_empty() && plain(value) {
            address += &format!("&{name}={value}");
        }
    }
    address
}

fn row(job: Job, names: &BTreeMap<&str, String>) -> JobRow {
    let stage = match job.state {
        JobState::Running => {
            let stage = job.stage.as_deref().map(stage_name).unwrap_or_default();
            format!("{stage} {:.0}%", 100.0 * job.fraction)
        }
        _ => job.error.as_ref().map(|error| error.code.clone()).unwrap_or_default(),
    };
    JobRow {
        short: show::short(&job.id),
        kind: job.kind.name(),
        state: job.state.name(),
        model_name: names.get(job.model.as_str()).cloned().unwrap_or_else(|| show::short(&job.model)),
        stage,
        created: show::utc(job.created_ms),
        took: took(&job).map(show::duration).unwrap_or_default(),
        id: job.id,
        model: job.model,
    }
}

/// Milliseconds from the beginning of the last attempt to the end.
fn took(job: &Job) -> Option<f64> {
    Some((job.finished_ms? - job.started_ms?) as f64)
}

/// `lay_out` for people.
fn stage_name(stage: &str) -> String {
    show::name(&stage.replace('_', " "))
}

/// A stage as it stands.
struct Stage {
    name: String,
    /// `done`, `now`, `waits`.
    state: &'static str,
    /// After the beginning of the attempt.
    at: String,
}

/// What changes while a job runs.
struct Progress {
    id: String,
    state: &'static str,
    is_final: bool,
    percent: u32,
    stages: Vec<Stage>,
    /// What was done last, where the stages do not say it.
    stage: String,
    attempt: u32,
    cancel_requested: bool,
    waited: String,
    took: String,
    error: Option<(String, String)>,
    proofs: Vec<ProofRow>,
    more_proofs: usize,
    /// Of the first proof.
    bars: Option<Bars>,
}

struct ProofRow {
    id: String,
    prove: String,
}

/// Proofs of a batch that are listed.
const PROOFS: usize = 256;

impl Progress {
    fn new(job: Job, events: &[Event]) -> Self {
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
            cancel_requested: job.cancel_requested,
            waited: job.started_ms.map(|at| show::duration((at - job.created_ms).max(0) as f64)).unwrap_or_default(),
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

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    short: String,
    kind: &'static str,
    lane: &'static str,
    model: String,
    model_name: Option<String>,
    created: String,
    priority: i32,
    progress: Progress,
}

#[derive(Template)]
#[template(path = "progress.html")]
struct ProgressPart {
    progress: Progress,
}

async fn find(page: &PageState, visitor: &Visitor, id: &str) -> Result<(Job, Vec<Event>), Problem> {
    visitor.caller.may(Scope::Read)?;
    let store = &page.app.works.store;
    let job = store.job(&visitor.caller.tenant, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    let events = store.events(&job.id, 0, EVENTS).await?;
    Ok((job, events))
}

pub(super) async fn one(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    let (job, events) = find(&page, &visitor, &id).await?;
    let model = page.app.works.store.model(&visitor.caller.tenant, &job.model).await.map_err(Problem::from)?;
    Ok(shown(&JobPage {
        frame: Frame::new(&visitor, Section::Jobs),
        short: show::short(&job.id),
        kind: job.kind.name(),
        lane: job.lane.name(),
        model: job.model.clone(),
        model_name: model.map(|model| show::name(&model.name)),
        created: show::utc(job.created_ms),
        priority: job.priority,
        progress: Progress::new(job, &events),
    }))
}

/// The part of a job's page that changes: a script loads it again and again.
pub(super) async fn progress(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    let (job, events) = find(&page, &visitor, &id).await?;
    let ended = job.state.is_final();
    let mut response = shown(&ProgressPart { progress: Progress::new(job, &events) });
    if ended && let Ok(status) = StatusCode::from_u16(STOP_POLLING) {
        *response.status_mut() = status;
    }
    Ok(response)
}

pub(super) async fn cancel(
    State(page): State<PageState>,
    id: Result<Path<String>, Problem>,
    sent: Sent<Nothing>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    let Json(job) = api::jobs::cancel(State(page.app), sent.visitor.caller, Path(id)).await?;
    Ok(Redirect::to(&format!("/page/jobs/{}", job.id)).into_response())
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
            cancel_requested: false,
            created_ms: 0,
            started_ms: Some(10),
            finished_ms: None,
            deadline_ms: None,
            stage: stage.map(str::to_owned),
            fraction: 0.5,
            result: None,
            error: None,
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

    #[test]
    fn a_link_to_older_jobs_asks_the_same() {
        let query = JobsQuery { state: "failed".into(), model: "mdl_0".into(), ..JobsQuery::default() };
        assert_eq!(older(&query, 7), "/page/jobs?cursor=7&state=failed&model=mdl_0");
        let query = JobsQuery { model: "a&b=\"c".into(), ..JobsQuery::default() };
        assert_eq!(older(&query, 7), "/page/jobs?cursor=7");
    }
}
