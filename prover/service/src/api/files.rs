//! Files as answers.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::{App, Problem};
use crate::codes;
use crate::ids::Digest;

/// A file to be saved under this name.
pub(super) fn attachment(name: &'static str, content_type: &'static str, content: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, content).into_response()
}

/// An artifact, as a stream. What is damaged ends before its last piece.
pub(super) async fn artifact(
    app: &App,
    artifact: &str,
    name: &'static str,
    content_type: &'static str,
) -> Result<Response, Problem> {
    let digest: Digest = artifact.parse().map_err(|_| Problem::new(codes::INTERNAL, "a stored file has no name"))?;
    let (length, pieces) = app.works.artifacts.stream(&digest).await?;
    let mut response = attachment(name, content_type, Body::from_stream(pieces));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{digest}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
