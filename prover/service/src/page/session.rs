//! Who looks at the page: sessions, and the forms that come from them.
//!
//! The API key is sent once, to sign in. After that the browser holds a random name of a session in a cookie that no script can
//! read, and this process remembers which key began it: a key that is revoked ends its sessions, and so does a restart.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Form;
use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::refused::Refused;
use super::state::PageState;
use crate::api::auth::{Caller, network};
use crate::api::body::Body;
use crate::api::room::Holder;
use crate::api::{PeerAddress, Problem};
use crate::codes;
use crate::ids::{Digest, random};

/// Name of the cookie, and where the browser sends it.
const COOKIE: (&str, &str) = ("apodict_session", "/page");

/// The same over TLS, where browsers let no other host of the domain set one of this name.
const TLS_COOKIE: (&str, &str) = ("__Host-apodict_session", "/");

/// Bytes of a visitor's form: larger inputs come by the API. Files are read as they come.
const FORM_BYTES: usize = 1 << 20;

/// How long a session lasts, used or not.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Sessions of one key: the oldest ends when another begins.
const MOST_OF_KEY: usize = 32;

/// Sessions in all.
const MOST: usize = 10_000;

/// Whether the browser came over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// As its `Origin` says.
    Tls,
    /// On this machine, say.
    Plain,
}

impl Transport {
    fn cookie(self) -> (&'static str, &'static str) {
        match self {
            Self::Tls => TLS_COOKIE,
            Self::Plain => COOKIE,
        }
    }

    /// A header that sets the cookie, for so many seconds.
    fn set_cookie(self, value: &str, seconds: u64) -> String {
        let (name, path) = self.cookie();
        let secure = if self == Self::Tls { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
    }
}

#[derive(Clone, Debug)]
struct Session {
    /// Digest of the API key's secret.
    key: String,
    transport: Transport,
    begun: Instant,
}

/// By the digest of what the cookie holds.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Digest, Session>>);

impl Sessions {
    /// Begins a session of the key whose secret has this digest. Returns its name.
    fn begin(&self, key: &str, transport: Transport, now: Instant) -> String {
        let token = hex::encode(random::<32>());
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| now.saturating_duration_since(session.begun) < LIFETIME);
        let drop_oldest = |sessions: &mut HashMap<Digest, Session>, of: &dyn Fn(&Session) -> bool, most: usize| {
            let found = sessions.iter().filter(|(_, session)| of(session));
            let (count, oldest) = found.fold((0, None::<(Digest, Instant)>), |(count, oldest), (name, session)| {
                let older = oldest.is_none_or(|(_, begun)| session.begun < begun);
                (count + 1, if older { Some((*name, session.begun)) } else { oldest })
            });
            if let Some((name, _)) = oldest.filter(|_| count >= most) {
                sessions.remove(&name);
            }
        };
        drop_oldest(&mut sessions, &|session| session.key == key, MOST_OF_KEY);
        drop_oldest(&mut sessions, &|_| true, MOST);
        sessions.insert(Digest::of(token.as_bytes()), Session { key: key.to_owned(), transport, begun: now });
        token
    }

    fn find(&self, token: &str, now: Instant) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.get(&Digest::of(token.as_bytes()));
        found.filter(|session| now.saturating_duration_since(session.begun) < LIFETIME).cloned()
    }

    fn end(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Digest::of(token.as_bytes()));
    }
}

/// Somebody who signed in.
pub(super) struct Visitor {
    pub(super) caller: Caller,
    pub(super) transport: Transport,
    token: String,
}

impl Visitor {
    /// Stands in every form: a page of elsewhere cannot know it.
    pub(super) fn form_token(&self) -> String {
        Digest::of(format!("apodict form of the session {}", self.token).as_bytes()).to_string()
    }

    /// Refuses another token than that of the forms. By digests, so that the time tells nothing.
    fn check(&self, token: &str) -> Result<(), Problem> {
        let expected = self.form_token();
        if Digest::of(token.as_bytes()) == Digest::of(expected.as_bytes()) { Ok(()) } else { Err(foreign()) }
    }

    pub(super) fn sign_out(&self, page: &PageState) -> String {
        page.sessions.end(&self.token);
        self.transport.set_cookie("", 0)
    }
}

