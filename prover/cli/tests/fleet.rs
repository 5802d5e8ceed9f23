//! Several servers and workers on one database: processes are killed, stopped and gone on, and the database crashes.
#![cfg(feature = "fleet")]

#[path = "../../service/tests/cluster/mod.rs"]
mod cluster;
mod command;
mod fleet_process;
mod server;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cluster::Cluster;
use command::{apodict, json as run_json};
use fleet_process::{Fleet, Random, Worker, signal};
use serde_json::{Value, json};
use server::Server;

/// A number that the caller may set.
fn setting(name: &str, without: usize) -> usize {
    std::env::var(name)
        .ok()
        .map_or(without, |text| text.parse().unwrap_or_else(|_| panic!("{name}: expected a number")))
}

fn id(job: &Value) -> String {
    job["id"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned()
}

/// The events of a job that has ended, as kinds with their data.
fn events(server: &Server, job: &str) -> Vec<(i64, String, Value)> {
    let text = server.get(&format!("/v1/jobs/{job}/events")).text();
    let field =
        |block: &str, name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let blocks = text.split("\n\n").filter(|block| block.contains("event: "));
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data: ")).unwrap();
            (field(block, "id: ").parse().unwrap(), field(block, "event: "), data)
        })
        .collect()
}

/// What must be true of a job that has ended well: one result, one end, and numbers that grow.
fn assert_ended_once(server: &Server, job: &str, proofs: usize) -> (Value, Vec<(i64, String, Value)>) {
    let shown = server.until(&format!("/v1/jobs/{job}"), |job| job["finished_ms"].is_i64());
    assert_eq!(shown["state"], "succeeded", "{shown}");
    assert_eq!(shown["result"]["proofs"].as_array().map(Vec::len), Some(proofs), "{shown}");
    let events = events(server, job);
    assert!(events.is_sorted_by(|one, two| one.0 < two.0), "{events:?}");
    let ends = events.iter().filter(|(_, kind, _)| matches!(kind.as_str(), "succeeded" | "failed" | "cancelled"));
    assert_eq!(ends.count(), 1, "{events:?}");
    let starts = events.iter().filter(|(_, kind, _)| kind == "started").count();
    assert_eq!(shown["attempt"], starts, "{events:?}");
    (shown, events)
}

