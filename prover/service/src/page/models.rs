//! Models: listed, and one with its errors, its inputs, and a form to prove with it.

use std::collections::BTreeMap;

use apodict_circuits::report::ErrorReport;
use apodict_verifier::{Layout, Tensor};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::errors::Errors;
use super::jobs::wrong_cursor;
use super::refused::{Refused, shown};
use super::session::{Sent, SentByScript, Visitor};
use super::show;
use super::state::{Frame, PageState, Section};
use super::tensors;
use crate::api::read::{Path, Query};
use crate::api::views::facts;
use crate::api::{self, Problem};
use crate::codes;
use crate::ids::{Digest, random};
use crate::store::{Model, ModelState, Page, Scope};
use crate::work::Facts;

/// Models of a page.
const ROWS: u32 = 25;

/// More than the description of any model.
const ANSWER_BYTES: usize = 64 << 20;

/// Larger examples are left to the reader.
const EXAMPLE_BYTES: usize = 64 << 10;

#[derive(Default, Deserialize)]
pub(super) struct ModelsQuery {
    #[serde(default)]
    cursor: String,
}

struct ModelRow {
    id: String,
    short: String,
    name: String,
    state: &'static str,
    size: String,
    error: String,
    is_unsafe: bool,
    created: String,
}

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage {
    frame: Frame,
    models: Vec<ModelRow>,
    older: Option<String>,
    may_hand_in: bool,
}

pub(super) async fn list(
    State(page): State<PageState>,
    visitor: Visitor,
    query: Result<Query<ModelsQuery>, Problem>,
) -> Result<Response, Refused> {
    visitor.caller.may(Scope::Read)?;
    let Query(ModelsQuery { cursor }) = query?;
    let store = &page.app.works.store;
    let before = if cursor.is_empty() {
        None
    } else {
        let position = store.model_position(&visitor.caller.tenant, &cursor).await.map_err(Problem::from)?;
        Some(position.ok_or_else(wrong_cursor)?)
    };
    let part = Page { before, limit: ROWS + 1 };
    let mut found = store.models(&visitor.caller.tenant, part).await.map_err(Problem::from)?;
    let more = found.len() > ROWS as usize;
    found.truncate(ROWS as usize);
    let older = found.last().filter(|_| more).map(|last| format!("/page/models?cursor={}", last.id));
    let models = found.into_iter().map(|model| row(&page, model)).collect();
    let may_hand_in = visitor.caller.may(Scope::Models).is_ok();
    Ok(shown(&ModelsPage { frame: Frame::new(&visitor, Section::Models), models, older, may_hand_in }))
}

#[derive(Template)]
#[template(path = "upload_wrong.html")]
struct UploadWrong<'a> {
    wrong: &'a str,
}

/// Hands in a model, as `POST /v1/models` does. The token comes beside the body, which is read as a stream.
pub(super) async fn hand_in(
    State(page): State<PageState>,
    SentByScript(visitor): SentByScript,
    request: Request,
) -> Result<Response, Refused> {
    let submitted = api::models::submit(State(page.app.clone()), visitor.caller.clone(), request).await;
    let problem = match submitted {
        Ok(answer) => {
            // The API's own, with the options that came in and with warnings.
            let json = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES).await.unwrap_or_default();
            let model: Value = serde_json::from_slice(&json).unwrap_or_default();
            let address = format!("/page/models/{}", model["id"].as_str().unwrap_or_default());
            return Ok([("hx-redirect", address)].into_response());
        }
        Err(problem) => problem,
    };
    if !matches!(problem.status, 400 | 409 | 413 | 415 | 422 | 429) {
        return Err(problem.into());
    }
    // Shown beside the form, which keeps the files that were chosen.
    Ok(shown(&UploadWrong { wrong: &problem.detail }))
}

fn row(page: &PageState, model: Model) -> ModelRow {
    // What cannot be read is told on the model's own page.
    let facts = Some(&model).filter(|model| model.state == ModelState::Ready).and_then(|model| facts(model).ok());
    ModelRow {
        short: show::short(&model.id),
        name: show::name(&model.name),
        state: model.state.name(),
        size: facts
            .as_ref()
            .map(|facts| format!("k = {}, {} rows", facts.k, show::grouped(facts.rows)))
            .unwrap_or_default(),
        error: facts
            .as_ref()
            .and_then(|facts| facts.accuracy["max_error"].as_f64())
            .map(show::error)
            .unwrap_or_default(),
        is_unsafe: facts.is_some_and(|facts| is_unsafe(page, &facts)),
        created: show::utc(model.created_ms),
        id: model.id,
    }
}

