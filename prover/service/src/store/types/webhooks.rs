//! Who is told that a job has ended.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StoreError;

named! {
    /// Where a webhook stands.
    WebhookState, "a state of a webhook", {
        /// The job has not ended.
        Waiting = "waiting",
        /// It is being sent, or will be sent again.
        Due = "due",
        /// Somebody has taken it.
        Delivered = "delivered",
        /// Nobody took it, and it is not sent again.
        Failed = "failed",
    }
}

/// Whom to tell when a job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// The address.
    pub url: String,
    /// The message's name, the same however often it is sent.
    pub message: String,
}

/// Who is told when a job ends, and whether that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address, of which parts may be secret.
    pub url: String,
    /// The message's name, the same however often it is sent.
    pub message: String,
    /// Where it stands.
    pub state: WebhookState,
    /// How often it was sent.
    pub attempts: u32,
    /// While it is due: when it is sent next.
    pub next_ms: Option<i64>,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What came of an attempt to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
    /// What comes next.
    pub next: AfterTold,
}

/// What comes after an attempt to tell somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterTold {
    /// Nothing: it was taken.
    Delivered,
    /// Another attempt, at this time.
    Again(i64),
    /// Nothing: it was not taken.
    Failed,
}

/// A secret that webhooks of a tenant are signed with, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookSecret {
    /// Its name, which may be shown.
    pub id: String,
    /// Whose webhooks it signs.
    pub tenant: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}
