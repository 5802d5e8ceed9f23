//! Somebody who signed in to the page, as a client of a few lines.

use std::time::{Duration, Instant};

use crate::server::{Answer, Server};

/// A session with a server.
pub(crate) struct Visitor<'a> {
    server: &'a Server,
    cookie: String,
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

impl<'a> Visitor<'a> {
    /// Signs in, which must succeed.
    pub(crate) fn sign_in(server: &'a Server, key: &str) -> Self {
        let origin = format!("http://{}", server.address);
        let answer = server.send("POST", "/page/login", &[FORM, ("Origin", &origin)], format!("key={key}").as_bytes());
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        Self { server, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    /// As the browser sends it.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.server.send("GET", path, &[("Cookie", &self.cookie)], b"")
    }

    /// Sends a form with a token, from a page of an origin.
    pub(crate) fn post(&self, path: &str, origin: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = format!("token={token}");
        for (name, value) in fields {
            let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            body += &format!("&{name}={value}");
        }
        let headers = [FORM, ("Cookie", self.cookie.as_str()), ("Origin", origin)];
        self.server.send("POST", path, &headers, body.as_bytes())
    }

    /// The token in the forms of a page.
    pub(crate) fn token(&self, path: &str) -> String {
        let html = self.get(path).text();
        let rest = html.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {html}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Asks until the answer is as it should be.
    pub(crate) fn until(&self, path: &str, right: impl Fn(&Answer) -> bool) -> Answer {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if right(&answer) {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{path}: {}", answer.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
