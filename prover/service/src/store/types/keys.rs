//! API keys, and what was done with them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StoreError;

named! {
    /// What a key may do.
    Scope, "a scope", {
        /// See models, jobs and proofs; verify.
        Read = "read",
        /// Hand in jobs and cancel them.
        Prove = "prove",
        /// Hand in models and delete them.
        Models = "models",
        /// See how the server does, with all tenants' jobs in its figures.
        Operate = "operate",
    }
}

impl Scope {
    /// What a key may do if nothing is said: all that concerns its tenant alone.
    pub const OF_A_TENANT: &'static [Self] = &[Self::Read, Self::Prove, Self::Models];
}

named! {
    /// What is written down.
    Action, "an action", {
        /// A job was handed in.
        JobSubmitted = "job_submitted",
        /// A job was cancelled.
        JobCancelled = "job_cancelled",
        /// A model was handed in.
        ModelSubmitted = "model_submitted",
        /// A model was removed.
        ModelDeleted = "model_deleted",
        /// An API key was made.
        KeyCreated = "key_created",
        /// An API key was revoked.
        KeyRevoked = "key_revoked",
        /// A secret for webhooks was made.
        WebhookSecretCreated = "webhook_secret_created",
        /// A secret for webhooks was revoked.
        WebhookSecretRevoked = "webhook_secret_revoked",
    }
}

/// Who does something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The API key; or where there is none, `this_machine` or `command_line`.
    pub actor: String,
    /// When.
    pub at_ms: i64,
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// From 1.
    pub number: i64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// The API key that was used; `this_machine` on a server without keys, `command_line` for what was done beside the server.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// To which job, model, key or secret.
    pub subject: String,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its name, which may be shown.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

impl ApiKey {
    /// Whether it opens anything at this time.
    pub fn is_valid(&self, now_ms: i64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|expires| now_ms < expires)
    }
}
