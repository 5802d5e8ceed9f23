//! Which jobs are taken.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::{Body, single};
use super::models;
use super::views::facts;
use super::{App, Problem};
use crate::clock::milliseconds;
use crate::codes;
use crate::ids::{Digest, Named, new_id};
use crate::store::{Job, Kind, Lane, ModelState, NewJob, NewWebhook, Submitted};
use crate::work::{Phase, ProvePayload};

/// The most characters of an idempotency key.
const KEY_CHARS: usize = 200;

/// Priorities that may be asked for.
const PRIORITIES: std::ops::RangeInclusive<i32> = -100..=100;

/// What to prove: `inputs` with `context`, or a `batch` of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProveRequest {
    /// A model that is ready.
    #[schema(example = "mdl_00112233445566778899aabbccddeeff")]
    model: String,
    /// Name to nested arrays, in the model's units.
    // As text: of a tree of values, each number takes as much as sixteen digits.
    #[schema(value_type = Option<Object>, example = json!({"features": [[0.5, 1.5]]}))]
    inputs: Option<Box<RawValue>>,
    /// 32 bytes that bind the proof to its use, `0x` and 64 digits; zero if nothing is said.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    context: Option<String>,
    /// Several decisions, each with a proof of its own.
    #[schema(min_items = 1)]
    batch: Option<Vec<BatchItem>>,
    /// -100 to 100: the higher, the earlier, among the jobs of its tenant.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    priority: i32,
    /// Removes `inputs` or `batch` from the server once the job has ended. The proof says what its inputs are all the same.
    #[serde(default)]
    forget_inputs: bool,
    /// Milliseconds after which the job fails if it has not ended.
    #[schema(minimum = 1)]
    timeout_ms: Option<u64>,
    /// An `http` or `https` address that is told when the job ends. The server's operator must have turned webhooks on.
    #[schema(max_length = 2000, format = "uri")]
    webhook: Option<String>,
}

/// One decision of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchItem {
    /// Name to nested arrays, in the model's units.
    #[schema(value_type = Object)]
    inputs: Box<RawValue>,
    /// 32 bytes that bind the proof to its use.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    context: Option<String>,
}

/// What becomes of a request.
pub(super) enum Admitted {
    /// A job to store.
    New(Box<NewJob>),
    /// The job of the same request, which came before.
    Same(Box<Job>),
}

/// Refuses new work where there is too much, or where the server stops.
pub(super) async fn admits(app: &App, caller: &Caller) -> Result<(), Problem> {
    if app.works.phase() != Phase::Serving {
        return Err(Problem::new(codes::DRAINING, "the server is about to stop: try again, or ask another one"));
    }
    let most = app.works.config.limits.open_jobs;
    if app.works.store.open_jobs(&caller.tenant).await? >= most { Err(too_many(app)) } else { Ok(()) }
}

/// Of a tenant whose open jobs are as many as it may have.
pub(super) fn too_many(app: &App) -> Problem {
    let most = app.works.config.limits.open_jobs;
    Problem::new(codes::TOO_MANY_JOBS, format_args!("{most} jobs wait or run: wait until some have ended"))
}

/// The job that a submission gave.
pub(super) fn submitted(app: &App, submitted: Submitted) -> Result<Job, Problem> {
    match submitted {
        Submitted::New(job) | Submitted::Same(job) => Ok(job),
        Submitted::TooMany => Err(too_many(app)),
        Submitted::NoModel => Err(Problem::new(codes::NOT_FOUND, "the model was removed: hand it in again")),
        Submitted::Conflict => Err(Problem::new(
            codes::IDEMPOTENCY_CONFLICT,
            "this Idempotency-Key was used with another body: choose a new key for a new request",
        )),
    }
}

