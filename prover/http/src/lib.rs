//! Asking servers that are not trusted: addresses that are checked, no redirects, bounded answers.

use std::io;
use std::sync::{Arc, OnceLock};

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

pub use ureq;

/// Characters of a stranger's text that are shown.
pub const MAX_TEXT: usize = 300;

/// The most bytes of an address.
const MAX_URL: usize = 2000;

/// An address with which nothing can be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadUrl {
    /// As much of the address as cannot be secret: `https://host`. What is beside the host may be somebody's key, and so may all of what
    /// cannot be read.
    pub shown: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// An `http` or `https` address.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    uri: Uri,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Endpoint({})", self.shown())
    }
}

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadUrl`]: it is longer than 2000 bytes, is neither `http` nor `https`, names no host, or holds a user's name.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let uri = url.parse::<Uri>().ok();
        let shown = uri.as_ref().map(shown).unwrap_or_default();
        let bad = |reason| BadUrl { shown: shown.clone(), reason };
        if url.len() > MAX_URL {
            return Err(bad("it is longer than 2000 bytes"));
        }
        let uri = uri.as_ref().ok_or_else(|| bad("it cannot be read"))?;
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a user's name and password are not passed on"));
        }
        if authority.host().is_empty() {
            return Err(bad("it names no host"));
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("it begins with neither http:// nor https://"));
        }
        Ok(Self { url: url.to_owned(), uri: uri.clone() })
    }

    /// As it was written.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.uri.authority().map(|authority| authority.as_str()).unwrap_or_default()
    }

    /// The host alone, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// What of it may be shown: `https://host:port`.
    pub fn shown(&self) -> String {
        shown(&self.uri)
    }

    /// Whether what is sent is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether it is this machine, by its name.
    pub fn is_loopback(&self) -> bool {
        matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]")
    }

    /// An agent's settings: no redirects, every status is an answer, and for `https` the certificates that the system trusts. This machine is
    /// asked without a proxy.
    ///
    /// # Errors
    /// [`BadUrl`]: the system has no certificates.
    pub fn config(&self) -> Result<ConfigBuilder<AgentScope>, BadUrl> {
        let mut config = careful();
        if self.is_encrypted() {
            let reason = "this system has no certificates to check it with";
            config = config.tls_config(tls().ok_or_else(|| BadUrl { shown: self.shown(), reason })?);
        }
        Ok(if self.is_loopback() { config.proxy(None) } else { config })
    }
}

/// Settings that follow no redirect and take every status as an answer.
pub fn careful() -> ConfigBuilder<AgentScope> {
    Agent::config_builder().max_redirects(0).max_redirects_will_error(false).http_status_as_error(false)
}

fn shown(uri: &Uri) -> String {
    let host = uri.authority().map(|authority| {
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    match (uri.scheme_str(), host) {
        (Some(scheme), Some(host)) => format!("{scheme}://{host}"),
        _ => String::new(),
    }
}

/// With the certificates that the system trusts, read once; `None` where it has none.
pub fn tls() -> Option<TlsConfig> {
    static TLS: OnceLock<Option<TlsConfig>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return None;
        }
        let roots = found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect::<Vec<_>>();
        let provider = rustls::crypto::ring::default_provider();
        let builder = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
        Some(builder.unversioned_rustls_crypto_provider(Arc::new(provider)).build())
    };
    TLS.get_or_init(read).clone()
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// It took too long.
    Slow,
    /// The answer is longer than this.
    TooLong(u64),
    /// What came is no HTTP.
    NoHttp(String),
    /// The name leads nowhere.
    NoHost,
    /// The other side's certificate is not trusted, or it speaks no TLS.
    Tls(String),
    /// There is no connection, or it broke off.
    Connection(String),
}

impl From<ureq::Error> for Broken {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Slow,
            ureq::Error::BodyExceedsLimit(most) => Self::TooLong(most),
            ureq::Error::LargeResponseHeader(_, most) => Self::TooLong(most as u64),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::Slow,
            ureq::Error::Io(error) => match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
                Some(error) => Self::Tls(shortened(&error.to_string())),
                None => Self::Connection(shortened(&error.to_string())),
            },
            ureq::Error::Rustls(error) => Self::Tls(shortened(&error.to_string())),
            ureq::Error::Tls(error) => Self::Tls(error.to_owned()),
            ureq::Error::Protocol(error) => Self::NoHttp(shortened(&error.to_string())),
            ureq::Error::HostNotFound => Self::NoHost,
            other => Self::Connection(shortened(&other.to_string())),
        }
    }
}

/// The beginning of a stranger's text.
pub fn shortened(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_what_may_be_secret() {
        let endpoint = Endpoint::parse("https://hooks.example:8443/secret?token=1").unwrap();
        assert_eq!(endpoint.shown(), "https://hooks.example:8443");
        assert_eq!((endpoint.host(), endpoint.authority()), ("hooks.example", "hooks.example:8443"));
        assert!(endpoint.is_encrypted() && !endpoint.is_loopback());
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(Endpoint::parse("http://[::1]:1/").unwrap().is_loopback());
        for (url, reason) in [
            ("", "it cannot be read"),
            ("a b", "it cannot be read"),
            ("/path", "it names no host"),
            ("http://", "it cannot be read"),
            ("http://:80/", "it names no host"),
            ("ftp://a/", "it begins with neither http:// nor https://"),
            ("http://user:password@a/", "a user's name and password are not passed on"),
            ("http://a/\r\nX: y", "it cannot be read"),
            (&format!("http://a/{}", "x".repeat(2000)), "it is longer than 2000 bytes"),
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert_eq!(error.reason, reason, "{url}");
            assert!(!error.shown.contains("password"), "{}", error.shown);
        }
    }
}
