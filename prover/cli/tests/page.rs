//! The service's web page as a browser gets it: without a browser.
#![cfg(feature = "service")]

mod command;
mod server;
mod visitor;

use command::{STORY, Workplace, json};
use serde_json::{Value, json};
use server::{Answer, Server};
use visitor::Visitor;

const HOSTILE: &str = "<img src=x onerror=alert(1)>'\"&\u{202e}";

/// A key of a tenant: its name and its secret.
fn key(place: &Workplace, tenant: &str, scopes: &str) -> (String, String) {
    let made =
        json(place.folder.path(), &["api-key", "create", "--data", "data", "--tenant", tenant, "--scope", scopes]);
    (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

fn story(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(STORY).join(name)).unwrap()
}

/// An ONNX model of operator set 14: `output = relu(input)` of one DOUBLE, with these names.
fn rectifier(input: &str, output: &str) -> Vec<u8> {
    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        let mut length = content.len();
        while length >= 128 {
            bytes.push((length % 128) as u8 | 128);
            length /= 128;
        }
        bytes.push(length as u8);
        bytes.extend(content);
        bytes
    }
    let of_type =
        |name: &str| [field(0x0a, name.as_bytes()), field(0x12, b"\x0a\x08\x08\x0b\x12\x04\x0a\x02\x08\x01")].concat();
    let node =
        [field(0x0a, input.as_bytes()), field(0x12, output.as_bytes()), field(0x1a, b"relu"), field(0x22, b"Relu")]
            .concat();
    let graph =
        [field(0x0a, &node), field(0x12, b"g"), field(0x5a, &of_type(input)), field(0x62, &of_type(output))].concat();
    [b"\x08\x08".to_vec(), field(0x3a, &graph), b"\x42\x02\x10\x0e".to_vec()].concat()
}

/// No script, style or handler stands in a page, and its headers forbid them.
fn is_strict(path: &str, answer: &Answer) {
    let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for header in [
        policy,
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
        "cache-control: no-store",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(answer.head.lines().any(|line| line == header), "{path}: {header} in {}", answer.head);
    }
    let html = answer.text();
    for script in html.split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        assert!(
            attributes.contains("src=\"/page/static/") && rest.starts_with("</script>"),
            "{path}: <script{attributes}>"
        );
    }
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" style=") && !names.contains(" on") && !names.starts_with("style"), "{path}: <{tag}>");
    }
}

