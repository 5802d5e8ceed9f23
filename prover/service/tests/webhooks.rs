//! Who is told of a job's end: receivers on this machine that take it, fail, hang or lead elsewhere.

mod client;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use apodict_service::api::new_key;
use apodict_service::config::{Limits, PageSwitch};
use apodict_service::server::{Server, make_store};
use apodict_service::store::sqlite::SqliteStore;
use apodict_service::store::{
    Act, Finished, JobStore, Kind, Lane, NewJob, NewModel, NewWebhook, Outbox, Outcome, Registry, Scope, WebhookSecret,
};
use apodict_service::webhooks::WebhookRules;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Running, config};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

/// So that tests need not wait.
fn rules() -> WebhookRules {
    WebhookRules {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: Duration::from_millis(500),
        wait: Duration::from_millis(20),
        attempts: 4,
        ..WebhookRules::default()
    }
}

/// A server that tells, whose tenants `default` and `other` have a secret each.
async fn telling(rules: WebhookRules) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), Limits::default());
    config.webhooks = Some(rules);
    let server = Running::of(folder, config).await;
    add_secret(&server.store, "default", b"one").await;
    add_secret(&server.store, "other", b"theirs").await;
    server
}

fn act() -> Act {
    Act { actor: "command_line".to_owned(), at_ms: 1 }
}

async fn add_secret(store: &SqliteStore, tenant: &str, value: &[u8]) {
    let id = format!("whs_{tenant}_{}", String::from_utf8_lossy(value));
    let secret = WebhookSecret { id, tenant: tenant.to_owned(), created_ms: 1, revoked_ms: None };
    assert!(store.add_webhook_secret(&secret, value, &act()).await.unwrap());
}

/// What a receiver does with a message.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    /// To this port of this machine.
    Redirect(u16),
    /// Nothing, for a minute.
    Hang,
    /// A head that does not end.
    Babble,
}

/// What came.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("{}", self.head))
    }

    /// As a receiver checks it, which knows a secret.
    fn is_signed_with(&self, secret: &[u8]) -> bool {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// Answers one message after the other as it is told, the last answer for ever. Its port, and what came.
fn receiver(answers: &[Answer]) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = answers.to_vec();
    let (came, requests) = channel();
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            let (answer, came) = (answers[at.min(answers.len() - 1)], came.clone());
            std::thread::spawn(move || take(stream, answer, &came));
        }
    });
    (port, requests)
}

fn take(mut stream: TcpStream, answer: Answer, came: &std::sync::mpsc::Sender<Request>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
        None => format!("{line}\n"),
    });
    let head: String = lines.collect();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    // The test may have ended.
    let _ = came.send(Request { head, body });
    let _ = match answer {
        Answer::Status(status) => write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 1000000\r\n\r\nno more"),
        Answer::Redirect(port) => {
            write!(stream, "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n")
        }
        Answer::Hang => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Answer::Babble => {
            let mut all = write!(stream, "HTTP/1.1 200 X\r\n");
            while all.is_ok() {
                all = write!(stream, "x-{0}: {0}\r\n", "x".repeat(100));
            }
            all
        }
    };
}

fn next(requests: &Receiver<Request>) -> Request {
    requests.recv_timeout(Duration::from_secs(20)).unwrap()
}

/// Hands in a job with a webhook, and cancels it: it ends.
fn end_a_job(server: &Running, model: &str, port: u16) -> String {
    let request =
        json!({"model": model, "inputs": {"a": [17250]}, "webhook": format!("http://127.0.0.1:{port}/token-7")});
    let answer = server.post("/v1/jobs", request.to_string().as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["webhook"]["state"], "waiting");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.post(&format!("/v1/jobs/{id}/cancel"), b"").status, 200);
    id
}

/// How a job's webhook stands, once it changes no more.
async fn settled(server: &Running, id: &str) -> Value {
    until(server, id, |webhook| webhook["state"] != "due" && webhook["state"] != "waiting").await
}

