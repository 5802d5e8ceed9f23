//! The proving service, as its users meet it.
#![cfg(feature = "service")]

mod command;
mod server;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use command::{STORY, Workplace, apodict, json};
use serde_json::{Value, json};
use server::Server;

fn story(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(STORY).join(name)).unwrap()
}

fn input() -> Value {
    let input: Value = serde_json::from_slice(&story("inputs/stretched.json")).unwrap();
    input["inputs"].clone()
}

fn push(server: &Server) -> String {
    server.ready(&[("model", &story("model.onnx")), ("calibration", &story("calibration.json"))])
}

/// A place whose `data` is a folder of a server that has compiled the model, as all but the first test need it: made once, since to compile
/// takes longer than all that is tested here.
fn with_compiled_model() -> Workplace {
    static COMPILED: OnceLock<Workplace> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| {
        let place = Workplace::with_model();
        let server = Server::start(&place.path("data"), &[]);
        push(&server);
        assert_eq!(server.stop(), Some(0));
        place
    });
    let place = Workplace::with_model();
    copy(&compiled.path("data"), &place.path("data"));
    place
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

const CONTEXT: &str = "0x00000000000000000000000000000000000000000000000000000000000000ff";

#[test]
fn a_model_is_handed_in_proved_and_verified() {
    let place = Workplace::with_model();
    let server = Server::start(&place.path("data"), &[]);
    assert_eq!(server.get("/livez").text(), "ok\n");
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.get("/v1/version").json()["srs"], "unsafe");

    let model = push(&server);
    assert_eq!(push(&server), model, "compiled once");
    let described = server.get(&format!("/v1/models/{model}")).json();
    assert_eq!(described["name"], "risk.onnx");
    assert_eq!(described["program"]["srs"], "unsafe");
    for artifact in described["program"]["artifacts"].as_array().unwrap() {
        let path = format!("/v1/models/{model}/artifacts/{}", artifact.as_str().unwrap());
        assert!(!server.get(&path).body.is_empty(), "{artifact}");
    }

    // The short way.
    let request = json!({"model": model, "inputs": input(), "context": CONTEXT});
    let proved = server.post("/v1/prove?wait=60000", &request);
    assert_eq!(proved.status, 200, "{}", proved.text());
    let job = proved.json();
    let proof = job["result"]["proofs"][0]["id"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/v1/proofs/{proof}")).json();
    assert_eq!(shown["verification"]["valid"], true);
    assert_eq!(shown["verification"]["context"], CONTEXT);

    // Its stages are real ones.
    let events = server.get(&format!("/v1/jobs/{}/events", job["id"].as_str().unwrap())).text();
    for event in
        ["event: queued", "event: started", "\"stage\":\"witness\"", "\"stage\":\"quotient\"", "event: succeeded"]
    {
        assert!(events.contains(event), "{event} in {events}");
    }
    let path = format!("/v1/jobs/{}/events", job["id"].as_str().unwrap());
    let rest = server.send("GET", &path, &[("Last-Event-ID", "2")], b"").text();
    assert!(rest.starts_with("id: 3\n") && rest.contains("event: succeeded"), "{rest}");
    let last = rest.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    assert_eq!(server.send("GET", &path, &[("Last-Event-ID", last)], b"").status, 204, "nothing more will come");

    // What it gives out, the command line takes, and says the same.
    place.write("proof.json", server.get(&format!("/v1/proofs/{proof}/file")).body);
    place.write("vk.json", server.get(&format!("/v1/models/{model}/artifacts/key")).body);
    let verified = place.json(&["verify", "proof.json", "--key", "vk.json", "--context", CONTEXT]);
    assert_eq!(verified["outputs"], shown["verification"]["outputs"]);

    // Verification of what somebody brings.
    let file: Value = serde_json::from_slice(&place.read("proof.json")).unwrap();
    assert_eq!(server.post("/v1/verify", &file).json()["valid"], true);
    let mut forged = file.clone();
    let last = forged["instances"].as_array().unwrap().len() - 1;
    forged["instances"][last] = json!(CONTEXT);
    let refused = server.post("/v1/verify", &forged).json();
    assert_eq!((&refused["valid"], &refused["outputs"]), (&json!(false), &Value::Null));
    let mut unknown = file;
    unknown["key_digest"] = json!(CONTEXT);
    assert_eq!(server.post("/v1/verify", &unknown).json()["code"], "unknown_key");

    // A batch has a proof for each decision.
    let batch = json!({"model": model, "batch": [{"inputs": input()}, {"inputs": input(), "context": CONTEXT}]});
    let answer = server.post("/v1/jobs", &batch);
    assert_eq!(answer.status, 202);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert!(answer.head.contains(&format!("location: /v1/jobs/{id}")));
    let done = server.until(&format!("/v1/jobs/{id}"), |job| job["finished_ms"].is_i64());
    assert_eq!(done["result"]["proofs"].as_array().unwrap().len(), 2, "{done}");

    // Its proofs stay when the model goes.
    assert_eq!(server.send("DELETE", &format!("/v1/models/{model}"), &[], b"").status, 204);
    assert_eq!(server.get(&format!("/v1/models/{model}")).status, 404);
    assert_eq!(server.get(&format!("/v1/proofs/{proof}")).json()["verification"]["valid"], true);
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("apodict_jobs_ended_total{kind=\"prove\",how=\"succeeded\"} 2\n"), "{metrics}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn nothing_is_lost_when_the_server_is_killed() {
    let place = with_compiled_model();
    let server = Server::start(&place.path("data"), &[]);
    let model = push(&server);
    let ids: Vec<_> = (0..12)
        .map(|priority| {
            let request = json!({"model": model, "inputs": input(), "priority": priority});
            server.post("/v1/jobs", &request).json()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    server.until(&format!("/v1/jobs/{}", ids[11]), |job| job["state"] != "queued");
    let children = server.children();
    assert!(!children.is_empty(), "one of them proves");
    server.kill();

    let server = Server::start(&place.path("data"), &[]);
    for id in &ids {
        let job = server.until(&format!("/v1/jobs/{id}"), |job| job["finished_ms"].is_i64());
        assert_eq!(job["state"], "succeeded", "{job}");
        assert_eq!(job["result"]["proofs"].as_array().unwrap().len(), 1);
    }
    // Its children ended with it.
    for id in children {
        let name = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        assert!(!name.contains("worker-child"), "{id}: {name}");
    }
    // One server for a folder.
    let second = apodict(place.folder.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another server uses the folder"));
}

#[test]
fn what_kills_a_child_leaves_the_server_alive() {
    let place = with_compiled_model();
    let server = Server::start(&place.path("data"), &["--drain", "3600"]);
    let model = push(&server);
    let long: Vec<_> = (0..200).map(|_| json!({"inputs": input()})).collect();
    let submit = |more: Value| {
        let mut request = json!({"model": model, "batch": long});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/v1/jobs", &request).json()["id"].as_str().unwrap().to_owned()
    };
    // Cancelled in the middle.
    let id = submit(json!({}));
    server.until(&format!("/v1/jobs/{id}"), |job| job["fraction"].as_f64().unwrap() > 0.0);
    assert_eq!(server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).json()["state"], "cancelled");
    // Late.
    let id = submit(json!({"timeout_ms": 300}));
    let late = server.until(&format!("/v1/jobs/{id}"), |job| job["finished_ms"].is_i64());
    assert_eq!(late["error"]["code"], "deadline_exceeded");
    // Killed by somebody: begun again.
    let id = submit(json!({}));
    server.until(&format!("/v1/jobs/{id}"), |job| job["fraction"].as_f64().unwrap() > 0.0);
    server.children().iter().for_each(|child| signal("-KILL", *child));
    server.until(&format!("/v1/jobs/{id}"), |job| job["attempt"] == 2);
    assert_eq!(server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).json()["state"], "cancelled");
    assert_eq!(server.get("/readyz").status, 200);
    // A terminal and a supervisor send signals to the children, too: those are the server's to end. A second one ends the drain.
    let id = submit(json!({}));
    server.until(&format!("/v1/jobs/{id}"), |job| job["fraction"].as_f64().unwrap() > 0.0);
    let children = server.children();
    for child in &children {
        signal("-TERM", *child);
        signal("-INT", *child);
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.children(), children);
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).json()["attempt"], 1);
    signal("-INT", server.id());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&place.path("data"), &[]);
    let path = format!("/v1/jobs/{id}");
    assert_eq!(server.post(&format!("{path}/cancel"), &json!({})).json()["state"], "cancelled");
    let events = server.get(&format!("{path}/events")).text();
    assert!(events.contains("\"again\":\"drained\""), "{events}");
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[test]
fn tenants_and_keys() {
    let place = with_compiled_model();
    let key = |arguments: &[&str]| {
        let made = json(place.folder.path(), &[&["api-key", "create", "--data", "data"], arguments].concat());
        (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let mut server = Server::start(&place.path("data"), &[]);
    assert_eq!(server.get("/v1/jobs").status, 200, "no key yet");
    let page = server.send("GET", "/v1/jobs", &[("Origin", "http://evil.example")], b"");
    assert_eq!(page.json()["code"], "origin_refused");
    let ((one, one_id), (two, _), (reader, _)) =
        (key(&["--tenant", "one"]), key(&["--tenant", "two"]), key(&["--tenant", "one", "--scope", "read"]));
    let without = server.get("/v1/jobs");
    assert_eq!((without.status, without.json()["code"].as_str()), (401, Some("unauthorized")));
    assert!(without.head.contains("www-authenticate: bearer"), "{}", without.head);
    server.key = Some(one.clone());
    let model = push(&server);
    let request = json!({"model": model, "inputs": input()});
    let job = server.post("/v1/prove", &request).json();
    let proof = job["result"]["proofs"][0]["id"].as_str().unwrap().to_owned();
    let paths = [
        format!("/v1/models/{model}"),
        format!("/v1/models/{model}/artifacts/key"),
        format!("/v1/jobs/{}", job["id"].as_str().unwrap()),
        format!("/v1/jobs/{}/events", job["id"].as_str().unwrap()),
        format!("/v1/proofs/{proof}"),
        format!("/v1/proofs/{proof}/file"),
    ];
    server.key = Some(two);
    for path in &paths {
        let of_nobody = path.replace(|character: char| character.is_ascii_digit(), "0").replacen("/v0/", "/v1/", 1);
        let (theirs, nobodys) = (server.get(path), server.get(&of_nobody));
        assert_eq!((theirs.status, theirs.text()), (404, nobodys.text()), "{path}");
    }
    assert_eq!(server.post("/v1/jobs", &request).status, 404);
    assert_eq!(server.get("/v1/models").json()["items"], json!([]));
    server.key = Some(reader);
    assert!(paths.iter().all(|path| server.get(path).status == 200));
    assert_eq!(server.post("/v1/jobs", &request).json()["code"], "forbidden");
    server.key = Some(format!("apo_{}", "0".repeat(64)));
    assert_eq!(server.get("/v1/jobs").status, 401);
    json(place.folder.path(), &["api-key", "revoke", "--data", "data", &one_id]);
    server.key = Some(one);
    assert_eq!(server.get("/v1/jobs").status, 401);
    let listed = json(place.folder.path(), &["api-key", "list", "--data", "data"]);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 3);
    let open = apodict(place.folder.path(), &["serve", "--listen", "0.0.0.0:0", "--data", "other"]);
    assert!(String::from_utf8_lossy(&open.stderr).contains("there is no API key"));
}

#[test]
fn bad_requests_are_answered() {
    let place = Workplace::with_model();
    let server = Server::start(&place.path("data"), &["--max-upload", "1", "--max-k", "8"]);
    let code = |answer: server::Answer| {
        assert!(answer.head.contains("content-type: application/problem+json"), "{}", answer.head);
        assert!(answer.head.contains("x-content-type-options: nosniff"));
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status);
        problem["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(server.get("/v1/nothing")), "not_found");
    assert_eq!(code(server.get("/v1/jobs/..%2f..%2fetc")), "not_found");
    assert_eq!(code(server.get("/v1/jobs/job_%ff")), "not_found");
    assert_eq!(code(server.send("PUT", "/v1/jobs", &[], b"")), "method_not_allowed");
    assert_eq!(code(server.get("/v1/jobs?state=done")), "invalid_request");
    assert_eq!(code(server.get("/v1/jobs?limit=0")), "invalid_request");
    assert_eq!(code(server.get("/v1/jobs?cursor=x")), "invalid_request");
    assert_eq!(code(server.get("/v1/jobs?wrong=1")), "invalid_request");
    assert_eq!(code(server.send("POST", "/v1/jobs", &[], b"{}")), "unsupported_media_type");
    assert_eq!(code(server.post("/v1/jobs", &json!({"model": "mdl_0", "inputs": {}}))), "not_found");
    assert_eq!(code(server.post("/v1/jobs", &json!({"model": "mdl_0"}))), "invalid_request");
    assert_eq!(code(server.post("/v1/jobs", &json!({"model": "m", "inputs": {}, "more": 1}))), "invalid_request");
    let json_body = [("Content-Type", "application/json")];
    assert_eq!(code(server.send("POST", "/v1/jobs", &json_body, b"{")), "invalid_request");
    let deep = "[".repeat(100_000);
    assert_eq!(code(server.send("POST", "/v1/verify", &json_body, deep.as_bytes())), "invalid_request");
    assert_eq!(code(server.send("POST", "/v1/jobs", &json_body, &vec![b' '; 17 << 20])), "payload_too_large");
    assert_eq!(code(server.post("/v1/models", &json!({}))), "unsupported_media_type");
    assert_eq!(code(server.push(&[("model", &vec![0; (1 << 20) + 1])])), "payload_too_large");
    assert_eq!(code(server.push(&[("calibration", b"{}")])), "invalid_request");
    assert_eq!(code(server.push(&[("model", b"x"), ("options", b"{\"bits\": 99}")])), "invalid_request");
    let no_model = server.push(&[("model", b"no model"), ("name", b"a\x1b[2Kb")]).json();
    assert_eq!(no_model["name"], "a\\u{1b}[2Kb");
    let path = format!("/v1/models/{}", no_model["id"].as_str().unwrap());
    let failed = server.until(&path, |model| model["state"] == "failed");
    assert_eq!(failed["error"]["code"], "model_rejected");
    let request = json!({"model": failed["id"], "inputs": {}});
    assert_eq!(code(server.post("/v1/jobs", &request)), "model_not_ready");
    // Larger than this server proves.
    let parts: [(&str, &[u8]); 2] = [("model", &story("model.onnx")), ("calibration", &story("calibration.json"))];
    let large = server.push(&parts).json();
    let path = format!("/v1/models/{}", large["id"].as_str().unwrap());
    assert_eq!(server.until(&path, |model| model["state"] == "failed")["error"]["code"], "model_too_large");
}

#[test]
fn requests_that_come_twice() {
    let place = with_compiled_model();
    let server = Server::start(&place.path("data"), &[]);
    let model = push(&server);
    let send = |key: &str, path: &str, body: &Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        server.send("POST", path, &headers, body.to_string().as_bytes())
    };
    let request = json!({"model": model, "inputs": input()});
    let first = send("k", "/v1/prove?wait=60000", &request);
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(send("k", "/v1/prove?wait=60000", &request).json(), first.json());
    assert_eq!(send("k", "/v1/jobs", &request).json()["id"], first.json()["id"]);
    let other = json!({"model": model, "inputs": input(), "priority": 1});
    let refused = send("k", "/v1/jobs", &other);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("idempotency_conflict")));
    assert_eq!(send("", "/v1/jobs", &request).json()["code"], "invalid_request");
    // What does not fit the model fails, and says why.
    let wrong = server.post("/v1/prove?wait=60000", &json!({"model": model, "inputs": {"x\u{1b}": [1]}}));
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (422, Some("invalid_input")));
    assert!(!wrong.text().contains('\u{1b}') && !wrong.text().contains("\\u001b"), "{}", wrong.text());
    let listed = server.get("/v1/jobs?kind=prove&limit=1").json();
    assert_eq!(listed["items"][0]["state"], "failed");
    let next = listed["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/v1/jobs?kind=prove&limit=1&cursor={next}")).json();
    assert_eq!((&next["items"][0]["id"], &next["next_cursor"]), (&first.json()["id"], &Value::Null));
}

