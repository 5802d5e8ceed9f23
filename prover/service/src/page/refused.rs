//! What a visitor sees where nothing can be shown.

use askama::Template;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::api::Problem;
use crate::codes;

/// The most bytes of an address that signing in leads back to.
const NEXT_BYTES: usize = 500;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Refused {
    /// Nobody has signed in: where to go on, once somebody has.
    SignedOut { next: String, by_script: bool },
    /// Something is wrong.
    Problem(Box<Problem>),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    problem: &'a Problem,
}

impl Refused {
    pub(super) fn signed_out(parts: &Parts) -> Self {
        let asked = parts.uri.path_and_query().map_or("", |asked| asked.as_str());
        let by_script = is_by_script(&parts.headers);
        let next = match (by_script, &parts.method) {
            // A part of a page was asked for: back to the page.
            (true, _) => next(current_path(&parts.headers)),
            (false, &Method::GET) => next(asked),
            (false, _) => START,
        };
        Self::SignedOut { next: next.to_owned(), by_script }
    }
}

/// Where a visit begins.
pub(super) const START: &str = "/page/jobs";

/// An address of this page, or its beginning: signing in must not lead elsewhere.
pub(super) fn next(asked: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_?=&.-".contains(&byte);
    let own = asked.starts_with("/page/") && asked.len() <= NEXT_BYTES && asked.bytes().all(plain);
    if own && !asked.contains("//") { asked } else { START }
}

/// Of the script that loads parts of a page.
fn is_by_script(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

/// The path of the page that a script of it names.
fn current_path(headers: &HeaderMap) -> &str {
    let current = headers.get("hx-current-url").and_then(|value| value.to_str().ok());
    let after_scheme = current.and_then(|address| address.split_once("://"));
    after_scheme.and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or_default()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut { next, by_script } => {
                let mut query = String::from("/page/login?next=");
                // All that is left of it are a query's own marks.
                query.extend(next.chars().map(|mark| match mark {
                    '?' => "%3F".to_owned(),
                    '&' => "%26".to_owned(),
                    '=' => "%3D".to_owned(),
                    other => other.to_string(),
                }));
                if by_script {
                    return (StatusCode::UNAUTHORIZED, [("hx-redirect", query)]).into_response();
                }
                Redirect::to(&query).into_response()
            }
            Self::Problem(problem) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = (status, shown(&RefusedPage { problem: &problem })).into_response();
                if matches!(problem.status, 429 | 503) {
                    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
                }
                response
            }
        }
    }
}

/// A template as an answer.
pub(super) fn shown(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What no address of the page is.
pub(super) async fn no_page() -> Refused {
    Problem::new(codes::NOT_FOUND, "there is no such page: the menu leads to those that there are").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        for own in ["/page/jobs", "/page/proofs/prf_0a", "/page/jobs?state=failed&cursor=12"] {
            assert_eq!(next(own), own);
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/page//evil.example",
            "https://evil.example",
            "/page/\\evil",
            "/page/a%0d",
            "/v1/jobs",
        ] {
            assert_eq!(next(other), START, "{other}");
        }
        assert_eq!(next(&format!("/page/{}", "a".repeat(NEXT_BYTES))), START);
    }

    /// Not to the part that a script loads.
    #[test]
    fn a_script_leads_back_to_its_page() {
        let led = |current: Option<&'static str>| {
            let mut request = axum::http::Request::get("/page/jobs/job_1/progress").header("hx-request", "true");
            if let Some(current) = current {
                request = request.header("hx-current-url", current);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            match Refused::signed_out(&parts) {
                Refused::SignedOut { next, .. } => next,
                Refused::Problem(problem) => panic!("{problem:?}"),
            }
        };
        assert_eq!(led(Some("https://a.example:8443/page/jobs/job_1")), "/page/jobs/job_1");
        for other in [None, Some("https://a.example"), Some("https://a.example/v1/jobs"), Some("nonsense")] {
            assert_eq!(led(other), START, "{other:?}");
        }
    }
}
