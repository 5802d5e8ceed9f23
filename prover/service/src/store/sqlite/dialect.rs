//! What is said to SQLite otherwise than to Postgres.

use sqlx::{SqlSafeStr, SqlStr};

use crate::store::StoreError;

pub(super) use sqlx::sqlite::SqliteRow as DbRow;
pub(super) use sqlx::{Sqlite as Db, SqliteConnection as DbConnection};

/// Begins to read all as it stands at one moment.
pub(super) const SNAPSHOT: &str = "BEGIN";

/// What other runs than $1 had begun: a folder has one server, so they are gone.
pub(super) const LOST: &str = "SELECT * FROM jobs WHERE state = 'running' AND run <> $1 ORDER BY seq";

/// The webhook that has been due longest at $1, of tenants that are not in the JSON $2.
pub(super) const NEXT_WEBHOOK: &str = "
    SELECT id FROM jobs WHERE webhook_state = 'due' AND webhook_next_ms <= $1
       AND tenant NOT IN (SELECT value FROM json_each($2)) ORDER BY webhook_next_ms LIMIT 1";

/// Rows that the transaction alone may change: its lock is on the whole file.
pub(super) fn locking(sql: &'static str) -> SqlStr {
    sql.into_sql_str()
}

/// The same.
pub(super) fn claiming(sql: &'static str) -> SqlStr {
    locking(sql)
}

/// Says that a run lives: one that does not has left the folder's lock.
pub(super) async fn renew(_: &mut DbConnection, _run: &str) -> Result<(), StoreError> {
    Ok(())
}
