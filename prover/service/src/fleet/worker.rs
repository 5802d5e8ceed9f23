//! A process that runs jobs of a fleet, without HTTP.

use std::sync::Arc;

use super::Fleet;
use crate::config::Config;
use crate::places::Places;
use crate::server::{ServeError, named_string};
use crate::signals::Signals;
use crate::work::Works;

/// A worker that has joined its fleet, and begins jobs.
#[derive(Debug)]
pub struct Worker {
    works: Arc<Works>,
    fleet: Fleet,
    places: Places,
}

impl Worker {
    /// Takes the folder for what it needs of its own, joins the fleet and begins jobs.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        let places = Places::open(&config).await?;
        let string = named_string(&config).await?;
        let works = Arc::new(Works::new(config, places.store(), places.artifacts.clone(), string));
        let fleet = places.join(&works).await?.ok_or(ServeError::NoFleet)?;
        works.start_lanes();
        works.start_looking();
        Ok(Self { works, fleet, places })
    }

    /// The name of this process in the store.
    pub fn run_name(&self) -> &str {
        &self.works.run
    }

    /// Runs jobs until SIGTERM or SIGINT, then drains, as a server does.
    ///
    /// # Errors
    /// [`ServeError::Signals`].
    pub async fn run(self) -> Result<(), ServeError> {
        let mut signals = Signals::listen().map_err(ServeError::Signals)?;
        signals.next().await;
        tracing::info!("draining: a second signal ends it");
        self.works.drain(signals.next()).await;
        self.fleet.leave().await;
        self.places.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}
