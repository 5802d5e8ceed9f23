//! Paths and queries, with errors that say what is wrong.

use axum::extract::FromRequestParts;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::codes;

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
