//! The server itself.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::{App, Problem};
use crate::codes;
use crate::store::Scope;
use crate::work::Phase;

/// What answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    /// Of the program.
    version: &'static str,
    /// Of this API.
    api: &'static str,
    /// `ceremony`: the server's structured reference string was read and is the one whose digest is pinned. `unsafe`: it is one for
    /// development, or nobody pinned it: whoever made it can forge proofs.
    srs: &'static str,
}

/// Which version answers.
#[utoipa::path(get, path = "/v1/version", tag = "system", responses((status = 200, body = VersionView)))]
pub(super) async fn version(State(app): State<App>) -> Json<VersionView> {
    Json(VersionView { version: env!("CARGO_PKG_VERSION"), api: "v1", srs: app.works.srs() })
}

/// Whether the process lives.
#[utoipa::path(get, path = "/livez", tag = "system", responses((status = 200, description = "It does", content_type = "text/plain")))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether it takes jobs: the store and the artifacts answer, and it is not about to stop.
#[utoipa::path(
    get, path = "/readyz", tag = "system",
    responses(
        (status = 200, description = "It does", content_type = "text/plain"),
        (status = 503, description = "It does not", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if app.works.phase() != Phase::Serving {
        return Err(Problem::new(codes::DRAINING, "the server is about to stop"));
    }
    if app.works.is_paused() {
        return Err(Problem::new(codes::UNAVAILABLE, "the machine failed a job a moment ago: see the server's log"));
    }
    app.works.store.ping().await?;
    app.works.artifacts.ping().await?;
    Ok("ok\n")
}

/// Figures for Prometheus, of all tenants together: with the scope `operate`.
#[utoipa::path(
    get, path = "/metrics", tag = "system", security(("api_key" = [])),
    responses(
        (status = 200, description = "Prometheus text", content_type = "text/plain"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    caller.may(Scope::Operate)?;
    let text = app.works.metrics.render(&app.works.store.depths().await?, app.works.clock.now_ms());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// This API, described.
pub(super) async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.document.as_str().to_owned()).into_response()
}
