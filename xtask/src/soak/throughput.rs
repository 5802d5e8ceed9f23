//! Decisions a second of many clients, each its own proof, against the prover alone in a loop: in pairs, so that what else the machine
//! does meets both.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Plan;
use super::load::{clients, median};
use super::report::{Report, Row};
use super::service::{Service, proofs, verified};

pub(super) const CLIENTS: usize = 32;

const GOAL: f64 = 0.9;

/// Before a window: all clients wait for proofs then.
const LEAD: Duration = Duration::from_secs(1);

pub(super) fn throughput(plan: &Plan) -> Result<Report> {
    let (service, model) = plan.start("throughput", &[])?;
    let contexts = AtomicU64::new(1);
    let window = plan.pick(Duration::from_secs(2), Duration::from_secs(10));
    let (pairs, runs) = plan.pick((1, 20), (7, 500));
    let (mut proved, mut alone, mut served, mut ratios) = (BTreeSet::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let by_itself = rate_alone(plan, runs)?;
        let (made, by_service) = load(plan, &service, &model, &contexts, window)?;
        for proof in made {
            if !proved.insert(proof.clone()) {
                bail!("two clients got the proof {proof}");
            }
        }
        alone.push(by_itself);
        served.push(by_service);
        ratios.push(by_service / by_itself);
    }
    let mut client = service.client();
    // Some of them: to verify takes a part of the time of proving.
    for proof in proved.iter().step_by(plan.pick(10, 50)) {
        verified(&mut client, proof)?;
    }
    service.stop()?;
    let ratio = median(&ratios);
    let got = format!("{:.0} %: {:.1} of {:.1} a second", ratio * 100.0, median(&served), median(&alone));
    let what = format!("decisions a second of {CLIENTS} clients, of what the prover reaches alone in a loop");
    Ok(Report {
        rows: vec![Row { what, goal: ">= 90 %".to_owned(), got, holds: ratio >= GOAL }],
        figures: json!({ "pairs": pairs, "alone_per_s": alone, "service_per_s": served, "ratios": ratios }),
    })
}

/// What the prover reaches in a process of its own.
fn rate_alone(plan: &Plan, runs: usize) -> Result<f64> {
    let mut bench = Command::new(&plan.binary);
    bench.args(["bench", "--json", "--quiet", "--only", "engine", "--allow-error", "--runs", &runs.to_string()]);
    bench.arg(&plan.model.onnx).arg("--input").arg(&plan.model.input).arg("--calibrate").arg(&plan.model.calibration);
    let output = bench.env("XDG_CACHE_HOME", &plan.folder).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("apodict bench ended with {}", output.status);
    }
    let report: Value = serde_json::from_slice(&output.stdout).context("apodict bench printed no JSON")?;
    let prove_ms = report["cases"][0]["engine"]["prove_ms"].as_f64().context("apodict bench gave no time")?;
    Ok(1e3 / prove_ms)
}

/// Proofs of clients that hand in one request after the other, and how many came a second, after the lead.
fn load(
    plan: &Plan,
    service: &Service,
    model: &str,
    contexts: &AtomicU64,
    window: Duration,
) -> Result<(Vec<String>, f64)> {
    let begin = Instant::now() + LEAD;
    let end = begin + window;
    let made = clients(CLIENTS, |_| {
        let (mut client, mut made, mut counted) = (service.client(), Vec::new(), 0);
        while Instant::now() < end {
            let request = plan.model.request(model, contexts.fetch_add(1, Ordering::Relaxed));
            let job = client.post("/v1/prove?wait=60000", &request)?.json(200)?;
            made.extend(proofs(&job)?);
            counted += u32::from((begin..end).contains(&Instant::now()));
        }
        Ok((made, counted))
    })?;
    let counted: u32 = made.iter().map(|(_, counted)| counted).sum();
    let made = made.into_iter().flat_map(|(made, _)| made).collect();
    Ok((made, f64::from(counted) / window.as_secs_f64()))
}
