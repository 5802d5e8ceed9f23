//! Models: handed in, compiled, described.

use axum::Json;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::auth::Caller;
use super::read::{Path, Query};
use super::views::{ListOf, ModelView, PageQuery, Source, facts, page};
use super::{App, Problem};
use crate::codes;
use crate::ids::{Digest, Named, new_id, now_ms};
use crate::options::ModelOptions;
use crate::store::{Deleted, Kind, Lane, Model, ModelState, ModelSubmitted, NewJob, NewModel, Scope};
use crate::work::{CompilePayload, Phase};

/// Bytes of the parts of an upload that are read whole.
const TEXT_BYTES: usize = 1 << 20;

/// The most characters of a model's name.
const NAME_CHARS: usize = 200;

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
}

/// Hands in a model. The same file with the same calibration and options is compiled once: then the answer is 200, and the model
/// that is there.
#[utoipa::path(
    post, path = "/v1/models", tag = "models", security(("api_key" = [])),
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
    let mut request = request;
    // Each part has a limit of its own.
    DefaultBodyLimit::disable().apply(&mut request);
    let is_form = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !is_form.is_some_and(|value| value.starts_with("multipart/form-data")) {
        return Err(Problem::new(
            codes::UNSUPPORTED_MEDIA_TYPE,
            "expected multipart/form-data, as `curl -F model=@model.onnx -F calibration=@calibration.json` sends it",
        ));
    }
    let parts = Multipart::from_request(request, &()).await;
    let parts = parts.map_err(|error| Problem::new(codes::INVALID_REQUEST, error.body_text()))?;
    let Parts { onnx, calibration, options, name } = read_parts(&app, parts).await?;
    let onnx =
        onnx.ok_or_else(|| Problem::new(codes::INVALID_REQUEST, "the part `model` is missing: send the ONNX file"))?;
    options.check().map_err(|what| Problem::new(codes::INVALID_REQUEST, format_args!("options: {what}")))?;

    let source = Source { onnx, calibration, options };
    let text = serde_json::to_string(&source).unwrap_or_default();
    let (id, now) = (new_id(Named::Model), now_ms());
    let Source { onnx, calibration, options } = source.clone();
    let payload = app.works.put_payload(&CompilePayload { onnx, calibration, options }).await?;
    let limits = app.works.config.limits;
    let model = NewModel {
        id: id.clone(),
        tenant: caller.tenant.clone(),
        name: name.unwrap_or_else(|| "model".to_owned()),
        content: Digest::of(text.as_bytes()).to_string(),
        source: serde_json::to_value(&source).unwrap_or_default(),
        created_ms: now,
    };
    let job = NewJob {
        id: new_id(Named::Job),
        tenant: caller.tenant,
        kind: Kind::Compile,
        lane: Lane::Compile,
        model: id,
        priority: 0,
        payload: payload.0,
        body: model.content.clone(),
        idempotency_key: None,
        created_ms: now,
        deadline_ms: Some(now + i64::try_from(limits.job_time.as_millis()).unwrap_or(i64::MAX / 2)),
        max_attempts: limits.attempts,
    };
    match app.works.store.submit_model(model, job).await? {
        ModelSubmitted::Same(model) => Ok(Json(ModelView::new(model, limits.short_max_k)?).into_response()),
        ModelSubmitted::New(model) => {
            app.works.wake(Lane::Compile);
            let location = format!("/v1/models/{}", model.id);
            let view = ModelView::new(model, limits.short_max_k)?;
            Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)).into_response())
        }
    }
}

#[derive(Default)]
struct Parts {
    onnx: Option<String>,
    calibration: Option<String>,
    options: ModelOptions,
    name: Option<String>,
}

async fn read_parts(app: &App, mut form: Multipart) -> Result<Parts, Problem> {
    let mut parts = Parts::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let part = field.name().unwrap_or_default().to_owned();
        match part.as_str() {
            "model" if parts.onnx.is_none() => {
                parts.name = parts.name.or_else(|| field.file_name().map(plain_name));
                parts.onnx = Some(store_part(app, field).await?);
            }
            "calibration" if parts.calibration.is_none() => parts.calibration = Some(store_part(app, field).await?),
            "options" => {
                let text = read_text(field).await?;
                parts.options = serde_json::from_str(&text)
                    .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("options: {error}")))?;
            }
            "name" => parts.name = Some(plain_name(&read_text(field).await?)),
            _ => {
                let what = format_args!("the part `{part}`: expected model, calibration, options and name, each once");
                return Err(Problem::new(codes::INVALID_REQUEST, what));
            }
        }
    }
    Ok(parts)
}

async fn store_part(app: &App, field: Field<'_>) -> Result<String, Problem> {
    let (digest, _) = app.works.artifacts.put_stream(field, app.works.config.limits.upload_bytes).await?;
    Ok(digest.to_string())
}

