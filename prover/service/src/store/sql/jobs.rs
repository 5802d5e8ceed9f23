//! Jobs that come, wait, and are begun or cancelled.

use serde_json::json;
use sqlx::Row;

use super::attempts::settle;
use super::dialect::{self, DbConnection};
use super::{Lock, Tables, audit, events, rows};
use crate::codes;
use crate::store::{
    Act, Action, Cancelled, Job, JobError, Lane, Model, ModelSubmitted, NewJob, NewModel, Outcome, Progress,
    StoreError, Submitted, WebhookState,
};

pub(in crate::store) const OPEN_JOBS: &str =
    "SELECT count(*) AS open FROM jobs WHERE tenant = $1 AND state IN ('queued', 'running')";

/// Tenants take turns: of those that have a job to begin in the lane, the one with the fewest running there, and of these the one whose
/// turn was longest ago. Among its jobs, the highest priority and then the oldest. Tenants are found one by one in the index, so that it
/// does not matter how many jobs each has.
pub(in crate::store) const NEXT: &str = "
    WITH RECURSIVE waiting (tenant) AS (
        SELECT min(tenant) FROM jobs WHERE state = 'queued' AND lane = $1
        UNION ALL
        SELECT (SELECT min(tenant) FROM jobs WHERE state = 'queued' AND lane = $1 AND tenant > waiting.tenant)
        FROM waiting WHERE waiting.tenant IS NOT NULL
    ), heads (tenant, head) AS (
        SELECT tenant, (
            SELECT seq FROM jobs
            WHERE state = 'queued' AND lane = $1 AND jobs.tenant = waiting.tenant
              AND (deadline_ms IS NULL OR deadline_ms > $2) AND (not_before_ms IS NULL OR not_before_ms <= $2)
            ORDER BY priority DESC, seq LIMIT 1)
        FROM waiting WHERE tenant IS NOT NULL
    )
    SELECT jobs.* FROM jobs WHERE seq = (
        SELECT head FROM heads LEFT JOIN turns ON turns.lane = $1 AND turns.tenant = heads.tenant WHERE head IS NOT NULL
        ORDER BY (SELECT count(*) FROM jobs WHERE state = 'running' AND lane = $1 AND jobs.tenant = heads.tenant),
                 turns.turn NULLS FIRST, head
        LIMIT 1)";

const TAKE_TURN: &str = "
    INSERT INTO turns (lane, tenant, turn) VALUES ($1, $2, (SELECT coalesce(max(turn), 0) + 1 FROM turns WHERE lane = $1))
    ON CONFLICT (lane, tenant) DO UPDATE SET turn = excluded.turn";

impl Tables {
    pub(super) async fn submit_job(&self, job: NewJob, claim: Option<&str>) -> Result<Submitted, StoreError> {
        let mut tx = self.begin(Lock::Tenant(&job.tenant)).await?;
        if let Some(key) = &job.idempotency_key
            && let Some(before) = submitted(&mut tx, &job.tenant, key, &job.body).await?
        {
            return Ok(before);
        }
        if is_full(&mut tx, &job).await? {
            return Ok(Submitted::TooMany);
        }
        let removed = sqlx::query("SELECT 1 FROM models WHERE id = $1 AND deleted_ms IS NOT NULL").bind(&job.model);
        if removed.fetch_optional(&mut *tx).await?.is_some() {
            return Ok(Submitted::NoModel);
        }
        let mut stored = insert(&mut tx, &job).await?;
        audit::add(&mut tx, &job.tenant, &job.act(), Action::JobSubmitted, &job.id).await?;
        if let Some(run) = claim {
            // Nobody else has seen it.
            stored = begin_attempt(&mut tx, &stored, run, job.created_ms).await?.unwrap_or(stored);
        }
        tx.commit().await?;
        Ok(Submitted::New(stored))
    }

    pub(super) async fn submit_model_and_job(
        &self,
        model: NewModel,
        job: NewJob,
    ) -> Result<ModelSubmitted, StoreError> {
        let mut tx = self.begin(Lock::Tenant(&model.tenant)).await?;
        let row = sqlx::query("SELECT * FROM models WHERE tenant = $1 AND content = $2 AND deleted_ms IS NULL")
            .bind(&model.tenant)
            .bind(&model.content)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(model) = row.as_ref().map(rows::model).transpose()? {
            if model.error.is_none() {
                return Ok(ModelSubmitted::Same(model));
            }
            // It is tried anew, under a new name: limits may have changed.
            sqlx::query("UPDATE models SET deleted_ms = $1 WHERE id = $2")
                .bind(job.created_ms)
                .bind(&model.id)
                .execute(&mut *tx)
                .await?;
        }
        if is_full(&mut tx, &job).await? {
            return Ok(ModelSubmitted::TooMany);
        }
        let row = sqlx::query(
            "INSERT INTO models (id, tenant, name, content, source, state, job, created_ms)
             VALUES ($1, $2, $3, $4, $5, 'compiling', $6, $7) RETURNING *",
        )
        .bind(&model.id)
        .bind(&model.tenant)
        .bind(&model.name)
        .bind(&model.content)
        .bind(model.source.to_string())
        .bind(&job.id)
        .bind(model.created_ms)
        .fetch_one(&mut *tx)
        .await?;
        let stored: Model = rows::model(&row)?;
        insert(&mut tx, &job).await?;
        audit::add(&mut tx, &model.tenant, &job.act(), Action::ModelSubmitted, &model.id).await?;
        tx.commit().await?;
        Ok(ModelSubmitted::New(stored))
    }

