//! The disk full under load: a file system of its own in memory, in a namespace that ends with the server, filled and emptied while
//! clients hand in jobs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::http::Client;
use super::load::clients;
use super::report::{Report, Row};
use super::service::{is_idle, jobs, listening, log_of, proofs, push, text, until, verified};
use super::{ANY_PORT, Plan};

const CLIENTS: usize = 4;

/// The file system: as much as a server's folder has, and room for some jobs.
const SIZE: &str = "size=96m";

/// Makes the file system, starts the server on it, and fills or empties the rest as it is told. It ends with its standard input, and
/// the file system with it.
const SCRIPT: &str = r#"
set -eu
mount -t tmpfs -o "$1" soak "$2"
cp -R "$3" "$2/data"
"$4" serve --quiet --listen "$5" --data "$2/data" &
server=$!
trap 'kill "$server"; wait "$server"' EXIT
while read -r what; do
    case $what in
        # Until nothing more goes in.
        fill) cat /dev/zero >"$2/rest" 2>/dev/null || true ;;
        empty) rm "$2/rest" ;;
    esac
    echo "$what"
done
"#;

/// What the clients saw.
#[derive(Default)]
struct Seen {
    taken: Vec<String>,
    refused: u64,
}

pub(super) fn disk(plan: &Plan) -> Result<Report> {
    let Some(namespace) = namespace() else {
        let why = "a file system of its own needs `unshare` and leave to mount: run this as root, or where users may have namespaces";
        // The short form runs wherever the tests run.
        if !plan.is_short() {
            bail!(why);
        }
        let [what, goal] = ["disk full under load", "no wrong state"].map(str::to_owned);
        let row = Row { what, goal, got: format!("not tested: {why}"), holds: true };
        return Ok(Report { rows: vec![row], figures: json!({}) });
    };
    let folder = plan.folder.join("disk");
    std::fs::create_dir(&folder)?;
    let mut disk = Disk::start(plan, namespace, &folder)?;
    let mut client = disk.client();
    let model = push(&mut client, &plan.model)?;
    let (full, ended, contexts) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let phase = Duration::from_secs(plan.pick(1, 10));
    let address = disk.address;
    // One more, which fills the disk meanwhile.
    let disk_used = std::sync::Mutex::new(&mut disk);
    let seen = clients(CLIENTS + 1, |index| {
        if index == CLIENTS {
            let turned = turn(&disk_used, phase, &full, address);
            ended.store(true, Ordering::Relaxed);
            return turned.map(|()| Seen::default());
        }
        let handed_in = hand_in(plan, Client::new(address, None), &model, &contexts, &full, &ended);
        ended.fetch_or(handed_in.is_err(), Ordering::Relaxed);
        handed_in
    })?;
    let refused: u64 = seen.iter().map(|seen| seen.refused).sum();
    let taken: BTreeSet<String> = seen.into_iter().flat_map(|seen| seen.taken).collect();
    if refused == 0 {
        bail!("no request was refused: the disk was not full");
    }
    until("all jobs have ended", Duration::from_secs(120), || {
        sleep(Duration::from_millis(200));
        Ok(is_idle(&mut client)?.then_some(()))
    })?;
    let all = jobs(&mut client, "")?;
    let listed: BTreeSet<String> = all.iter().map(|job| text(&job["id"])).collect::<Result<_>>()?;
    if let Some(lost) = taken.difference(&listed).next() {
        bail!("the job {lost} was taken and is lost");
    }
    for job in &all {
        let [proof] = &proofs(job)?[..] else { bail!("expected one proof: {job}") };
        verified(&mut client, proof)?;
    }
    if client.get("/readyz")?.status != 200 {
        bail!("the server is not ready after there was room again");
    }
    let what = format!("disk full for {} s under load", phase.as_secs());
    let goal = "no wrong state, the service recovers by itself".to_owned();
    let got = format!("held; {} jobs taken, {refused} refused, all that were taken proved", taken.len());
    Ok(Report {
        rows: vec![Row { what, goal, got, holds: true }],
        figures: json!({ "taken": taken.len(), "refused": refused, "full_s": phase.as_secs() }),
    })
}

/// Load, the disk full, load again.
fn turn(disk: &std::sync::Mutex<&mut Disk>, phase: Duration, full: &AtomicBool, address: SocketAddr) -> Result<()> {
    let Ok(mut disk) = disk.lock() else { bail!("a client panicked") };
    sleep(phase);
    full.store(true, Ordering::Relaxed);
    disk.tell("fill")?;
    sleep(phase);
    // What is stored can be read.
    let mut client = Client::new(address, None);
    client.get("/livez").and_then(|answer| if answer.status == 200 { Ok(()) } else { bail!("{}", answer.text()) })?;
    jobs(&mut client, "")?;
    disk.tell("empty")?;
    // Requests that began before that are answered.
    sleep(Duration::from_secs(1));
    full.store(false, Ordering::Relaxed);
    sleep(phase);
    Ok(())
}

/// Hands in jobs: all are taken, but where the disk is full.
fn hand_in(
    plan: &Plan,
    mut client: Client,
    model: &str,
    contexts: &AtomicU64,
    full: &AtomicBool,
    ended: &AtomicBool,
) -> Result<Seen> {
    let mut seen = Seen::default();
    while !ended.load(Ordering::Relaxed) {
        let request = plan.model.request(model, contexts.fetch_add(1, Ordering::Relaxed));
        let was_full = full.load(Ordering::Relaxed);
        let answer = client.post("/v1/jobs", &request)?;
        match answer.status {
            202 => seen.taken.push(text(&answer.json(202)?["id"])?),
            503 if was_full || full.load(Ordering::Relaxed) => seen.refused += 1,
            _ => bail!("{} {}", answer.status, answer.text()),
        }
        // About as much as the server proves.
        sleep(Duration::from_millis(60));
    }
    Ok(seen)
}

/// How to get leave to mount: as root, or as root of a namespace of one's own.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(**way).args(["sh", "-c", "mount -t tmpfs soak /mnt"]);
        let status = unshare.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    ways.iter().find(works).copied()
}

/// A server on a file system of its own. Dropped, both end.
struct Disk {
    process: Child,
    said: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Disk {
    fn start(plan: &Plan, namespace: &[&str], folder: &Path) -> Result<Self> {
        let log = std::fs::File::create(log_of(folder))?;
        let mut command = Command::new("unshare");
        command.args(namespace).args(["sh", "-c", SCRIPT, "soak", SIZE]).arg(folder);
        command.arg(plan.prepared()).arg(&plan.binary).arg(ANY_PORT);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut said = BufReader::new(process.stdout.take().context("no output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        match listening(&line) {
            Some(address) => Ok(Self { process, said, address }),
            None => bail!("the server did not start: see {}", log_of(folder).display()),
        }
    }

    fn client(&self) -> Client {
        Client::new(self.address, None)
    }

    /// Says what to do, and waits until it is done.
    fn tell(&mut self, what: &str) -> Result<()> {
        writeln!(self.process.stdin.as_mut().context("no input")?, "{what}")?;
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        if line.trim() != what {
            bail!("the disk's script said {line:?}, expected {what:?}");
        }
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
