//! The service's web page in Chromium: as people meet it. `cargo xtask page` runs it, with the browser in $CHROMIUM; pictures of all
//! pages go to $APODICT_SCREENSHOTS.
#![cfg(feature = "service")]

mod chromium;
mod command;
mod server;

use std::path::{Path, PathBuf};

use chromium::{Browser, LOOKS};
use command::{STORY, Workplace, json};
use serde_json::Value;
use server::Server;

/// Words of the page: whatever is hard to read, or has no name, or does not fit.
const FAULTS: &str = r#"(() => {
  const faults = [];
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const box = element.getBoundingClientRect();
    if (!texts.currentNode.data.trim() || box.width < 2 || element.closest("script, noscript, title, .hidden, .skip")) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement ? style.fill : style.color;
    const [one, two] = [light(over(parse(drawn), ground(element))), light(ground(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
    count += 1;
  }
  if (count < 5) faults.push(`only ${count} texts`);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (field.labels.length === 0) faults.push(`no label: ${field.name}`);
  }
  for (const button of document.querySelectorAll("button, a, summary")) {
    if (!button.textContent.trim()) faults.push(`no name: ${button.outerHTML}`);
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`${wide} pixels too wide`);
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one heading");
  return faults;
})()"#;

/// One digit in the middle of the proof is another.
const TAMPER: &str = r#"
const real = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const answer = await real(...request);
  if (!String(request[0]).endsWith("/proof.json")) return answer;
  const file = JSON.parse(await answer.text());
  const at = Math.floor(file.proof.length / 2);
  file.proof = file.proof.slice(0, at) + (file.proof[at] === "0" ? "1" : "0") + file.proof.slice(at + 1);
  return new Response(JSON.stringify(file), { status: answer.status });
};"#;

/// A server that shows another value than the proof proves.
const LIE: &str = r#"
document.addEventListener("readystatechange", () => {
  const cell = document.querySelector("td[data-side=outputs]");
  if (document.readyState === "interactive" && cell) cell.dataset.value = "0.5";
});"#;

/// Pictures of a page in every look, and what is wrong with it in each.
fn look_at(browser: &mut Browser, folder: &Path, name: &str) {
    for look in LOOKS {
        let path = folder.join(format!("{name}-{}.png", look.name));
        browser.picture(look, &path);
        assert!(path.metadata().unwrap().len() > 5000, "{}", path.display());
        let faults = browser.value(FAULTS);
        assert_eq!(faults, serde_json::json!([]), "{name}, {}", look.name);
    }
    browser.look(LOOKS[0], 800);
}