/// Whether nobody vouches for the string that a model's key was made with.
fn is_unsafe(page: &PageState, facts: &Facts) -> bool {
    page.app.works.srs_of(facts) == "unsafe"
}

/// An input or output of a model.
struct Port {
    name: String,
    shape: String,
    range: String,
}

/// What a model that is ready shows.
struct Card {
    program_digest: String,
    key_digest: String,
    srs_digest: String,
    is_unsafe: bool,
    k: u32,
    rows: String,
    capacity: String,
    percent: u64,
    shape: String,
    memory: String,
    has_contract: bool,
    operators: Vec<(String, usize)>,
    errors: Option<Errors>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

/// What a form holds, again if it was refused.
#[derive(Default)]
struct Form {
    inputs: String,
    context: String,
    wrong: Option<String>,
    once: String,
}

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage {
    frame: Frame,
    id: String,
    name: String,
    state: &'static str,
    job: String,
    created: String,
    options: String,
    error: Option<(String, String)>,
    card: Option<Card>,
    may_prove: bool,
    form: Form,
}

pub(super) async fn one(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    visitor.caller.may(Scope::Read)?;
    Ok(shown(&model_page(&page, &visitor, &id, None).await?))
}

async fn model_page(page: &PageState, visitor: &Visitor, id: &str, form: Option<Form>) -> Result<ModelPage, Problem> {
    let model = api::models::find(&page.app, &visitor.caller, id).await?;
    let (card, example) = match model.state {
        ModelState::Ready => {
            let facts = facts(&model)?;
            let verifier = page.app.verifiers.get(&page.app, &facts.verifying_key).await?;
            let layout = &verifier.key().layout;
            let example = serde_json::to_string_pretty(&tensors::example(layout)).unwrap_or_default();
            (Some(card(facts, layout, page).await), example)
        }
        ModelState::Compiling | ModelState::Failed => (None, String::new()),
    };
    let example = if example.len() > EXAMPLE_BYTES { String::new() } else { example };
    let form = form.unwrap_or_else(|| Form { inputs: show::json(&compact(&example)), ..Form::default() });
    Ok(ModelPage {
        frame: Frame::new(visitor, Section::Models),
        name: show::name(&model.name),
        state: model.state.name(),
        job: model.job,
        created: show::utc(model.created_ms),
        options: show::name(&model.source["options"].to_string()),
        error: model.error.map(|error| (error.code, error.detail)),
        card,
        may_prove: visitor.caller.may(Scope::Prove).is_ok(),
        form: Form { once: hex::encode(random::<16>()), ..form },
        id: model.id,
    })
}

/// Indented JSON, with the numbers of an innermost list on one line.
fn compact(json: &str) -> String {
    let mut text = String::new();
    let mut lines = json.lines().peekable();
    while let Some(line) = lines.next() {
        text += line;
        let innermost = line.ends_with('[') && lines.peek().is_some_and(|next| !next.trim_end().ends_with(['[', '{']));
        if innermost {
            for next in lines.by_ref() {
                let next = next.trim();
                text += next;
                if next.starts_with(']') {
                    break;
                }
                if next.ends_with(',') {
                    text.push(' ');
                }
            }
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

async fn card(facts: Facts, layout: &Layout, page: &PageState) -> Card {
    let report = report(page, &facts).await;
    let operators = report.as_ref().map(|report| {
        let mut counts = BTreeMap::<String, usize>::new();
        for layer in &report.layers {
            *counts.entry(show::name(&layer.operator)).or_default() += 1;
        }
        counts.into_iter().collect()
    });
    let capacity = 1u64 << facts.k.min(63);
    let hex = |digest: &str| format!("0x{digest}");
    Card {
        program_digest: hex(&facts.program_digest),
        key_digest: hex(&facts.key_digest),
        srs_digest: hex(&facts.srs_digest),
        is_unsafe: is_unsafe(page, &facts),
        k: facts.k,
        rows: show::grouped(facts.rows),
        capacity: show::grouped(capacity),
        percent: (100 * facts.rows.min(capacity)).div_ceil(capacity),
        shape: show::name(&facts.shape),
        memory: show::bytes(facts.least_memory_bytes),
        has_contract: facts.contract.is_some(),
        operators: operators.unwrap_or_default(),
        errors: report.as_ref().map(Errors::new),
        inputs: layout.inputs.iter().map(port).collect(),
        outputs: layout.outputs.iter().map(port).collect(),
    }
}

/// The error report of a model; none that another version of the program wrote otherwise.
pub(super) async fn report(page: &PageState, facts: &Facts) -> Option<ErrorReport> {
    let json = page.app.works.get_artifact(&facts.report).await.inspect_err(|error| {
        tracing::error!(%error, "an error report cannot be read");
    });
    serde_json::from_slice(&json.ok()?)
        .inspect_err(|error| tracing::warn!(%error, "an error report is of another version"))
        .ok()
}

fn port(tensor: &Tensor) -> Port {
    let lows: Vec<i128> = tensor.quantizations().map(|quantization| quantization.lo).collect();
    let highs: Vec<i128> = tensor.quantizations().map(|quantization| quantization.hi).collect();
    let low = tensors::values(tensor, &lows).into_iter().fold(f64::INFINITY, f64::min);
    let high = tensors::values(tensor, &highs).into_iter().fold(f64::NEG_INFINITY, f64::max);
    Port {
        name: show::name(&tensor.name),
        shape: tensors::shape(&tensor.shape),
        range: format!("{} to {}", show::number(low), show::number(high)),
    }
}

#[derive(Deserialize)]
pub(super) struct ProveForm {
    inputs: String,
    #[serde(default)]
    context: String,
    #[serde(default)]
    once: String,
}

/// Hands in a job, as `POST /v1/jobs` does.
pub(super) async fn prove(
    State(page): State<PageState>,
    id: Result<Path<String>, Problem>,
    sent: Sent<ProveForm>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    let Sent { visitor, form } = sent;
    match submit(&page, &visitor, &id, &form).await {
        Ok(location) => Ok(Redirect::to(&location).into_response()),
        // What can be mended in the form is told beside it.
        Err(problem) if matches!(problem.status, 400 | 409 | 422) => {
            let ProveForm { inputs, context, .. } = form;
            let form = Form { inputs, context, wrong: Some(problem.detail), ..Form::default() };
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            Ok((status, shown(&model_page(&page, &visitor, &id, Some(form)).await?)).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

/// What `POST /v1/jobs` takes, with the inputs as they were written.
#[derive(Serialize)]
struct ProveBody<'a> {
    model: &'a str,
    inputs: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
}

async fn submit(page: &PageState, visitor: &Visitor, model: &str, form: &ProveForm) -> Result<String, Problem> {
    let inputs: &RawValue = serde_json::from_str(&form.inputs)
        .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("the inputs are no JSON: {error}")))?;
    let context = Some(form.context.trim()).filter(|context| !context.is_empty());
    let body = serde_json::to_string(&ProveBody { model, inputs, context })
        .map_err(|error| Problem::new(codes::INVALID_REQUEST, error))?;
    // A form that is sent twice is one job; sent again with other inputs, it is another.
    let once = Digest::of(format!("{} {body}", form.once).as_bytes());
    let request = Request::post("/v1/jobs")
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", once.to_string())
        .body(body.into())
        .map_err(|error| Problem::new(codes::INTERNAL, error))?;
    let accepted = api::jobs::submit(State(page.app.clone()), visitor.caller.clone(), request).await?;
    let location = accepted.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let job = location.and_then(|location| location.strip_prefix("/v1/jobs/")).unwrap_or_default();
    Ok(format!("/page/jobs/{job}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_short_to_read() {
        let value = serde_json::json!({"x": [[0.0, 1.0], [2.0, 3.0]], "y": [1]});
        let text = compact(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.contains("[0.0, 1.0],"), "{text}");
        assert_eq!(compact(""), "");
    }
}
