//! A long queue of several tenants: who may hand in how much, in which order jobs begin, and that each has one result.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::http::Client;
use super::load::{Random, clients};
use super::report::{Report, Row};
use super::service::{Service, create_key, is_idle, jobs, proofs, push, signal, text, until, verified};
use super::{ANY_PORT, Plan};

const WORKERS: usize = 4;

/// Of each tenant, handing in jobs at the same time until there is no more room.
const CLIENTS: usize = 4;

/// One proof of so many is verified in the end.
const VERIFIED: usize = 50;

/// One tenant as its clients know it.
struct Tenant {
    key: String,
    model: String,
    /// Names of its jobs that had begun before there was a queue.
    first: Vec<String>,
    /// Names of all that were taken.
    taken: BTreeSet<String>,
}

pub(super) fn queue(plan: &Plan) -> Result<Report> {
    let (tenants, most) = plan.pick((2, 60), (4, 2500));
    let data = plan.folder.join("queue");
    let keys = (0..tenants)
        .map(|tenant| create_key(&plan.binary, &data, &format!("tenant-{tenant}")))
        .collect::<Result<Vec<_>>>()?;
    let (workers, most_open) = (WORKERS.to_string(), most.to_string());
    let options = ["--ask-for-keys", "--workers", &workers, "--max-jobs", &most_open];
    let service = Service::start(plan.mode, &plan.binary, &data, ANY_PORT, &options)?;
    let ready = |key: String| {
        let model = push(&mut Client::new(service.address(), Some(&key)), &plan.model)?;
        Ok(Tenant { key, model, first: Vec::new(), taken: BTreeSet::new() })
    };
    let mut tenants = keys.into_iter().map(ready).collect::<Result<Vec<_>>>()?;
    let stopped = stop_workers(plan, &service, &mut tenants)?;
    let start = Instant::now();
    fill(plan, &service, &mut tenants)?;
    for tenant in &tenants {
        if tenant.taken.len() != most {
            bail!("{} jobs of a tenant were taken at once, expected {most}", tenant.taken.len());
        }
    }
    let taken = start.elapsed();
    stopped.iter().for_each(|child| signal("-CONT", *child));
    let start = Instant::now();
    let limit = Duration::from_secs(60) + Duration::from_millis(200) * (tenants.len() * most) as u32;
    for tenant in &tenants {
        let mut client = Client::new(service.address(), Some(&tenant.key));
        until("all jobs have ended", limit, || {
            // Looked at now and then: the cores are the prover's.
            sleep(Duration::from_millis(500));
            Ok(is_idle(&mut client)?.then_some(()))
        })?;
    }
    let proved = start.elapsed();
    let mut begun = Vec::new();
    let mut results = BTreeSet::new();
    for (index, tenant) in tenants.iter().enumerate() {
        let mut client = Client::new(service.address(), Some(&tenant.key));
        let ended = jobs(&mut client, "")?;
        for proof in one_result_each(&mut client, tenant, &ended)? {
            if !results.insert(proof.clone()) {
                bail!("two jobs have the proof {proof}");
            }
        }
        let queued: Vec<&Value> = ended.iter().filter(|job| !tenant.first.iter().any(|id| job["id"] == **id)).collect();
        in_order(&queued)?;
        begun.extend(queued.iter().map(|job| (job["started_ms"].as_i64(), index)));
    }
    take_turns(begun, tenants.len())?;
    service.stop()?;
    let count = results.len();
    let per_s = count as f64 / proved.as_secs_f64();
    let what = format!("{count} queued jobs of {} tenants, {WORKERS} workers", tenants.len());
    let goal = "each one result, by priority, caps held".to_owned();
    let got = format!("held; {per_s:.1} a second, taken at {:.0} a second", count as f64 / taken.as_secs_f64());
    Ok(Report {
        rows: vec![Row { what, goal, got, holds: true }],
        figures: json!({
            "jobs": count, "tenants": tenants.len(), "most_open": most, "workers": WORKERS,
            "taken_s": taken.as_secs_f64(), "proved_s": proved.as_secs_f64(),
        }),
    })
}

/// Has each worker begin a job and stops it there, so that all further jobs wait. Its processes.
fn stop_workers(plan: &Plan, service: &Service, tenants: &mut [Tenant]) -> Result<BTreeSet<u32>> {
    let mut stopped = BTreeSet::new();
    let first = tenants.first_mut().context("no tenant")?;
    let mut client = Client::new(service.address(), Some(&first.key));
    until("all workers have begun a job", Duration::from_secs(60), || {
        let running = client.get("/v1/jobs?state=running")?.json(200)?["items"].as_array().map_or(0, Vec::len);
        let waiting = client.get("/v1/jobs?state=queued")?.json(200)?["items"].as_array().map_or(0, Vec::len);
        stopped.extend(service.children().into_iter().filter(|child| is_worker(*child)));
        stopped.iter().for_each(|child| signal("-STOP", *child));
        if running == WORKERS && waiting == 0 && stopped.len() == WORKERS {
            return Ok(Some(()));
        }
        if waiting == 0 && running < WORKERS {
            let job = client.post("/v1/jobs", &plan.model.request(&first.model, 0))?.json(202)?;
            let id = text(&job["id"])?;
            first.first.push(id.clone());
            first.taken.insert(id);
        }
        Ok(None)
    })?;
    // Those that ended before their worker was stopped leave room for others.
    let ended: Vec<String> =
        jobs(&mut client, "&state=succeeded")?.iter().map(|job| text(&job["id"])).collect::<Result<_>>()?;
    first.taken.retain(|id| !ended.contains(id));
    Ok(stopped)
}