async fn until(server: &Running, id: &str, right: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let webhook = server.get(&format!("/v1/jobs/{id}")).json()["webhook"].clone();
        if right(&webhook) {
            return webhook;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{webhook}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_is_sent_until_it_is_taken_and_signed_with_every_secret() {
    let server = telling(rules()).await;
    let model = server.ready_model().await;
    let (elsewhere, nobody) = receiver(&[Answer::Status(200)]);
    let (port, requests) =
        receiver(&[Answer::Status(500), Answer::Hang, Answer::Redirect(elsewhere), Answer::Status(204)]);
    let id = end_a_job(&server, &model, port);
    let (first, rest) = (next(&requests), [next(&requests), next(&requests), next(&requests)]);
    let webhook = settled(&server, &id).await;
    let stands = [&webhook["state"], &webhook["attempts"], &webhook["status"], &webhook["error"]];
    assert_eq!(stands, [&json!("delivered"), &json!(4), &json!(204), &Value::Null]);
    assert_eq!(webhook["host"], format!("http://127.0.0.1:{port}"), "the path may be a secret");
    assert!(nobody.try_recv().is_err(), "no redirect is followed");

    assert!(first.head.starts_with("POST /token-7 HTTP/1.1\n"), "{}", first.head);
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("webhook-id"), webhook["message"]);
    let age = apodict_service::clock::wall_ms() / 1000 - first.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    for again in &rest {
        assert_eq!((again.header("webhook-id"), &again.body), (first.header("webhook-id"), &first.body));
        assert!(again.is_signed_with(b"one") && !again.is_signed_with(b"theirs"));
    }
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    let job = server.get(&format!("/v1/jobs/{id}")).json();
    assert_eq!((&body["type"], &body["data"]["id"]), (&json!("job.cancelled"), &json!(id)));
    for name in ["state", "kind", "model", "created_ms", "finished_ms"] {
        assert_eq!(body["data"][name], job[name], "{name}");
    }
    assert!(!body.to_string().contains("17250"), "no inputs");
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("apodict_webhooks_total{how=\"again\"} 3\n"), "{metrics}");

    // A secret is replaced: both sign until the old one is revoked.
    add_secret(&server.store, "default", b"two").await;
    for (secret, revoked) in [(b"one", false), (b"two", false), (b"one", true)] {
        if revoked {
            assert!(server.store.revoke_webhook_secret("whs_default_one", &act()).await.unwrap());
        }
        end_a_job(&server, &model, port);
        let message = next(&requests);
        assert_eq!(message.is_signed_with(secret), !revoked);
        assert!(message.is_signed_with(b"two"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_nobody_takes_is_given_up() {
    let server = telling(rules()).await;
    let model = server.ready_model().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (port, attempts, status, error) in [
        (receiver(&[Answer::Status(503)]).0, 4, json!(503), "status"),
        (receiver(&[Answer::Status(410)]).0, 1, json!(410), "status"),
        (receiver(&[Answer::Redirect(closed)]).0, 4, json!(307), "redirect"),
        (receiver(&[Answer::Babble]).0, 4, Value::Null, "no_http"),
        (receiver(&[Answer::Hang]).0, 4, Value::Null, "timeout"),
        (closed, 4, Value::Null, "connection"),
    ] {
        let webhook = settled(&server, &end_a_job(&server, &model, port)).await;
        let stands = (&webhook["state"], &webhook["attempts"], &webhook["status"], &webhook["error"]);
        assert_eq!(stands, (&json!("failed"), &json!(attempts), &status, &json!(error)));
    }
}

/// As after a restart: what was due, and what somebody sent who was killed, is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_loses_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let store = make_store(folder.path()).await.unwrap();
    add_secret(&store, "default", b"one").await;
    let (port, requests) = receiver(&[Answer::Status(200)]);
    let now = apodict_service::clock::wall_ms();
    let end = async |id: &str, at_ms: i64| {
        let webhook = NewWebhook { url: format!("http://127.0.0.1:{port}/"), message: format!("msg_{id}") };
        let job = NewJob {
            id: id.to_owned(),
            tenant: "default".to_owned(),
            kind: Kind::Prove,
            lane: Lane::Short,
            model: "m".to_owned(),
            priority: 0,
            payload: "{}".to_owned(),
            body: "b".to_owned(),
            idempotency_key: None,
            created_ms: 1,
            deadline_ms: None,
            max_crashes: 1,
            forget_inputs: false,
            submitted_by: "key".to_owned(),
            most_open: 9,
            webhook: Some(webhook),
        };
        store.submit(job, None).await.unwrap();
        store.cancel("default", id, &[], &Act { actor: "a".to_owned(), at_ms }).await.unwrap();
    };
    // Begun, with time until now, and never settled.
    end("killed", now - 1000).await;
    assert_eq!(store.claim_webhook(now, now, &[]).await.unwrap().unwrap().id, "killed");
    let ten_days = 10 * 86_400_000;
    end("tried", now - ten_days).await;
    assert_eq!(store.claim_webhook(now, now, &[]).await.unwrap().unwrap().id, "tried");
    end("due", now - 1000).await;
    end("old", now - ten_days).await;
    let mut config = config(folder.path(), Limits::default());
    config.webhooks = Some(rules());
    let server = Running::of(folder, config).await;
    let mut came: Vec<_> = (0..3).map(|_| next(&requests).header("webhook-id").to_owned()).collect();
    came.sort();
    // What nobody sent in all that time is sent once.
    assert_eq!(came, ["msg_due", "msg_killed", "msg_old"]);
    let tried = settled(&server, "tried").await;
    assert_eq!((&tried["state"], &tried["error"]), (&json!("failed"), &json!("too_old")));
    assert_eq!(settled(&server, "killed").await["attempts"], 2);
    assert!(requests.try_recv().is_err(), "each once");
}

/// One tenant's receiver hangs: another's messages and all requests go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hangs_holds_up_nobody_else() {
    let mut server = telling(WebhookRules { timeout: Duration::from_secs(30), ..rules() }).await;
    let model = server.ready_model().await;
    let (hangs, held) = receiver(&[Answer::Hang]);
    let (takes, taken) = receiver(&[Answer::Status(200)]);
    let ids: Vec<_> = (0..20).map(|_| end_a_job(&server, &model, hangs)).collect();
    next(&held);
    next(&held);
    server.key = Some(server.add_key_of("other", vec![Scope::Models, Scope::Read]).await);
    let url = format!("http://127.0.0.1:{takes}/");
    let pushed = server.push(&[("model", b"no model"), ("webhook", url.as_bytes())]);
    assert_eq!(pushed.status, 202, "{}", pushed.text());
    let job = pushed.json()["job"].as_str().unwrap().to_owned();
    server.post(&format!("/v1/jobs/{job}/cancel"), b"");
    let start = Instant::now();
    let message = next(&taken);
    assert!(message.is_signed_with(b"theirs") && start.elapsed() < Duration::from_secs(10));
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!((&body["data"]["kind"], &body["data"]["id"]), (&json!("compile"), &json!(job)));
    assert_eq!(settled(&server, &job).await["state"], "delivered");
    assert!(held.try_recv().is_err(), "two of a tenant at the same time");
    assert_eq!(server.get(&format!("/v1/jobs/{}", ids[0])).status, 404, "another tenant's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn webhooks_are_refused_where_they_cannot_be() {
    let silent = Running::start(Limits::default()).await;
    let refused = |server: &Running, url: &str, why: &str| {
        let request = json!({"model": "mdl_1", "inputs": {}, "webhook": url}).to_string();
        let answers =
            [server.post("/v1/jobs", request.as_bytes()), server.push(&[("model", b"m"), ("webhook", url.as_bytes())])];
        for answer in answers {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{}", answer.text());
            assert!(answer.text().contains(why), "{url}: {}", answer.text());
        }
        assert_eq!(server.files(), Vec::<String>::new());
    };
    silent.ready_model().await;
    refused(&silent, "https://hooks.example/", "apodict serve --webhooks");
    let mut server = telling(WebhookRules { allow: vec![], ..rules() }).await;
    server.ready_model().await;
    for (url, why) in [
        ("http://127.0.0.1/", "--webhook-allow"),
        ("http://[::ffff:10.0.0.1]/", "--webhook-allow"),
        ("http://169.254.169.254/latest/meta-data", "--webhook-allow"),
        ("file:///etc/passwd", "it cannot be read"),
        ("gopher://hooks.example/", "neither http:// nor https://"),
        ("http://user:secret@hooks.example/", "a user's name and password"),
        ("", "it cannot be read"),
    ] {
        refused(&server, url, why);
    }
    // A name is looked up when it is called.
    let (port, requests) = receiver(&[Answer::Status(200)]);
    let request = json!({"model": "mdl_1", "inputs": {}, "webhook": format!("http://localhost:{port}/")}).to_string();
    let id = server.post("/v1/jobs", request.as_bytes()).json()["id"].as_str().unwrap().to_owned();
    server.post(&format!("/v1/jobs/{id}/cancel"), b"");
    assert_eq!(settled(&server, &id).await["error"], "no_address");
    assert!(requests.try_recv().is_err());
    server.key = Some(server.add_key_of("third", vec![Scope::Prove, Scope::Models, Scope::Read]).await);
    let pushed = server.push(&[("model", b"m"), ("webhook", b"https://hooks.example/")]);
    assert!(pushed.text().contains("apodict webhook-secret create"), "{}", pushed.text());
}