#[test]
#[ignore = "needs Chromium: `cargo xtask page` runs it"]
fn a_decision_is_proved_and_verified_in_the_browser() {
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let scratch = tempfile::tempdir().unwrap();
    let pictures = std::env::var_os("APODICT_SCREENSHOTS").map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&pictures).unwrap();
    let place = Workplace::with_model();
    let made = json(place.folder.path(), &["api-key", "create", "--data", "data"]);
    let secret = made["secret"].as_str().unwrap();
    let mut server = Server::start(&place.path("data"), &[]);
    server.key = Some(secret.to_owned());
    let story = |name: &str| std::fs::read(Path::new(STORY).join(name)).unwrap();
    let model = server.ready(&[("model", &story("model.onnx")), ("calibration", &story("calibration.json"))]);
    let input: Value = serde_json::from_slice(&story("inputs/stretched.json")).unwrap();
    let base = format!("http://{}", server.address);

    // Signing in, first with a wrong key.
    let mut browser = Browser::start(&program);
    browser.look(LOOKS[0], 800);
    browser.open(&format!("{base}/page/login?next=/page/models/{model}"));
    look_at(&mut browser, &pictures, "login");
    browser.fill("#key", "apo_wrong");
    browser.click("main button");
    browser.wait("document.querySelector('#wrong')");
    look_at(&mut browser, &pictures, "login-refused");
    assert!(browser.complaints.iter().all(|complaint| complaint.contains("401")), "{:?}", browser.complaints);
    browser.complaints.clear();
    browser.fill("#key", secret);
    browser.click("main button");
    browser.wait("document.querySelector('#inputs')");
    assert_eq!(browser.value("location.pathname"), format!("/page/models/{model}"));
    // No script can read what the browser holds, and none keeps anything.
    assert_eq!(browser.value("document.cookie + localStorage.length + sessionStorage.length"), "00");

    // The model, and a form with inputs that fit it.
    look_at(&mut browser, &pictures, "model");
    let example = browser.value("JSON.parse(document.querySelector('#inputs').value).features[0].length");
    assert_eq!(example, 16);
    browser.fill("#inputs", "{");
    browser.click("#prove ~ form button");
    browser.wait("document.querySelector('#prove-wrong')");
    assert!(browser.complaints.iter().all(|complaint| complaint.contains("400")), "{:?}", browser.complaints);
    browser.complaints.clear();
    browser.fill("#inputs", &input["inputs"].to_string());
    browser.click("#prove ~ form button");

    // The job, which ends before one's eyes: nobody loads the page again.
    browser.wait("location.pathname.startsWith('/page/jobs/job_')");
    browser.wait(
        "document.querySelector('#told').textContent.trim() === 'succeeded' && document.querySelector('.proofs a')",
    );
    assert_eq!(browser.value("document.querySelector('#cancel') === null"), true);
    look_at(&mut browser, &pictures, "job");
    browser.click(".proofs a");

    // The proof, verified by this browser.
    browser.wait("document.querySelector('#browser-badge.unsafe')");
    assert_eq!(browser.value("document.querySelectorAll('.badge.valid').length"), 1, "not with a development string");
    let badge = browser.value("document.querySelector('#browser-badge').innerText").as_str().unwrap().to_owned();
    assert!(badge.contains("Verified in your browser") && badge.contains("which this server names"), "{badge}");
    let shown = browser.value("document.querySelector('.words').innerText").as_str().unwrap().to_owned();
    assert!(shown.contains("bad_debt_probability = 0.0"), "{shown}");
    look_at(&mut browser, &pictures, "proof");
    let address = browser.value("location.href").as_str().unwrap().to_owned();

    // A proof that was tampered with on its way is refused.
    let tamper = browser.before_pages(TAMPER);
    browser.open(&address);
    browser.wait("document.querySelector('#browser-badge.invalid')");
    let why = browser.value("document.querySelector('#browser-badge').innerText").as_str().unwrap().to_owned();
    assert!(why.contains("Invalid, says your browser"), "{why}");
    look_at(&mut browser, &pictures, "proof-tampered");
    browser.no_longer_before_pages(&tamper);
    // So is a page that shows another value.
    let lie = browser.before_pages(LIE);
    browser.open(&address);
    browser.wait("document.querySelector('#browser-badge.invalid')");
    let why = browser.value("document.querySelector('#browser-badge').innerText").as_str().unwrap().to_owned();
    assert!(why.contains("1 values on this page are not the proved ones"), "{why}");
    browser.no_longer_before_pages(&lie);

    // The lists, and a job that fails.
    let wrong =
        server.post("/v1/prove?wait=60000", &serde_json::json!({"model": model, "inputs": {"features": [[1]]}}));
    let failed = wrong.json()["job"].as_str().unwrap().to_owned();
    for (name, path) in [
        ("jobs", "/page/jobs".to_owned()),
        ("models", "/page/models".to_owned()),
        ("job-failed", format!("/page/jobs/{failed}")),
        ("not-found", "/page/nothing".to_owned()),
    ] {
        browser.open(&format!("{base}{path}"));
        look_at(&mut browser, &pictures, name);
    }
    browser.complaints.retain(|complaint| !complaint.contains("404"));
    assert_eq!(browser.complaints, Vec::<String>::new());
    // Signed out, the way back leads to signing in.
    browser.open(&format!("{base}/page/jobs"));
    browser.click(".leave button");
    browser.wait("location.pathname === '/page/login'");
    browser.open(&format!("{base}/page/login?next=%2Fpage%2Fjobs"));
    browser.call("Page.navigate", serde_json::json!({"url": address}));
    browser.wait("location.pathname === '/page/login' && location.search.includes('proofs')");
}
