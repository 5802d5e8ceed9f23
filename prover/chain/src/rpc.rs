//! JSON-RPC over HTTP, one request after the other, with answers of bounded size and time.
//!
//! alloy's own transport reads an answer to its end, however long it is; this one is written for nodes that are not trusted.

use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};
use std::time::Duration;

use apodict_http::ureq::{self, Agent};
use apodict_http::{BadUrl, Broken, Endpoint, shortened};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Error, Refusal};

/// The most that is read of an answer: code has 24 KiB, a receipt with all logs of a full transaction less than this.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
/// JSON-RPC's code of an execution that reverted, as nodes have agreed on.
const REVERTED: i64 = 3;

/// A node.
pub struct Rpc {
    agent: Agent,
    endpoint: Endpoint,
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
        let bad = |BadUrl { shown, reason }| Error::Url { url: shown, reason };
        let endpoint = Endpoint::parse(url).map_err(bad)?;
        let config = endpoint.config().map_err(bad)?.timeout_global(Some(Duration::from_secs(seconds)));
        Ok(Self { agent: config.build().into(), endpoint, seconds, last_id: Cell::new(0) })
    }

    /// The node's host and port.
    pub fn host(&self) -> &str {
        self.endpoint.authority()
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
        tracing::debug!(method, host = self.host(), "asking");
        let sent =
            self.agent.post(self.endpoint.url()).header("content-type", "application/json").send(request.as_bytes());
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
        Error::Garbage { host: self.host().to_owned(), method, reason: shortened(&reason) }
    }

    fn failed(&self, method: &'static str, error: ureq::Error) -> Error {
        let host = self.host().to_owned();
        match Broken::from(error) {
            Broken::Slow => Error::Slow { host, method, seconds: self.seconds },
            Broken::TooLong(max) => Error::TooLong { host, method, max },
            Broken::NoHttp(error) => self.garbage(method, format!("no HTTP ({error})")),
            Broken::NoHost => Error::Connection { host, method, reason: "host not found".to_owned() },
            Broken::Tls(reason) | Broken::Connection(reason) => Error::Connection { host, method, reason },
            other => Error::Connection { host, method, reason: format!("{other:?}") },
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
        Error::Node { host: self.host().to_owned(), method, code: error.code, message: shortened(&error.message) }
    }
}

/// Never the address: what is behind the host may be somebody's key.
impl Debug for Rpc {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rpc({})", self.host())
    }
}
