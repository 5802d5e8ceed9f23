//! Bodies as they come in: not too slow, not too long, and no more of them at once than there is memory for.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;

use super::room::{Held, Holder};
use super::{App, Problem};
use crate::codes;
use crate::ids::Digest;

/// Bytes a second that a body must bring in the long run.
const LEAST_RATE: u64 = 16 << 10;

/// Bytes of memory for a byte of a body.
pub(super) const BODY_SHARE: usize = 4;

/// Why a body breaks off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body came too slowly")]
    Slow,
    #[error("the body broke off: {0}")]
    Broken(String),
    #[error("{0}")]
    Form(&'static str),
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Slow => Self::new(codes::REQUEST_TIMEOUT, error),
            BodyError::Broken(_) | BodyError::Form(_) => Self::new(codes::INVALID_REQUEST, error),
        }
    }
}

/// A body, with the room that it takes.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _room: Held,
}

impl Body {
    /// Reads a JSON body.
    ///
    /// # Errors
    /// It is no JSON by its type, too long, too slow, or there is no room.
    pub(super) async fn read(app: &App, tenant: &str, request: Request) -> Result<Self, Problem> {
        let media_type = media_type(request.headers());
        if !media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
            return Err(Problem::new(
                codes::UNSUPPORTED_MEDIA_TYPE,
                "expected a JSON body: send `Content-Type: application/json`",
            ));
        }
        let advice = "the body is larger than this server takes: send fewer inputs at once";
        Self::collect(app, Holder::tenant(tenant), request, app.works.config.limits.body_bytes, advice).await
    }

    /// Reads a body of any type, up to `most` bytes; who sends more gets an advice.
    ///
    /// # Errors
    /// It is too long, too slow, or there is no room.
    pub(crate) async fn collect(
        app: &App,
        holder: Holder,
        request: Request,
        most: usize,
        advice: &'static str,
    ) -> Result<Self, Problem> {
        let too_large = || Problem::new(codes::PAYLOAD_TOO_LARGE, advice);
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let mut room = app.room.take(holder, 0)?;
        let mut bytes = BytesMut::new();
        let mut pieces = std::pin::pin!(timed(request.into_body(), app.works.config.limits.client_patience));
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if bytes.len() + piece.len() > most {
                return Err(too_large());
            }
            // What is announced takes no room, what comes does, and what it is copied to: its text, the job's, and both while they grow.
            room.grow(piece.len().saturating_mul(BODY_SHARE))?;
            bytes.extend_from_slice(&piece);
        }
        Ok(Self { bytes: bytes.freeze(), _room: room })
    }

    /// The same request again has the same.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// As JSON in which no key stands twice.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        super::json::parse(&self.bytes)
            .map_err(|error| Problem::new(codes::INVALID_REQUEST, format_args!("the body: {error}")))
    }
}

/// A body's type, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next().map(str::trim)
}

/// The value of a header that may stand once.
///
/// # Errors
/// It stands twice: which one counts, nobody knows.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Problem::new(codes::INVALID_REQUEST, format_args!("the header {name} stands twice")));
    }
    let text = |value: &'a axum::http::HeaderValue| {
        value.to_str().map_err(|_| Problem::new(codes::INVALID_REQUEST, format_args!("{name}: expected ASCII")))
    };
    value.map(text).transpose()
}

/// A body's pieces, unless they come too slowly: `patience` without one, or fewer than [`LEAST_RATE`] bytes a second in the long run.
pub(super) fn timed(body: HttpBody, patience: Duration) -> impl Stream<Item = Result<Bytes, BodyError>> {
    let state = (body.into_data_stream(), Instant::now(), 0u64);
    stream::try_unfold(state, move |(mut pieces, start, received)| async move {
        let owed = start + patience + Duration::from_secs(received / LEAST_RATE);
        let next = tokio::time::timeout_at(owed.min(Instant::now() + patience), pieces.next()).await;
        match next {
            Err(_) => Err(BodyError::Slow),
            Ok(None) => Ok(None),
            Ok(Some(Err(error))) => Err(BodyError::Broken(error.to_string())),
            Ok(Some(Ok(piece))) => {
                let received = received + piece.len() as u64;
                Ok(Some((piece, (pieces, start, received))))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(400);

    async fn read(pieces: Vec<(u64, usize)>) -> Result<usize, BodyError> {
        let pieces = stream::iter(pieces).then(|(wait_ms, length)| async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; length]))
        });
        let mut read = std::pin::pin!(timed(HttpBody::from_stream(pieces), PATIENCE));
        let mut length = 0;
        while let Some(piece) = read.next().await {
            length += piece?.len();
        }
        Ok(length)
    }

    #[tokio::test]
    async fn slow_bodies_end() {
        assert_eq!(read(vec![(50, 10), (0, 5)]).await, Ok(15));
        assert_eq!(read(vec![(700, 10)]).await, Err(BodyError::Slow), "a pause");
        assert_eq!(read(vec![(200, 1); 5]).await, Err(BodyError::Slow), "drops");
        assert_eq!(read(vec![(100, 32 << 10); 8]).await, Ok(8 * (32 << 10)), "slow and steady");
    }

    #[test]
    fn a_header_stands_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, "idempotency-key").unwrap(), None);
        headers.append("idempotency-key", "a".parse().unwrap());
        assert_eq!(single(&headers, "idempotency-key").unwrap(), Some("a"));
        headers.append("idempotency-key", "a".parse().unwrap());
        single(&headers, "idempotency-key").unwrap_err();
    }
}