#[test]
fn two_servers_and_two_workers_are_one_service() {
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let (one, two) = (fleet.server(), fleet.server());
    let (first, second) = (fleet.worker(&["--workers", "1"]), fleet.worker(&["--workers", "1"]));
    let model = fleet.push(&one);

    // Handed in here, proved there, and seen everywhere.
    let proved = two.post("/v1/prove?wait=60000", &fleet.request(&model));
    assert_eq!(proved.status, 200, "{}", proved.text());
    let proof = id(&proved.json()["result"]["proofs"][0]);
    assert_eq!(one.get(&format!("/v1/proofs/{proof}")).json()["verification"]["valid"], true);

    // How far a job is, is seen on a server that did not take it.
    let children = || first.children() + second.children();
    let before = children();
    let long = fleet.batch(&model, 200);
    let job = id(&one.post("/v1/jobs", &long).json());
    let path = format!("/v1/jobs/{job}");
    let running = two.until(&path, |job| job["fraction"].as_f64().is_some_and(|fraction| fraction > 0.0));
    assert_eq!((&running["state"], running["stage"].is_string()), (&json!("running"), true), "{running}");
    // And there it can be cancelled: the process that worked on it ends, and the worker lives.
    assert_eq!(two.post(&format!("{path}/cancel"), &json!({})).json()["state"], "cancelled");
    let start = Instant::now();
    while children() > before {
        assert!(start.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(one.get(&path).json()["state"], "cancelled");

    // Who stops in order gives back what it has begun, at once.
    let job = id(&two.post("/v1/jobs", &fleet.batch(&model, 20)).json());
    let path = format!("/v1/jobs/{job}");
    one.until(&path, |job| job["fraction"].as_f64().is_some_and(|fraction| fraction > 0.0));
    let run = fleet.count(&cluster, "SELECT run FROM jobs WHERE state = 'running'");
    let (busy, idle) = if first.run == run { (first, second) } else { (second, first) };
    let start = Instant::now();
    assert_eq!(busy.stop(), Some(0));
    one.until(&path, |job| job["attempt"] == 2);
    assert!(start.elapsed() < Duration::from_secs(5), "no lease was waited for: {:?}", start.elapsed());
    let (_, events) = assert_ended_once(&one, &job, 20);
    assert!(events.iter().any(|(_, kind, data)| kind == "queued" && data["again"] == "drained"), "{events:?}");

    // A server that stops takes no job along.
    assert_eq!(two.stop(), Some(0));
    assert_eq!(one.post("/v1/prove?wait=60000", &fleet.request(&model)).status, 200);
    assert_eq!((one.stop(), idle.stop()), (Some(0), Some(0)));
}

#[test]
fn keys_are_the_fleets() {
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let database = ["--fleet", "--database", fleet.database.as_str()];
    let folder = fleet.folder.path();
    let made = run_json(folder, &[&["api-key", "create"], &database[..]].concat());
    let mut server = fleet.server_with(&["--ask-for-keys"]);
    assert_eq!(server.get("/v1/jobs").status, 401);
    server.key = Some(made["secret"].as_str().unwrap().to_owned());
    assert_eq!(server.get("/v1/jobs").status, 200);
    assert_eq!(run_json(folder, &[&["api-key", "list"], &database[..]].concat())["keys"].as_array().unwrap().len(), 1);
    run_json(folder, &[&["api-key", "revoke", made["id"].as_str().unwrap()], &database[..]].concat());
    assert_eq!(server.get("/v1/jobs").status, 401);
}

/// Takes messages, each with 200. Its address, and what came.
fn receiver() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (came, messages) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut message = String::new();
            while !message.ends_with("\r\n\r\n") {
                assert_ne!(reader.read_line(&mut message).unwrap(), 0, "{message}");
            }
            let length = message.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse();
            let mut body = vec![0; length.unwrap()];
            reader.read_exact(&mut body).unwrap();
            message.push_str(&String::from_utf8(body).unwrap());
            if came.send(message).is_err() {
                return;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    (address, messages)
}

#[test]
fn each_end_is_told_by_one_server_also_if_another_took_the_job() {
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let database = ["--fleet", "--database", fleet.database.as_str()];
    let verb = |arguments: &[&str]| run_json(fleet.folder.path(), &[arguments, &database[..]].concat());
    let secret = verb(&["webhook-secret", "create"]);
    assert!(secret["secret"].as_str().unwrap().starts_with("whsec_"), "{secret}");
    let telling = ["--webhooks", "--webhook-allow", "127.0.0.0/8"];
    let (one, two, worker) = (fleet.server_with(&telling), fleet.server_with(&telling), fleet.worker(&[]));
    let model = fleet.push(&one);
    let (address, messages) = receiver();
    let with_webhook = |mut request: Value| {
        request["webhook"] = json!(address);
        request
    };
    let names: BTreeSet<String> =
        (0..10).map(|_| id(&one.post("/v1/jobs", &with_webhook(fleet.request(&model))).json())).collect();
    for name in &names {
        let told = two.until(&format!("/v1/jobs/{name}"), |job| job["webhook"]["state"] == "delivered");
        assert_eq!(told["webhook"]["attempts"], 1, "{told}");
    }
    let mut told = BTreeSet::new();
    for message in messages.try_iter() {
        assert!(message.contains("webhook-signature: v1,"), "{message}");
        let body: Value = serde_json::from_str(message.rsplit("\r\n\r\n").next().unwrap()).unwrap();
        assert_eq!(body["type"], "job.succeeded", "{body}");
        assert!(told.insert(id(&body["data"])), "twice: {body}");
    }
    assert_eq!(told, names);

    // The server that took the job is killed before its end.
    let job = id(&one.post("/v1/jobs", &with_webhook(fleet.batch(&model, 20))).json());
    one.kill();
    let told = two.until(&format!("/v1/jobs/{job}"), |job| job["webhook"]["state"] == "delivered");
    assert_eq!(told["state"], "succeeded", "{told}");
    assert!(messages.recv_timeout(Duration::from_secs(10)).unwrap().contains(&job));

    // Without a secret, nobody could tell who sent it.
    let name = secret["id"].as_str().unwrap();
    verb(&["webhook-secret", "revoke", name]);
    let listed = verb(&["webhook-secret", "list"]);
    assert!(listed["secrets"][0]["revoked_ms"].is_i64(), "{listed}");
    let refused = two.post("/v1/jobs", &with_webhook(fleet.request(&model)));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!((two.stop(), worker.stop()), (Some(0), Some(0)));
}

/// A process that is stopped longer than its lease, and goes on in the middle of a job that is another's by then.
#[test]
fn a_worker_that_was_stopped_and_goes_on_overwrites_nothing() {
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let server = fleet.server();
    let stopped = fleet.worker(&["--workers", "1"]);
    let model = fleet.push(&server);
    let job = id(&server.post("/v1/jobs", &fleet.batch(&model, 40)).json());
    let path = format!("/v1/jobs/{job}");
    server.until(&path, |job| job["fraction"].as_f64().is_some_and(|fraction| fraction > 0.0));
    signal("-STOP", stopped.id());
    let other = fleet.worker(&["--workers", "1"]);
    server.until(&path, |job| job["attempt"] == 2);
    signal("-CONT", stopped.id());
    // It sees that the job is another's, ends the process that works on it, and takes the next ones.
    let (_, events) = assert_ended_once(&server, &job, 40);
    assert!(events.iter().any(|(_, kind, data)| kind == "queued" && data["again"] == "interrupted"), "{events:?}");
    assert_eq!(fleet.count(&cluster, "SELECT count(*) FROM proofs WHERE position < 40"), "40");
    other.kill();
    assert_eq!(server.post("/v1/prove?wait=60000", &fleet.request(&model)).status, 200);
    assert_eq!(stopped.stop(), Some(0));
}

/// Whoever has another string would make keys that the others cannot prove with.
#[test]
fn all_have_the_same_string() {
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let server = fleet.server();
    fleet.make_string("other");
    let folder = fleet.folder.path();
    let output = apodict(
        folder,
        &["worker", "--data", "d", "--artifacts", "artifacts", "--srs", "other", "--database", &fleet.database],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("structured reference string"), "{said}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_missing_is_said() {
    let fleet = tempfile::tempdir().unwrap();
    for (arguments, exit_code, says) in [
        (vec!["serve", "--fleet"], 2, "--artifacts"),
        (vec!["serve", "--fleet", "--artifacts", "a"], 2, "APODICT_DATABASE"),
        (vec!["serve", "--database", "postgres://localhost/x"], 2, "--fleet"),
        (vec!["api-key", "list", "--database", "postgres://localhost/x"], 2, "--fleet"),
        (vec!["webhook-secret", "list", "--database", "postgres://localhost/x"], 2, "--fleet"),
        (vec!["worker", "--artifacts", "a", "--data", "d"], 2, "APODICT_DATABASE"),
        (
            vec!["worker", "--artifacts", "a", "--data", "d", "--database", "postgres://u:secret@127.0.0.1:1/x"],
            1,
            "--srs",
        ),
        (
            vec![
                "worker",
                "--artifacts",
                "a",
                "--data",
                "d",
                "--srs",
                "s",
                "--database",
                "postgres://u:secret@127.0.0.1:1/x",
            ],
            1,
            "job store",
        ),
    ] {
        let output = apodict(fleet.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {said}");
        assert!(said.contains(says) && !said.contains("secret"), "{arguments:?}: {said}");
    }
}

/// Workers are killed at random while jobs wait, and the database crashes in the middle. How many, `APODICT_FLEET_JOBS` and
/// `APODICT_FLEET_KILLS` say.
#[test]
fn nothing_is_lost_and_nothing_done_twice_while_processes_are_killed() {
    let (jobs, kills) = (setting("APODICT_FLEET_JOBS", 200), setting("APODICT_FLEET_KILLS", 30));
    let mut random = Random(setting("APODICT_FLEET_SEED", 1) as u64);
    let cluster = Cluster::start();
    let fleet = Fleet::new(&cluster);
    let servers = [fleet.server(), fleet.server()];
    let start_worker = || fleet.worker(&["--workers", "1"]);
    let mut workers: Vec<Worker> = (0..3).map(|_| start_worker()).collect();
    let model = fleet.push(&servers[0]);
    let request = fleet.request(&model);
    let start = Instant::now();
    let are_submitted = AtomicBool::new(false);
    let names: Vec<String> = std::thread::scope(|scope| {
        // Each job is handed in with its own key until a server says that it has it.
        let submitting = scope.spawn(|| {
            let names = (0..jobs).map(|number| {
                let key = format!("job-{number}");
                let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key.as_str())];
                let answered = (0..600).find_map(|attempt| {
                    let server = &servers[(number + attempt) % servers.len()];
                    let answer = server.send("POST", "/v1/jobs", &headers, request.to_string().as_bytes());
                    if answer.status != 202 {
                        assert!(answer.status >= 500, "{}", answer.text());
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    (answer.status == 202).then(|| id(&answer.json()))
                });
                answered.expect("taken within a minute")
            });
            let names = names.collect::<Vec<_>>();
            are_submitted.store(true, Ordering::SeqCst);
            names
        });
        for kill in 0..kills {
            std::thread::sleep(Duration::from_millis(50 + random.below(500)));
            let worker = workers.swap_remove(random.below(workers.len() as u64) as usize);
            worker.kill();
            workers.push(start_worker());
            if kill == kills / 2 {
                cluster.crash();
                std::thread::sleep(Duration::from_secs(3));
                cluster.up();
            }
        }
        eprintln!(
            "{kills} kills in {:.1} s; all handed in: {}",
            start.elapsed().as_secs_f64(),
            are_submitted.load(Ordering::SeqCst)
        );
        submitting.join().unwrap()
    });
    let (mut starts, mut interrupted, mut waits) = (0, 0, Vec::new());
    for name in &names {
        let (job, events) = assert_ended_once(&servers[0], name, 1);
        starts += job["attempt"].as_u64().unwrap();
        // From the begin of the attempt that was lost to the next one.
        for (at, (_, kind, data)) in events.iter().enumerate() {
            if kind == "queued" && data["again"] == "interrupted" {
                interrupted += 1;
                let next = events[at..].iter().find(|(_, kind, _)| kind == "started").unwrap();
                let lost = events[..at].iter().rev().find(|(_, kind, _)| kind == "started").unwrap();
                waits.push(next.2["at_ms"].as_i64().unwrap() - lost.2["at_ms"].as_i64().unwrap());
            }
        }
    }
    waits.sort_unstable();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), jobs, "a job for each key");
    let count = |sql: &str| fleet.count(&cluster, sql);
    assert_eq!(count("SELECT count(*) FROM jobs WHERE kind = 'prove'"), jobs.to_string());
    assert_eq!(count("SELECT count(*) FROM proofs"), jobs.to_string(), "one result each");
    assert_eq!(count("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"), "0");
    eprintln!(
        "{jobs} jobs, {kills} kills, one crash of the database: {jobs} results of {starts} starts in {:.1} s; {interrupted} were \
         interrupted, and begun again after {:?} ms in the median (begin to begin, lease {} s)",
        start.elapsed().as_secs_f64(),
        waits.get(waits.len() / 2),
        fleet_process::LEASE_S,
    );
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
}
