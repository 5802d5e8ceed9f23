//! Errors, as RFC 9457 has them.

use apodict_circuits::escaped;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::artifacts::ArtifactError;
use crate::codes;
use crate::store::{JobError, StoreError};
use crate::work::PayloadError;

/// What is wrong, and what to do. Sent as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A stable code, listed in `docs/service.md`: what programs should look at.
    pub code: &'static str,
    /// The code as a URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The job that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: &str, detail: impl std::fmt::Display) -> Self {
        let code = codes::find(code);
        Self {
            code: code.name,
            kind: format!("urn:apodict:error:{}", code.name),
            title: code.title,
            status: code.status,
            // What a client sent may stand in it.
            detail: escaped(detail).to_string(),
            job: None,
        }
    }

    pub(crate) fn of_job(job: &str, error: &JobError) -> Self {
        Self { job: Some(job.to_owned()), ..Self::new(&error.code, &error.detail) }
    }

    /// For names of others as for names that nobody has.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(codes::NOT_FOUND, format_args!("there is no such {what}: check its name"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the job store failed");
        Self::new(codes::UNAVAILABLE, "the job store does not answer: try again; if it goes on, see the server's log")
    }
}

impl From<ArtifactError> for Problem {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::TooLong { max } => Self::new(
                codes::PAYLOAD_TOO_LARGE,
                format_args!("the file has more than {max} bytes, the most that are taken"),
            ),
            error @ ArtifactError::Source(_) => Self::new(codes::INVALID_REQUEST, error),
            ArtifactError::Missing(_) | ArtifactError::Damaged { .. } => {
                tracing::error!(%error, "an artifact is lost");
                Self::new(codes::INTERNAL, "a stored file is lost or damaged: tell whoever runs this server")
            }
            error => {
                tracing::error!(%error, "the artifacts cannot be reached");
                Self::new(
                    codes::UNAVAILABLE,
                    "the stored files cannot be reached: try again; if it goes on, see the server's log",
                )
            }
        }
    }
}

impl From<PayloadError> for Problem {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Artifact(error) => error.into(),
            error => {
                tracing::error!(%error, "something stored cannot be read");
                Self::new(codes::INTERNAL, "something stored cannot be read: tell whoever runs this server")
            }
        }
    }
}

pub(super) async fn no_route(uri: Uri) -> Problem {
    Problem::new(
        codes::NOT_FOUND,
        format_args!("there is nothing at {}: /v1/openapi.json lists what there is", uri.path()),
    )
}

pub(super) async fn no_method() -> Problem {
    Problem::new(
        codes::METHOD_NOT_ALLOWED,
        "this address does not take this method: /v1/openapi.json lists what there is",
    )
}