/// Checks a request, and makes the job of it. What came before is found first: it needs no room, and its model may be gone.
pub(super) async fn accept(app: &App, caller: &Caller, headers: &HeaderMap, body: &Body) -> Result<Admitted, Problem> {
    let digest = body.digest().to_string();
    let idempotency_key = idempotency_key(headers)?;
    if let Some(key) = &idempotency_key
        && let Some(before) = app.works.store.submitted(&caller.tenant, key, &digest).await?
    {
        return Ok(Admitted::Same(Box::new(submitted(app, before)?)));
    }
    admits(app, caller).await?;
    let request: ProveRequest = body.json()?;
    let invalid = |what: &str| Problem::new(codes::INVALID_REQUEST, what);
    let limits = app.works.config.limits;
    if !PRIORITIES.contains(&request.priority) {
        return Err(invalid("priority: expected -100 to 100"));
    }
    let batch = match (request.inputs, request.batch, &request.context) {
        (Some(inputs), None, _) => vec![BatchItem { inputs, context: request.context }],
        (None, Some(batch), None) if !batch.is_empty() && batch.len() <= limits.batch => batch,
        (None, Some(_), None) => {
            let what = format_args!("batch: expected 1 to {} decisions", limits.batch);
            return Err(Problem::new(codes::INVALID_REQUEST, what));
        }
        _ => {
            return Err(invalid(
                "expected `inputs`, with `context` if need be, or `batch`, whose items have their own",
            ));
        }
    };
    let model = models::find(app, caller, &request.model).await?;
    if model.state != ModelState::Ready {
        let what = match model.state {
            ModelState::Failed => "the model did not compile: GET it to see why",
            _ => "the model is not compiled yet: wait for its job",
        };
        return Err(Problem::new(codes::MODEL_NOT_READY, what));
    }
    let facts = facts(&model)?;
    if !app.works.has_string_of(&facts) {
        let what =
            "the model was compiled with another structured reference string than the server has now: hand it in again";
        return Err(Problem::new(codes::MODEL_NOT_READY, what));
    }
    let lane = if batch.len() == 1 { app.works.lane_of(&facts) } else { Lane::Long };
    let webhook = webhook(app, caller, request.webhook).await?;
    let inputs = batch.into_iter().map(input).collect::<Result<_, _>>()?;
    let payload = app.works.put_payload(&ProvePayload { facts, inputs }).await?;
    let most = milliseconds(limits.job_time);
    let time = request.timeout_ms.map_or(most, |timeout| i64::try_from(timeout).unwrap_or(i64::MAX).clamp(1, most));
    let now = app.works.clock.now_ms();
    Ok(Admitted::New(Box::new(NewJob {
        id: new_id(Named::Job),
        tenant: caller.tenant.clone(),
        kind: Kind::Prove,
        lane,
        model: model.id,
        priority: request.priority,
        payload: payload.0,
        body: digest,
        idempotency_key,
        created_ms: now,
        submitted_by: caller.actor.clone(),
        deadline_ms: Some(now.saturating_add(time)),
        max_crashes: limits.attempts,
        forget_inputs: request.forget_inputs,
        most_open: limits.open_jobs,
        webhook,
    })))
}

/// Whom to tell of a job's end. What is told is signed, so there must be something to sign with.
pub(super) async fn webhook(app: &App, caller: &Caller, url: Option<String>) -> Result<Option<NewWebhook>, Problem> {
    let Some(url) = url else { return Ok(None) };
    let invalid = |what: String| Problem::new(codes::INVALID_REQUEST, format_args!("webhook: {what}"));
    let messenger = app.works.messenger.as_ref().ok_or_else(|| {
        invalid("this server tells nobody: its operator turns webhooks on with `apodict serve --webhooks`".to_owned())
    })?;
    let webhook = messenger.accept(url).map_err(invalid)?;
    if app.works.store.signing_secrets(&caller.tenant).await?.is_empty() {
        return Err(invalid(
            "there is no secret to sign with: the server's operator makes one with `apodict webhook-secret create`"
                .to_owned(),
        ));
    }
    Ok(Some(webhook))
}

/// A record as it came, with its context.
fn input(item: BatchItem) -> Result<(Box<RawValue>, String), Problem> {
    if !item.inputs.get().starts_with('{') {
        return Err(Problem::new(codes::INVALID_REQUEST, "inputs: expected an object, name to nested arrays"));
    }
    Ok((item.inputs, context(item.context.as_deref())?))
}

/// A digest of the client's name for a request, so that no length and no character matters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(text) = single(headers, "idempotency-key")? else { return Ok(None) };
    if !(1..=KEY_CHARS).contains(&text.len()) {
        let what = format_args!("Idempotency-Key: expected 1 to {KEY_CHARS} characters of ASCII");
        return Err(Problem::new(codes::INVALID_REQUEST, what));
    }
    Ok(Some(Digest::of(text.as_bytes()).to_string()))
}

/// 64 hexadecimal digits.
fn context(text: Option<&str>) -> Result<String, Problem> {
    let Some(text) = text else { return Ok("0".repeat(64)) };
    let bytes = apodict_verifier::files::parse_bytes32(text)
        .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("context: {error}")))?;
    Ok(hex::encode(bytes))
}
