//! Bodies, paths and queries, with errors that say what is wrong.

use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::codes;
use crate::ids::Digest;

/// A JSON body, and its digest: the same request again has the same.
pub(crate) struct Body<T> {
    pub(super) value: T,
    pub(super) digest: Digest,
}

impl<T: DeserializeOwned> Body<T> {
    /// Reads JSON.
    pub(crate) fn of_json(bytes: &[u8]) -> Result<Self, Problem> {
        let value = serde_json::from_slice(bytes)
            .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("the body: {error}")))?;
        Ok(Self { value, digest: Digest::of(bytes) })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or("").trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                codes::UNSUPPORTED_MEDIA_TYPE,
                "expected a JSON body: send `Content-Type: application/json`",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unreadable(&rejection))?;
        Self::of_json(&bytes)
    }
}

fn unreadable(rejection: &BytesRejection) -> Problem {
    if rejection.status().as_u16() == 413 {
        return Problem::new(
            codes::PAYLOAD_TOO_LARGE,
            "the body is larger than this server takes: send fewer inputs at once",
        );
    }
    if rejection.to_string().contains("imeout") || rejection.status().as_u16() == 408 {
        return Problem::new(codes::REQUEST_TIMEOUT, "the body came too slowly");
    }
    Problem::new(codes::INVALID_REQUEST, format_args!("the body: {rejection}"))
}

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let wrong = |rejection: QueryRejection| Problem::new(codes::INVALID_REQUEST, rejection.body_text());
        Ok(Self(read.map_err(wrong)?.0))
    }
}

/// Names in a path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        // What is no text is no name.
        let wrong = |_: PathRejection| Problem::not_found("thing");
        Ok(Self(read.map_err(wrong)?.0))
    }
}
