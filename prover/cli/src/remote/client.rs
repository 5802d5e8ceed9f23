//! Requests to a server that is not trusted: bounded answers, no redirects, sent again where that does no harm.

use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use apodict_http::ureq::{Agent, http};
use apodict_http::{BadUrl, Broken, Endpoint, shortened};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;

/// Of a JSON answer.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Of the longest answer: a program or a key.
pub(super) const MAX_FILE_BYTES: u64 = 128 << 20;

/// Silence after which a request is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest that a request may take: uploads and downloads are large.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long a server is waited for that breaks off, is busy, or is started again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first pause before a request is sent again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// The least pause, whatever the server says.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// What is read of a file with a key.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// The environment's API key.
const KEY_VARIABLE: &str = "APODICT_API_KEY";

/// An API key, which is not shown.
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// From a file, else from the environment, if it is there.
    pub(super) fn find(file: Option<&Path>) -> Result<Option<Self>, Error> {
        let (text, place) = match file {
            Some(path) => {
                let mut text = String::new();
                let read =
                    std::fs::File::open(path).and_then(|file| file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text));
                read.map_err(|source| Error::KeyFile { path: path.to_owned(), source })?;
                (text, path.display().to_string())
            }
            None => match std::env::var(KEY_VARIABLE) {
                Ok(text) if !text.is_empty() => (text, KEY_VARIABLE.to_owned()),
                Ok(_) | Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(_) => return Err(Error::BadKey { place: KEY_VARIABLE.to_owned() }),
            },
        };
        let key = text.trim();
        let digits = key.strip_prefix("apo_").filter(|digits| digits.len() == 64);
        match digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            true => Ok(Some(Self(key.to_owned()))),
            false => Err(Error::BadKey { place }),
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    /// Its media type, and itself.
    pub(super) body: Option<(&'a str, &'a [u8])>,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) if_broken: IfBroken,
}

/// What becomes of a request of which nobody knows whether the server took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfBroken {
    /// It is sent again: that does no harm.
    SentAgain,
    /// It is told.
    Told,
}

impl<'a> Request<'a> {
    pub(super) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, body: None, idempotency_key: None, if_broken: IfBroken::SentAgain }
    }

    pub(super) fn post(path: &'a str, body: (&'a str, &'a [u8])) -> Self {
        Self { method: "POST", path, body: Some(body), idempotency_key: None, if_broken: IfBroken::SentAgain }
    }
}

struct Answer {
    status: u16,
    content_type: String,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

/// An error as the server tells it.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

/// A server.
pub(super) struct Client {
    agent: Agent,
    endpoint: Endpoint,
    key: Option<ApiKey>,
    /// Whether it has answered at all: one that has is waited for.
    answered: Cell<bool>,
}

impl Client {
    pub(super) fn new(url: &str, key: Option<ApiKey>) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(url.trim_end_matches('/')).map_err(Error::Url)?;
        if endpoint.url().contains(['?', '#']) {
            let reason = "paths are put behind it, so that nothing may follow a `?` or `#`";
            return Err(Error::Url(BadUrl { shown: endpoint.shown(), reason }));
        }
        let config = endpoint.config().map_err(Error::Url)?;
        let config = config
            .timeout_global(Some(LONGEST))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .user_agent(concat!("apodict/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into(), endpoint, key, answered: Cell::new(false) })
    }

    /// What may be shown of where it is.
    pub(super) fn server(&self) -> String {
        self.endpoint.shown()
    }

    /// Whether the key travels where others may read it.
    pub(super) fn shows_the_key(&self) -> bool {
        self.key.is_some() && !self.endpoint.is_encrypted() && !self.endpoint.is_loopback()
    }

    /// Asks for JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, Error> {
        let answer = self.ask(request, MAX_JSON_BYTES)?;
        if media_type(&answer.content_type) != "application/json" {
            let what = format!("its type is `{}`, not application/json", shortened(&answer.content_type));
            return Err(self.garbage(what));
        }
        serde_json::from_slice(&answer.body).map_err(|error| self.garbage(error.to_string()))
    }

    /// Asks for a file.
    pub(super) fn file(&self, path: &str) -> Result<Vec<u8>, Error> {
        Ok(self.ask(Request::get(path), MAX_FILE_BYTES)?.body)
    }

    /// Asks for nothing but that it is done.
    pub(super) fn done(&self, request: Request<'_>) -> Result<(), Error> {
        self.ask(request, MAX_JSON_BYTES).map(|_| ())
    }

