//! How attempts of jobs end.

use serde_json::json;
use sqlx::{Row, SqlSafeStr, SqlStr};

use super::dialect::{self, DbConnection};
use super::{Lock, Tables, events, rows};
use crate::codes;
use crate::store::setbacks::{LOST_EVENTS, MAX_WAIT_MS, MAX_WEBHOOK_WAIT_MS, exhausted, wait_ms};
use crate::store::{Fence, Finished, GivenBack, Job, JobState, Kind, Outcome, Setback, StoreError, Written};

/// A job that is still an attempt's.
const FENCED: &str = "SELECT * FROM jobs WHERE id = $1 AND state = 'running' AND run = $2 AND attempt = $3";

impl Tables {
    pub(super) async fn is_held(&self, id: &str, fence: &Fence) -> Result<bool, StoreError> {
        let mut connection = self.readers.acquire().await?;
        Ok(fenced(&mut connection, id, fence).await?.is_some())
    }

    pub(super) async fn held_jobs(&self, run: &str) -> Result<Vec<(String, u32)>, StoreError> {
        let held = sqlx::query("SELECT id, attempt FROM jobs WHERE state = 'running' AND run = $1")
            .bind(run)
            .fetch_all(&self.readers)
            .await?;
        held.iter().map(|row| Ok((row.try_get("id")?, rows::count(row, "attempt")?))).collect()
    }

    pub(super) async fn finish_job(&self, id: &str, fence: &Fence, finished: Finished) -> Result<Written, StoreError> {
        let mut tx = self.begin(Lock::Rows).await?;
        let Some(job) = locked(&mut tx, id, fence).await? else { return Ok(Written::Lost) };
        events::add_progress(&mut tx, id, &finished.progress).await?;
        settle(&mut tx, &job, finished.outcome, finished.at_ms).await?;
        tx.commit().await?;
        Ok(Written::Stored)
    }

    pub(super) async fn give_back_job(&self, id: &str, fence: &Fence, given: GivenBack) -> Result<Written, StoreError> {
        let mut tx = self.begin(Lock::Rows).await?;
        let Some(job) = locked(&mut tx, id, fence).await? else { return Ok(Written::Lost) };
        events::add_progress(&mut tx, id, &given.progress).await?;
        set_back(&mut tx, &job, given.why, given.at_ms).await?;
        tx.commit().await?;
        Ok(Written::Stored)
    }

    pub(super) async fn recover_jobs(&self, run: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let mut tx = self.begin(Lock::Recovery).await?;
        // The clock was set back while no server ran: what was left of each time is left now.
        sqlx::query(
            "UPDATE jobs SET deadline_ms = deadline_ms - (created_ms - $1), created_ms = $1
             WHERE state IN ('queued', 'running') AND created_ms > $1",
        )
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE jobs SET not_before_ms = $1 WHERE state = 'queued' AND not_before_ms > $1")
            .bind(now_ms.saturating_add(MAX_WAIT_MS))
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE jobs SET webhook_next_ms = $1 WHERE webhook_state = 'due' AND webhook_next_ms > $1")
            .bind(now_ms.saturating_add(MAX_WEBHOOK_WAIT_MS))
            .execute(&mut *tx)
            .await?;
        let lost = take_back_lost(&mut tx, run, now_ms).await?;
        tx.commit().await?;
        Ok(lost)
    }
}

/// Sets back what runs had begun that are gone.
pub(in crate::store) async fn take_back_lost(
    tx: &mut DbConnection,
    run: &str,
    now_ms: i64,
) -> Result<Vec<String>, StoreError> {
    let lost = sqlx::query(dialect::LOST).bind(run).fetch_all(&mut *tx).await?;
    let lost = lost.iter().map(rows::job).collect::<Result<Vec<_>, _>>()?;
    for job in &lost {
        set_back(tx, job, Setback::Interrupted, now_ms).await?;
    }
    Ok(lost.into_iter().map(|job| job.id).collect())
}

/// The job, if it is still this attempt's.
async fn fenced(connection: &mut DbConnection, id: &str, fence: &Fence) -> Result<Option<Job>, StoreError> {
    find(connection, FENCED.into_sql_str(), id, fence).await
}

/// The same, and nobody else writes it before this transaction has ended.
async fn locked(tx: &mut DbConnection, id: &str, fence: &Fence) -> Result<Option<Job>, StoreError> {
    find(tx, dialect::locking(FENCED), id, fence).await
}

async fn find(connection: &mut DbConnection, sql: SqlStr, id: &str, fence: &Fence) -> Result<Option<Job>, StoreError> {
    let row =
        sqlx::query(sql).bind(id).bind(&fence.run).bind(i64::from(fence.attempt)).fetch_optional(connection).await?;
    row.as_ref().map(rows::job).transpose()
}

