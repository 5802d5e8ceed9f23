//! `apodict api-key`.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use apodict_circuits::escaped;
use apodict_service::api::new_key;
use apodict_service::clock::wall_ms;
use apodict_service::places::open_database;
use apodict_service::server::{make_store, open_store};
use apodict_service::store::{self, Act, Scope, Store};
use serde::Serialize;

use crate::arguments::{ApiKey, CreateKey, Keeper, RevokeKey};
use crate::commands::serve::runtime;
use crate::console::Console;
use crate::failure::{Failure, Outcome};

/// For the audit log.
pub(super) fn act() -> Act {
    Act { actor: "command_line".to_owned(), at_ms: wall_ms() }
}

const DAY_MS: i64 = 86_400_000;

pub(crate) fn run(arguments: &ApiKey, console: &Console) -> Result<Outcome, Failure> {
    runtime()?.block_on(async {
        match arguments {
            ApiKey::Create(arguments) => create(arguments, console).await,
            ApiKey::List(keeper) => {
                let store = existing(keeper).await?;
                let keys = store.keys().await?;
                store.close().await;
                console.result(&Keys { keys })
            }
            ApiKey::Revoke(RevokeKey { keeper, id }) => {
                let store = existing(keeper).await?;
                let revoked = store.revoke_key(id, &act()).await?;
                store.close().await;
                if !revoked {
                    return Err(Failure::NoSuchKey { id: id.clone() });
                }
                console.result(&Revoked { id: id.clone() })
            }
        }
    })?;
    Ok(Outcome::Done)
}

/// The store of a server or fleet that is there.
pub(super) async fn existing(keeper: &Keeper) -> Result<Arc<dyn Store>, Failure> {
    Ok(match keeper.database()? {
        Some(database) => open_database(&database).await?,
        None => Arc::new(open_store(&keeper.data.folder()?).await?),
    })
}

/// The same, or a new one in a folder.
pub(super) async fn made(keeper: &Keeper) -> Result<Arc<dyn Store>, Failure> {
    Ok(match keeper.database()? {
        Some(database) => open_database(&database).await?,
        None => Arc::new(make_store(&keeper.data.folder()?).await?),
    })
}

async fn create(arguments: &CreateKey, console: &Console) -> Result<(), Failure> {
    let scopes = if arguments.scopes.is_empty() { Scope::OF_A_TENANT.to_vec() } else { arguments.scopes.clone() };
    let expires_ms = arguments.days.map(|days| wall_ms() + days * DAY_MS);
    let (key, hash, secret) = new_key(arguments.tenant.clone(), arguments.name.clone(), scopes, expires_ms);
    let store = made(&arguments.keeper).await?;
    store.add_key(&key, &hash, &act()).await?;
    store.close().await;
    console.result(&Created { key, secret })
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    key: store::ApiKey,
    /// Shown once.
    secret: String,
}

impl Display for Created {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.secret)?;
        write!(
            formatter,
            "the secret of {}, of tenant {}: it is not stored, and not shown again",
            self.key.id, self.key.tenant
        )
    }
}

#[derive(Serialize)]
struct Keys {
    keys: Vec<store::ApiKey>,
}

impl Display for Keys {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.keys.is_empty() {
            return write!(formatter, "there are no keys");
        }
        let now = wall_ms();
        for (at, key) in self.keys.iter().enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.name()).collect();
            let state = match key.revoked_ms {
                Some(_) => "revoked",
                None if !key.is_valid(now) => "expired",
                None => "valid",
            };
            let (tenant, name) = (escaped(&key.tenant), escaped(&key.name));
            write!(formatter, "{}  {state}  {tenant}  {}  {name}", key.id, scopes.join(","))?;
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
        write!(formatter, "{} opens nothing any more", self.id)
    }
}
