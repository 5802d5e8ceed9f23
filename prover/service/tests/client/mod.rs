//! A server in this process, and a client of a few lines.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use apodict_service::config::Config;

use super::*;

pub(crate) fn config(data: &Path, limits: Limits) -> Config {
    Config {
        data: data.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        srs: None,
        srs_digest: None,
        child: apodict_service::child::ChildCommand { program: "/nonexistent/apodict".into(), arguments: vec![] },
        limits,
        ask_for_keys: false,
        drain: Duration::ZERO,
        page: PageSwitch::Off,
        fleet: None,
        webhooks: None,
    }
}

/// A server whose jobs wait for ever, since no child can be started.
pub(crate) struct Running {
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
    pub(crate) store: SqliteStore,
    pub(crate) key: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// Of an error; of another answer, nothing.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Reads an answer to its end.
pub(crate) fn read(mut stream: TcpStream) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let body = &answer[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_vec() };
    Answer { status: head[9..12].parse().unwrap(), body }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
    whole
}

/// Names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path.display().to_string()) }
        }
    }
    found.sort();
    found
}

impl Running {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, PageSwitch::Off).await
    }

    pub(crate) async fn start_with(limits: Limits, page: PageSwitch) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { page, ..config(folder.path(), limits) };
        Self::of(folder, config).await
    }

    /// A server of a configuration, in its folder.
    pub(crate) async fn of(folder: tempfile::TempDir, config: Config) -> Self {
        let server = Server::start(config).await.unwrap();
        let address = server.address().unwrap();
        tokio::spawn(server.run());
        let store = make_store(folder.path()).await.unwrap();
        Self { folder, address, store, key: None }
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Artifacts, those on their way in too.
    pub(crate) fn files(&self) -> Vec<String> {
        let artifacts = self.data().join("artifacts");
        // What breaks off is removed behind the answer.
        let start = Instant::now();
        while !files(&artifacts.join("incoming")).is_empty() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        files(&artifacts)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        if let Some(key) = &self.key {
            head += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let mut stream = self.connect();
        // A server that refuses need not read it all.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        read(stream)
    }

    /// Hands in a model as a form.
    pub(crate) fn push(&self, parts: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, content) in parts {
            body.extend(format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
            body.extend(*content);
            body.extend(b"\r\n");
        }
        body.extend(b"--line--\r\n");
        self.send("POST", "/v1/models", &[("Content-Type", "multipart/form-data; boundary=line")], &body)
    }

    /// A key of the tenant that a server without keys has.
    pub(crate) async fn add_key(&self, scopes: Vec<Scope>) -> String {
        self.add_key_of("default", scopes).await
    }

    pub(crate) async fn add_key_of(&self, tenant: &str, scopes: Vec<Scope>) -> String {
        let (key, hash, secret) = new_key(tenant.to_owned(), "test".to_owned(), scopes, None);
        let act = Act { actor: "command_line".to_owned(), at_ms: 1 };
        self.store.add_key(&key, &hash, &act).await.unwrap();
        secret
    }

    /// A model as if it had been compiled.
    pub(crate) async fn ready_model(&self) -> String {
        let model = NewModel {
            id: "mdl_1".to_owned(),
            tenant: "default".to_owned(),
            name: "model".to_owned(),
            content: "content".to_owned(),
            source: json!({"onnx": "0".repeat(64), "calibration": null, "options": {}}),
            created_ms: 1,
        };
        let job = NewJob {
            id: "job_compile".to_owned(),
            tenant: "default".to_owned(),
            kind: Kind::Compile,
            lane: Lane::Compile,
            model: model.id.clone(),
            priority: 0,
            payload: "{}".to_owned(),
            body: "body".to_owned(),
            idempotency_key: None,
            created_ms: 1,
            // Long ago: the server does not begin it.
            deadline_ms: Some(2),
            max_crashes: 1,
            forget_inputs: false,
            submitted_by: "key".to_owned(),
            most_open: 1,
            webhook: None,
        };
        self.store.submit_model(model, job).await.unwrap();
        let begun = self.store.claim("test", Lane::Compile, 1).await.unwrap().expect("nobody else takes it");
        let digest = "0".repeat(64);
        let facts = json!({
            "program": digest, "proving_key": digest, "verifying_key": digest, "report": digest, "contract": null,
            "program_digest": digest, "key_digest": digest, "srs_digest": digest, "srs": "unsafe", "k": 7, "rows": 100, "shape": "s",
            "least_memory_bytes": 1, "accuracy": {},
        });
        let outcome = Outcome::Compiled { result: json!({}), facts, key_digest: digest };
        let finished = Finished { at_ms: 1, progress: vec![], outcome };
        self.store.finish(&begun.id, &begun.fence(), finished).await.unwrap();
        "mdl_1".to_owned()
    }
}
