//! What answers hold.

use apodict_http::Endpoint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{App, Problem};
use crate::codes;
use crate::options::ModelOptions;
use crate::store::{Job, JobError, JobState, Kind, Lane, Model, ModelState, Page, Webhook, WebhookState};
use crate::work::Facts;

/// The most of a list that one answer holds.
const MOST: u32 = 200;

/// Part of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ListOf<T: ToSchema> {
    /// Newest first.
    pub(crate) items: Vec<T>,
    /// For `cursor`, to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl<T: ToSchema> ListOf<T> {
    /// Of one item more than was asked for, if there is more.
    pub(crate) fn new<R>(mut found: Vec<R>, limit: u32, id: impl Fn(&R) -> String, view: impl Fn(R) -> T) -> Self {
        let limit = limit as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(id);
        Self { items: found.into_iter().map(view).collect(), next_cursor }
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many at most, 1 to 200; 50 if nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the answer before.
    pub(crate) cursor: Option<String>,
}

/// The page to read, one longer than was asked for, and how many were asked for. `before` is where the cursor stands, if there is one
/// and it stands anywhere: cursors are names, since positions would show how much others do.
pub(crate) fn page(limit: Option<u32>, before: Option<Option<i64>>) -> Result<(Page, u32), Problem> {
    let limit = limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new(codes::INVALID_REQUEST, format_args!("limit: expected 1 to {MOST}")));
    }
    if before == Some(None) {
        let what = "cursor: expected the next_cursor of an earlier answer";
        return Err(Problem::new(codes::INVALID_REQUEST, what));
    }
    Ok((Page { before: before.flatten(), limit: limit + 1 }, limit))
}

/// A model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Its name here.
    #[schema(example = "mdl_00112233445566778899aabbccddeeff")]
    pub(crate) id: String,
    /// What its owner calls it.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) state: ModelState,
    /// The job that compiles it.
    pub(crate) job: String,
    /// When it was handed in, milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// How it is compiled.
    pub(crate) options: ModelOptions,
    /// BLAKE3 of the ONNX file.
    pub(crate) onnx: String,
    /// What it compiled to, once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<ProgramView>,
    /// Why it did not compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
}

/// What a model compiled to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProgramView {
    /// Identifies the program: `0x` and 64 digits.
    pub(crate) program_digest: String,
    /// Identifies the verifying key and all that gives a proof its meaning: what to pin.
    pub(crate) key_digest: String,
    /// `unsafe`: whoever made the structured reference string can forge proofs. `ceremony`: it is the one whose digest the server pins.
    pub(crate) srs: String,
    /// Identifies the structured reference string.
    pub(crate) srs_digest: String,
    /// log2 of the rows.
    pub(crate) k: u32,
    /// Rows that are used.
    pub(crate) rows: u64,
    /// Name of the circuit's shape.
    pub(crate) shape: String,
    /// Where its jobs wait.
    pub(crate) lane: Lane,
    /// Bytes that a proof takes at least, predicted.
    pub(crate) least_memory_bytes: u64,
    /// The error report in short: `max_error`, `flips`, `samples`, `misses_target`, `warnings`.
    #[schema(value_type = Object)]
    pub(crate) accuracy: Value,
    /// Artifacts of `/v1/models/{id}/artifacts/{name}`.
    pub(crate) artifacts: Vec<String>,
}

