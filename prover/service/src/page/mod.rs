//! The web page: what people see of a server.
//!
//! | part | what it is |
//! |---|---|
//! | here | the addresses, and the headers of every page |
//! | `session` | signing in, cookies, forms that only the own page can send |
//! | `sign` | the page to sign in |
//! | `jobs`, `models`, `proofs` | pages of each |
//! | `progress` | how far a job is |
//! | `tensors` | public values in tables and words |
//! | `bars`, `errors` | charts |
//! | `command` | commands that do the same in a terminal |
//! | `show` | numbers, times and names for people |
//! | `files` | style, scripts, the verifier for browsers |
//! | `refused`, `state` | what is shown where nothing can be, and what handlers share |
//!
//! Pages are written by the server: `templates/`, in which askama escapes every value. A script reloads a job that runs, and another
//! verifies a proof; without scripts everything else works.

mod bars;
mod command;
mod errors;
mod files;
mod jobs;
mod models;
mod progress;
mod proofs;
mod refused;
mod session;
mod show;
mod sign;
mod state;
mod tensors;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};

use crate::api::App;
use crate::config::PageSwitch;
use state::PageState;

/// Nothing but files of this server: no script in a page, no evaluation of text, no form that goes elsewhere, in no frame.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    // Of this server's pages, so that forms have an `Origin`.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// The page's addresses, or none if it is switched off.
pub(crate) fn router(app: &App) -> Router<App> {
    if app.works.config.page == PageSwitch::Off {
        return Router::new();
    }
    let state = PageState { app: app.clone(), sessions: Arc::default() };
    Router::new()
        .route("/", get(async || Redirect::to(refused::START)))
        .route("/page", get(async || Redirect::to(refused::START)))
        .route("/page/login", get(sign::form).post(sign::sign_in))
        .route("/page/logout", post(sign::sign_out))
        .route("/page/jobs", get(jobs::list))
        .route("/page/jobs/{id}", get(jobs::one))
        .route("/page/jobs/{id}/progress", get(jobs::progress))
        .route("/page/jobs/{id}/cancel", post(jobs::cancel))
        .route("/page/models", get(models::list).post(models::hand_in))
        .route("/page/models/{id}", get(models::one))
        .route("/page/models/{id}/prove", post(models::prove))
        .route("/page/proofs/{id}", get(proofs::one))
        .route("/page/proofs/{id}/proof.json", get(proofs::proof_file))
        .route("/page/proofs/{id}/vk.json", get(proofs::key_file))
        .route("/page/static/{name}", get(files::file))
        .route("/page/{*rest}", get(refused::no_page))
        .layer(middleware::from_fn(with_headers))
        .with_state(state)
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
