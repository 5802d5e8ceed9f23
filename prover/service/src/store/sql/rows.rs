//! Rows of tables as what they stand for.

use serde_json::Value;
use sqlx::Row;

use super::dialect::DbRow;
use crate::store::{ApiKey, Event, Job, JobError, Model, ProofRecord, StoreError, Webhook};

pub(super) fn job(row: &DbRow) -> Result<Job, StoreError> {
    Ok(Job {
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        kind: row.try_get::<String, _>("kind")?.parse()?,
        lane: row.try_get::<String, _>("lane")?.parse()?,
        model: row.try_get("model")?,
        priority: row.try_get("priority")?,
        payload: row.try_get("payload")?,
        state: row.try_get::<String, _>("state")?.parse()?,
        run: row.try_get("run")?,
        attempt: count(row, "attempt")?,
        events: row.try_get("events")?,
        created_ms: row.try_get("created_ms")?,
        started_ms: row.try_get("started_ms")?,
        finished_ms: row.try_get("finished_ms")?,
        deadline_ms: row.try_get("deadline_ms")?,
        stage: row.try_get("stage")?,
        fraction: row.try_get("fraction")?,
        result: row.try_get::<Option<String>, _>("result")?.map(json).transpose()?,
        error: error(row)?,
        webhook: webhook(row)?,
    })
}

fn webhook(row: &DbRow) -> Result<Option<Webhook>, StoreError> {
    let Some(url) = row.try_get::<Option<String>, _>("webhook_url")? else { return Ok(None) };
    let status = row.try_get::<Option<i64>, _>("webhook_status")?.map(|status| {
        u16::try_from(status).map_err(|_| StoreError::Unknown { what: "a status", value: status.to_string() })
    });
    Ok(Some(Webhook {
        url,
        message: row.try_get("webhook_message")?,
        state: row.try_get::<String, _>("webhook_state")?.parse()?,
        attempts: count(row, "webhook_attempts")?,
        next_ms: row.try_get("webhook_next_ms")?,
        status: status.transpose()?,
        error: row.try_get("webhook_error")?,
    }))
}

pub(super) fn model(row: &DbRow) -> Result<Model, StoreError> {
    Ok(Model {
        seq: row.try_get("seq")?,
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        source: json(row.try_get("source")?)?,
        state: row.try_get::<String, _>("state")?.parse()?,
        job: row.try_get("job")?,
        facts: row.try_get::<Option<String>, _>("facts")?.map(json).transpose()?,
        error: error(row)?,
        created_ms: row.try_get("created_ms")?,
    })
}

pub(super) fn event(row: &DbRow) -> Result<Event, StoreError> {
    Ok(Event {
        number: row.try_get("number")?,
        at_ms: row.try_get("at_ms")?,
        kind: row.try_get("kind")?,
        data: json(row.try_get("data")?)?,
    })
}

pub(super) fn proof(row: &DbRow) -> Result<ProofRecord, StoreError> {
    Ok(ProofRecord {
        id: row.try_get("id")?,
        job: row.try_get("job")?,
        position: count(row, "position")?,
        model: row.try_get("model")?,
        key_digest: row.try_get("key_digest")?,
        artifact: row.try_get("artifact")?,
        created_ms: row.try_get("created_ms")?,
    })
}

pub(super) fn api_key(row: &DbRow) -> Result<ApiKey, StoreError> {
    let scopes: String = row.try_get("scopes")?;
    Ok(ApiKey {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        name: row.try_get("name")?,
        scopes: scopes.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
        created_ms: row.try_get("created_ms")?,
        expires_ms: row.try_get("expires_ms")?,
        revoked_ms: row.try_get("revoked_ms")?,
    })
}

/// A number that is never negative, and far from the end of its type.
pub(super) fn count(row: &DbRow, column: &str) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| StoreError::Unknown { what: "a count", value: number.to_string() })
}

fn error(row: &DbRow) -> Result<Option<JobError>, StoreError> {
    let code: Option<String> = row.try_get("error_code")?;
    let detail: Option<String> = row.try_get("error_detail")?;
    Ok(code.map(|code| JobError { code, detail: detail.unwrap_or_default() }))
}

pub(super) fn json(text: String) -> Result<Value, StoreError> {
    // Inputs may be in it, and the error is logged.
    serde_json::from_str(&text).map_err(|error| StoreError::Unknown { what: "JSON", value: error.to_string() })
}
