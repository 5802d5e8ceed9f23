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

/// The webhook that has been due longest at $1, of tenants that are not in the JSON $2.
pub(super) const NEXT_WEBHOOK: &str = "
    SELECT id FROM jobs WHERE webhook_state = 'due' AND webhook_next_ms <= $1
       AND tenant NOT IN (SELECT json_array_elements_text($2::json)) ORDER BY webhook_next_ms LIMIT 1";

/// Rows that nobody else may change before the transaction has ended. They are read as they are once that is so.
pub(super) fn locking(sql: &'static str) -> SqlStr {
    AssertSqlSafe(format!("{sql} FOR UPDATE")).into_sql_str()
}

/// The same, of rows that nobody else changes just now: another process's next one is not waited for.
pub(super) fn claiming(sql: &'static str) -> SqlStr {
    AssertSqlSafe(format!("{sql} FOR UPDATE SKIP LOCKED")).into_sql_str()
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
