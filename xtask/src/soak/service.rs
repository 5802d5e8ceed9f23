//! A service that runs, as a load sees it: its address, its processes, and what it stores.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::Client;

/// Longer than a server takes to start, or a model to compile.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most jobs of one list.
const LIST: u32 = 200;

/// How the service is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// One server with its children on this machine: `apodict serve`.
    Single,
}

impl Mode {
    /// All of them, with what they are called.
    const ALL: [(&str, Self); 1] = [("single", Self::Single)];

    pub(super) fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        let known = Self::ALL.map(|(known, _)| known).join(", ");
        Ok(found.with_context(|| format!("there is no mode \"{name}\": {known}"))?.1)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
        }
    }
}

/// A model's files, and an input.
pub(super) struct Model {
    /// What its folder is called.
    pub(super) name: String,
    pub(super) onnx: PathBuf,
    pub(super) calibration: PathBuf,
    pub(super) input: PathBuf,
    pub(super) inputs: Value,
}

impl Model {
    /// Of a folder with `model.onnx`, `calibration.json`, and `input.json` or `inputs/`.
    pub(super) fn in_folder(folder: &Path) -> Result<Self> {
        let mut input = folder.join("input.json");
        if !input.is_file() {
            let inputs = folder.join("inputs");
            let listed = inputs.read_dir().with_context(|| format!("no input.json and no {}", inputs.display()))?;
            let mut files = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            files.sort();
            input = files.into_iter().next().with_context(|| format!("{} is empty", inputs.display()))?;
        }
        let text = std::fs::read(&input).with_context(|| input.display().to_string())?;
        let mut whole: Value = serde_json::from_slice(&text).with_context(|| input.display().to_string())?;
        let inputs = whole["inputs"].take();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, onnx: folder.join("model.onnx"), calibration: folder.join("calibration.json"), input, inputs })
    }

    /// What to prove, bound to a context of its own.
    pub(super) fn request(&self, model: &str, context: u64) -> Value {
        json!({"model": model, "inputs": self.inputs, "context": format!("0x{context:064x}")})
    }
}

/// A server that runs. Dropped, it is killed.
pub(super) struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    /// Starts a server of a folder.
    pub(super) fn start(mode: Mode, binary: &Path, data: &Path, listen: &str, more: &[&str]) -> Result<Self> {
        let Mode::Single = mode;
        let log = File::options().create(true).append(true).open(log_of(data))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--quiet", "--rate", "1000000", "--listen", listen, "--data"]).arg(data).args(more);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        match listening(&line) {
            Some(address) => Ok(Self { process, address }),
            None => {
                let _ = process.kill();
                let _ = process.wait();
                bail!("the server did not start: see {}", log_of(data).display())
            }
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.address, None)
    }

    /// The server's process, whose memory counts.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Processes that prove or compile.
    pub(super) fn children(&self) -> Vec<u32> {
        children_of(self.process.id())
    }

    /// As `kill -9`.
    pub(super) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// As `kill`, and waits until it is gone.
    pub(super) fn stop(mut self) -> Result<()> {
        signal("-TERM", self.process.id());
        let status = self.process.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where a server whose folder this is writes its log.
pub(super) fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// The address in what a server says once it listens.
pub(super) fn listening(line: &str) -> Option<SocketAddr> {
    line.trim().strip_prefix("listening on http://")?.parse().ok()
}

/// Sends a signal. A process that is gone takes none, which is nobody's fault.
pub(super) fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    let _ = kill.args([name, &process.to_string()]).stderr(Stdio::null()).status();
}

/// Numbers of the processes that one has started and that run.
fn children_of(parent: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{parent}\n");
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let children = processes.filter_map(|process| {
        let process = process.ok()?;
        // Not every folder there is a process's, and some are gone by now.
        let id = process.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        status.contains(&parent).then_some(id)
    });
    children.collect()
}

/// Bytes that a process has in memory.
pub(super) fn resident_bytes(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
    Ok(kibibytes.parse::<u64>()? << 10)
}

/// Asks until the answer is as it should be.
pub(super) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        sleep(Duration::from_millis(20));
    }
}

/// Makes an API key of a tenant. Its secret.
pub(super) fn create_key(binary: &Path, data: &Path, tenant: &str) -> Result<String> {
    let mut create = Command::new(binary);
    create.args(["api-key", "create", "--json", "--name", "soak", "--scope", "read,prove,models,operate"]);
    let output = create.args(["--tenant", tenant, "--data"]).arg(data).output()?;
    let key: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("no key was made: {}", String::from_utf8_lossy(&output.stderr)))?;
    text(&key["secret"])
}

/// Hands in a model and waits until it is compiled. Its name.
pub(super) fn push(client: &mut Client, model: &Model) -> Result<String> {
    let mut form = Vec::new();
    let files = [("model", &model.onnx), ("calibration", &model.calibration)];
    for (name, path) in files {
        let content = std::fs::read(path).with_context(|| path.display().to_string())?;
        form.extend(format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        form.extend(content);
        form.extend(b"\r\n");
    }
    // What is loaded here is the service, however accurate the program.
    form.extend(
        b"--line\r\nContent-Disposition: form-data; name=\"options\"\r\n\r\n{\"allow_error\": true}\r\n--line--\r\n",
    );
    let kind = [("Content-Type", "multipart/form-data; boundary=line")];
    let answer = client.send("POST", "/v1/models", &kind, &form)?;
    let id = text(&answer.json(if answer.status == 200 { 200 } else { 202 })?["id"])?;
    until("the model is compiled", PATIENCE, || {
        let found = client.get(&format!("/v1/models/{id}"))?.json(200)?;
        match found["state"].as_str() {
            Some("ready") => Ok(Some(())),
            Some("failed") => bail!("the model does not compile: {found}"),
            _ => Ok(None),
        }
    })?;
    Ok(id)
}

/// All jobs of a client's tenant of one kind, oldest first.
pub(super) fn jobs(client: &mut Client, query: &str) -> Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = client.get(&format!("/v1/jobs?kind=prove&limit={LIST}{query}{cursor}"))?.json(200)?;
        if let Value::Array(items) = page["items"].take() {
            all.extend(items);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.reverse();
    Ok(all)
}

/// Whether no job of a client's tenant waits or runs.
pub(super) fn is_idle(client: &mut Client) -> Result<bool> {
    for state in ["queued", "running"] {
        let page = client.get(&format!("/v1/jobs?state={state}&limit=1"))?.json(200)?;
        if page["items"].as_array().is_none_or(|items| !items.is_empty()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Names of a job's proofs.
pub(super) fn proofs(job: &Value) -> Result<Vec<String>> {
    let proofs = job["result"]["proofs"].as_array().with_context(|| format!("no proofs in {job}"))?;
    proofs.iter().map(|proof| text(&proof["id"])).collect()
}

/// Has the server verify a proof.
pub(super) fn verified(client: &mut Client, proof: &str) -> Result<()> {
    let shown = client.get(&format!("/v1/proofs/{proof}"))?.json(200)?;
    if shown["verification"]["valid"] != true {
        bail!("a proof does not hold: {shown}");
    }
    Ok(())
}

/// A text of an answer.
pub(super) fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("no text: {value}"))?.to_owned())
}
