//! What happened to jobs.

use serde_json::{Value, json};
use sqlx::Row;

use super::dialect::DbConnection;
use crate::store::{Progress, StoreError};

/// Adds an event. Returns its number.
pub(super) async fn add(
    tx: &mut DbConnection,
    job: &str,
    at_ms: i64,
    kind: &str,
    data: &Value,
) -> Result<i64, StoreError> {
    let row = sqlx::query("UPDATE jobs SET events = events + 1 WHERE id = $1 RETURNING events")
        .bind(job)
        .fetch_one(&mut *tx)
        .await?;
    let number: i64 = row.try_get("events")?;
    sqlx::query("INSERT INTO events (job, number, at_ms, kind, data) VALUES ($1, $2, $3, $4, $5)")
        .bind(job)
        .bind(number)
        .bind(at_ms)
        .bind(kind)
        .bind(data.to_string())
        .execute(tx)
        .await?;
    Ok(number)
}

/// Stages that a job went through.
pub(super) async fn add_progress(tx: &mut DbConnection, job: &str, progress: &[Progress]) -> Result<(), StoreError> {
    let Some(last) = progress.last() else { return Ok(()) };
    for Progress { at_ms, stage, fraction } in progress {
        add(tx, job, *at_ms, "stage", &json!({"stage": stage, "fraction": fraction})).await?;
    }
    sqlx::query("UPDATE jobs SET stage = $1, fraction = $2 WHERE id = $3")
        .bind(&last.stage)
        .bind(last.fraction)
        .bind(job)
        .execute(tx)
        .await?;
    Ok(())
}