    /// Asks until there is an answer. Requests may be repeated: jobs have a name of their own, models are known by their content, and to cancel
    /// or remove twice is to do it once. Those that may not are only where the server says that it did not take them.
    fn ask(&self, request: Request<'_>, most: u64) -> Result<Answer, Error> {
        let (start, mut pause) = (Instant::now(), PAUSE);
        let mut is_sent_again = false;
        loop {
            let failed = match self.once(request, most) {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                // What broke off had removed it.
                Ok(answer) if is_sent_again && request.method == "DELETE" && answer.status == 404 => return Ok(answer),
                Ok(answer) => self.refused(&answer),
                Err(broken) => self.broken(broken, most),
            };
            let wait = match &failed {
                Error::Problem { status: 408 | 502 | 504, .. } if request.if_broken == IfBroken::Told => {
                    return Err(failed);
                }
                Error::Problem { status: 408 | 429 | 502..=504, retry_after, .. } => {
                    // Whoever says `at once` is not asked without end.
                    retry_after.map_or(pause, Duration::from_secs).max(LEAST_PAUSE)
                }
                Error::Unreachable { .. } | Error::Slow { .. }
                    if self.answered.get() && request.if_broken == IfBroken::SentAgain =>
                {
                    pause
                }
                _ => return Err(failed),
            };
            if start.elapsed().saturating_add(wait) > PATIENCE {
                return Err(failed);
            }
            tracing::info!(error = %failed, "the request is sent again");
            std::thread::sleep(wait);
            is_sent_again = true;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    fn once(&self, request: Request<'_>, most: u64) -> Result<Answer, Broken> {
        let url = format!("{}{}", self.endpoint.url().trim_end_matches('/'), request.path);
        let mut head = http::Request::builder().method(request.method).uri(url).header("accept-encoding", "identity");
        if let Some(ApiKey(key)) = &self.key {
            head = head.header("authorization", format!("Bearer {key}"));
        }
        if let Some(key) = request.idempotency_key {
            head = head.header("idempotency-key", key);
        }
        let sent = match request.body {
            Some((content_type, body)) => {
                let sent = head.header("content-type", content_type).body(body);
                sent.map_err(apodict_http::ureq::Error::from).and_then(|request| self.agent.run(request))
            }
            None => {
                let sent = head.body(());
                sent.map_err(apodict_http::ureq::Error::from).and_then(|request| self.agent.run(request))
            }
        };
        let mut answer = sent?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (content_type, retry_after) = (header("content-type").to_owned(), header("retry-after").parse().ok());
        let status = answer.status().as_u16();
        // Of an error, what may be shown.
        let most = if (200..300).contains(&status) { most } else { most.min(1 << 20) };
        let body = answer.body_mut().with_config().limit(most).read_to_vec()?;
        self.answered.set(true);
        Ok(Answer { status, content_type, retry_after, body })
    }

    fn refused(&self, answer: &Answer) -> Error {
        let Answer { status, retry_after, .. } = *answer;
        let told = match media_type(&answer.content_type) {
            "application/problem+json" => serde_json::from_slice::<Problem>(&answer.body).ok(),
            _ => None,
        };
        match told {
            Some(Problem { code, detail }) => {
                Error::Problem { status, code: shortened(&code), detail: shortened(&detail), retry_after }
            }
            // A proxy's, say.
            None if matches!(status, 408 | 429 | 502..=504) => {
                Error::Problem { status, code: format!("HTTP status {status}"), detail: String::new(), retry_after }
            }
            None if (300..400).contains(&status) => {
                self.garbage(format!("HTTP status {status}, and redirects are not followed"))
            }
            None => self.garbage(format!("HTTP status {status}")),
        }
    }

    fn broken(&self, broken: Broken, most: u64) -> Error {
        let server = self.server();
        match broken {
            Broken::Slow => Error::Slow { server },
            Broken::TooLong(_) => Error::TooLong { server, most },
            Broken::NoHttp(what) => self.garbage(format!("no HTTP ({what})")),
            Broken::NoHost => Error::Unreachable { server, reason: "no such host".to_owned() },
            Broken::Tls(what) => self.garbage(format!("its certificate or its TLS is not trusted ({what})")),
            Broken::Connection(reason) => Error::Unreachable { server, reason },
            other => Error::Unreachable { server, reason: format!("{other:?}") },
        }
    }

    pub(super) fn garbage(&self, what: String) -> Error {
        Error::Garbage { server: self.server(), what: shortened(&what) }
    }
}

/// No key.
impl Debug for Client {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Client({})", self.server())
    }
}

/// Without what follows a semicolon.
fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
