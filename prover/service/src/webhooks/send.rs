//! One message on its way: signed, to an address that may be called, once.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use apodict_http::ureq::config::Config as HttpConfig;
use apodict_http::ureq::http::Uri;
use apodict_http::ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use apodict_http::ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use apodict_http::ureq::{self, Agent};
use apodict_http::{BadUrl, Broken, Endpoint, careful, tls};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::network::{Network, is_public};
use crate::ids::random;

/// Before a secret, where it is shown.
const SECRET_PREFIX: &str = "whsec_";

/// The most bytes of an answer's head.
const HEAD_BYTES: usize = 16 << 10;

/// A message as it is sent, by the headers of the Standard Webhooks.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) timestamp_s: i64,
    pub(super) body: Vec<u8>,
}

/// 256 random bits, and how they are shown.
pub fn new_secret() -> ([u8; 32], String) {
    let value = random::<32>();
    (value, format!("{SECRET_PREFIX}{}", STANDARD.encode(value)))
}

/// `v1,` and the HMAC-SHA256 of name, time and body, for each secret: whoever knows one of them finds theirs.
fn signatures(message: &Message, secrets: &[Vec<u8>]) -> String {
    let signatures = secrets.iter().filter_map(|secret| {
        // A key of any length is one.
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        mac.update(format!("{}.{}.", message.id, message.timestamp_s).as_bytes());
        mac.update(&message.body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// Who may be called, besides the internet.
#[derive(Clone, Debug)]
struct Reach(Vec<Network>);

impl Reach {
    fn allows(&self, address: IpAddr) -> bool {
        (is_public(address) && !is_ours(address)) || self.0.iter().any(|network| network.contains(address))
    }
}

/// Whether this machine has the address: it would reach what listens for the machine itself, behind no firewall.
fn is_ours(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Finds a name's addresses, of which only those remain that may be called: looked at when they are used, since a name may lead elsewhere by
/// then.
#[derive(Debug)]
struct CheckedResolver {
    names: DefaultResolver,
    reach: Reach,
}

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &HttpConfig,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = match self.names.resolve(uri, config, timeout) {
            Err(error @ ureq::Error::Timeout(_)) => return Err(error),
            // Whether a name is known here is nobody's business.
            Err(_) => return Err(ureq::Error::HostNotFound),
            Ok(found) => found,
        };
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| self.reach.allows(address.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(allowed) }
    }
}

/// Sends messages.
#[derive(Debug)]
pub(super) struct Sender {
    agent: Agent,
    reach: Reach,
}

impl Sender {
    /// With so much time for each message.
    pub(super) fn new(allow: Vec<Network>, timeout: Duration) -> Self {
        let mut config = careful()
            // A proxy would look names up by itself, and call whom it likes.
            .proxy(None)
            .timeout_global(Some(timeout))
            .max_response_header_size(HEAD_BYTES)
            // Each message is sent to addresses that were looked at for it.
            .max_idle_connections(0)
            .user_agent(concat!("apodict/", env!("CARGO_PKG_VERSION")));
        if let Some(tls) = tls() {
            config = config.tls_config(tls);
        }
        let reach = Reach(allow);
        let resolver = CheckedResolver { names: DefaultResolver::default(), reach: reach.clone() };
        Self { agent: Agent::with_parts(config.build(), DefaultConnector::default(), resolver), reach }
    }

    /// Whether messages may go to an address, as far as it shows.
    ///
    /// # Errors
    /// A text for the client.
    pub(super) fn check(&self, url: &str) -> Result<(), String> {
        let endpoint = Endpoint::parse(url).map_err(|BadUrl { reason, .. }| reason.to_owned())?;
        let host = endpoint.host().trim_start_matches('[').trim_end_matches(']');
        match host.parse() {
            Ok(address) if !self.reach.allows(address) => {
                Err("this server calls no such address; its operator may allow it with --webhook-allow".to_owned())
            }
            _ if endpoint.is_encrypted() && tls().is_none() => {
                Err("this server has no certificates to check https with: its operator has to install them".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Sends a message and waits for the status of the answer, which is not read.
    ///
    /// # Errors
    /// Why there was none: `timeout`, `no_address`, `tls`, `connection`, `no_http`.
    pub(super) fn send(&self, url: &str, message: &Message, secrets: &[Vec<u8>]) -> Result<u16, &'static str> {
        // It may have been stored by a server that had certificates.
        if url.starts_with("https") && tls().is_none() {
            return Err("tls");
        }
        let request = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.timestamp_s.to_string())
            .header("webhook-signature", signatures(message, secrets));
        let answer = request.send(&message.body[..]).map_err(|error| match Broken::from(error) {
            Broken::Slow => "timeout",
            Broken::NoHost => "no_address",
            Broken::Tls(_) => "tls",
            Broken::NoHttp(_) | Broken::TooLong(_) => "no_http",
            _ => "connection",
        })?;
        Ok(answer.status().as_u16())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            timestamp_s: 1_614_265_330,
            body: br#"{"test": 2432232314}"#.to_vec(),
        };
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(&message, std::slice::from_ref(&secret)), signature);
        let both = signatures(&message, &[b"new".to_vec(), secret]);
        assert!(both.ends_with(&format!(" {signature}")) && both.matches("v1,").count() == 2, "{both}");
    }

    #[test]
    fn secrets_are_long_and_shown_as_the_standard_has_them() {
        let (value, shown) = new_secret();
        assert_eq!(STANDARD.decode(shown.strip_prefix("whsec_").unwrap()).unwrap(), value);
        assert_ne!(new_secret().0, value);
    }

    #[test]
    fn addresses_are_looked_at_when_they_are_named_and_when_they_are_called() {
        let message = Message { id: "msg".to_owned(), timestamp_s: 1, body: vec![] };
        let sender = Sender::new(vec![], Duration::from_secs(5));
        for url in ["http://127.0.0.1/", "http://[::1]:1/", "http://169.254.169.254/latest", "http://10.0.0.1:80/"] {
            assert!(sender.check(url).unwrap_err().contains("--webhook-allow"), "{url}");
        }
        for url in ["ftp://a/", "a", "http://u:p@a.example/"] {
            sender.check(url).unwrap_err();
        }
        // Names of this machine, as they are and in the forms that resolvers take for numbers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let url = format!("http://{host}:{port}/");
            assert_eq!(sender.send(&url, &message, &[]), Err("no_address"), "{host}");
        }
        assert!(listener.accept().is_err(), "nobody came");
        let sender = Sender::new(vec!["127.0.0.0/8".parse().unwrap()], Duration::from_millis(300));
        sender.check("http://127.0.0.1/").unwrap();
        assert_eq!(sender.send(&format!("http://localhost:{port}/"), &message, &[]), Err("timeout"), "it came");
    }
}