#[test]
fn what_strangers_chose_is_text() {
    let place = Workplace::with_model();
    let (_, secret) = key(&place, "desk", "read,prove,models");
    let mut server = Server::start(&place.path("data"), &[]);
    server.key = Some(secret.clone());
    let options = json!({"ranges": {HOSTILE: [-2, 2]}}).to_string();
    let onnx = rectifier(HOSTILE, "out</td>");
    let model = server.ready(&[("model", &onnx), ("options", options.as_bytes()), ("name", HOSTILE.as_bytes())]);
    let request = json!({"model": model, "inputs": {HOSTILE: [1.5]}});
    let proved = server.post("/v1/prove?wait=60000", &request);
    assert_eq!(proved.status, 200, "{}", proved.text());
    let job = proved.json();
    // One that failed, whose error names what was sent.
    let wrong = server.post("/v1/prove?wait=60000", &json!({"model": model, "inputs": {"<b>": [1]}}));
    let failed = wrong.json()["job"].as_str().unwrap().to_owned();
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let (proof, job) = (id(&job["result"]["proofs"][0]["id"]), id(&job["id"]));

    let visitor = Visitor::sign_in(&server, &secret);
    let paths = [
        "/page/jobs".to_owned(),
        "/page/jobs?state=%3Cscript%3E".to_owned(),
        "/page/jobs?model=%3Cscript%3E".to_owned(),
        "/page/models".to_owned(),
        format!("/page/models/{model}"),
        format!("/page/jobs/{job}"),
        format!("/page/jobs/{failed}"),
        format!("/page/proofs/{proof}"),
        "/page/login?next=%22%3E%3Cscript%3E".to_owned(),
        "/page/nothing".to_owned(),
    ];
    for path in &paths {
        let answer = visitor.get(path);
        is_strict(path, &answer);
        let html = answer.text();
        for raw in ["<img", "<b>'", "out</td>", "onerror=alert(1)>", "\u{202e}", "\"><script"] {
            assert!(!html.contains(raw), "{path} has {raw}");
        }
    }
    let shown = "&#60;img src=x onerror=alert(1)&#62;&#39;&#34;&#38;\\u{202e}";
    for path in [&paths[0], &paths[3], &paths[4], &paths[5], &paths[7]] {
        let html = visitor.get(path).text();
        assert!(html.contains(shown), "{path}: {html}");
    }
    // What the page says is what was proved.
    let html = visitor.get(&paths[7]).text();
    for part in
        ["Verified by this server", "UNSAFE reference string", "data-value=\"1.5\"", "One step is", "--key-digest 0x"]
    {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(visitor.get(&paths[6]).text().contains("invalid_input"));
    // The script that verifies gets the same files as a program.
    let file = visitor.get(&format!("/page/proofs/{proof}/proof.json"));
    assert_eq!(file.body, server.get(&format!("/v1/proofs/{proof}/file")).body);
    let vk = format!("/page/proofs/{proof}/vk.json");
    assert_eq!(visitor.get(&vk).body, server.get(&format!("/v1/models/{model}/artifacts/key")).body);
    // When the model is gone, its proofs still are verified.
    assert_eq!(server.send("DELETE", &format!("/v1/models/{model}"), &[], b"").status, 204);
    let html = visitor.get(&paths[7]).text();
    assert!(html.contains("Verified by this server") && html.contains("the model was removed"), "{html}");
    assert_eq!(visitor.get(&vk).status, 200);
    assert_eq!(visitor.get(&paths[4]).status, 404);
}

#[test]
fn sessions_tenants_and_forms() {
    let place = Workplace::with_model();
    let (_, one) = key(&place, "one", "read,prove,models");
    let (two_id, two) = key(&place, "two", "read");
    let (_, blind) = key(&place, "one", "prove");
    let (_, reader) = key(&place, "one", "read");
    let mut server = Server::start(&place.path("data"), &[]);
    server.key = Some(one.clone());
    let model = server.ready(&[("model", &story("model.onnx")), ("calibration", &story("calibration.json"))]);
    let input: Value = serde_json::from_slice(&story("inputs/stretched.json")).unwrap();
    server.key = None;

    // Nothing without a session, and then on to where one wanted to go.
    for (path, to) in [("/", "/page/jobs"), ("/page/models", "/page/login?next=/page/models")] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.location()), (303, to), "{}", answer.head);
    }
    let polled = server.send("GET", "/page/jobs/job_0/progress", &[("HX-Request", "true")], b"");
    assert!(polled.status == 401 && polled.head.contains("hx-redirect: /page/login?next="), "{}", polled.head);
    // A key is no key for pages: only what signing in gives.
    server.key = Some(one.clone());
    assert_eq!(server.get("/page/jobs").status, 303);
    server.key = None;

    // Only the own page signs in.
    let sign_in = |origin: &str, key: &str| {
        let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin)];
        server.send("POST", "/page/login", &form, format!("key={key}&next=/page/models").as_bytes())
    };
    let own = format!("http://{}", server.address);
    assert_eq!(sign_in("http://evil.example", &one).status, 403);
    assert_eq!(sign_in("null", &one).status, 403);
    let guess = format!("apo_{}", "0".repeat(64));
    for wrong in [guess.as_str(), "%3Cb%3E", ""] {
        let answer = sign_in(&own, wrong);
        assert_eq!(answer.status, 401);
        assert!(!answer.text().contains(wrong) || wrong.is_empty());
        assert!(!answer.head.contains("set-cookie"));
    }
    let answer = sign_in(&own, &one);
    assert_eq!((answer.status, answer.location()), (303, "/page/models"));
    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    for part in ["httponly", "samesite=strict", "path=/page", "max-age=43200"] {
        assert!(cookie.split("; ").any(|attribute| attribute == part), "{part} in {cookie}");
    }
    assert!(!cookie.contains(&one) && !answer.text().contains(&one));
    assert!(!cookie.contains("secure"), "plain HTTP");
    assert_eq!(server.get("/page/jobs").status, 303, "the cookie is needed");

    // A form without its token does nothing, from wherever.
    let visitor = Visitor::sign_in(&server, &one);
    let page = format!("/page/models/{model}");
    let prove = format!("{page}/prove");
    let inputs = input["inputs"].to_string();
    let fields = [("inputs", inputs.as_str()), ("once", "1")];
    let token = visitor.token(&page);
    assert_eq!(visitor.post(&prove, &own, "", &fields).status, 403);
    assert_eq!(visitor.post(&prove, "http://evil.example", &token, &fields).status, 403);
    assert_eq!(visitor.post(&prove, &own, &Visitor::sign_in(&server, &one).token(&page), &fields).status, 403);
    // Sent twice, it is one job.
    let first = visitor.post(&prove, &own, &token, &fields);
    assert_eq!(first.status, 303, "{}", first.text());
    let job = first.location().to_owned();
    assert!(job.starts_with("/page/jobs/job_"), "{job}");
    assert_eq!(visitor.post(&prove, &own, &token, &fields).location(), job);
    let again = visitor.post(&prove, &own, &token, &[("inputs", inputs.as_str()), ("once", "2")]);
    assert_ne!(again.location(), job);
    // What is wrong is told in the form, which keeps what was written.
    let answer = visitor.post(&prove, &own, &token, &[("inputs", "{\"a<b\": "), ("context", "0x1")]);
    let html = answer.text();
    assert_eq!(answer.status, 400);
    assert!(html.contains("the inputs are no JSON") && html.contains("{&#34;a&#60;b&#34;: </textarea>"), "{html}");
    let bad_context = visitor.post(&prove, &own, &token, &[("inputs", inputs.as_str()), ("context", "0x1")]);
    assert!(bad_context.status == 400 && bad_context.text().contains("role=\"alert\" id=\"prove-wrong\""));

    // A model is handed in with the token beside it.
    let hand_in = |token: &str, origin: &str, onnx: &[u8]| {
        let (cookie, calibration) = (visitor.cookie(), story("calibration.json"));
        let headers = [("Cookie", cookie), ("Origin", origin), ("X-Form-Token", token)];
        server.hand_in("/page/models", &headers, &[("model", onnx), ("calibration", &calibration)])
    };
    let onnx = story("model.onnx");
    assert_eq!(hand_in("", &own, &onnx).status, 403);
    assert_eq!(hand_in(&token, "http://evil.example", &onnx).status, 403);
    let same = hand_in(&token, &own, &onnx);
    assert!(same.status == 200 && same.head.contains(&format!("hx-redirect: {page}")), "compiled once: {}", same.head);
    let empty = server.hand_in(
        "/page/models",
        &[("Cookie", visitor.cookie()), ("Origin", &own), ("X-Form-Token", &token)],
        &[],
    );
    assert!(empty.status == 200 && empty.text().contains("the part `model` is missing"), "{}", empty.text());

    // It ends; then the script is told to stop asking.
    let ended = visitor.until(&format!("{job}/progress"), |answer| answer.status == 286);
    assert!(ended.text().contains("/page/proofs/prf_"), "{}", ended.text());
    let proof = ended.text().split("/page/proofs/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let cancelled = visitor.post(&format!("{job}/cancel"), &own, &token, &[]);
    assert_eq!((cancelled.status, cancelled.location()), (303, job.as_str()));

    // The other tenant sees nothing of it, in the same words as of nothing.
    let other = Visitor::sign_in(&server, &two);
    let paths = [
        job.clone(),
        format!("{job}/progress"),
        page.clone(),
        format!("/page/proofs/{proof}"),
        format!("/page/proofs/{proof}/proof.json"),
        format!("/page/proofs/{proof}/vk.json"),
    ];
    for path in &paths {
        let (theirs, nobodys) = (other.get(path), other.get(&path.replace(|digit: char| digit.is_ascii_digit(), "0")));
        assert_eq!((theirs.status, theirs.text()), (404, nobodys.text()), "{path}");
        assert!(matches!(visitor.get(path).status, 200 | 286), "{path}");
    }
    assert!(other.get("/page/jobs").text().contains("There are no jobs yet"));
    let token = other.token("/page/jobs");
    assert_eq!(other.post(&format!("{job}/cancel"), &own, &token, &[]).status, 404);
    assert_eq!(other.post(&prove, &own, &token, &fields).status, 403);
    // What a key may not do, its forms may not either, and are not shown.
    let reading = Visitor::sign_in(&server, &reader);
    assert!(!reading.get(&page).text().contains("Prove a decision"));
    assert!(!reading.get("/page/models").text().contains("Hand in a model"));
    let own_token = reading.token(&page);
    assert_eq!(reading.post(&prove, &own, &own_token, &fields).status, 403);
    assert_eq!(reading.post(&format!("{job}/cancel"), &own, &own_token, &[]).status, 403);
    let headers = [("Cookie", other.cookie()), ("Origin", own.as_str()), ("X-Form-Token", token.as_str())];
    assert_eq!(server.hand_in("/page/models", &headers, &[("model", b"x")]).status, 403);
    assert_eq!(Visitor::sign_in(&server, &blind).get("/page/jobs").status, 403);

    // Lists go on where they ended.
    let html = visitor.get("/page/jobs?state=succeeded&kind=prove").text();
    assert!(html.contains("<option value=\"succeeded\" selected>"), "{html}");
    assert!(visitor.get("/page/jobs?state=failed").text().contains("No job is like this"));
    for wrong in ["/page/jobs?cursor=x", "/page/jobs?kind=x", "/page/models?cursor=x"] {
        assert_eq!(visitor.get(wrong).status, 400, "{wrong}");
    }

    // Sessions end with the key, and when one leaves.
    assert_eq!(other.get("/page/jobs").status, 200);
    json(place.folder.path(), &["api-key", "revoke", "--data", "data", &two_id]);
    assert_eq!(other.get("/page/jobs").location(), "/page/login?next=/page/jobs");
    let left = visitor.post("/page/logout", &own, &visitor.token("/page/jobs"), &[]);
    assert!(
        left.status == 303 && left.head.contains("apodict_session=; path=/page; httponly; samesite=strict; max-age=0")
    );
    assert_eq!(visitor.get("/page/jobs").status, 303);
}

