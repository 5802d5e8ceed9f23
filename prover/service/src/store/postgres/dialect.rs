//! What is said to Postgres otherwise than to SQLite.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::store::StoreError;

pub(super) use sqlx::postgres::PgRow as DbRow;
pub(super) use sqlx::{PgConnection as DbConnection, Postgres as Db};

/// Begins to read all as it stands at one moment.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// What other runs than $1 had begun whose lease is over. What another process takes back just now is left to it.
pub(super) const LOST: &str = "
    SELECT * FROM jobs
    WHERE state = 'running' AND run <> $1
      AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.run = jobs.run AND runs.expires > clock_timestamp())
    ORDER BY seq FOR UPDATE SKIP LOCKED";

/// Rows that nobody else may change before the transaction has ended. They are read as they are once that is so.
pub(super) fn locking(sql: &'static str) -> SqlStr {
    AssertSqlSafe(format!("{sql} FOR UPDATE")).into_sql_str()
}

/// Says that a run lives, for as long as the connection's lease.
pub(super) async fn renew(connection: &mut DbConnection, run: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO runs (run, expires)
         VALUES ($1, clock_timestamp() + make_interval(secs => current_setting('apodict.lease_s')::float8))
         ON CONFLICT (run) DO UPDATE SET expires = excluded.expires",
    )
    .bind(run)
    .execute(connection)
    .await?;
    Ok(())
}