async fn read_text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > TEXT_BYTES {
            return Err(Problem::new(codes::PAYLOAD_TOO_LARGE, "options and name have at most a megabyte"));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::new(codes::INVALID_REQUEST, "options and name are UTF-8 text"))
}

fn broken(error: MultipartError) -> Problem {
    Problem::new(codes::INVALID_REQUEST, format_args!("the upload: {}", error.body_text()))
}

/// A name that harms no terminal and no page that shows it, and is no path.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let escaped = apodict_circuits::escaped(last).to_string();
    escaped.chars().take(NAME_CHARS).collect()
}

/// Refuses new work where there is too much, or where the server stops.
pub(super) async fn admits(app: &App, caller: &Caller) -> Result<(), Problem> {
    if app.works.phase() != Phase::Serving {
        return Err(Problem::new(codes::DRAINING, "the server is about to stop: try again, or ask another one"));
    }
    let most = app.works.config.limits.open_jobs;
    if app.works.store.open_jobs(&caller.tenant).await? >= most {
        let what = format_args!("{most} jobs wait or run: wait until some have ended");
        return Err(Problem::new(codes::TOO_MANY_JOBS, what));
    }
    Ok(())
}

/// Lists models, newest first.
#[utoipa::path(
    get, path = "/v1/models", tag = "models", security(("api_key" = [])), params(PageQuery),
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
    let (page, limit) = page(query.limit, query.cursor.as_deref())?;
    let found = app.works.store.models(&caller.tenant, page).await?;
    let short_max_k = app.works.config.limits.short_max_k;
    let views = found.into_iter().map(|model| Ok((model.seq, ModelView::new(model, short_max_k)?)));
    let views = views.collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(ListOf::new(views, limit, |(seq, _)| *seq, |(_, view)| view)))
}

/// Describes a model.
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "models", security(("api_key" = [])), params(("id" = String, Path)),
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
    Ok(Json(ModelView::new(model, app.works.config.limits.short_max_k)?))
}

pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Model, Problem> {
    app.works.store.model(&caller.tenant, id).await?.ok_or_else(|| Problem::not_found("model"))
}

/// Removes a model that no job waits for. Its proofs stay.
#[utoipa::path(
    delete, path = "/v1/models/{id}", tag = "models", security(("api_key" = [])), params(("id" = String, Path)),
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
    match app.works.store.delete_model(&caller.tenant, &id, now_ms()).await? {
        Deleted::Gone => Ok(StatusCode::NO_CONTENT),
        Deleted::Unknown => Err(Problem::not_found("model")),
        Deleted::InUse => {
            Err(Problem::new(codes::MODEL_IN_USE, "jobs wait for this model or use it: cancel them, or wait"))
        }
    }
}

/// An artifact of a model: `program` (the .apo file), `key` (vk.json), `report` (JSON), `contract` (JSON: names and texts of files).
#[utoipa::path(
    get, path = "/v1/models/{id}/artifacts/{artifact}", tag = "models", security(("api_key" = [])),
    params(("id" = String, Path), ("artifact" = String, Path, description = "program, key, report, contract")),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn artifact(
    State(app): State<App>,
    caller: Caller,
    Path((id, artifact)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.may(Scope::Read)?;
    let model = find(&app, &caller, &id).await?;
    if model.state != ModelState::Ready {
        return Err(Problem::new(codes::MODEL_NOT_READY, "the model has no artifacts before it is compiled"));
    }
    let facts = facts(&model)?;
    let (name, content_type, file) = match artifact.as_str() {
        "program" => (facts.program, "application/octet-stream", "program.apo"),
        "key" => (facts.verifying_key, "application/json", "vk.json"),
        "report" => (facts.report, "application/json", "report.json"),
        "contract" => {
            (facts.contract.ok_or_else(|| Problem::not_found("artifact"))?, "application/json", "contract.json")
        }
        _ => return Err(Problem::not_found("artifact")),
    };
    download(&app, &name, content_type, file).await
}

/// Streams an artifact. What is damaged ends before its last piece.
async fn download(app: &App, name: &str, content_type: &'static str, file: &str) -> Result<Response, Problem> {
    let digest: Digest = name.parse().map_err(|_| Problem::new(codes::INTERNAL, "a stored file has no name"))?;
    let (length, pieces) = app.works.artifacts.stream(&digest).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, length.into());
    for (header, value) in [
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
        (header::ETAG, format!("\"{digest}\"")),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(header, value);
        }
    }
    Ok((headers, axum::body::Body::from_stream(pieces)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, plain) in [
            ("risk.onnx", "risk.onnx"),
            ("../../etc/passwd", "passwd"),
            ("c:\\models\\a.onnx", "a.onnx"),
            ("a\u{1b}[2K\r\nb", "a\\u{1b}[2K\\r\\nb"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert_eq!(plain_name(&"x".repeat(500)).len(), NAME_CHARS);
    }
}
