//! API keys, tenants, rate limits.
//!
//! A key is `apo_` and 64 hexadecimal digits: 256 random bits. Only its BLAKE3 digest is stored, so whoever reads the store has no key;
//! with so many bits, a slow hash would add nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};

use super::body::single;
use super::{Access, App, Problem};
use crate::clock::wall_ms;
use crate::codes;
use crate::ids::{Digest, Named, new_id, random};
use crate::store::{Act, ApiKey, Scope};

const PREFIX: &str = "apo_";

/// Whose everything is on a server without keys, and of keys that name no other.
const DEFAULT_TENANT: &str = "default";

/// Where a request came from: set by the server for each connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// A new key: what is stored, the digest of its secret, and the secret, which is shown once.
pub fn new_key(tenant: String, name: String, scopes: Vec<Scope>, expires_ms: Option<i64>) -> (ApiKey, String, String) {
    let secret = format!("{PREFIX}{}", hex::encode(random::<32>()));
    let created_ms = wall_ms();
    let key = ApiKey { id: new_id(Named::Key), tenant, name, scopes, created_ms, expires_ms, revoked_ms: None };
    (key, Digest::of(secret.as_bytes()).to_string(), secret)
}

/// Whose bucket failed attempts are taken from: an IPv6 address has neighbours that are as easily had.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// Tokens that come back with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// One bucket for each who asks. Those that are full again are forgotten.
#[derive(Debug)]
struct Buckets<K> {
    rate: f64,
    burst: f64,
    of: Mutex<HashMap<K, Bucket>>,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(rate: f64) -> Self {
        Self { rate, burst: rate * 10.0, of: Mutex::default() }
    }

    fn take(&self, who: K, now: Instant) -> bool {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= 10_000 {
            of.retain(|_, bucket| bucket.tokens + bucket.at.elapsed().as_secs_f64() * self.rate < self.burst);
        }
        let bucket = of.entry(who).or_insert(Bucket { tokens: self.burst, at: now });
        let earned = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + earned).min(self.burst);
        bucket.at = now;
        let taken = bucket.tokens >= 1.0;
        if taken {
            bucket.tokens -= 1.0;
        }
        taken
    }
}

/// Who comes in, and how often.
#[derive(Debug)]
pub(crate) struct Gate {
    access: Access,
    /// Whether there has ever been a key: from then on, one is asked for.
    keys_exist: AtomicBool,
    by_key: Buckets<String>,
    /// Of requests without a valid key: guessing is limited. Those with one are not counted here, since a proxy's address is that of all
    /// its clients.
    failures: Buckets<IpAddr>,
}

impl Gate {
    pub(super) fn new(access: Access, requests_per_s: f64) -> Self {
        Self {
            access,
            keys_exist: AtomicBool::new(false),
            by_key: Buckets::new(requests_per_s),
            failures: Buckets::new(requests_per_s),
        }
    }

    /// Counts a request with a valid key.
    fn admit(&self, key: String, caller: Caller) -> Result<Caller, Problem> {
        if self.by_key.take(key, Instant::now()) { Ok(caller) } else { Err(limited()) }
    }

    /// Counts a request without a valid key. Returns what it is told.
    fn refuse(&self, from: Option<&PeerAddress>, refused: Problem) -> Problem {
        self.count_stranger(from).err().unwrap_or(refused)
    }

    /// Counts a request of somebody who has shown no valid key, and refuses it if there were too many.
    pub(crate) fn count_stranger(&self, from: Option<&PeerAddress>) -> Result<(), Problem> {
        let network = from.map(|PeerAddress(address)| network(address.ip()));
        let may = network.is_none_or(|network| self.failures.take(network, Instant::now()));
        if may { Ok(()) } else { Err(limited()) }
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: String,
    /// The key, or `this_machine`.
    pub(crate) actor: String,
    scopes: Vec<Scope>,
}

impl Caller {
    /// What is done now.
    pub(crate) fn act(&self, app: &App) -> Act {
        Act { actor: self.actor.clone(), at_ms: app.works.clock.now_ms() }
    }

    pub(crate) fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::new(codes::FORBIDDEN, format_args!("this needs an API key with the scope {scope}")))
    }

    /// What the store knows a key by.
    pub(crate) fn hash_of_key(secret: &str) -> Result<String, Problem> {
        let well_formed = secret.strip_prefix(PREFIX).is_some_and(|digits| digits.len() == 64);
        if well_formed { Ok(Digest::of(secret.as_bytes()).to_string()) } else { Err(unknown_key()) }
    }

    /// Whose the key is, which must open something now. Counts against its rate.
    pub(crate) async fn of_key(app: &App, hash: &str) -> Result<Self, Problem> {
        let (id, caller) = Self::known(app, hash).await?;
        app.gate.admit(id, caller)
    }

    async fn known(app: &App, hash: &str) -> Result<(String, Self), Problem> {
        let key = app.works.store.key_of_hash(hash).await?.filter(|key| key.is_valid(wall_ms()));
        let key = key.ok_or_else(unknown_key)?;
        Ok((key.id.clone(), Self { tenant: key.tenant, actor: key.id, scopes: key.scopes }))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match authenticate(parts, app).await {
            Ok((id, caller)) => app.gate.admit(id, caller),
            Err(refused) => Err(app.gate.refuse(parts.extensions.get::<PeerAddress>(), refused)),
        }
    }
}

