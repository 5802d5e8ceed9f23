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
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::api::{Access, PeerAddress, router};
use crate::artifacts::{ArtifactError, Artifacts};
use crate::child::reference_string;
use crate::config::Config;
use crate::connection::{Patient, Peers, room_for_connections};
use crate::folder::{Folder, FolderError, Held};
use crate::store::sqlite::SqliteStore;
use crate::store::{Registry, Store, StoreError};
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
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    works: Arc<Works>,
    listener: TcpListener,
    access: Access,
    store: SqliteStore,
    _held: Held,
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
    /// Takes the folder, opens the store and listens. Jobs that an earlier process left are queued again.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        let (data, address) = (config.data.clone(), config.listen);
        let held = Folder::make(&data)?.hold()?;
        let store = SqliteStore::open(&held.folder.jobs()).await?;
        let artifacts = Artifacts::on_disk(&held.folder.artifacts())?;
        let string = named_string(&config).await?;
        let is_of_this_machine = address.ip().is_loopback() && !config.ask_for_keys;
        let access = if is_of_this_machine { Access::ThisMachine } else { Access::Keys };
        if access == Access::Keys && store.keys().await?.is_empty() {
            return Err(ServeError::NoKeys { address });
        }
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let works = Arc::new(Works::new(config, shared, artifacts, string));
        works.start().await?;
        Ok(Self { works, listener, access, store, _held: held })
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
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
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
            let mut stop = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            stop().await;
            tracing::info!("draining: a second signal ends it");
            works.drain(stop()).await;
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
        self.store.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

fn with_peer(app: &Router, peer: std::net::SocketAddr) -> Router {
    app.clone().layer(axum::Extension(PeerAddress(peer)))
}

/// The digest of the structured reference string that the configuration names: read, and compared with the pinned one. Each child reads
/// and compares it again.
async fn named_string(config: &Config) -> Result<Option<[u8; 32]>, ServeError> {
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
