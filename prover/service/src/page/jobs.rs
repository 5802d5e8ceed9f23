//! Jobs: listed, one, cancelled.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::progress::{EVENTS, Progress, stage_name, took};
use super::refused::{Refused, shown};
use super::session::{Sent, Visitor};
use super::show;
use super::sign::Nothing;
use super::state::{Frame, PageState, Section};
use crate::api::events::stage;
use crate::api::read::{Path, Query};
use crate::api::views::as_it_runs;
use crate::api::{self, Problem};
use crate::codes;
use crate::store::{Event, Job, JobFilter, JobState, Kind, Page, Scope};

/// Jobs of a page.
const ROWS: u32 = 25;

/// Models whose names are looked up, and offered in the filter.
const NAMED_MODELS: u32 = 200;

/// Tells the script that nothing changes any more.
const STOP_POLLING: u16 = 286;

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

/// Of a list's link to what is older, which somebody changed.
pub(super) fn wrong_cursor() -> Problem {
    Problem::new(codes::INVALID_REQUEST, "cursor: follow the link below the list")
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
    let store = &page.app.works.store;
    let before = if query.cursor.is_empty() {
        None
    } else {
        let last = store.job(&visitor.caller.tenant, &query.cursor).await.map_err(Problem::from)?;
        Some(last.ok_or_else(wrong_cursor)?.seq)
    };
    let (tenant, filter) = (&visitor.caller.tenant, JobFilter { state, kind, model: model.clone() });
    let mut found = store.jobs(tenant, &filter, Page { before, limit: ROWS + 1 }).await.map_err(Problem::from)?;
    let models = Page { before: None, limit: NAMED_MODELS };
    let models = store.models(tenant, models).await.map_err(Problem::from)?;
    let names: BTreeMap<&str, String> =
        models.iter().map(|model| (model.id.as_str(), show::name(&model.name))).collect();

    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let older = found.last().filter(|_| more).map(|last| older(&query, &last.id));
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
        jobs: found.into_iter().map(|job| row(as_it_runs(&page.app, job), &names)).collect(),
        older,
    }))
}

/// The same question from this job on.
fn older(query: &JobsQuery, last: &str) -> String {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut address = format!("/page/jobs?cursor={last}");
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
    let works = &page.app.works;
    let job = as_it_runs(&page.app, api::jobs::find(&page.app, &visitor.caller, id).await?);
    let mut events = works.store.events(&job.id, 0, EVENTS).await?;
    // What a running job did stands in memory.
    let steps = works.live.after(&job.id, events.last().map_or(0, |event| event.number));
    events.extend(steps.into_iter().map(|(number, step)| stage(number, step)));
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
    use super::*;

    #[test]
    fn a_link_to_older_jobs_asks_the_same() {
        let query = JobsQuery { state: "failed".into(), model: "mdl_0".into(), ..JobsQuery::default() };
        assert_eq!(older(&query, "job_7"), "/page/jobs?cursor=job_7&state=failed&model=mdl_0");
        let query = JobsQuery { model: "a&b=\"c".into(), ..JobsQuery::default() };
        assert_eq!(older(&query, "job_7"), "/page/jobs?cursor=job_7");
    }
}
