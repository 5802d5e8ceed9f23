//! The HTTP API.
//!
//! | part | what it is |
//! |---|---|
//! | here | the routes, and what every answer carries |
//! | `problem` | errors, as RFC 9457 has them |
//! | `auth` | API keys, tenants, rate limits |
//! | `body`, `form`, `json` | what comes in: how fast, how much, and that it means one thing |
//! | `upload` | a model's files, from a form |
//! | `read` | paths and queries, with errors that say what is wrong |
//! | `admission` | which jobs are taken |
//! | `room` | memory for bodies, a part of it for each who sends them |
//! | `waiting` | requests that wait for jobs |
//! | `files` | files as answers |
//! | `models`, `jobs`, `prove`, `events`, `logs`, `proofs`, `audit`, `system` | a resource each |

mod admission;
mod audit;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod events;
mod files;
mod form;
pub(crate) mod jobs;
mod json;
mod logs;
pub(crate) mod models;
mod problem;
pub(crate) mod proofs;
mod prove;
pub(crate) mod read;
pub(crate) mod room;
mod system;
mod upload;
pub(crate) mod views;
mod waiting;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use auth::{PeerAddress, new_key};
pub use problem::Problem;

use crate::codes;
use crate::page;
use crate::work::Works;
use auth::Gate;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) works: Arc<Works>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) document: Arc<String>,
    pub(crate) verifiers: Arc<proofs::Verifiers>,
    pub(crate) room: room::Room,
    pub(crate) waiting: waiting::WaitingRoom,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Apodict proving service",
        description = "Hand in a model, then inputs; get proofs. Errors are RFC 9457 problems with the codes of `docs/service.md`. \
                       Times are milliseconds since 1970, durations milliseconds.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "models", description = "ONNX models, compiled once for each content"),
        (name = "jobs", description = "Proofs in the making"),
        (name = "proofs", description = "Proofs, and whether they hold"),
        (name = "system", description = "The server itself"),
    ),
)]
struct Document;

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(models::submit, models::list))
        .routes(routes!(models::get, models::delete))
        .routes(routes!(models::download))
        .routes(routes!(jobs::submit, jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::cancel))
        .routes(routes!(events::stream))
        .routes(routes!(logs::list))
        .routes(routes!(prove::prove))
        .routes(routes!(proofs::get))
        .routes(routes!(proofs::file))
        .routes(routes!(proofs::verify))
        .routes(routes!(audit::list))
        .routes(routes!(system::version))
        .routes(routes!(system::livez))
        .routes(routes!(system::readyz))
        .routes(routes!(system::metrics))
}

/// The OpenAPI document, as it is committed and served: JSON, indented.
pub fn openapi() -> String {
    let (_, mut document) = described().split_for_parts();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().add_security_scheme("api_key", scheme);
    // A document that cannot be written would fail the test that compares it with the committed one.
    document.to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

/// All routes, over what a server holds.
pub fn router(works: Arc<Works>, access: Access) -> Router {
    let limits = works.config.limits;
    let app = App {
        gate: Arc::new(Gate::new(access, limits.requests_per_s)),
        document: Arc::new(openapi()),
        verifiers: Arc::default(),
        room: room::Room::new(limits.room_bytes, limits.body_bytes.saturating_mul(body::BODY_SHARE)),
        waiting: waiting::WaitingRoom::new((limits.connections / 8).max(1)),
        works,
    };
    let (router, _) = described().split_for_parts();
    router
        .merge(page::router(&app))
        .route("/v1/openapi.json", axum::routing::get(system::openapi))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .with_state(app)
}

/// Who may use a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a key.
    Keys,
    /// Whoever runs on this machine, until the first key is made.
    ThisMachine,
}

/// Counts, and sets the headers that every answer has.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let answering = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = answering.await.unwrap_or_else(|_| {
        tracing::error!(route, "a request panicked");
        Problem::new(codes::INTERNAL, "the request cannot be answered: please report it").into_response()
    });
    let method = if method == Method::GET || method == Method::POST || method == Method::DELETE {
        method.as_str().to_owned()
    } else {
        "other".to_owned()
    };
    app.works.metrics.request(&method, &route, response.status().as_u16());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        // The page has its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1` writes it.
    #[test]
    fn the_committed_document_is_the_served_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, openapi()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == openapi(), "openapi.json is not what is served: BLESS=1 writes it");
        let document: serde_json::Value = serde_json::from_str(&committed).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
        let ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }
}