impl ProgramView {
    fn new(app: &App, facts: Facts) -> Self {
        let hex = |digest: &str| format!("0x{digest}");
        let mut artifacts = vec!["program", "key", "report"];
        artifacts.extend(facts.contract.is_some().then_some("contract"));
        Self {
            lane: app.works.lane_of(&facts),
            srs: app.works.srs_of(&facts).to_owned(),
            program_digest: hex(&facts.program_digest),
            key_digest: hex(&facts.key_digest),
            srs_digest: hex(&facts.srs_digest),
            k: facts.k,
            rows: facts.rows,
            shape: facts.shape,
            least_memory_bytes: facts.least_memory_bytes,
            accuracy: facts.accuracy,
            artifacts: artifacts.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// What was handed in, as a model's row has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) onnx: String,
    pub(crate) calibration: Option<String>,
    pub(crate) options: ModelOptions,
}

/// What is known of a model that is ready.
pub(crate) fn facts(model: &Model) -> Result<Facts, Problem> {
    let stored = model.facts.clone().unwrap_or_default();
    serde_json::from_value(stored).map_err(|error| {
        tracing::error!(%error, model = model.id, "what is stored of a model cannot be read");
        Problem::new(codes::INTERNAL, "what is stored of this model cannot be read: hand it in again")
    })
}

impl ModelView {
    pub(crate) fn new(app: &App, model: Model) -> Result<Self, Problem> {
        let program = match model.state {
            ModelState::Ready => Some(ProgramView::new(app, facts(&model)?)),
            ModelState::Compiling | ModelState::Failed => None,
        };
        let source: Source = serde_json::from_value(model.source).map_err(|error| {
            tracing::error!(%error, "what is stored of a model cannot be read");
            Problem::new(codes::INTERNAL, "what is stored of this model cannot be read: hand it in again")
        })?;
        Ok(Self {
            id: model.id,
            name: model.name,
            state: model.state,
            job: model.job,
            created_ms: model.created_ms,
            options: source.options,
            onnx: source.onnx,
            program,
            error: model.error,
        })
    }
}

/// A job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    /// Its name.
    #[schema(example = "job_00112233445566778899aabbccddeeff")]
    pub(crate) id: String,
    /// What it does.
    pub(crate) kind: Kind,
    /// Where it stands.
    pub(crate) state: JobState,
    /// The model.
    pub(crate) model: String,
    /// Where it waits.
    pub(crate) lane: Lane,
    /// The higher, the earlier.
    pub(crate) priority: i32,
    /// How often it was begun.
    pub(crate) attempt: u32,
    /// What was done last: `import`, `quantize`, `lay_out`, `keys`, `contract` of a compilation, which tell as they begin; `witness`,
    /// `commit`, `lookups`, `products`, `quotient`, `evaluation`, `opening` of a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    /// Work done, of all, from 0 to 1, by estimate.
    pub(crate) fraction: f64,
    /// When it was handed in, milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// When it was begun last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_ms: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_ms: Option<i64>,
    /// When it fails if it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<i64>,
    /// Of a proof: `proofs`, one for each input, with `id`, `key_digest`, `prove_ms`, `stages_ms`. Of a compilation: `key_digest`, `k`,
    /// `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) result: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<JobError>,
    /// Who is told when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<WebhookView>,
}

/// Who is told when a job ends, and whether that was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    /// The address without its path, which may be secret.
    #[schema(example = "https://hooks.example")]
    pub(crate) host: String,
    /// Where it stands.
    pub(crate) state: WebhookState,
    /// The header `webhook-id` of each attempt.
    pub(crate) message: String,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// When it is sent next, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_ms: Option<i64>,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Why the last attempt failed: `status`, `redirect`, `timeout`, `connection`, `no_address`, `tls`, `no_http`, `no_secret`, `no_thread`,
    /// `too_old`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            host: Endpoint::parse(&webhook.url).map(|endpoint| endpoint.shown()).unwrap_or_default(),
            state: webhook.state,
            message: webhook.message,
            attempts: webhook.attempts,
            next_ms: webhook.next_ms,
            status: webhook.status,
            error: webhook.error,
        }
    }
}

/// A job with what a running one does now, which the store does not know.
pub(crate) fn as_it_runs(app: &App, job: Job) -> Job {
    match app.works.live.latest(&job.id).filter(|_| job.state == JobState::Running) {
        Some(step) => Job { stage: Some(step.stage), fraction: step.fraction, ..job },
        None => job,
    }
}

impl JobView {
    pub(crate) fn new(app: &App, job: Job) -> Self {
        let job = as_it_runs(app, job);
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            model: job.model,
            lane: job.lane,
            priority: job.priority,
            attempt: job.attempt,
            stage: job.stage,
            fraction: job.fraction,
            created_ms: job.created_ms,
            started_ms: job.started_ms,
            finished_ms: job.finished_ms,
            deadline_ms: job.deadline_ms,
            result: job.result,
            error: job.error,
            webhook: job.webhook.map(WebhookView::from),
        }
    }
}

/// A proof.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProofView {
    /// Its name.
    #[schema(example = "prf_00112233445566778899aabbccddeeff")]
    pub(crate) id: String,
    /// The job that made it.
    pub(crate) job: String,
    /// Which of the job's inputs, from 0.
    pub(crate) position: u32,
    /// The model.
    pub(crate) model: String,
    /// When it was made, milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// What it says: verified for this answer, and decoded from what was verified.
    pub(crate) verification: VerificationView,
    /// The proof's file: what verifiers take.
    #[schema(value_type = Object)]
    pub(crate) proof: Value,
}

/// Whether a proof holds, and what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VerificationView {
    /// Whether it holds under the key.
    pub(crate) valid: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The key's digest.
    pub(crate) key_digest: String,
    /// The program's digest.
    pub(crate) program_digest: String,
    /// `unsafe`: whoever made the structured reference string can forge proofs. `ceremony`: it is the one whose digest the server pins.
    pub(crate) srs: String,
    /// 32 bytes that the proof is bound to; only of a proof that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    /// Name to nested arrays, in the model's units; only of a proof that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) inputs: Option<Map<String, Value>>,
    /// Name to nested arrays, in the model's units; only of a proof that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) outputs: Option<Map<String, Value>>,
    /// Milliseconds that checking took.
    pub(crate) verify_ms: f64,
}