/// A proof that needs more than the server gives it fails, and the server lives.
#[test]
fn too_little_memory_ends_the_job_and_nothing_else() {
    let place = Workplace::with_model();
    let server = Server::start(&place.path("data"), &["--job-memory", "64", "--worker-memory", "64"]);
    // Samples of a size that 64 MiB beside the process do not hold.
    let sample = format!("{{\"inputs\": {}}},", input());
    let mut calibration = b"{\"batches\": [".to_vec();
    for _ in 0..200_000 {
        calibration.extend(sample.as_bytes());
        if calibration.len() > 60 << 20 {
            break;
        }
    }
    calibration.pop();
    calibration.extend(b"]}");
    let large = server.push(&[("model", &story("model.onnx")), ("calibration", &calibration)]).json();
    let path = format!("/v1/models/{}", large["id"].as_str().unwrap());
    let failed = server.until(&path, |model| model["state"] == "failed");
    assert_eq!(failed["error"]["code"], "out_of_memory", "{failed}");
    assert_eq!(server.get("/readyz").status, 200);
    // What was handed in passed through the server, which never held it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak << 10 < calibration.len() + (40 << 20), "{peak} KiB");
    // A small one passes, in the same limits.
    let model = push(&server);
    let proved = server.post("/v1/prove?wait=60000", &json!({"model": model, "inputs": input()}));
    assert_eq!(proved.status, 200, "{}", proved.text());
}