/// Begins a session with an API key. Returns the cookie to set.
pub(super) async fn sign_in(page: &PageState, secret: &str, transport: Transport) -> Result<String, Problem> {
    let hash = Caller::hash_of_key(secret)?;
    let _: Caller = Caller::of_key(&page.app, &hash).await?;
    let token = page.sessions.begin(&hash, transport, Instant::now());
    Ok(transport.set_cookie(&token, LIFETIME.as_secs()))
}

/// The value of this transport's cookie; of two, none: the second may be set by another host of the domain.
fn cookie(headers: &HeaderMap, transport: Transport) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == transport.cookie().0).map(|(_, value)| value);
    let value = values.next();
    value.filter(|_| values.next().is_none())
}

impl Sessions {
    /// The session that a cookie names, which must be the transport's that it began on.
    fn of_cookie<'a>(&self, headers: &'a HeaderMap, now: Instant) -> Option<(&'a str, Session)> {
        [Transport::Tls, Transport::Plain].into_iter().find_map(|transport| {
            let token = cookie(headers, transport)?;
            Some((token, self.find(token, now).filter(|session| session.transport == transport)?))
        })
    }
}

impl FromRequestParts<PageState> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, page: &PageState) -> Result<Self, Refused> {
        let signed_out = || Refused::signed_out(parts);
        let (token, session) = page.sessions.of_cookie(&parts.headers, Instant::now()).ok_or_else(signed_out)?;
        let caller = match Caller::of_key(&page.app, &session.key).await {
            Ok(caller) => caller,
            // Revoked, or expired.
            Err(problem) if problem.code == codes::UNAUTHORIZED => {
                page.sessions.end(token);
                return Err(signed_out());
            }
            Err(problem) => return Err(problem.into()),
        };
        Ok(Self { caller, transport: session.transport, token: token.to_owned() })
    }
}

/// A request that the server's own page sent, as browsers say.
pub(super) struct OwnPage {
    pub(super) transport: Transport,
    pub(super) peer: Option<PeerAddress>,
}

impl OwnPage {
    /// Who takes the room that the form needs.
    pub(super) fn holder(&self) -> Holder {
        Holder::Stranger(self.peer.map(|PeerAddress(address)| network(address.ip())))
    }
}

impl FromRequestParts<PageState> for OwnPage {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &PageState) -> Result<Self, Refused> {
        let transport = own_page(&parts.headers).ok_or_else(foreign)?;
        Ok(Self { transport, peer: parts.extensions.get::<PeerAddress>().copied() })
    }
}

/// Browsers send `Origin` with every POST, and no page can choose it.
fn own_page(headers: &HeaderMap) -> Option<Transport> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return None;
    }
    let (scheme, authority) = text("origin")?.split_once("://")?;
    let transport = match scheme {
        "https" => Transport::Tls,
        "http" => Transport::Plain,
        _ => return None,
    };
    (text("host")? == authority).then_some(transport)
}

fn foreign() -> Problem {
    Problem::new(codes::ORIGIN_REFUSED, "the request does not come from this server's page: open it again, and repeat")
}

/// A form that a visitor sent from the server's own page.
pub(super) struct Sent<T> {
    pub(super) visitor: Visitor,
    pub(super) form: T,
}

#[derive(Deserialize)]
struct WithToken<T> {
    token: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<PageState> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, page: &PageState) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, page).await?;
        own_page(&parts.headers).ok_or_else(foreign)?;
        let holder = Holder::tenant(&visitor.caller.tenant);
        let WithToken { token, form } = form(page, holder, FORM_BYTES, Request::from_parts(parts, body)).await?;
        visitor.check(&token)?;
        Ok(Self { visitor, form })
    }
}

/// Reads a form of at most so many bytes, which takes room as other bodies do.
pub(super) async fn form<T: DeserializeOwned>(
    page: &PageState,
    holder: Holder,
    most: usize,
    request: Request,
) -> Result<T, Problem> {
    let head = request.headers().clone();
    let advice = "the form is larger than a page takes: use the API";
    let body = Body::collect(&page.app, holder, request, most, advice).await?;
    let mut whole = Request::post("/").body(HttpBody::from(body.bytes.clone())).map_err(|_| wrong_form())?;
    *whole.headers_mut() = head;
    // What was sent is not repeated: it may hold a key.
    let Form(form) = Form::<T>::from_request(whole, page).await.map_err(|_| wrong_form())?;
    Ok(form)
}