/// Whether a process is on its way as a worker. Before that it is a copy of the server, which waits for it to become one.
fn is_worker(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.contains("worker-child"))
}

/// The clients of one tenant after the other hand in jobs, until each is told that there is no more room.
fn fill(plan: &Plan, service: &Service, tenants: &mut [Tenant]) -> Result<()> {
    for (number, tenant) in tenants.iter_mut().enumerate() {
        let known: &Tenant = tenant;
        let taken = clients(CLIENTS, |index| {
            let mut random = Random::new(plan.seed.wrapping_add((number * CLIENTS + index) as u64));
            let mut client = Client::new(service.address(), Some(&known.key));
            let mut taken = Vec::new();
            loop {
                let mut request = plan.model.request(&known.model, random.between(1, u64::MAX));
                request["priority"] = priority(&mut random).into();
                let answer = client.post("/v1/jobs", &request)?;
                match answer.code().as_str() {
                    "" => taken.push(text(&answer.json(202)?["id"])?),
                    "too_many_jobs" => return Ok(taken),
                    _ => bail!("{}", answer.text()),
                }
            }
        })?;
        tenant.taken.extend(taken.into_iter().flatten());
    }
    Ok(())
}

/// Often one of few, the ends among them: jobs of the same priority are begun by age.
fn priority(random: &mut Random) -> i64 {
    match random.between(0, 8) {
        0 => -100,
        1 => 100,
        2..5 => 0,
        _ => random.between(0, 200) as i64 - 100,
    }
}

/// That the jobs are those that were taken, each begun once and ended once, by one proof; the proofs.
fn one_result_each(client: &mut Client, tenant: &Tenant, ended: &[Value]) -> Result<Vec<String>> {
    let listed: BTreeSet<String> = ended.iter().map(|job| text(&job["id"])).collect::<Result<_>>()?;
    let expected: BTreeSet<String> = tenant.taken.iter().chain(&tenant.first).cloned().collect();
    if listed != expected || listed.len() != ended.len() {
        bail!("{} jobs were taken, {} are listed", expected.len(), ended.len());
    }
    let mut results = Vec::new();
    for (index, job) in ended.iter().enumerate() {
        let [proof] = &proofs(job)?[..] else { bail!("expected one proof: {job}") };
        if job["state"] != "succeeded" || job["attempt"] != 1 {
            bail!("a job did not succeed at once: {job}");
        }
        ends_once(client, job)?;
        if index % VERIFIED == 0 {
            verified(client, proof)?;
        }
        results.push(proof.clone());
    }
    Ok(results)
}

/// That a job's events have one end, and as many beginnings as it has attempts.
pub(super) fn ends_once(client: &mut Client, job: &Value) -> Result<()> {
    let told = client.get(&format!("/v1/jobs/{}/events", text(&job["id"])?))?.text();
    let count = |names: &[&str]| {
        told.lines().filter_map(|line| line.strip_prefix("event: ")).filter(|name| names.contains(name)).count() as u64
    };
    let ends = count(&["succeeded", "failed", "cancelled"]);
    if ends != 1 || Some(count(&["started"])) != job["attempt"].as_u64() {
        bail!("the events of a job have {ends} ends: {job} {told}");
    }
    Ok(())
}

/// That a tenant's jobs, oldest first, were begun by priority and age: each at most as many places off as there are workers, which
/// may ask at the same time.
fn in_order(queued: &[&Value]) -> Result<()> {
    let mut expected: Vec<usize> = (0..queued.len()).collect();
    expected.sort_by_key(|at| (std::cmp::Reverse(queued[*at]["priority"].as_i64()), *at));
    let mut begun: Vec<usize> = (0..expected.len()).collect();
    begun.sort_by_key(|rank| (queued[expected[*rank]]["started_ms"].as_i64(), *rank));
    let misplaced = begun.iter().enumerate().find(|(place, rank)| place.abs_diff(**rank) > WORKERS);
    if let Some((place, rank)) = misplaced {
        bail!("the job that should be begun as number {rank} was begun as number {place}");
    }
    Ok(())
}

/// That tenants take turns, though one's jobs are all older than the other's: when half of all had begun, each had half of its share at
/// least. Turns are not counted one by one, since who has fewer jobs running comes first, and jobs take different times.
fn take_turns(mut begun: Vec<(Option<i64>, usize)>, tenants: usize) -> Result<()> {
    begun.sort_unstable();
    let half = begun.len() / 2;
    for tenant in 0..tenants {
        let turns = begun.iter().take(half).filter(|(_, of)| *of == tenant).count();
        if turns < half / tenants / 2 {
            bail!("of the first {half} jobs that began, one tenant of {tenants} had {turns}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(priority: i64, started_ms: i64) -> Value {
        json!({"priority": priority, "started_ms": started_ms})
    }

    #[test]
    fn an_order_that_is_none_is_seen() {
        let right: Vec<Value> = (0..20).map(|at| job(at, 100 - at)).collect();
        in_order(&right.iter().collect::<Vec<_>>()).unwrap();
        let wrong: Vec<Value> = (0..20).map(|at| job(at, at)).collect();
        in_order(&wrong.iter().collect::<Vec<_>>()).unwrap_err();
        let by_age: Vec<Value> = (0..20).map(|at| job(0, at)).collect();
        in_order(&by_age.iter().collect::<Vec<_>>()).unwrap();
    }

    #[test]
    fn turns_that_are_none_are_seen() {
        take_turns((0..100).map(|at| (Some(at), (at % 2) as usize)).collect(), 2).unwrap();
        take_turns((0..100).map(|at| (Some(at), usize::from(at > 50))).collect(), 2).unwrap_err();
    }
}
