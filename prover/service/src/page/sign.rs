//! Signing in and out.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::refused::{Refused, next, shown};
use super::session::{self, OwnPage, Sent};
use super::state::PageState;
use crate::api::Problem;
use crate::api::read::Query;
use crate::codes;

/// Bytes of the form: a key, and where to go on.
const FORM_BYTES: usize = 4 << 10;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    next: &'a str,
    wrong: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

pub(super) async fn form(query: Result<Query<Next>, Problem>) -> Response {
    let Query(Next { next: asked }) = query.unwrap_or(Query(Next::default()));
    shown(&LoginPage { next: next(&asked), wrong: None })
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    key: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_in(
    State(page): State<PageState>,
    own: OwnPage,
    request: Request,
) -> Result<Response, Refused> {
    // Guessing is limited, and so is what comes from whoever has no key: it counts before it is read.
    page.app.gate.count_stranger(own.peer.as_ref())?;
    let SignIn { key, next: asked } = session::form(&page, own.holder(), FORM_BYTES, request).await?;
    let next = next(&asked);
    match session::sign_in(&page, key.trim(), own.transport).await {
        Ok(cookie) => Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()),
        Err(problem) if problem.code == codes::UNAUTHORIZED => {
            let again = shown(&LoginPage { next, wrong: Some(problem.detail) });
            Ok((StatusCode::UNAUTHORIZED, again).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn sign_out(State(page): State<PageState>, sent: Sent<Nothing>) -> Response {
    ([(header::SET_COOKIE, sent.visitor.sign_out(&page))], Redirect::to("/page/login")).into_response()
}
