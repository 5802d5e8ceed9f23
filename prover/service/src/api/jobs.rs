//! Jobs: handed in, listed, cancelled, waited for.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::models::{admits, find};
use super::read::{Body, Path, Query};
use super::views::{JobView, ListOf, facts, page};
use super::{App, Problem};
use crate::codes;
use crate::ids::{Digest, Named, new_id, now_ms};
use crate::store::{Job, JobFilter, JobState, Kind, Lane, ModelState, NewJob, Scope, Submitted};
use crate::work::{ProvePayload, WarmSlot};

/// The most characters of an idempotency key.
const KEY_CHARS: usize = 200;

/// Priorities that may be asked for.
const PRIORITIES: std::ops::RangeInclusive<i32> = -100..=100;

/// What to prove: `inputs` with `context`, or a `batch` of them.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProveRequest {
    /// A model that is ready.
    #[schema(example = "mdl_00112233445566778899aabbccddeeff")]
    model: String,
    /// Name to nested arrays, in the model's units.
    #[schema(value_type = Option<Object>, example = json!({"features": [[0.5, 1.5]]}))]
    inputs: Option<Map<String, Value>>,
    /// 32 bytes that bind the proof to its use, `0x` and 64 digits; zero if nothing is said.
    context: Option<String>,
    /// Several decisions, each with a proof of its own.
    batch: Option<Vec<BatchItem>>,
    /// -100 to 100: the higher, the earlier.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    priority: i32,
    /// Milliseconds after which the job fails if it has not ended.
    #[schema(minimum = 1)]
    timeout_ms: Option<u64>,
}

/// One decision of a batch.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchItem {
    /// Name to nested arrays, in the model's units.
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// 32 bytes that bind the proof to its use.
    context: Option<String>,
}

