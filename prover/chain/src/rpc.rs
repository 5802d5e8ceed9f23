//! JSON-RPC over HTTP, one request after the other, with answers of bounded size and time.
//!
//! alloy's own transport reads an answer to its end, however long it is; this one is written for nodes that are not trusted.

use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, http::Uri};

use crate::{Error, Refusal};

/// The most that is read of an answer: code has 24 KiB, a receipt with all logs of a full transaction less than this.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// Characters of a node's message that are shown.
const MAX_MESSAGE: usize = 300;
/// JSON-RPC's code of an execution that reverted, as nodes have agreed on.
const REVERTED: i64 = 3;

/// A node.
pub struct Rpc {
    agent: Agent,
    url: String,
    host: String,
    seconds: u64,
    last_id: Cell<u64>,
}

/// What comes back.
#[derive(Deserialize)]
struct Answer {
    id: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<NodeError>,
}

/// `null` is a result, too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct NodeError {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Rpc {
    /// A node at an `http` or `https` address, each of whose answers has so many seconds.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn new(url: &str, seconds: u64) -> Result<Self, Error> {
        // What is beside the host may be somebody's key, and so may all of what cannot be read.
        let parsed = url.parse::<Uri>().ok();
        let host = parsed.as_ref().and_then(Uri::host).unwrap_or_default();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str).map(|scheme| format!("{scheme}://")).unwrap_or_default();
        let bad = |reason| Error::Url { url: format!("{scheme}{host}"), reason };
        let uri = parsed.as_ref().ok_or_else(|| bad("it cannot be read"))?;
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a user's name and password are not passed on"));
        }
        let tls = match uri.scheme_str() {
            Some("http") => TlsConfig::default(),
            Some("https") => tls().ok_or_else(|| bad("this system has no certificates to check it with"))?,
            _ => return Err(bad("it begins with neither http:// nor https://")),
        };
        let loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
        let mut config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(seconds)))
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(tls);
        if loopback {
            config = config.proxy(None);
        }
        let host = authority.as_str().to_owned();
        Ok(Self { agent: config.build().into(), url: url.to_owned(), host, seconds, last_id: Cell::new(0) })
    }

    /// The node's host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Asks, and reads the result.
    ///
    /// # Errors
    /// [`Error::Connection`], [`Error::Slow`], [`Error::TooLong`], [`Error::Garbage`]; [`Error::Node`] if the node refuses, and
    /// [`Error::Refused`] if a contract does.
    pub fn ask<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, Error> {
        let value = self.value(method, params)?;
        serde_json::from_value(value)
            .map_err(|error| self.garbage(method, format!("its result is of another kind ({error})")))
    }

    fn value(&self, method: &'static str, params: Value) -> Result<Value, Error> {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        tracing::debug!(method, host = self.host, "asking");
        let sent = self.agent.post(&self.url).header("content-type", "application/json").send(request.as_bytes());
        let mut response = sent.map_err(|error| self.failed(method, error))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let body = body.map_err(|error| self.failed(method, error))?;
        // A node tells its errors with any status.
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
            let reason =
                if status.is_success() { format!("no JSON-RPC ({error})") } else { format!("HTTP status {status}") };
            self.garbage(method, reason)
        })?;
        if let Some(error) = answer.error {
            return Err(self.refused(method, error));
        }
        if answer.id != Some(id.into()) {
            return Err(self.garbage(method, "it is the answer to another request".to_owned()));
        }
        answer.result.ok_or_else(|| self.garbage(method, "there is neither a result nor an error in it".to_owned()))
    }

    fn garbage(&self, method: &'static str, reason: String) -> Error {
        Error::Garbage { host: self.host.clone(), method, reason: shortened(&reason) }
    }

    fn failed(&self, method: &'static str, error: ureq::Error) -> Error {
        let host = self.host.clone();
        match error {
            ureq::Error::Timeout(_) => Error::Slow { host, method, seconds: self.seconds },
            ureq::Error::BodyExceedsLimit(max) => Error::TooLong { host, method, max },
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                Error::Slow { host, method, seconds: self.seconds }
            }
            ureq::Error::Protocol(error) => self.garbage(method, format!("no HTTP ({error})")),
            other => Error::Connection { host, method, reason: shortened(&other.to_string()) },
        }
    }

    /// Tells a contract's refusal from a node's.
    fn refused(&self, method: &'static str, error: NodeError) -> Error {
        // Some nodes put the data one level deeper.
        let data = match &error.data {
            Some(Value::Object(fields)) => fields.get("data").or_else(|| fields.get("result")).cloned(),
            other => other.clone(),
        };
        let bytes = data.as_ref().and_then(Value::as_str).and_then(|text| hex::decode(text.strip_prefix("0x")?).ok());
        let reverted = error.code == REVERTED || error.message.contains("revert");
        if matches!(method, "eth_call" | "eth_estimateGas")
            && (reverted || bytes.as_ref().is_some_and(|bytes| bytes.len() >= 4))
        {
            return Error::Refused { what: "the call".to_owned(), refusal: Refusal::of(&bytes.unwrap_or_default()) };
        }
        Error::Node { host: self.host.clone(), method, code: error.code, message: shortened(&error.message) }
    }
}

/// Never the address: what is behind the host may be somebody's key.
impl Debug for Rpc {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rpc({})", self.host)
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_MESSAGE).collect()
}

/// With the certificates that the system trusts; `None` where it has none.
fn tls() -> Option<TlsConfig> {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return None;
    }
    let roots = found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect::<Vec<_>>();
    let provider = rustls::crypto::ring::default_provider();
    let builder = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
    Some(builder.unversioned_rustls_crypto_provider(Arc::new(provider)).build())
}
