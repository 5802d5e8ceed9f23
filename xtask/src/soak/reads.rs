//! Clients that look at jobs now and then while the server proves all the time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use super::Plan;
use super::load::{clients, median, milliseconds, quantile};
use super::report::{Report, Row};
use super::service::text;

const READERS: usize = 200;

/// Four a second of each.
const EVERY: Duration = Duration::from_millis(250);

/// More than the server proves at the same time: some jobs always wait.
const PROVERS: usize = 6;

const GOAL_MS: f64 = 50.0;

pub(super) fn reads(plan: &Plan) -> Result<Report> {
    let (service, model) = plan.start("reads", &[])?;
    let turns: u32 = plan.pick(12, 240);
    let ended = AtomicBool::new(false);
    let contexts = AtomicU64::new(1);
    // Names of jobs that wait, run, or have just ended: one for each client that hands them in.
    let first = text(&service.client().post("/v1/jobs", &plan.model.request(&model, 0))?.json(202)?["id"])?;
    let names = Mutex::new(vec![first; PROVERS]);
    let named = |at: usize| names.lock().map(|names| names[at % PROVERS].clone()).unwrap_or_default();
    let start = Instant::now() + Duration::from_millis(500);
    let seen = clients(PROVERS + READERS, |index| {
        let mut client = service.client();
        if let Some(reader) = index.checked_sub(PROVERS) {
            let read = (0..turns).map(|turn| {
                // Each at its own time, whatever the answers before took: what waits too long is counted as that.
                let due = start + EVERY.mul_f64(reader as f64 / READERS as f64) + EVERY * turn;
                sleep(due.saturating_duration_since(Instant::now()));
                client.get(&format!("/v1/jobs/{}", named(reader)))?.json(200)?;
                Ok(milliseconds(due.elapsed()))
            });
            let read = read.collect::<Result<Vec<_>>>();
            // Nobody need wait for the others of a part that fails.
            ended.fetch_or(read.is_err() || reader == READERS - 1, Ordering::Relaxed);
            return Ok((read?, 0));
        }
        let mut proved = 0;
        while !ended.load(Ordering::Relaxed) {
            let request = plan.model.request(&model, contexts.fetch_add(1, Ordering::Relaxed));
            let id = text(&client.post("/v1/jobs", &request)?.json(202)?["id"])?;
            if let Ok(mut names) = names.lock() {
                names[index].clone_from(&id);
            }
            let told = client.get(&format!("/v1/jobs/{id}/events"))?.text();
            if !told.contains("event: succeeded") {
                bail!("a job did not succeed: {told}");
            }
            proved += 1;
        }
        Ok((Vec::new(), proved))
    })?;
    let elapsed = start.elapsed().as_secs_f64();
    service.stop()?;
    let proved: u32 = seen.iter().map(|(_, proved)| proved).sum();
    let times: Vec<f64> = seen.into_iter().flat_map(|(times, _)| times).collect();
    if proved == 0 || times.len() != READERS * turns as usize {
        bail!("{} reads and {proved} proofs", times.len());
    }
    let p99 = quantile(&times, 0.99);
    let what = format!("`GET` of a job while proving, {READERS} clients with four a second each, 99th percentile");
    let got = format!("{p99:.1} ms; none of {} failed", times.len());
    Ok(Report {
        rows: vec![Row { what, goal: "<= 50 ms, none fails".to_owned(), got, holds: p99 <= GOAL_MS }],
        figures: json!({
            "requests": times.len(), "median_ms": median(&times), "p99_ms": p99, "p999_ms": quantile(&times, 0.999),
            "proofs_per_s": f64::from(proved) / elapsed,
        }),
    })
}
