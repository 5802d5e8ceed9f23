//! Headless Chromium, driven by its DevTools protocol over pipes: no driver, no port, no package.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a page is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) name: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) width: u32,
}

/// Wide and narrow, in light and dark.
pub(crate) const LOOKS: [Look; 4] = [
    Look { name: "wide-light", scheme: "light", width: 1280 },
    Look { name: "wide-dark", scheme: "dark", width: 1280 },
    Look { name: "phone-light", scheme: "light", width: 375 },
    Look { name: "phone-dark", scheme: "dark", width: 375 },
];

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Option<String>,
    next: u64,
    /// What the browser complained about: errors of scripts, what a policy forbids, files that are not there.
    pub(crate) complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start(program: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads commands from its file 3 and answers on 4.
        let mut process = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", program])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self { process, to, from, session: None, next: 0, complaints: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command, and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.next += 1;
        let id = self.next;
        let mut command = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.to.write_all(command.to_string().as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        self.to.flush().unwrap();
        loop {
            let mut answer = self.from.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{method}: no answer"));
            if answer["id"] == id {
                return if answer["error"].is_null() {
                    Ok(answer["result"].take())
                } else {
                    Err(answer["error"].take())
                };
            }
            self.hear(&answer);
        }
    }

    fn hear(&mut self, event: &Value) {
        let complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(&event["params"]["exceptionDetails"]),
            Some("Log.entryAdded") if event["params"]["entry"]["level"] == "error" => Some(&event["params"]["entry"]),
            _ => None,
        };
        self.complaints.extend(complaint.map(Value::to_string));
    }

    /// Goes to an address, and waits until all of it is there.
    pub(crate) fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({"url": address}));
        self.wait(&format!("location.href === {} && document.readyState === 'complete'", json!(address)));
    }

    /// What an expression of the page is.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let mut answer = self.call("Runtime.evaluate", evaluation(expression));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression of the page holds, whatever page comes meanwhile.
    pub(crate) fn wait(&mut self, expression: &str) {
        let start = Instant::now();
        let safe = format!("(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()");
        // A page that goes while it is asked gives no answer.
        while !self.ask("Runtime.evaluate", evaluation(&safe)).is_ok_and(|answer| answer["result"]["value"] == true) {
            let page = if start.elapsed() > PATIENCE { self.value("document.body.innerText") } else { Value::Null };
            assert!(start.elapsed() <= PATIENCE, "{expression}: {page}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn click(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({}).click()", json!(selector)));
    }

    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        self.value(&format!("document.querySelector({}).value = {}", json!(selector), json!(text)));
    }

    /// Runs a script before those of every page from now on.
    pub(crate) fn before_pages(&mut self, script: &str) -> Value {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script}))["identifier"].take()
    }

    pub(crate) fn no_longer_before_pages(&mut self, identifier: &Value) {
        self.call("Page.removeScriptToEvaluateOnNewDocument", json!({"identifier": identifier}));
    }

    /// Shows the page in a size and colours.
    pub(crate) fn look(&mut self, look: Look, height: u64) {
        let phone = look.width < 600;
        let metrics = json!({"width": look.width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([
            {"name": "prefers-color-scheme", "value": look.scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// A picture of the whole page, as a PNG file.
    pub(crate) fn picture(&mut self, look: Look, path: &Path) {
        self.look(look, 800);
        let height = self.value("document.documentElement.scrollHeight").as_u64().unwrap();
        self.look(look, height.clamp(800, 8000));
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"}));
        std::fs::write(path, from_base64(picture["data"].as_str().unwrap())).unwrap();
    }
}

/// What an expression is asked with.
fn evaluation(expression: &str) -> Value {
    json!({"expression": expression, "returnByValue": true, "awaitPromise": true})
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit).unwrap() as u32;
        bits = ((bits << 6) | value) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