/// Who asks, and whose bucket pays for it.
async fn authenticate(parts: &Parts, app: &App) -> Result<(String, Caller), Problem> {
    let Some(value) = single(&parts.headers, "authorization")? else {
        return Ok((String::new(), without_key(app, parts).await?));
    };
    let secret = bearer(value).ok_or_else(unknown_key)?;
    Caller::known(app, &Caller::hash_of_key(secret)?).await
}

fn unknown_key() -> Problem {
    Problem::new(codes::UNAUTHORIZED, "the API key is unknown, revoked or has expired: ask for a new one")
}

fn limited() -> Problem {
    Problem::new(codes::RATE_LIMITED, "too many requests: wait as long as Retry-After says")
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// On a server for this machine only, as long as there has been no key.
async fn without_key(app: &App, parts: &Parts) -> Result<Caller, Problem> {
    if app.gate.access == Access::ThisMachine && !app.gate.keys_exist.load(Ordering::Relaxed) {
        if !app.works.store.keys().await?.is_empty() {
            app.gate.keys_exist.store(true, Ordering::Relaxed);
        } else if is_of_web_page(&parts.headers, &parts.uri) {
            return Err(Problem::new(
                codes::ORIGIN_REFUSED,
                "requests of web pages need an API key: `apodict api-key create` makes one",
            ));
        } else if is_forwarded(&parts.headers) {
            return Err(Problem::new(
                codes::UNAUTHORIZED,
                "requests that a proxy passes on need an API key: `apodict api-key create` makes one",
            ));
        } else {
            return Ok(Caller {
                tenant: DEFAULT_TENANT.to_owned(),
                actor: "this_machine".to_owned(),
                scopes: Scope::ALL.to_vec(),
            });
        }
    }
    Err(Problem::new(
        codes::UNAUTHORIZED,
        "send an API key as `Authorization: Bearer apo_..`; `apodict api-key create` makes one",
    ))
}

/// A proxy on this machine makes a server for this machine one for everybody: most of them say what they are.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let tells = |name: &header::HeaderName| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
    };
    headers.keys().any(tells)
}

/// A page in a browser on this machine can send requests here, under any name that resolves to it: it shows by its origin, or by the
/// name.
fn is_of_web_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.host());
    let host = host.unwrap_or("localhost");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = host.parse::<SocketAddr>().map(|address| address.ip());
    let address = address.or_else(|_| host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>());
    let local = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    headers.contains_key(header::ORIGIN) || foreign || !local
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_are_long_and_not_stored() {
        let (key, hash, secret) = new_key("a".into(), "n".into(), vec![Scope::Read], None);
        assert_eq!(secret.len(), 4 + 64);
        assert_eq!(hash, Digest::of(secret.as_bytes()).to_string());
        assert!(!format!("{key:?}").contains(&secret[4..]));
        assert_ne!(new_key("a".into(), "n".into(), vec![], None).2, secret);
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(1.0);
        let start = Instant::now();
        let taken = |who, seconds| buckets.take(who, start + Duration::from_secs(seconds));
        assert_eq!((0..12).filter(|_| taken("a", 0)).count(), 10);
        assert!(taken("b", 0), "another's");
        assert_eq!((0..5).filter(|_| taken("a", 3)).count(), 3);
        assert_eq!((0..50).filter(|_| taken("a", 1000)).count(), 10, "no more than a burst");
    }

    #[test]
    fn proxies_show() {
        let of = |name: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, "1".parse().unwrap());
            is_forwarded(&headers)
        };
        assert!(["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-proto"].into_iter().all(of));
        assert!(!["accept", "host", "x-forward"].into_iter().any(of));
    }

    #[test]
    fn neighbours_share_a_bucket() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("10.0.0.1"), "10.0.0.1");
    }

    #[test]
    fn a_scheme_has_any_case() {
        assert_eq!(bearer("bEARER  apo_1 "), Some("apo_1"));
        assert_eq!(bearer("Basic apo_1"), None);
        assert_eq!(bearer("apo_1"), None);
    }

    #[test]
    fn web_pages_show() {
        let of = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8080".parse().unwrap());
            headers.insert(name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
            is_of_web_page(&headers, &Uri::from_static("/v1/jobs"))
        };
        assert!(!of("accept", "*/*"));
        assert!(of("origin", "http://evil.example"));
        assert!(of("sec-fetch-site", "cross-site"));
        for (host, page) in
            [("localhost:1", false), ("[::1]:80", false), ("::1", false), ("evil.example:80", true), ("10.0.0.1", true)]
        {
            assert_eq!(of("host", host), page, "{host}");
        }
    }
}
