//! Files that are part of the program: style, scripts, the verifier for browsers. They say nothing about anybody, and need no key.

use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::refused::Refused;
use crate::api::Problem;
use crate::api::read::Path;
use crate::ids::Digest;

struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! file {
    ($name:literal, $kind:literal) => {
        File {
            name: $name,
            kind: $kind,
            content: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/static/", $name)),
        }
    };
}

const FILES: [File; 6] = [
    file!("apodict-verifier.min.js", "text/javascript; charset=utf-8"),
    file!("htmx.min.js", "text/javascript; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("licences.txt", "text/plain; charset=utf-8"),
    file!("page.css", "text/css; charset=utf-8"),
    file!("verify.js", "text/javascript; charset=utf-8"),
];

/// Of each file's content.
static TAGS: LazyLock<[String; FILES.len()]> =
    LazyLock::new(|| FILES.each_ref().map(|file| format!("\"{}\"", Digest::of(file.content))));

/// One of them. A browser keeps it, and asks each time whether it is still the same: an upgrade of the server shows at once.
pub(super) async fn file(name: Result<Path<String>, Problem>, headers: HeaderMap) -> Result<Response, Refused> {
    let Path(name) = name?;
    let mut files = FILES.iter().zip(TAGS.iter());
    let (file, tag) = files.find(|(file, _)| file.name == name).ok_or_else(|| Problem::not_found("file"))?;
    let head = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(header::CONTENT_TYPE, file.kind)], file.content).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What a template names is there, and what is there is known.
    #[test]
    fn templates_name_files_that_there_are() {
        let folder = |name: &str| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name).read_dir().unwrap();
        let known: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        let there: BTreeSet<_> =
            folder("static").map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(known, there);
        let texts = folder("templates").map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        let named: BTreeSet<String> = texts
            .flat_map(|text| {
                text.split("/page/static/")
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(named.is_subset(&known) && named.len() >= 4, "{named:?}");
    }
}
