//! `apodict webhook-secret`.

use std::fmt::{self, Display, Formatter};

use apodict_circuits::escaped;
use apodict_service::clock::wall_ms;
use apodict_service::ids::{Named, new_id};
use apodict_service::store::{self, MAX_WEBHOOK_SECRETS};
use apodict_service::webhooks::new_secret;
use serde::Serialize;

use super::api_key::{act, existing, made};
use crate::arguments::{CreateWebhookSecret, RevokeWebhookSecret, WebhookSecret};
use crate::commands::serve::runtime;
use crate::console::Console;
use crate::failure::{Failure, Outcome};

pub(crate) fn run(arguments: &WebhookSecret, console: &Console) -> Result<Outcome, Failure> {
    runtime()?.block_on(async {
        match arguments {
            WebhookSecret::Create(arguments) => create(arguments, console).await,
            WebhookSecret::List(keeper) => {
                let store = existing(keeper).await?;
                let secrets = store.webhook_secrets().await?;
                store.close().await;
                console.result(&Secrets { secrets })
            }
            WebhookSecret::Revoke(RevokeWebhookSecret { keeper, id }) => {
                let store = existing(keeper).await?;
                let revoked = store.revoke_webhook_secret(id, &act()).await?;
                store.close().await;
                if !revoked {
                    return Err(Failure::NoSuchSecret { id: id.clone() });
                }
                console.result(&Revoked { id: id.clone() })
            }
        }
    })?;
    Ok(Outcome::Done)
}

async fn create(
    CreateWebhookSecret { keeper, tenant }: &CreateWebhookSecret,
    console: &Console,
) -> Result<(), Failure> {
    let (value, shown) = new_secret();
    let secret = store::WebhookSecret {
        id: new_id(Named::Secret),
        tenant: tenant.clone(),
        created_ms: wall_ms(),
        revoked_ms: None,
    };
    let store = made(keeper).await?;
    let added = store.add_webhook_secret(&secret, &value, &act()).await?;
    store.close().await;
    if !added {
        return Err(Failure::TooManySecrets { tenant: tenant.clone(), most: MAX_WEBHOOK_SECRETS });
    }
    console.result(&Created { secret, value: shown })
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    secret: store::WebhookSecret,
    /// Shown once.
    #[serde(rename = "secret")]
    value: String,
}

impl Display for Created {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.value)?;
        write!(
            formatter,
            "the value of {}, which signs webhooks of tenant {}: it is not shown again",
            self.secret.id, self.secret.tenant
        )
    }
}

#[derive(Serialize)]
struct Secrets {
    secrets: Vec<store::WebhookSecret>,
}

impl Display for Secrets {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.secrets.is_empty() {
            return write!(formatter, "there are no secrets");
        }
        for (at, secret) in self.secrets.iter().enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            let state = if secret.revoked_ms.is_some() { "revoked" } else { "valid" };
            write!(formatter, "{}  {state}  {}", secret.id, escaped(&secret.tenant))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Revoked {
    id: String,
}

impl Display for Revoked {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} signs nothing any more", self.id)
    }
}
