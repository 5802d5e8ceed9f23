//! Uploads: the parts of a form, none of which is kept unless all of them are as they should be.

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};

use super::admission::webhook;
use super::auth::Caller;
use super::body::{BodyError, media_type, single, timed};
use super::form::{boundary, with_short_heads};
use super::room::Holder;
use super::{App, Problem};
use crate::artifacts::{ArtifactError, StagedFile};
use crate::codes;
use crate::options::ModelOptions;
use crate::store::NewWebhook;

/// Bytes of the parts of an upload that are read whole.
const TEXT_BYTES: usize = 1 << 20;

/// The most characters of a model's name.
const NAME_CHARS: usize = 200;

/// Memory that an upload may take: pieces on their way to the disk.
const ROOM_BYTES: usize = 16 << 20;

/// What was handed in, stored.
pub(super) struct Parts {
    pub(super) onnx: String,
    pub(super) calibration: Option<String>,
    pub(super) options: ModelOptions,
    pub(super) name: Option<String>,
    pub(super) webhook: Option<NewWebhook>,
}

/// What came of a form so far.
#[derive(Default)]
struct Staged {
    onnx: Option<StagedFile>,
    calibration: Option<StagedFile>,
    options: Option<ModelOptions>,
    name: Option<String>,
    webhook: Option<String>,
    file_name: Option<String>,
}

/// Reads a form, and stores its files once all of it was read.
pub(super) async fn upload(app: &App, caller: &Caller, request: Request) -> Result<Parts, Problem> {
    let limits = app.works.config.limits;
    if !media_type(request.headers()).is_some_and(|media_type| media_type.eq_ignore_ascii_case("multipart/form-data")) {
        return Err(Problem::new(
            codes::UNSUPPORTED_MEDIA_TYPE,
            "expected multipart/form-data, as `curl -F model=@model.onnx -F calibration=@calibration.json` sends it",
        ));
    }
    let (head, body) = request.into_parts();
    let boundary = boundary(single(&head.headers, "content-type")?.unwrap_or_default())?;
    let _room = app.room.take(Holder::tenant(&caller.tenant), ROOM_BYTES)?;
    let body = Body::from_stream(with_short_heads(timed(body, limits.client_patience), &boundary));
    let mut request = Request::from_parts(head, body);
    // Two files, three texts, and what is between them.
    let most = usize::try_from(limits.upload_bytes).unwrap_or(usize::MAX).saturating_mul(2);
    DefaultBodyLimit::max(most.saturating_add(4 * TEXT_BYTES)).apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let form = form.map_err(|error| Problem::new(codes::INVALID_REQUEST, error.body_text()))?;
    let Staged { onnx, calibration, options, name, webhook: url, file_name } = read(app, form).await?;
    let webhook = webhook(app, caller, url).await?;
    let onnx =
        onnx.ok_or_else(|| Problem::new(codes::INVALID_REQUEST, "the part `model` is missing: send the ONNX file"))?;
    let artifacts = &app.works.artifacts;
    Ok(Parts {
        onnx: artifacts.keep(onnx).await?.to_string(),
        calibration: match calibration {
            Some(calibration) => Some(artifacts.keep(calibration).await?.to_string()),
            None => None,
        },
        options: options.unwrap_or_default(),
        name: name.or(file_name),
        webhook,
    })
}

async fn read(app: &App, mut form: Multipart) -> Result<Staged, Problem> {
    let mut parts = Staged::default();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let part = field.name().unwrap_or_default().to_owned();
        match part.as_str() {
            "model" if parts.onnx.is_none() => {
                parts.file_name = field.file_name().map(plain_name);
                parts.onnx = Some(stage(app, field).await?);
            }
            "calibration" if parts.calibration.is_none() => parts.calibration = Some(stage(app, field).await?),
            "options" if parts.options.is_none() => parts.options = Some(options(&read_text(field).await?)?),
            "name" if parts.name.is_none() => parts.name = Some(plain_name(&read_text(field).await?)),
            "webhook" if parts.webhook.is_none() => parts.webhook = Some(read_text(field).await?),
            _ => {
                let what = format_args!(
                    "the part `{part}`: expected model, calibration, options, name and webhook, each once"
                );
                return Err(Problem::new(codes::INVALID_REQUEST, what));
            }
        }
    }
    Ok(parts)
}

fn options(text: &str) -> Result<ModelOptions, Problem> {
    let invalid = |what: &dyn std::fmt::Display| Problem::new(codes::INVALID_REQUEST, format_args!("options: {what}"));
    let options: ModelOptions = super::json::parse(text.as_bytes()).map_err(|error| invalid(&error))?;
    options.check().map_err(|what| invalid(&what))?;
    Ok(options)
}

async fn stage(app: &App, field: Field<'_>) -> Result<StagedFile, Problem> {
    let staged = app.works.artifacts.stage(field, app.works.config.limits.upload_bytes).await;
    staged.map_err(|error| match error {
        ArtifactError::Source(error) => match error.downcast::<MultipartError>() {
            Ok(error) => broken(*error),
            Err(error) => ArtifactError::Source(error).into(),
        },
        error => error.into(),
    })
}

async fn read_text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > TEXT_BYTES {
            return Err(Problem::new(codes::PAYLOAD_TOO_LARGE, "options, name and webhook have at most a megabyte"));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::new(codes::INVALID_REQUEST, "options, name and webhook are UTF-8 text"))
}

/// What the form's reader says, and what that says of where it reads from.
fn broken(error: MultipartError) -> Problem {
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<BodyError>() {
            return error.clone().into();
        }
        cause = error.source();
    }
    let code = if error.status().as_u16() == 413 { codes::PAYLOAD_TOO_LARGE } else { codes::INVALID_REQUEST };
    Problem::new(code, format_args!("the upload: {}", error.body_text()))
}

/// A name that harms no terminal and no page that shows it, and is no path.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let escaped = apodict_circuits::escaped(last).to_string();
    escaped.chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (name, plain) in [
            ("risk.onnx", "risk.onnx"),
            ("../../etc/passwd", "passwd"),
            ("c:\\models\\a.onnx", "a.onnx"),
            ("a\u{1b}[2K\r\nb", "a\\u{1b}[2K\\r\\nb"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert_eq!(plain_name(&"x".repeat(500)).len(), NAME_CHARS);
    }
}
