//! What the server and its children have in memory after many jobs, against what they had after a tenth of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::Plan;
use super::load::clients;
use super::report::{Report, Row};
use super::service::{Service, resident_bytes};
use super::throughput::CLIENTS;

const FIRST: u64 = 1000;
const LAST: u64 = 10_000;

/// At most 5 % more.
const GOAL: f64 = 1.05;

/// Before it is looked at: what a request took is given back.
const REST: Duration = Duration::from_secs(3);

pub(super) fn memory(plan: &Plan) -> Result<Report> {
    let (service, model) = plan.start("memory", &[])?;
    let jobs = AtomicU64::new(0);
    let after = |most: u64| {
        clients(CLIENTS, |_| {
            let mut client = service.client();
            loop {
                let job = jobs.fetch_add(1, Ordering::Relaxed);
                if job >= most {
                    return Ok(());
                }
                client.post("/v1/prove?wait=60000", &plan.model.request(&model, job))?.json(200)?;
            }
        })?;
        jobs.store(most, Ordering::Relaxed);
        sleep(REST);
        resident(&service)
    };
    let (first, last) = (after(FIRST)?, after(LAST)?);
    service.stop()?;
    let more = [last.0 as f64 / first.0 as f64, last.1 as f64 / first.1 as f64];
    let rows = [("the server", first.0, last.0, more[0]), ("its children", first.1, last.1, more[1])].map(
        |(whose, first, last, more)| {
            let what = format!("memory of {whose} after {LAST} jobs, against that after {FIRST}");
            let got = format!("{:+.1} %: {:.1} and {:.1} MB", (more - 1.0) * 100.0, megabytes(last), megabytes(first));
            Row { what, goal: "at most 5 % more".to_owned(), got, holds: more <= GOAL }
        },
    );
    Ok(Report {
        rows: rows.into(),
        figures: json!({
            "jobs": [FIRST, LAST], "server_bytes": [first.0, last.0], "children_bytes": [first.1, last.1],
        }),
    })
}

/// Bytes of the server, and of its children together.
fn resident(service: &Service) -> Result<(u64, u64)> {
    let children = service.children().into_iter().map(resident_bytes).sum::<Result<u64>>()?;
    Ok((resident_bytes(service.id())?, children))
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
