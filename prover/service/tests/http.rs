//! The server as clients meet it that are slow, wrong or hostile. Its children do nothing: no job here is proved.

mod client;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use apodict_service::api::new_key;
use apodict_service::config::{Limits, PageSwitch};
use apodict_service::server::{ServeError, Server, make_store};
use apodict_service::store::sqlite::SqliteStore;
use apodict_service::store::{Act, Finished, JobStore, Kind, Lane, NewJob, NewModel, Outcome, Registry, Scope};
use client::{Running, config, read};
use serde_json::{Value, json};

/// A short one, so that tests need not wait.
const PATIENCE: Duration = Duration::from_millis(300);

fn impatient() -> Limits {
    Limits { client_patience: PATIENCE, ..Limits::default() }
}

/// Whether the server ends the connection, in good time.
fn is_left(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_says_nothing_is_left() {
    let server = Running::start(impatient()).await;
    let beginnings: [&[u8]; 5] = [
        b"",
        b"PRI * HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let streams = beginnings.map(|beginning| {
        let mut stream = server.connect();
        stream.write_all(beginning).unwrap();
        stream
    });
    for (stream, beginning) in streams.into_iter().zip(beginnings) {
        assert!(is_left(stream), "{}", String::from_utf8_lossy(beginning));
    }
    // A body that stops coming.
    let mut stream = server.connect();
    stream
        .write_all(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    let answer = client::read(stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    let mut stream = server.connect();
    let head = "POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=line\r\nContent-Length: 900\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"--line\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbegun").unwrap();
    let answer = client::read(stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    assert_eq!(server.files(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_nothing_is_left() {
    let server = Running::start(impatient()).await;
    let mut stream = server.connect();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    // Answers of far more than any buffer holds.
    let request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let start = Instant::now();
    let mut sent = 0;
    while stream.write_all(request).is_ok() && sent < 20_000 {
        sent += 1;
    }
    // A server on a busy machine fills the buffers late.
    std::thread::sleep(PATIENCE * 10);
    assert!(start.elapsed() < Duration::from_secs(60));
    let mut answered = Vec::new();
    let _ = stream.read_to_end(&mut answered);
    let answers = answered.windows(15).filter(|window| window == b"HTTP/1.1 200 OK").count();
    assert!(answers < sent, "{answers} of {sent}");
    assert_eq!(server.get("/livez").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_has_half_of_the_connections() {
    let server = Running::start(Limits { connections: 8, ..Limits::default() }).await;
    let held: Vec<_> = (0..4).map(|_| server.connect()).collect();
    std::thread::sleep(Duration::from_millis(100));
    assert!(is_left(server.connect()), "one too many");
    drop(held);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get("/livez").status, 200);
}

/// Whatever comes before a part, or in its head, is not kept in memory without an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forms_without_an_end_are_refused() {
    let server = Running::start(Limits::default()).await;
    let zeros = vec![0; 1 << 20];
    let head = b"--line\r\nContent-Disposition: form-data; name=\"model\"; x=\"";
    let (first, second) = (zeros.clone(), [&head[..], &zeros].concat());
    for form in [first, second] {
        let answer =
            server.send("POST", "/v1/models", &[("Content-Type", "multipart/form-data; boundary=line")], &form);
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{}", answer.text());
    }
    assert_eq!(server.files(), Vec::<String>::new());
}

/// One tenant's slow bodies leave room for the others', and small pieces take no more than what they hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tenant_takes_a_part_of_the_room() {
    let limits = Limits { room_bytes: 256 << 10, body_bytes: 16 << 10, ..Limits::default() };
    let mut server = Running::start(limits).await;
    let (slow, other) =
        (server.add_key_of("a", vec![Scope::Read]).await, server.add_key_of("b", vec![Scope::Read]).await);
    let held: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = server.connect();
            let head = format!(
                "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {slow}\r\n\
                 Content-Type: application/json\r\nContent-Length: 16384\r\n\r\n"
            );
            // Those that are refused need not be read.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&[b' '; 15 << 10]));
            stream
        })
        .collect();
    server.key = Some(slow.clone());
    let start = Instant::now();
    while server.post("/v1/verify", &[b' '; 15 << 10]).code() != "rate_limited" {
        assert!(start.elapsed() < Duration::from_secs(10), "a tenant has a part");
    }
    server.key = Some(other.clone());
    assert_eq!(server.post("/v1/verify", &[b' '; 15 << 10]).code(), "invalid_request", "read, and no JSON");
    drop(held);
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {other}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        "1\r\n \r\n".repeat(3000)
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read(stream).code(), "invalid_request", "3000 pieces of one byte");
}

/// Where the guard of heads and the form's reader found two boundaries, nothing was guarded.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forms_have_one_boundary() {
    let server = Running::start(Limits::default()).await;
    let send = |content_type: &str, body: &[u8]| {
        let answer = server.send("POST", "/v1/models", &[("Content-Type", content_type)], body);
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        (answer.code(), detail)
    };
    let long = [b"--\r\n\r\n".as_slice(), &[b'x'; 64 << 10]].concat();
    let (code, detail) = send(&format!("multipart/form-data; boundary={}", "y".repeat(71)), &long);
    assert!(code == "invalid_request" && detail.contains("1 to 70 characters"), "{detail}");
    let (code, detail) = send("multipart/form-data", &long);
    assert!(code == "invalid_request" && detail.contains("1 to 70 characters"), "{detail}");
    let preamble = [b"--a\r\n\r\n".as_slice(), &[b'x'; 64 << 10]].concat();
    let (code, detail) = send("multipart/form-data; x=\"; boundary=a\"; boundary=b", &preamble);
    assert!(code == "invalid_request" && detail.contains("longer than 16 KiB"), "{detail}");
}

/// Who has no key sends little, and not often.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_form_to_sign_in_is_small_and_counts_before_it_is_read() {
    let limits = Limits { requests_per_s: 0.1, ..Limits::default() };
    let server = Running::start_with(limits, PageSwitch::On).await;
    let head = "POST /page/login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n";
    let mut stream = server.connect();
    write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\n{}", "1\r\nk\r\n".repeat(5000)).unwrap();
    assert_eq!(read(stream).status, 413);
    // A tenth of a request a second, so one at once: the next is not read.
    let mut stream = server.connect();
    write!(stream, "{head}Content-Length: 100\r\n\r\n").unwrap();
    let start = Instant::now();
    assert_eq!(read(stream).status, 429);
    assert!(start.elapsed() < Duration::from_secs(10), "nothing of it came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_refused_leaves_no_file() {
    let server = Running::start(Limits { upload_bytes: 100_000, ..Limits::default() }).await;
    let model: (&str, &[u8]) = ("model", &[7; 50_000]);
    for (parts, status) in [
        (vec![model, ("more", b"?")], 400),
        (vec![model, ("model", b"again")], 400),
        (vec![model, ("name", b"a"), ("name", b"b")], 400),
        (vec![model, ("options", b"{}"), ("options", b"{}")], 400),
        (vec![model, ("options", b"{\"bits\": 1, \"bits\": 2}")], 400),
        (vec![model, ("options", b"{\"bits\": 99}")], 400),
        (vec![("calibration", &[7; 50_000])], 400),
        (vec![model, ("calibration", &[7; 100_001])], 413),
    ] {
        let answer = server.push(&parts);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(server.files(), Vec::<String>::new(), "{}", answer.text());
    }
    assert_eq!(server.push(&[model]).status, 202);
    assert_eq!(server.files().len(), 1);
}

/// One reader takes the first of two, another the last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_stands_twice_is_refused() {
    let server = Running::start(Limits::default()).await;
    let model = server.ready_model().await;
    for body in [
        format!(r#"{{"model": "{model}", "inputs": {{"a": [1], "a": [2]}}}}"#),
        format!(r#"{{"model": "{model}", "inputs": {{}}, "inputs": {{}}}}"#),
        format!(r#"{{"model": "{model}", "batch": [{{"inputs": {{"a": [{{"b": 1, "b": 1}}]}}}}]}}"#),
    ] {
        for path in ["/v1/jobs", "/v1/prove"] {
            let answer = server.post(path, body.as_bytes());
            assert_eq!(answer.code(), "invalid_request");
            assert!(answer.text().contains("stands twice"), "{}", answer.text());
        }
    }
    let proof = r#"{"version": 1, "version": 1}"#;
    let answer = server.post("/v1/verify", proof.as_bytes());
    assert!(answer.text().contains("duplicate field"), "{}", answer.text());
    let request = json!({"model": model, "inputs": [1]}).to_string();
    assert!(server.post("/v1/jobs", request.as_bytes()).text().contains("expected an object"));
    let request = json!({"model": model, "inputs": {}}).to_string();
    let json = ("Content-Type", "application/json");
    let twice = [json, ("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    assert_eq!(server.send("POST", "/v1/jobs", &twice, request.as_bytes()).code(), "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_is_found_before_anything_else() {
    let server = Running::start(Limits { open_jobs: 1, ..Limits::default() }).await;
    let model = server.ready_model().await;
    // Too long to stand in the database.
    let inputs = |first: usize| {
        json!({"model": model, "inputs": {"a": (first..first + 20_000).collect::<Vec<_>>()}}).to_string()
    };
    let send = |body: &str| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
        server.send("POST", "/v1/jobs", &headers, body.as_bytes())
    };
    let first = send(&inputs(0));
    assert_eq!(first.status, 202, "{}", first.text());
    let files = server.files();
    // As many jobs as may be, and the model gone.
    assert_eq!(server.post("/v1/jobs", inputs(0).as_bytes()).code(), "too_many_jobs");
    assert_eq!(send(&inputs(0)).json()["id"], first.json()["id"]);
    for other in 1..10 {
        assert_eq!(send(&inputs(other)).code(), "idempotency_conflict");
    }
    assert_eq!(server.files(), files, "what is refused is not stored");
    let id = first.json()["id"].as_str().unwrap().to_owned();
    server.post(&format!("/v1/jobs/{id}/cancel"), b"");
    assert_eq!(server.send("DELETE", &format!("/v1/models/{model}"), &[], b"").status, 204);
    assert_eq!(send(&inputs(0)).json()["id"], first.json()["id"]);
    assert_eq!(server.post("/v1/jobs", inputs(0).as_bytes()).code(), "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_is_cancelled_stays_so_and_its_events_end() {
    let server = Running::start(Limits::default()).await;
    let model = server.ready_model().await;
    let body = json!({"model": model, "inputs": {}}).to_string();
    let id = server.post("/v1/jobs", body.as_bytes()).json()["id"].as_str().unwrap().to_owned();
    let cancelled = server.post(&format!("/v1/jobs/{id}/cancel"), b"");
    assert_eq!(cancelled.json()["state"], "cancelled");
    let path = format!("/v1/jobs/{id}/events");
    let events = server.get(&path).text();
    assert!(events.ends_with("}\n\n") && events.contains("event: cancelled"), "{events}");
    let last = events.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    // As a browser's EventSource comes again, and as nobody should.
    for after in [last.as_str(), "9223372036854775807"] {
        assert_eq!(server.send("GET", &path, &[("Last-Event-ID", after)], b"").status, 204, "{after}");
    }
    // And both are written down, once.
    let audit = server.get("/v1/audit?limit=2").json();
    let told: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|entry| (&entry["action"], &entry["subject"])).collect();
    assert_eq!(told, [(&json!("job_cancelled"), &json!(id)), (&json!("job_submitted"), &json!(id))]);
    assert_eq!(audit["items"][0]["actor"], "this_machine");
    let next = server.get(&format!("/v1/audit?cursor={}", audit["next_cursor"].as_str().unwrap())).json();
    assert_eq!(next["items"][0]["action"], "model_submitted");
    let wait = server.post(&format!("/v1/jobs/{id}/cancel"), b"");
    assert_eq!((wait.status, &wait.json()["state"]), (200, &json!("cancelled")));
}

/// The server can start no process: its job comes back, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_jobs_log_tells_its_owner_what_happened() {
    let mut server = Running::start(Limits::default()).await;
    let model = server.ready_model().await;
    let body = json!({"model": model, "inputs": {"a": [17250]}}).to_string();
    let id = server.post("/v1/jobs", body.as_bytes()).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/jobs/{id}/logs");
    let log = |query: &str| server.get(&format!("{path}{query}")).json();
    let start = Instant::now();
    while log("")["items"].as_array().unwrap().len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", log(""));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.post(&format!("/v1/jobs/{id}/cancel"), b"").status, 200);
    let whole = log("");
    let lines = whole["items"].as_array().unwrap();
    let told: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!((told[..3].to_vec(), told.last()), (vec!["queued", "started", "queued"], Some(&"cancelled")));
    assert_eq!(lines[1]["attempt"], 1);
    let again = [&lines[2]["level"], &lines[2]["reason"], &lines[2]["wait_ms"]];
    assert_eq!(again, [&json!("warning"), &json!("unavailable"), &json!(1000)]);
    assert!(whole["next_cursor"].is_null() && !whole.to_string().contains("17250"), "{whole}");
    // Piece by piece.
    let first = log("?limit=2");
    assert_eq!((&first["items"][1], &first["next_cursor"]), (&lines[1], &json!("2")));
    assert_eq!(log("?limit=2&cursor=2")["items"][0], lines[2]);
    assert_eq!(log("?cursor=4294967295")["items"], json!([]));
    for query in ["?limit=0", "?limit=1001", "?cursor=-1", "?cursor=x", "?more=1"] {
        assert_eq!(log(query)["code"], "invalid_request", "{query}");
    }
    for (tenant, scope, code) in [("other", Scope::Read, "not_found"), ("default", Scope::Prove, "forbidden")] {
        server.key = Some(server.add_key_of(tenant, vec![scope]).await);
        assert_eq!(server.get(&path).code(), code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_are_asked_for_and_do_what_they_may() {
    let limits = Limits { requests_per_s: 2.0, ..Limits::default() };
    let mut server = Running::start(limits).await;
    for header in ["X-Forwarded-For", "Via", "Forwarded"] {
        assert_eq!(server.send("GET", "/v1/jobs", &[(header, "1")], b"").code(), "unauthorized", "{header}");
    }
    let model = server.ready_model().await;
    let compile = server.get(&format!("/v1/models/{model}")).json()["job"].as_str().unwrap().to_owned();
    let mut keys = Vec::new();
    for scope in [Scope::Prove, Scope::Models, Scope::Read, Scope::Operate] {
        keys.push(server.add_key(vec![scope]).await);
    }
    server.key = Some(keys[0].clone());
    assert_eq!(server.post(&format!("/v1/jobs/{compile}/cancel"), b"").code(), "forbidden");
    server.key = Some(keys[1].clone());
    assert_eq!(server.post(&format!("/v1/jobs/{compile}/cancel"), b"").status, 200, "its own kind");
    server.key = Some(keys[2].clone());
    assert_eq!(server.get("/metrics").code(), "forbidden");
    // Refused before it is read.
    assert_eq!(server.post("/v1/jobs", &vec![b' '; 1 << 20]).code(), "forbidden");
    server.key = Some(keys[3].clone());
    assert_eq!(server.get("/metrics").status, 200);
    // Whoever guesses is stopped, and nobody else, though all come from one proxy.
    server.key = Some(format!("apo_{}", "0".repeat(64)));
    let codes: Vec<_> = (0..40).map(|_| server.get("/v1/jobs").code()).collect();
    assert!(codes.contains(&"unauthorized".to_owned()) && codes.contains(&"rate_limited".to_owned()), "{codes:?}");
    server.key = Some(keys[3].clone());
    assert_eq!(server.get("/metrics").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lists_are_read_on_by_names_of_ones_own() {
    let server = Running::start(Limits::default()).await;
    let model = server.ready_model().await;
    let body = json!({"model": model, "inputs": {}}).to_string();
    let ids: Vec<_> = (0..3).map(|_| server.post("/v1/jobs", body.as_bytes()).json()["id"].clone()).collect();
    let page = server.get("/v1/jobs?kind=prove&limit=1").json();
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&ids[2], &ids[2]));
    let next = server.get(&format!("/v1/jobs?kind=prove&limit=1&cursor={}", ids[2].as_str().unwrap())).json();
    assert_eq!(next["items"][0]["id"], ids[1]);
    for path in ["/v1/jobs?cursor=7", "/v1/models?cursor=7"] {
        assert_eq!(server.get(path).code(), "invalid_request", "{path}");
    }
}

/// Nothing is called a ceremony's before it was read and compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_string_that_is_not_the_pinned_one_starts_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), Limits::default());
    config.srs_digest = Some([7; 32]);
    let error = Server::start(config.clone()).await.unwrap_err();
    assert!(matches!(&error, ServeError::String(why) if why.contains("pinned")), "{error}");
    config.srs_digest = None;
    config.srs = Some(folder.path().join("none.bin"));
    let error = Server::start(config).await.unwrap_err();
    assert!(matches!(error, ServeError::String(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_server_for_a_folder() {
    let server = Running::start(Limits::default()).await;
    let error = Server::start(config(server.data(), Limits::default())).await.unwrap_err();
    assert!(error.to_string().contains(&format!("another server uses the folder {}", server.data().display())));
    // What it runs is still its own.
    assert_eq!(server.get("/readyz").status, 200);
}
