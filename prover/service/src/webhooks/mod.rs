//! Telling others that jobs have ended.
//!
//! | part | what it is |
//! |---|---|
//! | here | the loop that takes what is due, and what becomes of it |
//! | `network` | which addresses may be called |
//! | `send` | one message: signed, sent |
//!
//! A webhook stands with its job, and becomes due in the write that ends it: nothing is lost by a restart. Whoever sends one says so first,
//! and for how long: if they are killed, it is sent again, under the same name. Messages go out from threads of their own, a few for
//! each tenant, so that nobody who hangs holds up proofs or other tenants' messages.

mod network;
mod send;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

pub use network::Network;
pub use send::new_secret;

use crate::clock::{milliseconds, wall_ms};
use crate::ids::{Named, new_id};
use crate::store::{AfterTold, Job, JobState, Kind, MAX_WEBHOOK_WAIT_MS, NewWebhook, StoreError, Told, Webhook};
use crate::work::{Phase, Works};
use send::{Message, Sender};

/// Messages that are on their way at the same time.
const AT_ONCE: usize = 16;

/// And of one tenant.
const OF_A_TENANT: usize = 2;

/// How often it is looked for what is due if nobody tells.
const LOOK: Duration = Duration::from_secs(1);

/// What storing an attempt's end may take, beyond the attempt.
const SLACK: Duration = Duration::from_secs(30);

/// How long messages that are on their way may take once the server stops.
const LAST: Duration = Duration::from_secs(3);

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct WebhookRules {
    /// Networks that may be called, besides the internet.
    pub allow: Vec<Network>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// After the first attempt that fails; after each further one, four times as long, six hours at most.
    pub wait: Duration,
    /// How often a message is sent.
    pub attempts: u32,
    /// How long after the job's end.
    pub age: Duration,
}

impl Default for WebhookRules {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            timeout: Duration::from_secs(10),
            wait: Duration::from_secs(5),
            attempts: 10,
            age: Duration::from_secs(3 * 86_400),
        }
    }
}

/// What is sent: no inputs, no results, nothing that an error says of them.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: &'a str,
    kind: Kind,
    state: JobState,
    model: &'a str,
    attempt: u32,
    created_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
}

/// The same for every attempt.
fn body(job: &Job) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Body {
        r#type: format!("job.{}", job.state),
        data: Data {
            id: &job.id,
            kind: job.kind,
            state: job.state,
            model: &job.model,
            attempt: job.attempt,
            created_ms: job.created_ms,
            started_ms: job.started_ms,
            finished_ms: job.finished_ms,
            error_code: job.error.as_ref().map(|error| error.code.as_str()),
        },
    })
}

/// Messages on their way, and who sends them.
#[derive(Debug)]
pub(crate) struct Messenger {
    rules: WebhookRules,
    sender: Arc<Sender>,
    slots: Arc<Semaphore>,
    /// By tenant.
    under_way: Mutex<HashMap<String, usize>>,
    wake: Notify,
}

