//! Where a process keeps jobs and files: in its folder, or where its fleet does.

use std::path::Path;
use std::sync::Arc;

use crate::artifacts::Artifacts;
use crate::config::{Config, FleetConfig};
use crate::folder::{Folder, Held};
use crate::server::ServeError;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
#[cfg(feature = "fleet")]
use crate::{fleet::Fleet, store::postgres::PostgresStore, work::Works};

/// What a process has open, with the right to its folder.
#[derive(Debug)]
pub(crate) struct Places {
    jobs: Jobs,
    pub(crate) artifacts: Artifacts,
    _held: Held,
}

#[derive(Debug)]
enum Jobs {
    Alone(SqliteStore),
    #[cfg(feature = "fleet")]
    Fleet(PostgresStore, std::time::Duration),
}

impl Places {
    /// Takes the folder, and opens what the configuration names.
    pub(crate) async fn open(config: &Config) -> Result<Self, ServeError> {
        if cfg!(feature = "fleet") && config.fleet.is_some() && config.srs.is_none() {
            return Err(ServeError::StringOfFleet);
        }
        let held = Folder::make(&config.data)?.hold()?;
        let (jobs, artifacts) = match &config.fleet {
            None => {
                let store = SqliteStore::open(&held.folder.jobs()).await?;
                (Jobs::Alone(store), Artifacts::on_disk(&held.folder.artifacts())?)
            }
            Some(fleet) => of_fleet(fleet, &held.folder.artifacts()).await?,
        };
        Ok(Self { jobs, artifacts, _held: held })
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match &self.jobs {
            Jobs::Alone(store) => Arc::new(store.clone()),
            #[cfg(feature = "fleet")]
            Jobs::Fleet(store, _) => Arc::new(store.clone()),
        }
    }

    /// Joins the fleet, if these are one's.
    #[cfg(feature = "fleet")]
    pub(crate) async fn join(&self, works: &Arc<Works>) -> Result<Option<Fleet>, ServeError> {
        match &self.jobs {
            Jobs::Alone(_) => Ok(None),
            Jobs::Fleet(store, lease) => {
                let got = works.string().unwrap_or_default();
                let expected = store.agree("string", got).await?;
                if expected != got {
                    return Err(ServeError::OtherString { expected, got: got.to_owned() });
                }
                Ok(Some(Fleet::join(works, store.clone(), *lease).await?))
            }
        }
    }

    pub(crate) async fn close(&self) {
        self.store().close().await;
    }
}

#[cfg(feature = "fleet")]
async fn of_fleet(fleet: &FleetConfig, spool: &Path) -> Result<(Jobs, Artifacts), ServeError> {
    let store = PostgresStore::open(&fleet.database, fleet.lease).await?;
    Ok((Jobs::Fleet(store, fleet.lease), Artifacts::shared(&fleet.artifacts, spool)?))
}

#[cfg(not(feature = "fleet"))]
async fn of_fleet(_: &FleetConfig, _: &Path) -> Result<(Jobs, Artifacts), ServeError> {
    Err(ServeError::NoFleet)
}

/// Opens the store of a fleet, without joining it: for keys and secrets.
///
/// # Errors
/// [`ServeError::Store`], [`ServeError::NoFleet`].
#[cfg(feature = "fleet")]
pub async fn open_database(database: &str) -> Result<Arc<dyn Store>, ServeError> {
    // It begins no jobs: no lease is held.
    Ok(Arc::new(PostgresStore::open(database, std::time::Duration::ZERO).await?))
}

/// Opens the store of a fleet, without joining it: not in this build.
///
/// # Errors
/// [`ServeError::NoFleet`].
#[cfg(not(feature = "fleet"))]
pub async fn open_database(_: &str) -> Result<Arc<dyn Store>, ServeError> {
    Err(ServeError::NoFleet)
}