/// Queues a running job again, or ends it.
async fn set_back(tx: &mut DbConnection, job: &Job, why: Setback, now_ms: i64) -> Result<(), StoreError> {
    let row = sqlx::query(
        "UPDATE jobs SET state = 'queued', stage = NULL, fraction = 0, events = events + $3,
                         crashes = crashes + CASE $2 WHEN 'crashed' THEN 1 ELSE 0 END,
                         interruptions = interruptions + CASE $2 WHEN 'interrupted' THEN 1 ELSE 0 END,
                         faults = faults + CASE $2 WHEN 'unavailable' THEN 1 ELSE 0 END
         WHERE id = $1 RETURNING crashes, interruptions, faults, max_crashes",
    )
    .bind(&job.id)
    .bind(why.name())
    .bind(if why == Setback::Interrupted { LOST_EVENTS } else { 0 })
    .fetch_one(&mut *tx)
    .await?;
    let count: i64 = match why {
        Setback::Drained => 0,
        Setback::Crashed => row.try_get("crashes")?,
        Setback::Interrupted => row.try_get("interruptions")?,
        Setback::Unavailable => row.try_get("faults")?,
    };
    if let Some(error) = exhausted(why, count, row.try_get("max_crashes")?) {
        return settle(tx, job, Outcome::Failed(error), now_ms).await;
    }
    let wait = wait_ms(why, count);
    sqlx::query("UPDATE jobs SET not_before_ms = $1 WHERE id = $2")
        .bind(now_ms.saturating_add(wait))
        .bind(&job.id)
        .execute(&mut *tx)
        .await?;
    events::add(tx, &job.id, now_ms, "queued", &json!({"again": why.name(), "wait_ms": wait})).await?;
    Ok(())
}

/// What is told of an error whose detail may repeat what is to be forgotten.
fn without_inputs(code: &str) -> String {
    format!("{} The detail was forgotten with the inputs: without forget_inputs it is kept.", codes::find(code).title)
}

/// Writes a job's end, with all that belongs to it.
pub(super) async fn settle(tx: &mut DbConnection, job: &Job, outcome: Outcome, now_ms: i64) -> Result<(), StoreError> {
    let (state, result, error) = match &outcome {
        Outcome::Proved { result, .. } | Outcome::Compiled { result, .. } => {
            (JobState::Succeeded, Some(result.to_string()), None)
        }
        Outcome::Failed(error) => (JobState::Failed, None, Some(error.clone())),
        Outcome::Cancelled => (JobState::Cancelled, None, None),
    };
    let (code, detail) = error.map(|error| (error.code, error.detail)).unzip();
    // An error may repeat inputs, and from a digest of few possible ones they are found by trying. With a key of its own, the request may
    // come again and must be told from another.
    let row = sqlx::query(
        "UPDATE jobs SET state = $1, result = $2, error_code = $3, finished_ms = $5,
                         error_detail = CASE WHEN forget_inputs AND $4 IS NOT NULL THEN $7 ELSE $4 END,
                         fraction = CASE $1 WHEN 'succeeded' THEN 1.0 ELSE fraction END,
                         payload = CASE WHEN forget_inputs THEN '{}' ELSE payload END,
                         body = CASE WHEN forget_inputs AND idempotency_key IS NULL THEN '' ELSE body END,
                         webhook_state = CASE WHEN webhook_url IS NOT NULL THEN 'due' END,
                         webhook_next_ms = CASE WHEN webhook_url IS NOT NULL THEN $5 END
         WHERE id = $6 RETURNING error_detail",
    )
    .bind(state.name())
    .bind(result)
    .bind(&code)
    .bind(&detail)
    .bind(now_ms)
    .bind(&job.id)
    .bind(code.as_deref().map(without_inputs))
    .fetch_one(&mut *tx)
    .await?;
    let detail: Option<String> = row.try_get("error_detail")?;
    let data = match (&code, &detail) {
        (Some(code), Some(detail)) => json!({"code": code, "detail": detail}),
        _ => json!({}),
    };
    events::add(tx, &job.id, now_ms, state.name(), &data).await?;
    match outcome {
        Outcome::Proved { proofs, .. } => {
            for (position, proof) in (0i64..).zip(proofs) {
                sqlx::query(
                    "INSERT INTO proofs (id, tenant, job, position, model, key_digest, artifact, created_ms)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(proof.id)
                .bind(&job.tenant)
                .bind(&job.id)
                .bind(position)
                .bind(&job.model)
                .bind(proof.key_digest)
                .bind(proof.artifact)
                .bind(now_ms)
                .execute(&mut *tx)
                .await?;
            }
        }
        Outcome::Compiled { facts, key_digest, .. } => {
            sqlx::query("UPDATE models SET state = 'ready', facts = $1, key_digest = $2 WHERE job = $3")
                .bind(facts.to_string())
                .bind(key_digest)
                .bind(&job.id)
                .execute(&mut *tx)
                .await?;
        }
        Outcome::Failed(_) | Outcome::Cancelled if job.kind == Kind::Compile => {
            sqlx::query("UPDATE models SET state = 'failed', error_code = $1, error_detail = $2 WHERE job = $3")
                .bind(code.unwrap_or_else(|| codes::CANCELLED.to_owned()))
                .bind(detail.unwrap_or_else(|| "its compilation was cancelled: hand it in again".to_owned()))
                .bind(&job.id)
                .execute(&mut *tx)
                .await?;
        }
        Outcome::Failed(_) | Outcome::Cancelled => {}
    }
    Ok(())
}