impl Messenger {
    pub(crate) fn new(rules: WebhookRules) -> Self {
        Self {
            sender: Arc::new(Sender::new(rules.allow.clone(), rules.timeout)),
            rules,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            under_way: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// A webhook to store.
    ///
    /// # Errors
    /// A text for the client.
    pub(crate) fn accept(&self, url: String) -> Result<NewWebhook, String> {
        self.sender.check(&url)?;
        Ok(NewWebhook { url, message: new_id(Named::Message) })
    }

    /// Tells that something may be due.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for what is on its way, for a moment.
    pub(crate) async fn finish(&self) {
        let all = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(LAST, self.slots.acquire_many(all)).await;
    }

    fn with<T>(&self, of: impl FnOnce(&mut HashMap<String, usize>) -> T) -> T {
        of(&mut self.under_way.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tenants that have so many messages on their way.
    fn busy(&self, least: usize) -> Vec<String> {
        let has_its_share = |(tenant, count): (&String, &usize)| (*count >= least).then(|| tenant.clone());
        self.with(|under_way| under_way.iter().filter_map(has_its_share).collect())
    }

    /// Milliseconds until the next attempt, after so many.
    fn wait_ms(&self, attempts: u32) -> i64 {
        let times = 4i64.saturating_pow(attempts.saturating_sub(1));
        milliseconds(self.rules.wait).saturating_mul(times).min(MAX_WEBHOOK_WAIT_MS)
    }

    /// What comes after an answer, or none.
    fn told(&self, answer: Result<u16, &'static str>, attempts: u32, now_ms: i64) -> Told {
        let (status, error) = match answer {
            Ok(status) if (200..300).contains(&status) => {
                return Told { status: Some(status), error: None, next: AfterTold::Delivered };
            }
            Ok(status) if (300..400).contains(&status) => (Some(status), "redirect"),
            Ok(status) => (Some(status), "status"),
            Err(error) => (None, error),
        };
        // 410 Gone: whoever is there asks for no more.
        let is_last = attempts >= self.rules.attempts || status == Some(410);
        let next =
            if is_last { AfterTold::Failed } else { AfterTold::Again(now_ms.saturating_add(self.wait_ms(attempts))) };
        Told { status, error: Some(error.to_owned()), next }
    }
}

/// One of a tenant's messages that is on its way, until this is dropped.
struct UnderWay {
    works: Arc<Works>,
    tenant: String,
    _slot: OwnedSemaphorePermit,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(messenger) = &self.works.messenger else { return };
        messenger.with(|under_way| {
            if let Some(count) = under_way.get_mut(&self.tenant) {
                *count -= 1;
                if *count == 0 {
                    under_way.remove(&self.tenant);
                }
            }
        });
        messenger.wake();
    }
}

impl Works {
    /// Tells that a job has ended.
    pub(crate) fn wake_messenger(&self) {
        if let Some(messenger) = &self.messenger {
            messenger.wake();
        }
    }

    /// Sends what is due, until the server drains.
    pub(crate) async fn send_webhooks(self: Arc<Self>) {
        let Some(messenger) = &self.messenger else { return };
        let mut phases = self.phases();
        let lease_ms = milliseconds(messenger.rules.timeout + SLACK);
        while self.phase() == Phase::Serving {
            // Never closed.
            let Ok(slot) = Arc::clone(&messenger.slots).acquire_owned().await else { return };
            // It may have waited for long.
            if self.phase() != Phase::Serving {
                return;
            }
            let now = self.clock.now_ms();
            let until = now.saturating_add(lease_ms);
            // Whoever has none on its way goes first: a few tenants whose receivers hang hold up no other.
            let claimed = match self.store.claim_webhook(now, until, &messenger.busy(1)).await {
                Ok(None) => self.store.claim_webhook(now, until, &messenger.busy(OF_A_TENANT)).await,
                claimed => claimed,
            };
            let wait = match claimed {
                Ok(Some(job)) => {
                    let tenant = job.tenant.clone();
                    messenger.with(|under_way| *under_way.entry(tenant.clone()).or_default() += 1);
                    let under_way = UnderWay { works: Arc::clone(&self), tenant, _slot: slot };
                    tokio::spawn(async move {
                        under_way.works.deliver(&job).await;
                        drop(under_way);
                    });
                    continue;
                }
                Ok(None) => LOOK,
                Err(error) => {
                    tracing::error!(%error, "it cannot be looked for webhooks that are due");
                    LOOK
                }
            };
            drop(slot);
            tokio::select! {
                () = messenger.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = phases.changed() => {}
            }
        }
    }

    /// One attempt, and what came of it.
    async fn deliver(&self, job: &Job) {
        let (Some(messenger), Some(webhook)) = (&self.messenger, &job.webhook) else { return };
        let told = match self.attempt_to_tell(messenger, job, webhook).await {
            Ok(told) => told,
            // It is begun again by itself.
            Err(error) => return tracing::error!(%error, job = job.id, "a webhook cannot be sent"),
        };
        let how = match told.next {
            AfterTold::Delivered => "delivered",
            AfterTold::Again(_) => "again",
            AfterTold::Failed => "failed",
        };
        self.metrics.webhook(how);
        tracing::info!(job = job.id, attempt = webhook.attempts, how, error = told.error.as_deref(), "webhook sent");
        if let Err(error) = self.store.settle_webhook(&job.id, webhook.attempts, told).await {
            tracing::error!(%error, job = job.id, "what came of a webhook cannot be stored: it is sent again");
        }
    }

    async fn attempt_to_tell(&self, messenger: &Messenger, job: &Job, webhook: &Webhook) -> Result<Told, StoreError> {
        let now = self.clock.now_ms();
        let ended = job.finished_ms.unwrap_or(now);
        // The first attempt is always made, however long nobody sent anything.
        if webhook.attempts > 1 && now.saturating_sub(ended) > milliseconds(messenger.rules.age) {
            return Ok(Told { status: None, error: Some("too_old".to_owned()), next: AfterTold::Failed });
        }
        let secrets = self.store.signing_secrets(&job.tenant).await?;
        let body = body(job).map_err(|error| StoreError::Unknown { what: "a job", value: error.to_string() })?;
        let answer = if secrets.is_empty() {
            // Nobody could tell who sent it.
            Err("no_secret")
        } else {
            // Receivers compare it with their clocks.
            let message = Message { id: webhook.message.clone(), timestamp_s: wall_ms() / 1000, body };
            send(Arc::clone(&messenger.sender), webhook.url.clone(), message, secrets).await
        };
        Ok(messenger.told(answer, webhook.attempts, self.clock.now_ms()))
    }
}

/// Sends from a thread of its own, which a server that ends need not wait for.
async fn send(sender: Arc<Sender>, url: String, message: Message, secrets: Vec<Vec<u8>>) -> Result<u16, &'static str> {
    let (done, answer) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(move || {
        // Nobody waits any more if the server stops.
        let _ = done.send(sender.send(&url, &message, &secrets));
    });
    if thread.is_err() {
        return Err("no_thread");
    }
    answer.await.unwrap_or(Err("no_thread"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_farther_and_farther_apart_and_end() {
        let messenger = Messenger::new(WebhookRules::default());
        let next = |answer, attempts| messenger.told(answer, attempts, 0).next;
        assert_eq!(next(Ok(204), 10), AfterTold::Delivered);
        for (attempts, wait_s) in [(1, 5), (2, 20), (3, 80), (6, 5120), (7, 20_480), (8, 21_600), (9, 21_600)] {
            assert_eq!(next(Ok(500), attempts), AfterTold::Again(wait_s * 1000), "{attempts}");
        }
        assert_eq!(next(Ok(500), 10), AfterTold::Failed);
        assert_eq!(next(Err("timeout"), u32::MAX), AfterTold::Failed);
        assert_eq!(next(Ok(410), 1), AfterTold::Failed, "whoever is there asks for no more");
        for (answer, error) in [(Ok(302), "redirect"), (Ok(404), "status"), (Err("tls"), "tls")] {
            assert_eq!(messenger.told(answer, 1, 0).error.as_deref(), Some(error));
        }
    }
}
