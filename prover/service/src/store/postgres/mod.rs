//! Jobs in Postgres, for servers and workers on several machines.
//!
//! The SQL is that of the other store; what there one lock on the file gives is given here by locks on what a write decides by: an
//! advisory lock, taken by a statement of its own so that the next one sees all that was committed before, and rows as they are read.
//!
//! Whoever runs jobs has a lease, by the database's clock alone: it is renewed with each job that is begun, and by a `Heart`.

mod dialect;
mod heart;
// The tables and what is asked of them: the same source for each database.
#[allow(clippy::duplicate_mod, reason = "each database has types of its own")]
#[path = "../sql/mod.rs"]
mod sql;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, Postgres, Row, Transaction};

pub use heart::{Heart, Pulse};

use self::PostgresStore as Tables;
use self::sql::Lock;
use super::{StoreError, Versions, migrations};

/// The tables.
const MIGRATIONS: &Versions = &[(1, "tables", include_str!("../../../migrations/postgres/0001_tables.sql"))];

/// Connections of a process that read, one of them to listen.
const READERS: u32 = 5;

/// Connections of a process that write. They may wait for a lock, all of them for one tenant's: reads have their own.
const WRITERS: u32 = 6;

/// How long a connection is waited for, and an answer to the question whether the database is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a process that was stopped in the middle of a write may hold its locks: then the write is given up.
const IDLE_IN_TRANSACTION: &str = "5s";

/// How long a write waits for locks.
const LOCK_TIMEOUT: &str = "20s";

/// How long any statement may take.
const STATEMENT_TIMEOUT: &str = "60s";

/// What processes tell each other by.
const CHANNEL: &str = "apodict";

/// A run is forgotten once its lease is over for this long.
const FORGOTTEN: &str = "1 hour";

/// A store in a database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    readers: PgPool,
    writers: PgPool,
    options: Arc<PgConnectOptions>,
}

impl PostgresStore {
    /// Opens the database, and brings its tables to this version. What is begun is lost to others once the process has not been heard of
    /// for `lease`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(url: &str, lease: Duration) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.application_name("apodict").options([
            ("apodict.lease_s", lease.as_secs_f64().to_string().as_str()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ("lock_timeout", LOCK_TIMEOUT),
            ("statement_timeout", STATEMENT_TIMEOUT),
            // What is answered is on the disk, whatever the database does otherwise.
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
        ]);
        let pool = |connections| PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
        let writers = pool(WRITERS).connect_with(options.clone()).await?;
        migrations(MIGRATIONS).run(&writers).await?;
        let readers = pool(READERS).connect_with(options.clone()).await?;
        Ok(Self { readers, writers, options: Arc::new(options) })
    }

    /// A write: nothing of it is seen before it is committed, and nobody else writes what it decides by.
    async fn begin(&self, lock: Lock<'_>) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut tx = self.writers.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let (what, name) = match lock {
            Lock::Tenant(tenant) => ("tenant", tenant),
            Lock::Lane(lane) => ("lane", lane.name()),
            Lock::Recovery => ("recovery", ""),
            Lock::Rows => return Ok(tx),
        };
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(lock_number(what, name)).execute(&mut *tx).await?;
        Ok(tx)
    }

    /// Gives back what runs had begun whose lease is over, and forgets runs that are long gone. Returns the names of the jobs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reclaim(&self, run: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
        // Reads first: most of the time there is nothing to write.
        let lost = sqlx::query(
            "SELECT 1 FROM jobs WHERE state = 'running' AND run <> $1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.run = jobs.run AND runs.expires > clock_timestamp()) LIMIT 1",
        );
        if lost.bind(run).fetch_optional(&self.readers).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin(Lock::Rows).await?;
        let lost = sql::attempts::take_back_lost(&mut tx, run, now_ms).await?;
        tx.commit().await?;
        sqlx::query("DELETE FROM runs WHERE expires < clock_timestamp() - $1::interval")
            .bind(FORGOTTEN)
            .execute(&self.writers)
            .await?;
        Ok(lost)
    }

    /// What all processes have under this name: the first one's value.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agree(&self, name: &str, value: &str) -> Result<String, StoreError> {
        sqlx::query("INSERT INTO agreed (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&self.writers)
            .await?;
        let agreed = sqlx::query("SELECT value FROM agreed WHERE name = $1").bind(name);
        Ok(agreed.fetch_one(&self.readers).await?.try_get("value")?)
    }

    /// Forgets a run that has given back all that it had begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave(&self, run: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM runs WHERE run = $1").bind(run).execute(&self.writers).await?;
        Ok(())
    }

    /// The database's time, milliseconds since 1970.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn now_ms(&self) -> Result<i64, StoreError> {
        now_ms(&mut *self.readers.acquire().await?).await
    }

    /// A connection for what may be lost: other processes are told by it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn speaker(&self) -> Result<Speaker, StoreError> {
        let options = PgConnectOptions::clone(&self.options).options([("synchronous_commit", "off")]);
        Ok(Speaker(options.connect().await?))
    }

    /// Hears what other processes tell.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn listener(&self) -> Result<PgListener, StoreError> {
        let mut listener = PgListener::connect_with(&self.readers).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    async fn close_all(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// Tells other processes.
#[derive(Debug)]
pub struct Speaker(PgConnection);

impl Speaker {
    /// Tells these messages, each shorter than 8000 bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell(&mut self, messages: &[String]) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, message) FROM unnest($2) AS message")
            .bind(CHANNEL)
            .bind(messages)
            .execute(&mut self.0)
            .await?;
        Ok(())
    }
}

async fn now_ms(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now");
    Ok(row.fetch_one(connection).await?.try_get("now")?)
}

/// Advisory locks are called by numbers. Two of the same number wait for each other, which does no harm.
fn lock_number(what: &str, name: &str) -> i64 {
    let digest = blake3::hash(format!("apodict {what} {name}").as_bytes());
    i64::from_le_bytes(digest.as_bytes().first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