/// Hands in a job. With the header `Idempotency-Key`, the same request again gives the same job.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", security(("api_key" = [])), request_body = ProveRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "your own name for the request, at most 200 characters")),
    responses(
        (status = 202, description = "It is stored", body = JobView, headers(("Location" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Body<ProveRequest>,
) -> Result<Response, Problem> {
    caller.may(Scope::Prove)?;
    let job = accept(&app, &caller, &headers, body).await?;
    let lane = job.lane;
    let job = store(&app, job, None).await?.0;
    app.works.wake(lane);
    Ok(accepted(job))
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobQuery {
    /// Only in this state.
    state: Option<JobState>,
    /// Only of this kind.
    kind: Option<Kind>,
    /// Only of this model.
    model: Option<String>,
    /// How many at most, 1 to 200; 50 if nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Lists jobs, newest first.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", security(("api_key" = [])), params(JobQuery),
    responses(
        (status = 200, body = ListOf<JobView>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<JobQuery>,
) -> Result<Json<ListOf<JobView>>, Problem> {
    caller.may(Scope::Read)?;
    let (page, limit) = page(query.limit, query.cursor.as_deref())?;
    let filter = JobFilter { state: query.state, kind: query.kind, model: query.model };
    let found = app.works.store.jobs(&caller.tenant, &filter, page).await?;
    Ok(Json(ListOf::new(found, limit, |job| job.seq, JobView::new)))
}

/// Describes a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, body = JobView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    caller.may(Scope::Read)?;
    let job = app.works.store.job(&caller.tenant, &id).await?.ok_or_else(|| Problem::not_found("job"))?;
    Ok(Json(JobView::new(job)))
}

/// Asks a job to stop. One that waits is cancelled at once, one that runs soon; one that has ended stays as it is.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, description = "As it stands now", body = JobView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    caller.may(Scope::Prove)?;
    let job = app.works.store.cancel(&caller.tenant, &id, now_ms()).await?;
    let job = job.ok_or_else(|| Problem::not_found("job"))?;
    app.works.hub.changed(&id);
    Ok(Json(JobView::new(job)))
}

/// How long to wait.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Milliseconds to wait for the result; 10,000 if nothing is said. The server waits no longer than it is configured to.
    wait: Option<u64>,
}

/// Hands in a job and waits for its end: stored first, then proved at once if a process is free. The answer is the job: 200 if it
/// succeeded, 202 if it goes on; a problem with its error code if it failed.
#[utoipa::path(
    post, path = "/v1/prove", tag = "jobs", security(("api_key" = [])), request_body = ProveRequest,
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "your own name for the request")),
    responses(
        (status = 200, description = "It is proved", body = JobView, headers(("Location" = String))),
        (status = 202, description = "It goes on", body = JobView, headers(("Location" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn prove(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    body: Body<ProveRequest>,
) -> Result<Response, Problem> {
    caller.may(Scope::Prove)?;
    let wait = Duration::from_millis(query.wait.unwrap_or(10_000)).min(app.works.config.limits.wait);
    let new = accept(&app, &caller, &headers, body).await?;
    let (id, lane) = (new.id.clone(), new.lane);
    let mut changes = app.works.hub.listen(&id);
    let slot = if lane == Lane::Short { app.works.warm.try_acquire() } else { None };
    let (job, slot) = store(&app, new, slot).await?;
    if job.id != id {
        changes = app.works.hub.listen(&job.id);
    }
    match slot {
        Some(slot) => {
            let (works, running) = (Arc::clone(&app.works), job.clone());
            let counted = app.works.count();
            // On a task of its own: a client that hangs up does not stop it.
            tokio::spawn(async move {
                works.run_job(running, Some(slot)).await;
                // Whoever waited for the child while it was taken.
                works.wake(Lane::Short);
                drop(counted);
            });
        }
        None => app.works.wake(lane),
    }
    let ended = tokio::time::timeout(wait, async {
        loop {
            let job = app.works.store.job(&caller.tenant, &job.id).await?;
            match job {
                Some(job) if job.state.is_final() => return Ok(job),
                Some(_) => {}
                None => return Err(Problem::not_found("job")),
            }
            if changes.changed().await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    let Ok(ended) = ended.await else { return Ok(accepted(job)) };
    let ended = ended?;
    if let Some(error) = &ended.error {
        return Err(Problem::of_job(&ended.id, error));
    }
    if ended.state == JobState::Cancelled {
        return Err(Problem {
            job: Some(ended.id),
            ..Problem::new(codes::CANCELLED, "somebody asked the job to stop")
        });
    }
    let location = format!("/v1/jobs/{}", ended.id);
    Ok((StatusCode::OK, [(header::LOCATION, location)], Json(JobView::new(ended))).into_response())
}

fn accepted(job: Job) -> Response {
    let location = format!("/v1/jobs/{}", job.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(JobView::new(job))).into_response()
}

/// Stores a job; with a child, as one that this process begins at once. The child comes back if the job is to be run with it.
async fn store(app: &App, job: NewJob, slot: Option<WarmSlot>) -> Result<(Job, Option<WarmSlot>), Problem> {
    let run = slot.as_ref().map(|_| app.works.run.as_str());
    match app.works.store.submit(job, run).await? {
        Submitted::New(job) => Ok((job, slot)),
        Submitted::Same(job) => Ok((job, None)),
        Submitted::Conflict => Err(Problem::new(
            codes::IDEMPOTENCY_CONFLICT,
            "this Idempotency-Key was used with another body: choose a new key for a new request",
        )),
    }
}

/// Checks a request, and makes the job of it.
async fn accept(app: &App, caller: &Caller, headers: &HeaderMap, body: Body<ProveRequest>) -> Result<NewJob, Problem> {
    admits(app, caller).await?;
    let invalid = |what: &str| Problem::new(codes::INVALID_REQUEST, what);
    let limits = app.works.config.limits;
    let Body { value: request, digest } = body;
    let idempotency_key = idempotency_key(headers)?;
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
    let several = batch.len() > 1;
    let model = find(app, caller, &request.model).await?;
    if model.state != ModelState::Ready {
        let what = match model.state {
            ModelState::Failed => "the model did not compile: GET it to see why",
            _ => "the model is not compiled yet: wait for its job",
        };
        return Err(Problem::new(codes::MODEL_NOT_READY, what));
    }
    let facts = facts(&model)?;
    let lane = if facts.k <= limits.short_max_k && !several { Lane::Short } else { Lane::Long };
    let inputs = batch.into_iter().map(|item| Ok((Value::Object(item.inputs), context(item.context.as_deref())?)));
    let inputs = inputs.collect::<Result<_, Problem>>()?;
    let payload = app.works.put_payload(&ProvePayload { facts, inputs }).await?;
    let most = u64::try_from(limits.job_time.as_millis()).unwrap_or(u64::MAX);
    let time = request.timeout_ms.map_or(most, |timeout| timeout.clamp(1, most));
    let now = now_ms();
    Ok(NewJob {
        id: new_id(Named::Job),
        tenant: caller.tenant.clone(),
        kind: Kind::Prove,
        lane,
        model: model.id,
        priority: request.priority,
        payload: payload.0,
        body: digest.to_string(),
        idempotency_key,
        created_ms: now,
        deadline_ms: Some(now.saturating_add_unsigned(time)),
        max_attempts: limits.attempts,
    })
}

/// A digest of the client's name for a request, so that no length and no character matters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=KEY_CHARS).contains(&text.len()));
    let text = text.ok_or_else(|| {
        let what = format_args!("Idempotency-Key: expected 1 to {KEY_CHARS} characters of ASCII");
        Problem::new(codes::INVALID_REQUEST, what)
    })?;
    Ok(Some(Digest::of(text.as_bytes()).to_string()))
}

/// 64 hexadecimal digits.
fn context(text: Option<&str>) -> Result<String, Problem> {
    let Some(text) = text else { return Ok("0".repeat(64)) };
    let bytes = apodict_verifier::files::parse_bytes32(text)
        .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("context: {error}")))?;
    Ok(hex::encode(bytes))
}
