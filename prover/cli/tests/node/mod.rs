//! Nodes for tests: a real one, and one in front of it that answers as a test wants.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use apodict_chain::Anvil;
use serde_json::{Value, json};

use crate::command::{PEGS, Workplace};

pub(crate) const SOLIDITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../solidity");
/// The first well-known account of a development node.
pub(crate) const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub(crate) const CHAIN_ID: &str = "31337";

/// A development node; a test without one fails and says how to get it.
pub(crate) fn anvil() -> Anvil {
    let program = Anvil::installed(Path::new(SOLIDITY))
        .unwrap_or_else(|error| panic!("{error}: {}", error.advice().unwrap_or_default()));
    Anvil::start(&program, CHAIN_ID.parse().unwrap()).unwrap()
}

/// A folder with `vk.json` of the small model, on a string that nobody vouches for.
pub(crate) fn workplace() -> Workplace {
    static KEY_FILE: OnceLock<Vec<u8>> = OnceLock::new();
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let key = KEY_FILE.get_or_init(|| {
        let model = format!("{PEGS}/model.onnx");
        let calibration = format!("{PEGS}/calibration.json");
        place.json(&["compile", &model, "--calibrate", &calibration, "-o", "program.apo"]);
        place.json(&["keys", "program.apo", "-o", "keys"]);
        place.read("keys/vk.json")
    });
    place.write("vk.json", key);
    place
}

/// Runs a command with a key in the environment, and nothing else of it.
pub(crate) fn run(place: &Workplace, key: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apodict"));
    command.args(arguments).current_dir(place.folder.path()).env_remove("APODICT_PRIVATE_KEY");
    if let Some(key) = key {
        command.env("APODICT_PRIVATE_KEY", key);
    }
    command.output().unwrap()
}

/// What is answered to one request.
pub(crate) enum Reply {
    /// What the node behind says.
    Forward,
    /// What the node behind says, changed.
    Changed(Box<dyn Fn(&mut Value)>),
    /// These bytes in place of an HTTP answer.
    Bytes(Vec<u8>),
    /// A body of JSON.
    Body(String),
    /// Nothing for so long, then nothing.
    Silence(Duration),
    /// The connection ends.
    Drop,
}

/// A node in front of another one. It listens until the process ends.
pub(crate) struct Between {
    pub(crate) url: String,
}

impl Between {
    /// `answer` is given each request, and how many came before it.
    pub(crate) fn start(behind: &str, answer: impl Fn(&Value, usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let behind = behind.trim_start_matches("http://").to_owned();
        let count = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                while let Some(request) = read(&stream) {
                    let before = {
                        let mut count = count.lock().unwrap();
                        *count += 1;
                        *count - 1
                    };
                    let parsed: Value = serde_json::from_slice(&request).unwrap();
                    let reply = answer(&parsed, before);
                    if !serve(&stream, &behind, &request, reply) {
                        break;
                    }
                }
            }
        });
        Self { url }
    }
}

/// Whether the connection goes on.
fn serve(mut stream: &TcpStream, behind: &str, request: &[u8], reply: Reply) -> bool {
    let body = match reply {
        Reply::Forward => forward(behind, request),
        Reply::Changed(change) => {
            let mut answer: Value = serde_json::from_slice(&forward(behind, request)).unwrap();
            change(&mut answer);
            answer.to_string().into_bytes()
        }
        Reply::Body(body) => body.into_bytes(),
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
            return false;
        }
        Reply::Silence(duration) => {
            thread::sleep(duration);
            return false;
        }
        Reply::Drop => return false,
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_ok()
}

fn forward(behind: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(behind).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {behind}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        request.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(request).unwrap();
    read(&stream).unwrap()
}

/// The body of a request or an answer.
fn read(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// The answer to a request, with this result.
pub(crate) fn result(request: &Value, result: Value) -> Reply {
    Reply::Body(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string())
}

/// What a command printed that did what it was asked for.
pub(crate) fn done(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A failure with these parts in its message.
pub(crate) fn failed(output: &Output, says: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in says {
        assert!(message.contains(part), "{message}\nshould say {part}");
    }
}

/// Of the steps that a command tells.
pub(crate) fn states(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect()
}