fn wrong_form() -> Problem {
    Problem::new(codes::INVALID_REQUEST, "the form: expected the fields of this server's page")
}

/// A visitor of the server's own page, whose script sends the token in a header: for bodies that are no forms of a few fields.
pub(super) struct SentByScript(pub(super) Visitor);

impl FromRequestParts<PageState> for SentByScript {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, page: &PageState) -> Result<Self, Refused> {
        let visitor = Visitor::from_request_parts(parts, page).await?;
        own_page(&parts.headers).ok_or_else(foreign)?;
        let token = parts.headers.get("x-form-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
        visitor.check(token)?;
        Ok(Self(visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let token = sessions.begin("key", Transport::Plain, start);
        assert_eq!(token.len(), 64);
        assert_eq!(sessions.find(&token, start).unwrap().key, "key");
        assert!(sessions.find(&token, start + LIFETIME).is_none(), "it lasts so long");
        assert!(sessions.find("", start).is_none());
        sessions.end(&token);
        assert!(sessions.find(&token, start).is_none());
        // As many of a key, and the oldest goes.
        let tokens: Vec<_> = (0..=MOST_OF_KEY)
            .map(|second| sessions.begin("key", Transport::Plain, start + Duration::from_secs(second as u64)))
            .collect();
        let later = start + Duration::from_secs(60);
        let lives: Vec<_> = tokens.iter().map(|token| sessions.find(token, later).is_some()).collect();
        assert!(!lives[0] && lives[1..].iter().all(|lives| *lives), "{lives:?}");
        // What has ended is forgotten.
        sessions.begin("other", Transport::Plain, later + LIFETIME);
        assert_eq!(sessions.0.lock().unwrap().len(), 1);
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_own_page_posts() {
        let own = |pairs: &[_]| own_page(&headers(pairs));
        let host = ("host", "127.0.0.1:8451");
        let origin = ("origin", "http://127.0.0.1:8451");
        assert_eq!(own(&[host, origin]), Some(Transport::Plain));
        assert_eq!(own(&[host, origin, ("sec-fetch-site", "same-origin")]), Some(Transport::Plain));
        assert_eq!(own(&[("host", "a.example"), ("origin", "https://a.example")]), Some(Transport::Tls));
        for foreign in [
            vec![host],
            vec![origin],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://evil.example")],
            vec![host, ("origin", "http://127.0.0.1:8452")],
            vec![host, ("origin", "file://127.0.0.1:8451")],
            vec![host, origin, ("sec-fetch-site", "cross-site")],
            vec![host, origin, ("sec-fetch-site", "same-site")],
            vec![host, origin, ("sec-fetch-site", "none")],
        ] {
            assert_eq!(own(&foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn finds_its_cookie_among_others() {
        let plain =
            |cookies: &'static str| cookie(&headers(&[("cookie", cookies)]), Transport::Plain).map(str::to_owned);
        assert_eq!(plain("a=b; apodict_session=xyz; c=d").as_deref(), Some("xyz"));
        for none in ["a=b", "apodict_session", "xapodict_session=1", "", "apodict_session=1; apodict_session=2"] {
            assert_eq!(plain(none), None, "{none}");
        }
    }

    /// Another host of the domain may set a cookie, but none of a name that begins with `__Host-`.
    #[test]
    fn a_session_over_tls_has_a_cookie_of_its_own() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let token = sessions.begin("key", Transport::Tls, now);
        let found = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("{name}={token}").parse().unwrap());
            sessions.of_cookie(&headers, now).is_some()
        };
        assert!(found("__Host-apodict_session") && !found("apodict_session"));
        let set = Transport::Tls.set_cookie("x", 1);
        assert!(set.starts_with("__Host-apodict_session=x; Path=/; ") && set.ends_with("; Secure"), "{set}");
    }
}
