//! A proving service somewhere else: `job`, `model`, and `--server`; servers that are slow, wrong, or lie.
#![cfg(feature = "service")]

mod command;
mod proxy;
mod server;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use command::{Workplace, npy};
use proxy::{Proxy, answer};
use serde_json::{Value, json};
use server::Server;

const CONTEXT: &str = "0x00000000000000000000000000000000000000000000000000000000000000ff";

/// A server with default options, for all tests that change nothing of it.
fn shared() -> &'static str {
    static SHARED: OnceLock<(Server, tempfile::TempDir, String)> = OnceLock::new();
    let (_, _, url) = SHARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder.path().join("data"), &[]);
        let url = format!("http://{}", server.address);
        (server, folder, url)
    });
    url
}

/// Runs `apodict` with an environment that names a server.
fn with(place: &Workplace, url: &str, key: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apodict"));
    command.args(arguments).current_dir(place.folder.path()).env("APODICT_SERVER", url).stdin(Stdio::null());
    match key {
        Some(key) => command.env("APODICT_API_KEY", key),
        None => command.env_remove("APODICT_API_KEY"),
    };
    command.output().unwrap()
}

fn on(place: &Workplace, url: &str, arguments: &[&str]) -> Value {
    let output = with(place, url, None, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", error(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is said, on lines that may be broken anywhere.
fn refused(place: &Workplace, url: &str, arguments: &[&str], exit_code: i32, says: &[&str]) {
    let output = with(place, url, None, arguments);
    let text = error(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {text}");
    for part in says {
        assert!(text.contains(part), "{arguments:?}: {part} in {text}");
    }
}

fn push(place: &Workplace, url: &str) -> Value {
    on(place, url, &["model", "push", "model.onnx", "--calibrate", "calibration.json", "--wait"])
}

#[test]
fn the_same_verbs_do_there_what_they_do_here() {
    let (place, url) = (Workplace::with_proof(), shared());
    let model = ["model.onnx", "--calibrate", "calibration.json"];
    let here = place.json(&[&["compile"], &model[..], &["-o", "here.apo"]].concat());
    let there = place.json(&[&["compile"], &model[..], &["-o", "there.apo", "--server", url]].concat());
    assert_eq!(place.read("here.apo"), place.read("there.apo"));
    for name in ["program_digest", "k", "rows", "shape", "max_error"] {
        assert_eq!(here[name], there[name], "{name}");
    }
    assert!(there["model"].as_str().unwrap().starts_with("mdl_"));

    let prove = ["--input", "input.json", "--context", CONTEXT, "--server", url];
    let proved = place.json(&[&["prove"], &model[..], &prove[..], &["-o", "a.json"]].concat());
    let verified = place.json(&["verify", "a.json", "--key", "a.vk.json", "--context", CONTEXT]);
    assert_eq!((&verified["valid"], &verified["outputs"]), (&json!(true), &proved["outputs"]));
    let locally = place.json(&["verify", "proof.json", "--key", "keys/vk.json"]);
    assert_eq!(verified["outputs"], locally["outputs"]);
    // Again, and of the program: the same job, so the same proof.
    let again = place.json(&[&["prove", "here.apo"], &prove[..], &["-o", "b.json", "--keys", "k"]].concat());
    assert_eq!((&again["job"], &again["key_digest"]), (&proved["job"], &proved["key_digest"]));
    assert_eq!(place.read("a.json"), place.read("b.json"));
    assert_eq!(place.read("a.vk.json"), place.read("k/vk.json"));

    let asked = place.json(&["verify", "a.json", "--server", url, "--context", CONTEXT]);
    for name in ["valid", "key_digest", "program_digest", "context", "inputs", "outputs"] {
        assert_eq!(asked[name], verified[name], "{name}");
    }
    place.edit("a.json", "forged.json", |proof| {
        let last = proof["instances"].as_array().unwrap().len() - 1;
        proof["instances"][last] = json!(CONTEXT);
    });
    let other = "0x0000000000000000000000000000000000000000000000000000000000000001";
    for arguments in
        [vec!["verify", "forged.json", "--server", url], vec!["verify", "a.json", "--server", url, "--context", other]]
    {
        let output = place.run(&arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", error(&output));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("INVALID: "));
    }
}

#[test]
fn what_does_not_fit_is_refused_as_it_is_here() {
    let (place, url) = (Workplace::with_model(), shared());
    push(&place, url);
    place.write("wrong.json", r#"{"inputs": {"nothing": [1]}}"#);
    let model = ["model.onnx", "--calibrate", "calibration.json", "--server", url];
    let prove = [&["prove"], &model[..], &["-o", "out.json"]].concat();
    for (arguments, exit_code, says) in [
        ([&prove[..], &["--input", "wrong.json"]].concat(), 1, "nothing"),
        ([&prove[..], &["--input", "input.json", "--memory", "100"]].concat(), 2, "--memory does not apply"),
        ([&prove[..], &["--input", "input.json", "--srs", "x"]].concat(), 2, "--srs does not apply"),
        (vec!["compile", "model.onnx", "-o", "out.json", "--server", url], 1, "the option ranges"),
        (vec!["compile", "model.onnx", "-o", "no/out.json", "--server", url], 1, "cannot write"),
        (vec!["verify", "input.json", "--server", url], 1, "cannot use the proof"),
        (vec!["verify", "x.json", "--server", url, "--key", "y"], 2, "cannot be used with"),
        (vec!["verify", "x.json"], 2, "--key"),
        (vec!["prove", "model.onnx", "--input", "input.json", "-o", "o", "--api-key-file", "f"], 2, "--server"),
    ] {
        refused(&place, url, &arguments, exit_code, &[says]);
    }
    assert_eq!(place.names(), ["calibration.json", "input.json", "model.onnx", "wrong.json"], "nothing is left behind");
}

#[test]
fn jobs_and_models_by_name() {
    let (place, url) = (Workplace::with_model(), shared());
    let model = push(&place, url);
    let id = model["id"].as_str().unwrap();
    assert_eq!(push(&place, url)["id"], id, "compiled once");
    let listed = on(&place, url, &["model", "list"]);
    assert!(listed["items"].as_array().unwrap().iter().any(|listed| listed["id"] == id));
    let got = on(&place, url, &["model", "get", id, "-o", "files"]);
    assert_eq!(got["files"].as_array().unwrap().len(), model["program"]["artifacts"].as_array().unwrap().len());
    let inspected = place.json(&["inspect", "files/program.apo"]);
    assert_eq!(inspected["program_digest"], model["program"]["program_digest"]);

    let submit = ["job", "submit", id, "--input", "input.json", "--context", CONTEXT, "--priority", "-5"];
    let job = on(&place, url, &submit);
    let name = job["id"].as_str().unwrap();
    let watched = with(&place, url, None, &["job", "watch", name]);
    let told = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert_eq!(watched.status.code(), Some(0), "{}", error(&watched));
    for part in ["handed in", "attempt 1 begins", "witness is done", "quotient is done", "succeeded", "prf_"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let again = on(&place, url, &[&submit[..], &["--wait"]].concat());
    assert_eq!((&again["id"], &again["state"], &again["priority"]), (&job["id"], &json!("succeeded"), &json!(-5)));
    // Of what is to be forgotten, no digest names the request.
    let forgetting = ["job", "submit", id, "--input", "input.json", "--forget-inputs"];
    let forgotten = |more: &[&str]| on(&place, url, &[&forgetting[..], more].concat())["id"].clone();
    assert_ne!(forgotten(&[]), forgotten(&[]));
    assert_eq!(forgotten(&["--idempotency-key", "mine"]), forgotten(&["--idempotency-key", "mine"]));
    let logs = on(&place, url, &["job", "logs", name]);
    assert_eq!(logs["lines"][1]["message"], "attempt 1 begins");
    assert_eq!(on(&place, url, &["job", "get", name])["result"], again["result"]);
    let listed = on(&place, url, &["job", "list", "--model", id, "--kind", "prove", "--state", "succeeded"]);
    assert!(listed["items"].as_array().unwrap().iter().any(|listed| listed["id"] == name));

    // A batch, and files that name no input.
    let input: Value = serde_json::from_slice(&place.read("input.json")).unwrap();
    let (input_name, rows) = input["inputs"].as_object().unwrap().iter().next().unwrap();
    let values: Vec<f64> = rows[0].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    place.write("plain.npy", npy(&format!("(1, {})", values.len()), &values));
    let batch = ["job", "submit", id, "--input", "input.json", "--input", "plain.npy", "--wait"];
    let batch = on(&place, url, &batch);
    let download = ["job", "download", batch["id"].as_str().unwrap(), "-o", "proofs"];
    let digest = model["program"]["key_digest"].as_str().unwrap();
    let downloaded = on(&place, url, &[&download[..], &["--key-digest", digest]].concat());
    let proofs = downloaded["proofs"].as_array().unwrap();
    assert_eq!((proofs.len(), &proofs[0]["outputs"]), (2, &proofs[1]["outputs"]), "{input_name} is the only input");
    for file in ["proofs/proof-0.json", "proofs/proof-1.json"] {
        assert_eq!(place.json(&["verify", file, "--key", "proofs/vk.json"])["key_digest"], digest);
    }
    refused(&place, url, &[&download[..3], &["-o", "other", "--key-digest", CONTEXT]].concat(), 1, &[digest]);
    let compiled = model["job"].as_str().unwrap();
    refused(&place, url, &["job", "download", compiled, "-o", "other"], 1, &["made no proofs", "model get"]);
    assert!(!place.path("other").exists());
}

/// What failed or was cancelled is begun anew, and tells why with its exit code.
#[test]
fn jobs_that_end_badly() {
    let (place, url) = (Workplace::with_model(), shared());
    let model = push(&place, url);
    let id = model["id"].as_str().unwrap();
    place.write("wrong.json", r#"{"inputs": {"nothing": [1]}}"#);
    let submit = ["job", "submit", id, "--input", "wrong.json", "--wait"];
    refused(&place, url, &submit, 1, &["invalid_input", "nothing", "apodict job logs job_"]);
    let failed = on(&place, url, &["job", "list", "--model", id, "--state", "failed"]);
    let before = failed["items"].as_array().unwrap().len();
    refused(&place, url, &submit, 1, &["invalid_input"]);
    let failed = on(&place, url, &["job", "list", "--model", id, "--state", "failed"]);
    assert_eq!(failed["items"].as_array().unwrap().len(), before + 1);
    let text = with(&place, url, None, &["job", "watch", failed["items"][0]["id"].as_str().unwrap()]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("error: failed: invalid_input"));
    for (arguments, exit_code, says) in [
        (vec!["job", "get", "job_0"], 1, "not_found"),
        (vec!["job", "get", "../x"], 2, "expected a name"),
        (vec!["model", "delete", "mdl_0"], 1, "not_found"),
        (vec!["job", "submit", "mdl_0", "--input", "input.json"], 1, "not_found"),
        (vec!["job", "submit", id, "--input", "missing.json"], 1, "missing.json"),
        (vec!["job", "submit", id, "--input", "input.json", "--webhook", "https://a.example/"], 1, "serve --webhooks"),
        (vec!["job", "list", "--cursor", "job_0"], 1, "next_cursor"),
    ] {
        refused(&place, url, &arguments, exit_code, &[says]);
    }
}

/// Ctrl-C ends the command alone.
#[test]
fn an_interrupt_leaves_the_job_going_on() {
    let (place, url) = (Workplace::with_model(), shared());
    let id = push(&place, url)["id"].as_str().unwrap().to_owned();
    let many: Vec<&str> = ["--input", "input.json"].into_iter().cycle().take(200).collect();
    let job = on(&place, url, &[&["job", "submit", &id], &many[..]].concat());
    let name = job["id"].as_str().unwrap();
    let mut watching = Command::new(env!("CARGO_BIN_EXE_apodict"))
        .args(["job", "watch", name, "--server", url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It tells of the first line once it listens.
    let mut stdout = std::io::BufReader::new(watching.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert!(line.contains("handed in"), "{line}");
    assert!(Command::new("kill").args(["-INT", &watching.id().to_string()]).status().unwrap().success());
    let ended = watching.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(error(&ended).contains(&format!("{name} goes on: `apodict job watch {name}`")), "{}", error(&ended));
    assert_ne!(on(&place, url, &["job", "get", name])["state"], "cancelled");
    assert_eq!(on(&place, url, &["job", "cancel", name])["state"], "cancelled");
    refused(&place, url, &["job", "watch", name], 1, &["was cancelled"]);
    refused(&place, url, &["job", "download", name, "-o", "d"], 1, &["was cancelled"]);
}

#[test]
fn keys_come_from_the_environment_or_a_file_and_are_not_shown() {
    let place = Workplace::with_model();
    let server = Server::start(&place.path("data"), &["--no-page"]);
    let url = format!("http://{}", server.address);
    let key = |scope: &str| {
        let made = place.json(&["api-key", "create", "--data", "data", "--scope", scope]);
        made["secret"].as_str().unwrap().to_owned()
    };
    let (reads, proves) = (key("read"), key("prove"));
    place.write("key", format!("{reads}\n"));
    let wrong = format!("apo_{}", "0".repeat(64));
    for (key, arguments, exit_code, says) in [
        (None, vec!["job", "list"], 1, "APODICT_API_KEY"),
        (Some(wrong.as_str()), vec!["job", "list"], 1, "unauthorized"),
        (Some("apo_short"), vec!["job", "list"], 1, "is no API key"),
        (Some(&proves), vec!["job", "list"], 1, "the scope read"),
        (Some(&proves), vec!["job", "list", "--api-key-file", "missing"], 1, "missing"),
        (Some(&proves), vec!["job", "list", "--api-key-file", "input.json"], 1, "is no API key"),
        (Some(&proves), vec!["job", "list", "--api-key-file", "key"], 0, ""),
        (Some(&reads), vec!["model", "list", "-vv"], 0, ""),
        (Some(&reads), vec!["model", "push", "model.onnx"], 1, "the scope models"),
    ] {
        let output = with(&place, &url, key, &arguments);
        let text = error(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
        for secret in [key.unwrap_or("apo_"), &reads[4..], &proves[4..]] {
            assert!(!text.contains(secret) || secret == "apo_", "{text}");
        }
    }
}

/// Everything that stands between here and a server may be wrong.
#[test]
fn answers_that_are_none() {
    let place = Workplace::with_model();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{", 1u64 << 40);
    let endless = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100_000));
    for (answer, says) in [
        (answer(200, "text/html", "<html>"), "its type is `text/html`"),
        (answer(200, "application/json", "{"), "not one of a proving service"),
        (answer(200, "application/json", "[1]"), "not one of a proving service"),
        (answer(500, "text/html", "<html>"), "HTTP status 500"),
        (answer(404, "application/json", "{}"), "HTTP status 404"),
        (answer(302, "text/plain\r\nLocation: http://127.0.0.1:1/", ""), "redirects are not followed"),
        (
            answer(403, "application/problem+json", r#"{"code": "c\u001b[2J", "detail": "d\u0007"}"#),
            "c\\u{1b}[2J: d\\u{7}",
        ),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), "no HTTP"),
        (huge.into_bytes(), "127.0.0.1"),
        (endless.into_bytes(), "127.0.0.1"),
        (vec![], "cannot be asked"),
    ] {
        let proxy = Proxy::start(None, move |_| Some(answer.clone()));
        refused(&place, &proxy.url(), &["job", "get", "job_1"], 1, &[says]);
    }
    refused(&place, &format!("http://{closed}"), &["job", "get", "job_1"], 1, &["cannot be asked", "apodict serve"]);
    for (url, says) in [
        ("ftp://a", "neither http:// nor"),
        ("http://u:secret@a/", "a user's name"),
        ("x y", "it cannot be read"),
        ("http://a/?secret", "nothing may follow"),
    ] {
        let output = with(&place, url, None, &["job", "list"]);
        assert!(error(&output).contains(says) && !error(&output).contains("secret"), "{}", error(&output));
    }
}

/// What is busy is asked again, and what breaks off is taken up.
#[test]
fn a_connection_that_breaks_off_loses_nothing() {
    let (place, url) = (Workplace::with_model(), shared());
    push(&place, url);
    let real = url.strip_prefix("http://").unwrap().parse().unwrap();
    let proxy = Proxy::start(Some(real), {
        let mut count = 0;
        move |_: &str| {
            count += 1;
            match count % 4 {
                1 => Some(answer(
                    429,
                    "application/problem+json\r\nRetry-After: 0",
                    r#"{"code": "rate_limited", "detail": ""}"#,
                )),
                2 => Some(answer(503, "text/html\r\nRetry-After: 0", "<html>")),
                3 => None,
                // In the middle of an answer.
                _ => Some(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"items\""
                        .to_vec(),
                ),
            }
        }
    });
    let model = ["model.onnx", "--calibrate", "calibration.json"];
    let prove = ["-o", "proof.json", "--input", "input.json", "--server", &proxy.url()];
    let proved = place.json(&[&["prove"], &model[..], &prove[..]].concat());
    assert_eq!(place.json(&["verify", "proof.json", "--key", "proof.vk.json"])["outputs"], proved["outputs"]);
    // What has no name is not sent twice.
    let mut posted = 0;
    let losing = Proxy::start(None, move |_| {
        posted += 1;
        Some(answer(if posted == 1 { 504 } else { 500 }, "text/html", ""))
    });
    let submit = ["job", "submit", "mdl_1", "--input", "input.json", "--forget-inputs"];
    refused(&place, &losing.url(), &submit, 1, &["HTTP status 504"]);
    let busy =
        answer(429, "application/problem+json\r\nRetry-After: 60", r#"{"code": "too_many_jobs", "detail": "d"}"#);
    let proxy = Proxy::start(None, move |_| Some(busy.clone()));
    refused(&place, &proxy.url(), &["job", "list"], 1, &["too_many_jobs", "try again in 60 s"]);
    // After some time, and for longer than there is time.
    let mut asked = 0;
    let never = Proxy::start(None, move |_| {
        asked += 1;
        let wait = if asked < 3 { 1 } else { u64::MAX };
        Some(answer(503, &format!("text/html\r\nRetry-After: {wait}"), ""))
    });
    refused(&place, &never.url(), &["job", "list"], 1, &["HTTP status 503"]);
    // Removed by the request whose answer broke off.
    let mut deleted = 0;
    let forgetting = Proxy::start(None, move |_| {
        deleted += 1;
        let gone = r#"{"code": "not_found", "detail": ""}"#;
        Some(if deleted == 1 { answer(502, "text/html", "") } else { answer(404, "application/problem+json", gone) })
    });
    on(&place, &forgetting.url(), &["model", "delete", "mdl_1"]);
    refused(&place, &forgetting.url(), &["model", "delete", "mdl_1"], 1, &["not_found"]);
}

/// A server that gives the key or the proof of something else, and one that proves something else.
#[test]
fn what_was_not_asked_for_is_not_written() {
    let (place, url) = (Workplace::with_model(), shared());
    let model = push(&place, url);
    let other =
        on(&place, url, &["model", "push", "model.onnx", "--calibrate", "calibration.json", "--bits", "9", "--wait"]);
    let submit = |model: &Value, more: &[&str]| {
        let id = model["id"].as_str().unwrap();
        on(&place, url, &[&["job", "submit", id, "--wait"], more].concat())
    };
    place.edit("input.json", "changed.json", |input| {
        let rows = input["inputs"].as_object_mut().unwrap().values_mut().next().unwrap();
        rows[0][0] = json!(rows[0][0].as_f64().unwrap() * 0.5);
    });
    let input = ["--input", "input.json"];
    let (mine, others) = (submit(&model, &input), submit(&other, &input));
    let bound = submit(&model, &[&input[..], &["--context", CONTEXT]].concat());
    let changed = submit(&model, &["--input", "changed.json"]);
    let proof = |job: &Value| job["result"]["proofs"][0]["id"].as_str().unwrap().to_owned();
    let real: std::net::SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    // Leads what is asked at one address to another.
    let leading = |from: String, to: String| {
        Proxy::start(Some(real), move |path: &str| {
            path.contains(&from).then(|| proxy::forward(real, "GET", &path.replace(&from, &to)))
        })
    };
    let download = ["job", "download", mine["id"].as_str().unwrap(), "-o", "out"];
    let key = |model: &Value| format!("/v1/models/{}/artifacts/key", model["id"].as_str().unwrap());
    for (lie, says) in [
        (leading(proof(&mine), proof(&others)), "is for the key"),
        (leading(key(&model), key(&other)), "that of the key's file"),
    ] {
        refused(&place, &lie.url(), &download, 1, &["something else than it was asked for", says]);
    }
    let forging = Proxy::start(Some(real), move |path: &str| {
        path.ends_with("/file").then(|| {
            let text = String::from_utf8(proxy::forward(real, "GET", path)).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let mut proof: Value = serde_json::from_str(body).unwrap();
            proof["instances"][3] = json!(CONTEXT);
            let head =
                head.lines().filter(|line| !line.to_lowercase().starts_with("content-length")).collect::<Vec<_>>();
            format!("{}\r\n\r\n{proof}", head.join("\r\n")).into_bytes()
        })
    });
    refused(&place, &forging.url(), &download, 1, &["does not hold"]);
    // A genuine proof, bound to something else; and a program that is another's.
    let arguments =
        ["prove", "model.onnx", "--calibrate", "calibration.json", "--input", "input.json", "-o", "out", "--server"];
    let program = |model: &Value| key(model).replace("/key", "/program");
    // Whatever proof is asked for, this job's.
    let giving = |job: &Value| {
        let path = format!("/v1/proofs/{}/file", proof(job));
        Proxy::start(Some(real), move |asked: &str| {
            asked.starts_with("/v1/proofs/").then(|| proxy::forward(real, "GET", &path))
        })
    };
    for (lie, says) in [
        (giving(&bound), "of other inputs, or bound"),
        (giving(&changed), "of other inputs, or bound"),
        (leading(program(&model), program(&other)), "the model's program is"),
    ] {
        refused(
            &place,
            url,
            &[&arguments[..], &[&lie.url()]].concat(),
            1,
            &["something else than it was asked for", says],
        );
    }
    // A key that stood there before is trusted, and stays.
    for folder in ["kept", "fetched"] {
        on(&place, url, &["model", "get", other["id"].as_str().unwrap(), "-o", folder]);
    }
    let says = ["the server's key is", "kept/vk.json holds", "name another folder"];
    refused(&place, url, &[&arguments[..], &[url, "--keys", "kept"]].concat(), 1, &says);
    refused(&place, url, &["job", "download", mine["id"].as_str().unwrap(), "-o", "kept"], 1, &says);
    refused(&place, url, &["model", "get", model["id"].as_str().unwrap(), "-o", "kept"], 1, &says);
    assert_eq!(place.read("kept/vk.json"), place.read("fetched/vk.json"));
    assert_eq!(place.read("kept/program.apo"), place.read("fetched/program.apo"));
    // Names that would do something else in a command that somebody copies.
    let renaming = Proxy::start(Some(real), move |path: &str| {
        (path == "/v1/jobs").then(|| {
            let text = String::from_utf8(proxy::forward(real, "GET", "/v1/jobs?limit=1")).unwrap();
            let listed: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
            let mut job = listed["items"][0].clone();
            job["id"] = json!("job_1`rm -rf x`");
            answer(202, "application/json", &job.to_string())
        })
    });
    let submit = ["job", "submit", model["id"].as_str().unwrap(), "--input", "input.json"];
    refused(&place, &renaming.url(), &submit, 1, &["it has a name that is none"]);
    let job = |job: &Value| format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    refused(&place, &leading(job(&mine), job(&bound)).url(), &download, 1, &["another came"]);
    let lying = Proxy::start(Some(real), move |path: &str| {
        (path == "/v1/verify").then(|| answer(200, "application/json", &json!({
            "valid": true, "key_digest": CONTEXT, "program_digest": CONTEXT, "srs": "ceremony", "context": CONTEXT, "inputs": {},
            "outputs": {}, "verify_ms": 1.0
        }).to_string()))
    });
    on(&place, url, &download);
    let verify = ["verify", "out/proof-0.json", "--server", &lying.url()];
    refused(&place, url, &verify, 1, &["it verified under the key", "not under"]);
    assert!(Path::new(&place.path("out/proof-0.json")).exists());
}

#[test]
fn secrets_of_webhooks_are_made_listed_and_revoked() {
    let place = Workplace::with_model();
    let create = || place.json(&["webhook-secret", "create", "--data", "data", "--tenant", "desk-7"]);
    let (first, second) = (create(), create());
    for made in [&first, &second] {
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_") && made["tenant"] == "desk-7", "{made}");
    }
    let data = ["--data", "data"];
    refused(
        &place,
        "",
        &[&["webhook-secret", "create", "--tenant", "desk-7"], &data[..]].concat(),
        1,
        &["has 2 secrets"],
    );
    let id = first["id"].as_str().unwrap();
    assert_eq!(place.json(&[&["webhook-secret", "revoke", id], &data[..]].concat())["id"], id);
    refused(&place, "", &[&["webhook-secret", "revoke", id], &data[..]].concat(), 1, &["there is no secret"]);
    let listed = place.json(&[&["webhook-secret", "list"], &data[..]].concat());
    let secrets = listed["secrets"].as_array().unwrap();
    assert_eq!((secrets.len(), secrets[0]["revoked_ms"].is_i64(), &secrets[1]["revoked_ms"]), (2, true, &Value::Null));
    for made in [&first, &second] {
        assert!(!listed.to_string().contains(made["secret"].as_str().unwrap()), "shown once");
    }
    let value = place.read("data/jobs.db");
    let held = |made: &Value| {
        let secret = made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, secret).unwrap();
        value.windows(32).any(|window| window == bytes)
    };
    assert!(!held(&first), "a revoked one is overwritten");
}
