//! A client of HTTP/1.1 on one connection, which it keeps. Its calls block: a thread that waits for an answer takes nothing of the cores
//! that are measured.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The server ends connections that say nothing for 20 s: such a one is not used again.
const KEPT: Duration = Duration::from_secs(10);

/// The longest line of a head, and the longest body.
const LINE_BYTES: u64 = 16 << 10;
const BODY_BYTES: usize = 64 << 20;

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer that must have this status.
    pub(super) fn json(&self, status: u16) -> Result<Value> {
        if self.status != status {
            bail!("expected {status}, got {}: {}", self.status, self.text());
        }
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// Of an error; of another answer, nothing.
    pub(super) fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// One connection.
pub(super) struct Client {
    address: SocketAddr,
    key: Option<String>,
    connection: Option<BufReader<TcpStream>>,
    used: Instant,
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: Option<&str>) -> Self {
        Self { address, key: key.map(str::to_owned), connection: None, used: Instant::now() }
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], &[])
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Answer> {
        self.post_as(path, None, body)
    }

    /// With an `Idempotency-Key`, if there is one.
    pub(super) fn post_as(&mut self, path: &str, key: Option<&str>, body: &Value) -> Result<Answer> {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Sends a request and reads the answer to its end, of events too. An error leaves no connection behind, and nothing is sent twice.
    pub(super) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let kept = self.connection.take().filter(|_| self.used.elapsed() < KEPT);
        let mut connection = match kept {
            Some(kept) => kept,
            None => self.connect()?,
        };
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(key) = &self.key {
            request += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let request = [request.as_bytes(), body].concat();
        let (answer, stays) = exchange(&mut connection, &request).with_context(|| format!("{method} {path}"))?;
        if stays {
            self.connection = Some(connection);
            self.used = Instant::now();
        }
        Ok(answer)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

/// The answer, and whether the connection can be used again.
fn exchange(connection: &mut BufReader<TcpStream>, request: &[u8]) -> Result<(Answer, bool)> {
    connection.get_mut().write_all(request)?;
    let first = line(connection)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status in {first:?}"))?;
    let (mut length, mut chunked, mut stays) = (0, false, true);
    loop {
        let header = line(connection)?.to_ascii_lowercase();
        let Some((name, value)) = header.split_once(':') else { break };
        match (name, value.trim()) {
            ("content-length", value) => length = value.parse()?,
            ("transfer-encoding", value) => chunked = value == "chunked",
            ("connection", value) => stays = value != "close",
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let size = usize::from_str_radix(&line(connection)?, 16).context("no size of a chunk")?;
            read(connection, size, &mut body)?;
            line(connection)?;
            if size == 0 {
                break;
            }
        }
    } else {
        read(connection, length, &mut body)?;
    }
    Ok((Answer { status, body }, stays))
}

/// A line without its end.
fn line(connection: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    connection.take(LINE_BYTES).read_line(&mut line)?;
    if !line.ends_with('\n') {
        bail!("the connection ended");
    }
    Ok(line.trim_end().to_owned())
}

fn read(connection: &mut BufReader<TcpStream>, length: usize, body: &mut Vec<u8>) -> Result<()> {
    let begin = body.len();
    if begin + length > BODY_BYTES {
        bail!("an answer of more than {BODY_BYTES} bytes");
    }
    body.resize(begin + length, 0);
    connection.read_exact(&mut body[begin..])?;
    Ok(())
}
