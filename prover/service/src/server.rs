//! A server from its configuration.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::api::{Access, PeerAddress, router};
use crate::artifacts::ArtifactError;
use crate::child::reference_string;
use crate::config::Config;
use crate::connection::{Patient, Peers, room_for_connections};
use crate::folder::{Folder, FolderError};
use crate::places::Places;
use crate::signals::Signals;
use crate::store::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::work::Works;

/// How long answers that are under way may take once all jobs have ended.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The structured reference string.
    #[error("the structured reference string cannot be used: {0}")]
    String(String),
    /// The jobs.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The address.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// It would be open to everybody.
    #[error(
        "there is no API key, and one is asked for at {address}: make a key first, with `apodict api-key create`, or listen on \
         127.0.0.1 without --ask-for-keys"
    )]
    NoKeys {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// The system.
    #[error("the system gives no signals: {0}")]
    Signals(io::Error),
    /// Each machine would make one of its own, and none could prove with the others' keys.
    #[error("a fleet has one structured reference string for all of its processes: name it with --srs")]
    StringOfFleet,
    /// Others of its fleet have another string.
    #[error(
        "the structured reference string has the digest 0x{got}, and the fleet's 0x{expected}: name that one with --srs; for another one,          stop the fleet and remove `string` from the table `agreed`: models must be handed in again then"
    )]
    OtherString {
        /// Of the first process's.
        expected: String,
        /// Of this one's.
        got: String,
    },
    /// This build knows nothing of fleets.
    #[error(
        "this program was built for one machine: build it with `--features fleet` for several that share a database"
    )]
    NoFleet,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    works: Arc<Works>,
    listener: TcpListener,
    access: Access,
    places: Places,
    #[cfg(feature = "fleet")]
    fleet: Option<crate::fleet::Fleet>,
}

/// Opens the store in a folder, without becoming its server: for keys. Makes both if need be.
///
/// # Errors
/// [`ServeError::Folder`], [`ServeError::Store`].
pub async fn make_store(data: &Path) -> Result<SqliteStore, ServeError> {
    Ok(SqliteStore::open(&Folder::make(data)?.jobs()).await?)
}

/// Opens the store in a folder that is a server's, without becoming its server.
///
/// # Errors
/// [`ServeError::Folder`], [`ServeError::Store`].
pub async fn open_store(data: &Path) -> Result<SqliteStore, ServeError> {
    Ok(SqliteStore::open(&Folder::existing(data)?.jobs()).await?)
}

impl Server {
    /// Takes the folder, opens the store and listens. Jobs that an earlier process left are queued again. In a fleet, jobs are left to its
    /// workers.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(mut config: Config) -> Result<Self, ServeError> {
        let address = config.listen;
        let places = Places::open(&config).await?;
        if config.fleet.is_some() {
            config.limits.warm_children = 0;
        }
        let string = named_string(&config).await?;
        let is_of_this_machine = address.ip().is_loopback() && !config.ask_for_keys;
        let access = if is_of_this_machine { Access::ThisMachine } else { Access::Keys };
        if access == Access::Keys && places.store().keys().await?.is_empty() {
            return Err(ServeError::NoKeys { address });
        }
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let works = Arc::new(Works::new(config, places.store(), places.artifacts.clone(), string));
        #[cfg(feature = "fleet")]
        let fleet = places.join(&works).await?;
        match works.config.fleet {
            None => works.start().await?,
            Some(_) => works.start_looking(),
        }
        Ok(Self {
            works,
            listener,
            access,
            places,
            #[cfg(feature = "fleet")]
            fleet,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until SIGTERM or SIGINT, then drains: no new jobs are begun, those that run may end, the rest is given back: at once, if a
    /// second signal comes.
    ///
    /// # Errors
    /// [`ServeError::Signals`].
    pub async fn run(self) -> Result<(), ServeError> {
        let mut signals = Signals::listen().map_err(ServeError::Signals)?;
        let limits = self.works.config.limits;
        let app = router(Arc::clone(&self.works), self.access);
        let most = limits.connections.min(room_for_connections());
        if most < limits.connections {
            tracing::warn!(connections = most, "the system's limit on open files leaves room for fewer connections");
        }
        let connections = Arc::new(Semaphore::new(most));
        let peers = Peers::new(most / 2);
        // HTTP/1 alone: a client that sends nothing is not waited for to say which version it speaks.
        let mut builder = Builder::new(TokioExecutor::new()).http1_only();
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.client_patience);
        let graceful = GracefulShutdown::new();
        let works = Arc::clone(&self.works);
        let mut draining = std::pin::pin!(async move {
            signals.next().await;
            tracing::info!("draining: a second signal ends it");
            works.drain(signals.next()).await;
        });
        loop {
            let accept = async {
                // Never closed.
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                accepted = accept => accepted,
                () = &mut draining => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, say: others will close theirs.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Whoever has too many is told by the end of the newest.
            let Some(entered) = peers.enter(peer.ip()) else { continue };
            // Small answers at once.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(with_peer(&app, peer));
            let stream = Patient::new(stream, limits.client_patience);
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A client that breaks off is no event.
                let _ = connection.await;
                drop((permit, entered));
            });
        }
        let _ = tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await;
        #[cfg(feature = "fleet")]
        if let Some(fleet) = self.fleet {
            fleet.leave().await;
        }
        self.places.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

fn with_peer(app: &Router, peer: std::net::SocketAddr) -> Router {
    app.clone().layer(axum::Extension(PeerAddress(peer)))
}

/// The digest of the structured reference string that the configuration names: read, and compared with the pinned one. Each child reads
/// and compares it again.
pub(crate) async fn named_string(config: &Config) -> Result<Option<[u8; 32]>, ServeError> {
    if config.srs.is_none() && config.srs_digest.is_none() {
        return Ok(None);
    }
    let (srs, pinned, cache) = (config.srs.clone(), config.srs_digest, config.data.join("cache"));
    let read = tokio::task::spawn_blocking(move || {
        // A string's digest is that of each of its beginnings.
        let read = reference_string(srs.as_deref(), pinned.as_ref(), cache, apodict_prover::SRS_MIN_K);
        read.map(|srs| srs.digest()).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        })
    });
    let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
    read.map(Some).map_err(ServeError::String)
}
