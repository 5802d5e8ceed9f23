//! Jobs in a file: SQLite, write-ahead log, one writer.
//!
//! Every write is one transaction that is on the disk when it returns (`synchronous = FULL`).

mod dialect;
// The tables and what is asked of them: the same source for each database.
#[allow(clippy::duplicate_mod, reason = "each database has types of its own")]
#[path = "../sql/mod.rs"]
mod sql;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Sqlite, Transaction};

use self::SqliteStore as Tables;
use self::sql::Lock;
use super::{StoreError, Versions, migrations};

/// Connections that read: more than cores gain nothing.
const READERS: u32 = 4;

/// How long a write waits for another process's, the command line's say.
const BUSY: Duration = Duration::from_secs(10);

/// The tables.
const MIGRATIONS: &Versions = &[
    (1, "jobs", include_str!("../../../migrations/0001_jobs.sql")),
    (2, "setbacks", include_str!("../../../migrations/0002_setbacks.sql")),
    (3, "indexes", include_str!("../../../migrations/0003_indexes.sql")),
    (4, "inputs", include_str!("../../../migrations/0004_inputs.sql")),
    (5, "audit", include_str!("../../../migrations/0005_audit.sql")),
    (6, "artifacts_of_proofs", include_str!("../../../migrations/0006_artifacts_of_proofs.sql")),
    (7, "webhooks", include_str!("../../../migrations/0007_webhooks.sql")),
];

/// A store in a file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it if need be, and brings its tables to this version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is removed is overwritten: inputs may be among it.
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY);
        let pool = |connections| {
            let options = SqlitePoolOptions::new().max_connections(connections).min_connections(1);
            // A file does not hang up. But where a disk is full SQLite ends a transaction by itself, of which sqlx does not hear: such a
            // connection would refuse each further transaction.
            options
                .test_before_acquire(false)
                .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        migrations(MIGRATIONS).run(&writer).await?;
        let readers = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// A write: nothing of it is seen before it is committed. It takes the file's one lock at once, so that it never has to be given up
    /// for another's write halfway.
    async fn begin(&self, _lock: Lock<'_>) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn close_all(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests;