    pub(super) async fn claim_job(&self, run: &str, lane: Lane, now_ms: i64) -> Result<Option<Job>, StoreError> {
        let mut tx = self.begin(Lock::Lane(lane)).await?;
        let job = loop {
            let row = sqlx::query(NEXT).bind(lane.name()).bind(now_ms).fetch_optional(&mut *tx).await?;
            let Some(row) = row else { return Ok(None) };
            // Otherwise it was cancelled in between.
            if let Some(job) = begin_attempt(&mut tx, &rows::job(&row)?, run, now_ms).await? {
                break job;
            }
        };
        sqlx::query(TAKE_TURN).bind(lane.name()).bind(&job.tenant).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(job))
    }

    pub(super) async fn expire_jobs(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        // Reads first: most of the time there is nothing to write.
        let late = sqlx::query("SELECT id FROM jobs WHERE state = 'queued' AND deadline_ms <= $1 LIMIT 1000")
            .bind(now_ms)
            .fetch_all(&self.readers)
            .await?;
        let mut names = Vec::new();
        for row in &late {
            let id: String = row.try_get("id")?;
            let mut tx = self.begin(Lock::Rows).await?;
            let row = sqlx::query(dialect::locking("SELECT * FROM jobs WHERE id = $1 AND state = 'queued'"));
            let Some(row) = row.bind(&id).fetch_optional(&mut *tx).await? else { continue };
            let error = JobError {
                code: codes::DEADLINE_EXCEEDED.to_owned(),
                detail: "the job waited until its deadline: allow it more time, or submit it when fewer jobs wait"
                    .to_owned(),
            };
            settle(&mut tx, &rows::job(&row)?, Outcome::Failed(error), now_ms).await?;
            tx.commit().await?;
            names.push(id);
        }
        Ok(names)
    }

    pub(super) async fn cancel_job(
        &self,
        tenant: &str,
        id: &str,
        progress: &[Progress],
        act: &Act,
    ) -> Result<Option<Cancelled>, StoreError> {
        let mut tx = self.begin(Lock::Tenant(tenant)).await?;
        let row = sqlx::query(dialect::locking("SELECT * FROM jobs WHERE tenant = $1 AND id = $2"));
        let Some(row) = row.bind(tenant).bind(id).fetch_optional(&mut *tx).await? else { return Ok(None) };
        let job = rows::job(&row)?;
        if job.state.is_final() {
            return Ok(Some(Cancelled::EndedBefore(job)));
        }
        events::add_progress(&mut tx, id, progress).await?;
        settle(&mut tx, &job, Outcome::Cancelled, act.at_ms).await?;
        audit::add(&mut tx, tenant, act, Action::JobCancelled, id).await?;
        let row = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(Cancelled::Now(rows::job(&row)?)))
    }
}

/// What the request with this key gave.
pub(super) async fn submitted(
    connection: &mut DbConnection,
    tenant: &str,
    key: &str,
    body: &str,
) -> Result<Option<Submitted>, StoreError> {
    let row = sqlx::query("SELECT * FROM jobs WHERE tenant = $1 AND idempotency_key = $2")
        .bind(tenant)
        .bind(key)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let same = row.try_get::<String, _>("body")? == body;
    Ok(Some(if same { Submitted::Same(rows::job(&row)?) } else { Submitted::Conflict }))
}

/// Whether the job's tenant has no room for it.
async fn is_full(tx: &mut DbConnection, job: &NewJob) -> Result<bool, StoreError> {
    Ok(open_jobs(tx, &job.tenant).await? >= job.most_open)
}

/// How many jobs of a tenant wait or run.
pub(super) async fn open_jobs(connection: &mut DbConnection, tenant: &str) -> Result<u64, StoreError> {
    let row = sqlx::query(OPEN_JOBS).bind(tenant).fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>("open")?.unsigned_abs())
}

async fn insert(tx: &mut DbConnection, job: &NewJob) -> Result<Job, StoreError> {
    let row = sqlx::query(
        "INSERT INTO jobs (id, tenant, kind, lane, model, priority, payload, body, idempotency_key, state, max_crashes,
                           created_ms, deadline_ms, forget_inputs, webhook_url, webhook_message, webhook_state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', $10, $11, $12, $13, $14, $15, $16) RETURNING *",
    )
    .bind(&job.id)
    .bind(&job.tenant)
    .bind(job.kind.name())
    .bind(job.lane.name())
    .bind(&job.model)
    .bind(job.priority)
    .bind(&job.payload)
    .bind(&job.body)
    .bind(&job.idempotency_key)
    .bind(i64::from(job.max_crashes))
    .bind(job.created_ms)
    .bind(job.deadline_ms)
    .bind(job.forget_inputs)
    .bind(job.webhook.as_ref().map(|webhook| &webhook.url))
    .bind(job.webhook.as_ref().map(|webhook| &webhook.message))
    .bind(job.webhook.as_ref().map(|_| WebhookState::Waiting.name()))
    .fetch_one(&mut *tx)
    .await?;
    let number = events::add(tx, &job.id, job.created_ms, "queued", &json!({})).await?;
    Ok(Job { events: number, ..rows::job(&row)? })
}

/// Begins a job that waits; none if it waits no more.
async fn begin_attempt(tx: &mut DbConnection, job: &Job, run: &str, now_ms: i64) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query(
        "UPDATE jobs SET state = 'running', run = $1, attempt = attempt + 1, started_ms = $2, not_before_ms = NULL, stage = NULL,
                         fraction = 0
         WHERE id = $3 AND state = 'queued' RETURNING *",
    )
    .bind(run)
    .bind(now_ms)
    .bind(&job.id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let job = rows::job(&row)?;
    dialect::renew(tx, run).await?;
    let number = events::add(tx, &job.id, now_ms, "started", &json!({"attempt": job.attempt})).await?;
    Ok(Some(Job { events: number, ..job }))
}
