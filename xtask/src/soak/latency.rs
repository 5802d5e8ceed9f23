//! From a request to a proof that the server has verified, on an idle server whose child has the key.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Plan;
use super::http::Client;
use super::load::{median, milliseconds, quantile};
use super::report::{Report, Row};
use super::service::{proofs, text, verified};

/// Requests before those that count: each child that may be asked has the key then.
const WARM_UP: u64 = 8;

/// Between two requests: the server is idle again.
const REST: Duration = Duration::from_millis(30);

const WAIT_GOAL_MS: f64 = 10.0;
const QUEUE_GOAL_MS: f64 = 30.0;

/// One request's times, in milliseconds.
struct Times {
    /// The prover's own.
    prove: f64,
    /// From the request until the proof, which the server has verified for the answer, was read.
    whole: f64,
}

pub(super) fn latency(plan: &Plan) -> Result<Report> {
    let (service, model) = plan.start("latency", &[])?;
    let (mut client, mut events) = (service.client(), service.client());
    let rounds = plan.pick(10, 200);
    let (mut waited, mut queued) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + rounds {
        let request = |turn| plan.model.request(&model, 2 * round + turn);
        sleep(REST);
        let by_wait = prove_and_wait(&mut client, &request(0))?;
        sleep(REST);
        let by_queue = submit_and_listen(&mut client, &mut events, &request(1))?;
        if round >= WARM_UP {
            waited.push(by_wait);
            queued.push(by_queue);
        }
    }
    service.stop()?;
    let ways = [("`prove?wait`", WAIT_GOAL_MS, &waited), ("queue and events", QUEUE_GOAL_MS, &queued)];
    let rows = ways.map(|(way, goal, times)| {
        let more = median(&overheads(times));
        let what = format!("from a request to a verified proof by {way}, median");
        let prove = median(&times.iter().map(|times| times.prove).collect::<Vec<_>>());
        let got = format!("prove time ({prove:.1} ms) + {more:.1} ms");
        Row { what, goal: format!("prove time + {goal} ms"), got, holds: more <= goal }
    });
    let figures = |times: &[Times]| {
        let all = overheads(times);
        json!({
            "prove_ms": median(&times.iter().map(|times| times.prove).collect::<Vec<_>>()),
            "more_ms": { "median": median(&all), "p90": quantile(&all, 0.9), "p99": quantile(&all, 0.99) },
        })
    };
    Ok(Report {
        rows: rows.into(),
        figures: json!({ "requests": rounds, "wait": figures(&waited), "queue": figures(&queued) }),
    })
}

fn overheads(times: &[Times]) -> Vec<f64> {
    times.iter().map(|times| times.whole - times.prove).collect()
}

fn prove_and_wait(client: &mut Client, request: &Value) -> Result<Times> {
    let start = Instant::now();
    let job = client.post("/v1/prove?wait=60000", request)?.json(200)?;
    times(client, &job, start)
}

fn submit_and_listen(client: &mut Client, events: &mut Client, request: &Value) -> Result<Times> {
    let start = Instant::now();
    let id = text(&client.post("/v1/jobs", request)?.json(202)?["id"])?;
    // They end with the job.
    let told = events.get(&format!("/v1/jobs/{id}/events"))?;
    if told.status != 200 || !told.text().contains("event: succeeded") {
        bail!("the job did not succeed: {} {}", told.status, told.text());
    }
    let job = client.get(&format!("/v1/jobs/{id}"))?.json(200)?;
    times(client, &job, start)
}

fn times(client: &mut Client, job: &Value, start: Instant) -> Result<Times> {
    let [proof] = &proofs(job)?[..] else { bail!("expected one proof: {job}") };
    verified(client, proof)?;
    let whole = milliseconds(start.elapsed());
    let prove = job["result"]["proofs"][0]["prove_ms"].as_f64().with_context(|| format!("no time in {job}"))?;
    Ok(Times { prove, whole })
}
