//! Models: handed in, compiled, described.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::ToSchema;

use super::admission::{admits, too_many};
use super::auth::Caller;
use super::files::artifact;
use super::read::{Path, Query};
use super::upload::{Parts, upload};
use super::views::{ListOf, ModelView, PageQuery, Source, facts, page};
use super::{App, Problem};
use crate::clock::milliseconds;
use crate::codes;
use crate::ids::{Digest, Named, new_id};
use crate::options::ModelOptions;
use crate::store::{Deleted, Kind, Lane, Model, ModelState, ModelSubmitted, NewJob, NewModel, Scope};
use crate::work::CompilePayload;

/// An upload, as `multipart/form-data`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the parts, which are read as a stream")]
pub(crate) struct Upload {
    /// The ONNX file.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    model: Vec<u8>,
    /// Samples: `{"batches": [{"inputs": ..}, ..]}`, JSON lines, or a NumPy archive.
    #[schema(value_type = Option<String>, content_media_type = "application/octet-stream")]
    calibration: Option<Vec<u8>>,
    /// How it is compiled.
    options: Option<ModelOptions>,
    /// What you call it; the file's name, if nothing is said.
    name: Option<String>,
    /// An `http` or `https` address that is told when the compilation ends. Of a model that was handed in before, nobody is told.
    #[schema(max_length = 2000, format = "uri")]
    webhook: Option<String>,
}

/// Hands in a model. The same file with the same calibration and options is compiled once: then the answer is 200, and the model
/// that is there.
#[utoipa::path(
    post, path = "/v1/models", operation_id = "submit_model", tag = "models", security(("api_key" = [])),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "It is being compiled", body = ModelView, headers(("Location" = String))),
        (status = 200, description = "It was handed in before", body = ModelView),
        (status = "4XX", description = "It is not taken", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "The server failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.may(Scope::Models)?;
    admits(&app, &caller).await?;
    let Parts { onnx, calibration, options, name, webhook } = upload(&app, &caller, request).await?;
    let source = Source { onnx, calibration, options };
    // The same file compiles to another program and another key with another string.
    let content = json!([&source, app.works.string()]).to_string();
    let (id, now) = (new_id(Named::Model), app.works.clock.now_ms());
    let Source { onnx, calibration, options } = source.clone();
    let payload = app.works.put_payload(&CompilePayload { onnx, calibration, options }).await?;
    let limits = app.works.config.limits;
    let model = NewModel {
        id: id.clone(),
        tenant: caller.tenant.clone(),
        name: name.unwrap_or_else(|| "model".to_owned()),
        content: Digest::of(content.as_bytes()).to_string(),
        source: json!(source),
        created_ms: now,
    };
    let job = NewJob {
        id: new_id(Named::Job),
        submitted_by: caller.actor,
        tenant: caller.tenant,
        kind: Kind::Compile,
        lane: Lane::Compile,
        model: id,
        priority: 0,
        payload: payload.0,
        body: model.content.clone(),
        idempotency_key: None,
        created_ms: now,
        deadline_ms: Some(now.saturating_add(milliseconds(limits.job_time))),
        max_crashes: limits.attempts,
        forget_inputs: false,
        most_open: limits.open_jobs,
        webhook,
    };
    match app.works.store.submit_model(model, job).await? {
        ModelSubmitted::Same(model) => Ok(Json(ModelView::new(&app, model)?).into_response()),
        ModelSubmitted::TooMany => Err(too_many(&app)),
        ModelSubmitted::New(model) => {
            app.works.wake(Lane::Compile);
            let location = format!("/v1/models/{}", model.id);
            let view = ModelView::new(&app, model)?;
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)).into_response())
        }
    }
}

/// Lists models, newest first.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "list_models", tag = "models", security(("api_key" = [])), params(PageQuery),
    responses(
        (status = 200, body = ListOf<ModelView>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<ListOf<ModelView>>, Problem> {
    caller.may(Scope::Read)?;
    let before = match &query.cursor {
        Some(cursor) => Some(app.works.store.model_position(&caller.tenant, cursor).await?),
        None => None,
    };
    let (page, limit) = page(query.limit, before)?;
    let found = app.works.store.models(&caller.tenant, page).await?;
    let views = found.into_iter().map(|model| ModelView::new(&app, model)).collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(ListOf::new(views, limit, |view| view.id.clone(), |view| view)))
}

/// Describes a model.
#[utoipa::path(
    get, path = "/v1/models/{id}", operation_id = "get_model", tag = "models", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, body = ModelView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ModelView>, Problem> {
    caller.may(Scope::Read)?;
    let model = find(&app, &caller, &id).await?;
    Ok(Json(ModelView::new(&app, model)?))
}

pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Model, Problem> {
    app.works.store.model(&caller.tenant, id).await?.ok_or_else(|| Problem::not_found("model"))
}

/// Removes a model that no job waits for. Its proofs stay.
#[utoipa::path(
    delete, path = "/v1/models/{id}", operation_id = "delete_model", tag = "models", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::Models)?;
    match app.works.store.delete_model(&caller.tenant, &id, &caller.act(&app)).await? {
        Deleted::Gone => Ok(StatusCode::NO_CONTENT),
        Deleted::Unknown => Err(Problem::not_found("model")),
        Deleted::InUse => {
            Err(Problem::new(codes::MODEL_IN_USE, "jobs wait for this model or use it: cancel them, or wait"))
        }
    }
}

/// An artifact of a model: `program` (the .apo file), `key` (vk.json), `report` (JSON), `contract` (JSON: names and texts of files).
#[utoipa::path(
    get, path = "/v1/models/{id}/artifacts/{artifact}", operation_id = "download_artifact", tag = "models", security(("api_key" = [])),
    params(("id" = String, Path), ("artifact" = String, Path, description = "program, key, report, contract")),
    responses(
        (
            status = 200, description = "The file: octets of `program`, JSON of the others",
            content((String = "application/octet-stream"), (Object = "application/json")),
        ),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn download(
    State(app): State<App>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.may(Scope::Read)?;
    let model = find(&app, &caller, &id).await?;
    if model.state != ModelState::Ready {
        return Err(Problem::new(codes::MODEL_NOT_READY, "the model has no artifacts before it is compiled"));
    }
    let facts = facts(&model)?;
    let (stored, content_type, file) = match name.as_str() {
        "program" => (facts.program, "application/octet-stream", "program.apo"),
        "key" => (facts.verifying_key, "application/json", "vk.json"),
        "report" => (facts.report, "application/json", "report.json"),
        "contract" => {
            (facts.contract.ok_or_else(|| Problem::not_found("artifact"))?, "application/json", "contract.json")
        }
        _ => return Err(Problem::not_found("artifact")),
    };
    artifact(&app, &stored, file, content_type).await
}