#[test]
fn files_are_kept_by_browsers_and_the_page_can_be_left_out() {
    let place = Workplace::with_model();
    let server = Server::start(&place.path("data"), &[]);
    for (name, kind) in [("page.css", "text/css"), ("verify.js", "text/javascript"), ("icon.svg", "image/svg+xml")] {
        let path = format!("/page/static/{name}");
        let answer = server.get(&path);
        assert!(answer.status == 200 && answer.head.contains(&format!("content-type: {kind}")), "{}", answer.head);
        let tag = answer.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let again = server.send("GET", &path, &[("If-None-Match", tag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(server.send("GET", &path, &[("If-None-Match", "\"0\"")], b"").body, answer.body);
    }
    for none in ["/page/static/none.js", "/page/static/..%2f..%2fCargo.toml", "/page/%ff"] {
        assert_eq!(server.get(none).status, 404, "{none}");
    }
    // Guessing is limited, and so is what a form may hold.
    let limited = Server::start(&place.path("other"), &["--rate", "1"]);
    let own = format!("http://{}", limited.address);
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", own.as_str())];
    let large = limited.send("POST", "/page/login", &form, format!("key={}", "0".repeat(2 << 20)).as_bytes());
    assert!(large.status == 413 && large.text().contains("use the API"), "{}", large.text());
    let guesses: Vec<u16> = (0..15).map(|_| limited.send("POST", "/page/login", &form, b"key=apo_0").status).collect();
    assert!(guesses[..8].iter().all(|status| *status == 401) && guesses[14] == 429, "{guesses:?}");
    drop(limited);
    // The API's answers have its own policy.
    assert!(
        server.get("/v1/version").head.contains("content-security-policy: default-src 'none'; frame-ancestors 'none'")
    );
    drop(server);

    let server = Server::start(&place.path("data"), &["--no-page"]);
    for path in ["/", "/page", "/page/login", "/page/jobs", "/page/static/page.css"] {
        assert_eq!(server.get(path).json()["code"], "not_found", "{path}");
    }
    assert_eq!(server.get("/v1/jobs").status, 200);
}
