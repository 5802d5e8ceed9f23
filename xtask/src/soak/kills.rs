//! Children and the server killed at random while clients hand in jobs: whatever was taken ends, once.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Plan;
use super::http::Client;
use super::load::{Random, clients};
use super::queue::ends_once;
use super::report::{Report, Row};
use super::service::{Service, is_idle, jobs, proofs, push, signal, text, until, verified};

const CLIENTS: usize = 4;

/// Decisions of a batch, which runs long enough to be met by a kill.
const BATCH: usize = 6;

/// How long a client tries to hand in a job: longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// As often as a job may lose its process.
const CRASHES: u64 = 5;

/// What was killed.
#[derive(Default)]
struct Killed {
    servers: u64,
    children: u64,
}

/// Jobs by name, with the number of their proofs.
type Taken = Mutex<BTreeMap<String, usize>>;

pub(super) fn kills(plan: &Plan) -> Result<Report> {
    let kills = plan.pick(5, 200);
    let data = plan.data("kills")?;
    let start = |listen: &str| Service::start(plan.mode, &plan.binary, &data, listen, &["--max-jobs", "400"]);
    let service = start(&free_address(&mut plan.random())?)?;
    let model = push(&mut service.client(), &plan.model)?;
    let address = service.address();
    let (ended, taken, running) = (AtomicBool::new(false), Taken::default(), Mutex::new(Some(service)));
    let killed = clients(CLIENTS + 1, |index| {
        if index < CLIENTS {
            let handed_in = hand_in(plan, Client::new(address, None), &model, index, &ended, &taken);
            // Nobody need kill for the others of a part that fails.
            ended.fetch_or(handed_in.is_err(), Ordering::Relaxed);
            return handed_in.map(|()| Killed::default());
        }
        let killed = kill_at_random(plan, kills, &running, &ended, || start(&address.to_string()));
        ended.store(true, Ordering::Relaxed);
        killed
    })?;
    let killed = killed.into_iter().fold(Killed::default(), |sum, more| Killed {
        servers: sum.servers + more.servers,
        children: sum.children + more.children,
    });
    let taken = taken.into_inner().unwrap_or_default();
    let mut client = Client::new(address, None);
    let limit = Duration::from_secs(120) + Duration::from_millis(200) * taken.len() as u32;
    until("all jobs have ended", limit, || {
        sleep(Duration::from_millis(200));
        Ok(is_idle(&mut client)?.then_some(()))
    })?;
    let found = look_at(&mut client, &taken)?;
    if found.begun_again == 0 {
        bail!("no kill met a job: nothing was tested");
    }
    running.into_inner().unwrap_or_default().context("no server runs")?.stop()?;
    let what = format!(
        "`kill -9` at random, {} of children and {} of the server, {} jobs",
        killed.children,
        killed.servers,
        taken.len()
    );
    let got = format!("held; {} begun again, {} given up after {CRASHES} crashes", found.begun_again, found.given_up);
    Ok(Report {
        rows: vec![Row { what, goal: "no job lost, none with two results, all end".to_owned(), got, holds: true }],
        figures: json!({
            "jobs": taken.len(), "killed_children": killed.children, "killed_servers": killed.servers,
            "begun_again": found.begun_again, "given_up": found.given_up, "proofs": found.proofs,
        }),
    })
}

/// An address where nobody listens and which no client's end gets while the server is away: the system takes those from higher ports.
fn free_address(random: &mut Random) -> Result<String> {
    for _ in 0..100 {
        let address = format!("127.0.0.1:{}", random.between(10_000, 30_000));
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free")
}

/// Hands in jobs until the end of the kills, each under a name of its own and again until it is taken.
fn hand_in(
    plan: &Plan,
    mut client: Client,
    model: &str,
    index: usize,
    ended: &AtomicBool,
    taken: &Taken,
) -> Result<()> {
    let mut random = Random::new(plan.seed.wrapping_add(index as u64));
    let mut number = 0;
    while !ended.load(Ordering::Relaxed) {
        number += 1;
        let key = format!("{index}-{number}");
        let mut request = plan.model.request(model, random.between(1, u64::MAX));
        let mut expected = 1;
        if random.between(0, 12) == 0 {
            expected = BATCH;
            request = json!({"model": model, "batch": vec![json!({"inputs": plan.model.inputs}); BATCH]});
        }
        let start = Instant::now();
        let id = loop {
            // A server that is gone answers nothing, or the half.
            if let Ok(answer) = client.post_as("/v1/jobs", Some(&key), &request) {
                match answer.status {
                    202 => break text(&answer.json(202)?["id"])?,
                    429 | 503 => {}
                    _ => bail!("{} {}", answer.status, answer.text()),
                }
            }
            if start.elapsed() > PATIENCE {
                bail!("a job was not taken within {} s", PATIENCE.as_secs());
            }
            sleep(random.milliseconds(10, 60));
        };
        if let Ok(mut taken) = taken.lock()
            && taken.insert(id.clone(), expected).is_some()
        {
            bail!("two requests gave the job {id}");
        }
        sleep(random.milliseconds(20, 150));
    }
    Ok(())
}

/// Kills a child or the server, again and again, and starts the server anew.
fn kill_at_random(
    plan: &Plan,
    kills: u64,
    running: &Mutex<Option<Service>>,
    ended: &AtomicBool,
    start: impl Fn() -> Result<Service>,
) -> Result<Killed> {
    let mut random = plan.random();
    let mut killed = Killed::default();
    let Ok(mut running) = running.lock() else { bail!("a client panicked") };
    while killed.servers + killed.children < kills && !ended.load(Ordering::Relaxed) {
        sleep(random.milliseconds(20, 1200));
        let service = running.as_ref().context("no server runs")?;
        let children = service.children();
        // The last one is the server: then the short form has both.
        let is_last = killed.servers + killed.children + 1 == kills;
        if children.is_empty() || is_last || random.between(0, 5) < 2 {
            running.take().context("no server runs")?.kill()?;
            sleep(random.milliseconds(1, 100));
            *running = Some(start()?);
            killed.servers += 1;
        } else {
            signal("-KILL", children[random.between(0, children.len() as u64) as usize]);
            killed.children += 1;
        }
    }
    Ok(killed)
}

/// What became of the jobs.
#[derive(Default)]
struct Found {
    proofs: usize,
    begun_again: u64,
    given_up: u64,
}

/// That the jobs are those that were taken, and each has ended once.
fn look_at(client: &mut Client, taken: &BTreeMap<String, usize>) -> Result<Found> {
    let mut found = Found::default();
    let all = jobs(client, "")?;
    if all.len() != taken.len() {
        bail!("{} jobs were taken, {} are listed", taken.len(), all.len());
    }
    let mut results = std::collections::BTreeSet::new();
    for job in &all {
        let id = text(&job["id"])?;
        let expected = taken.get(&id).with_context(|| format!("nobody handed in {job}"))?;
        ends_once(client, job)?;
        let attempt = job["attempt"].as_u64().context("no attempt")?;
        found.begun_again += u64::from(attempt > 1);
        if job["error"]["code"] == "attempts_exhausted" && attempt >= CRASHES {
            found.given_up += 1;
            continue;
        }
        let proofs = proofs(job)?;
        if job["state"] != "succeeded" || proofs.len() != *expected {
            bail!("expected {expected} proofs: {job}");
        }
        for proof in proofs {
            verified(client, &proof)?;
            if !results.insert(proof.clone()) {
                bail!("two jobs have the proof {proof}");
            }
        }
    }
    found.proofs = results.len();
    Ok(found)
}
