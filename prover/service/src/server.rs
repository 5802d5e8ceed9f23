//! A server from its configuration.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
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
use crate::config::Config;
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
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another server has it.
    #[error("another server uses the folder {}: stop it, or name another folder with --data", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
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
        "there is no API key, and {address} can be reached from other machines: make a key first, with `apodict api-key create`, or \
         listen on 127.0.0.1"
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
    // Held as long as the server lives; the system lets go of it when the process ends, however that ends.
    _lock: File,
}

/// Opens the store in a folder, without becoming its server: for keys.
///
/// # Errors
/// [`ServeError::Folder`], [`ServeError::Store`].
pub async fn open_store(data: &Path) -> Result<SqliteStore, ServeError> {
    make_folder(data)?;
    Ok(SqliteStore::open(&data.join("jobs.db")).await?)
}

fn make_folder(path: &Path) -> Result<(), ServeError> {
    let folder = |source| ServeError::Folder { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(folder)?;
    // Inputs are in it: it is nobody else's.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(folder)?;
    }
    Ok(())
}

impl Server {
    /// Takes the folder, opens the store and listens. Jobs that an earlier process left are queued again.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        let (data, address) = (config.data.clone(), config.listen);
        make_folder(&data)?;
        let lock = take(&data)?;
        let store = SqliteStore::open(&data.join("jobs.db")).await?;
        let artifacts = Artifacts::on_disk(&data.join("artifacts"))?;
        let access = if address.ip().is_loopback() { Access::ThisMachine } else { Access::Keys };
        if access == Access::Keys && store.keys().await?.is_empty() {
            return Err(ServeError::NoKeys { address });
        }
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let works = Arc::new(Works::new(config, shared, artifacts));
        works.start().await?;
        Ok(Self { works, listener, access, store, _lock: lock })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until SIGTERM or SIGINT, then drains: no new jobs are begun, those that run may end, the rest is given back.
    ///
    /// # Errors
    /// [`ServeError::Signals`].
    pub async fn run(self) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        let limits = self.works.config.limits;
        let app = router(Arc::clone(&self.works), self.access);
        let connections = Arc::new(Semaphore::new(limits.connections));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.client_patience);
        let graceful = GracefulShutdown::new();
        let works = Arc::clone(&self.works);
        let mut draining = std::pin::pin!(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("draining");
            works.drain().await;
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
            // Small answers at once.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(with_peer(&app, peer));
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A client that breaks off is no event.
                let _ = connection.await;
                drop(permit);
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

/// One server for a folder: a lock that ends with the process.
fn take(data: &Path) -> Result<File, ServeError> {
    let folder = |source| ServeError::Folder { path: data.to_owned(), source };
    let file =
        File::options().create(true).truncate(false).write(true).open(data.join("server.lock")).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::Busy { path: data.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(folder(source)),
    }
}
