//! A job's way from submission to its result.

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::{SqliteStore, rows};
use crate::codes;
use crate::store::{
    Control, Fence, Finished, GivenBack, Job, JobError, JobState, Kind, Lane, Model, ModelSubmitted, NewJob, NewModel,
    Outcome, Progress, StoreError, Submitted, Written,
};

impl SqliteStore {
    pub(super) async fn submit_job(&self, job: NewJob, claim: Option<&str>) -> Result<Submitted, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(key) = &job.idempotency_key {
            let row = sqlx::query("SELECT * FROM jobs WHERE tenant = ? AND idempotency_key = ?")
                .bind(&job.tenant)
                .bind(key)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = row {
                let same = row.try_get::<String, _>("body")? == job.body;
                return Ok(if same { Submitted::Same(rows::job(&row)?) } else { Submitted::Conflict });
            }
        }
        let mut stored = insert(&mut tx, &job).await?;
        if let Some(run) = claim {
            stored = begin_attempt(&mut tx, &stored, run, job.created_ms).await?;
        }
        tx.commit().await?;
        Ok(Submitted::New(stored))
    }

    pub(super) async fn submit_model_and_job(
        &self,
        model: NewModel,
        job: NewJob,
    ) -> Result<ModelSubmitted, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT * FROM models WHERE tenant = ? AND content = ? AND deleted_ms IS NULL")
            .bind(&model.tenant)
            .bind(&model.content)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(model) = row.as_ref().map(rows::model).transpose()? {
            if model.error.is_none() {
                return Ok(ModelSubmitted::Same(model));
            }
            // It is tried anew, under a new name: limits may have changed.
            sqlx::query("UPDATE models SET deleted_ms = ? WHERE id = ?")
                .bind(job.created_ms)
                .bind(&model.id)
                .execute(&mut *tx)
                .await?;
        }
        let row = sqlx::query(
            "INSERT INTO models (id, tenant, name, content, source, state, job, created_ms)
             VALUES (?, ?, ?, ?, ?, 'compiling', ?, ?) RETURNING *",
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
        tx.commit().await?;
        Ok(ModelSubmitted::New(stored))
    }

    pub(super) async fn claim_job(&self, run: &str, lane: Lane, now_ms: i64) -> Result<Option<Job>, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "SELECT * FROM jobs WHERE state = 'queued' AND lane = ? AND (deadline_ms IS NULL OR deadline_ms > ?)
             ORDER BY priority DESC, seq LIMIT 1",
        )
        .bind(lane.name())
        .bind(now_ms)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let job = begin_attempt(&mut tx, &rows::job(&row)?, run, now_ms).await?;
        tx.commit().await?;
        Ok(Some(job))
    }

    pub(super) async fn record_progress(
        &self,
        id: &str,
        fence: &Fence,
        progress: &[Progress],
    ) -> Result<Control, StoreError> {
        let mut tx = self.begin().await?;
        let Some(job) = fenced(&mut tx, id, fence).await? else { return Ok(Control::Lost) };
        if !progress.is_empty() {
            add_progress(&mut tx, id, progress).await?;
            tx.commit().await?;
        }
        Ok(if job.cancel_requested { Control::Cancel } else { Control::Continue })
    }

    pub(super) async fn finish_job(&self, id: &str, fence: &Fence, finished: Finished) -> Result<Written, StoreError> {
        let mut tx = self.begin().await?;
        let Some(job) = fenced(&mut tx, id, fence).await? else { return Ok(Written::Lost) };
        add_progress(&mut tx, id, &finished.progress).await?;
        settle(&mut tx, &job, finished.outcome, finished.at_ms).await?;
        tx.commit().await?;
        Ok(Written::Stored)
    }

    pub(super) async fn give_back_job(
        &self,
        id: &str,
        fence: &Fence,
        why: GivenBack,
        now_ms: i64,
    ) -> Result<Written, StoreError> {
        let mut tx = self.begin().await?;
        let Some(job) = fenced(&mut tx, id, fence).await? else { return Ok(Written::Lost) };
        give_back(&mut tx, &job, &why, now_ms).await?;
        tx.commit().await?;
        Ok(Written::Stored)
    }

    pub(super) async fn recover_jobs(&self, run: &str, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let mut tx = self.begin().await?;
        let lost = sqlx::query("SELECT * FROM jobs WHERE state = 'running' AND run <> ? ORDER BY seq")
            .bind(run)
            .fetch_all(&mut *tx)
            .await?;
        let mut names = Vec::new();
        for row in &lost {
            let job = rows::job(row)?;
            give_back(&mut tx, &job, &GivenBack::Lost, now_ms).await?;
            names.push(job.id);
        }
        tx.commit().await?;
        Ok(names)
    }

    pub(super) async fn expire_jobs(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        // Reads first: most of the time there is nothing to write.
        let late = sqlx::query("SELECT id FROM jobs WHERE state = 'queued' AND deadline_ms <= ? LIMIT 1000")
            .bind(now_ms)
            .fetch_all(&self.readers)
            .await?;
        let mut names = Vec::new();
        for row in &late {
            let id: String = row.try_get("id")?;
            let mut tx = self.begin().await?;
            let row = sqlx::query("SELECT * FROM jobs WHERE id = ? AND state = 'queued'").bind(&id);
            let Some(row) = row.fetch_optional(&mut *tx).await? else { continue };
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

    pub(super) async fn cancel_job(&self, tenant: &str, id: &str, now_ms: i64) -> Result<Option<Job>, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query("SELECT * FROM jobs WHERE tenant = ? AND id = ?").bind(tenant).bind(id);
        let Some(row) = row.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let job = rows::job(&row)?;
        match job.state {
            JobState::Queued => settle(&mut tx, &job, Outcome::Cancelled, now_ms).await?,
            JobState::Running => {
                sqlx::query("UPDATE jobs SET cancel_requested = 1 WHERE id = ?").bind(id).execute(&mut *tx).await?;
            }
            JobState::Succeeded | JobState::Failed | JobState::Cancelled => {}
        }
        let row = sqlx::query("SELECT * FROM jobs WHERE id = ?").bind(id).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(rows::job(&row)?))
    }
}

async fn insert(tx: &mut SqliteConnection, job: &NewJob) -> Result<Job, StoreError> {
    let row = sqlx::query(
        "INSERT INTO jobs (id, tenant, kind, lane, model, priority, payload, body, idempotency_key, state, max_attempts,
                           created_ms, deadline_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?) RETURNING *",
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
    .bind(job.max_attempts)
    .bind(job.created_ms)
    .bind(job.deadline_ms)
    .fetch_one(&mut *tx)
    .await?;
    add_event(tx, &job.id, job.created_ms, "queued", &json!({})).await?;
    rows::job(&row)
}

async fn begin_attempt(tx: &mut SqliteConnection, job: &Job, run: &str, now_ms: i64) -> Result<Job, StoreError> {
    let row = sqlx::query(
        "UPDATE jobs SET state = 'running', run = ?, attempt = attempt + 1, started_ms = ?, stage = NULL, fraction = 0
         WHERE id = ? RETURNING *",
    )
    .bind(run)
    .bind(now_ms)
    .bind(&job.id)
    .fetch_one(&mut *tx)
    .await?;
    let job = rows::job(&row)?;
    add_event(tx, &job.id, now_ms, "started", &json!({"attempt": job.attempt})).await?;
    Ok(job)
}

/// The job, if it is still this attempt's.
async fn fenced(tx: &mut SqliteConnection, id: &str, fence: &Fence) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query("SELECT * FROM jobs WHERE id = ? AND state = 'running' AND run = ? AND attempt = ?")
        .bind(id)
        .bind(&fence.run)
        .bind(fence.attempt)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(rows::job).transpose()
}

/// Queues a running job again, or ends it.
async fn give_back(tx: &mut SqliteConnection, job: &Job, why: &GivenBack, now_ms: i64) -> Result<(), StoreError> {
    if job.cancel_requested {
        return settle(tx, job, Outcome::Cancelled, now_ms).await;
    }
    let excused = i64::from(*why == GivenBack::Drained);
    let row = sqlx::query("UPDATE jobs SET excused = excused + ? WHERE id = ? RETURNING excused, max_attempts")
        .bind(excused)
        .bind(&job.id)
        .fetch_one(&mut *tx)
        .await?;
    let counted = i64::from(job.attempt) - row.try_get::<i64, _>("excused")?;
    if counted >= row.try_get::<i64, _>("max_attempts")? {
        let error = JobError {
            code: codes::ATTEMPTS_EXHAUSTED.to_owned(),
            detail: format!(
                "the process that worked on it ended {counted} times without a result: see the server's log; a smaller model or \
                 batch may pass"
            ),
        };
        return settle(tx, job, Outcome::Failed(error), now_ms).await;
    }
    sqlx::query("UPDATE jobs SET state = 'queued', stage = NULL, fraction = 0 WHERE id = ?")
        .bind(&job.id)
        .execute(&mut *tx)
        .await?;
    let reason = match why {
        GivenBack::Drained => "drained",
        GivenBack::Lost => "lost",
    };
    add_event(tx, &job.id, now_ms, "queued", &json!({"again": reason})).await
}

/// Writes a job's end, with all that belongs to it.
async fn settle(tx: &mut SqliteConnection, job: &Job, outcome: Outcome, now_ms: i64) -> Result<(), StoreError> {
    let (state, result, error) = match &outcome {
        Outcome::Proved { result, .. } | Outcome::Compiled { result, .. } => {
            (JobState::Succeeded, Some(result.to_string()), None)
        }
        Outcome::Failed(error) => (JobState::Failed, None, Some(error.clone())),
        Outcome::Cancelled => (JobState::Cancelled, None, None),
    };
    let (code, detail) = error.map(|error| (error.code, error.detail)).unzip();
    sqlx::query(
        "UPDATE jobs SET state = ?1, result = ?2, error_code = ?3, error_detail = ?4, finished_ms = ?5,
                         fraction = CASE ?1 WHEN 'succeeded' THEN 1.0 ELSE fraction END
         WHERE id = ?6",
    )
    .bind(state.name())
    .bind(result)
    .bind(&code)
    .bind(&detail)
    .bind(now_ms)
    .bind(&job.id)
    .execute(&mut *tx)
    .await?;
    let data = match (&code, &detail) {
        (Some(code), Some(detail)) => json!({"code": code, "detail": detail}),
        _ => json!({}),
    };
    add_event(tx, &job.id, now_ms, state.name(), &data).await?;
    match outcome {
        Outcome::Proved { proofs, .. } => {
            for (position, proof) in (0i64..).zip(proofs) {
                sqlx::query(
                    "INSERT INTO proofs (id, tenant, job, position, model, key_digest, artifact, created_ms)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
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
            sqlx::query("UPDATE models SET state = 'ready', facts = ?, key_digest = ? WHERE job = ?")
                .bind(facts.to_string())
                .bind(key_digest)
                .bind(&job.id)
                .execute(&mut *tx)
                .await?;
        }
        Outcome::Failed(_) | Outcome::Cancelled if job.kind == Kind::Compile => {
            sqlx::query("UPDATE models SET state = 'failed', error_code = ?, error_detail = ? WHERE job = ?")
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

async fn add_progress(tx: &mut SqliteConnection, id: &str, progress: &[Progress]) -> Result<(), StoreError> {
    let Some(last) = progress.last() else { return Ok(()) };
    for Progress { at_ms, stage, fraction } in progress {
        add_event(tx, id, *at_ms, "stage", &json!({"stage": stage, "fraction": fraction})).await?;
    }
    sqlx::query("UPDATE jobs SET stage = ?, fraction = ? WHERE id = ?")
        .bind(&last.stage)
        .bind(last.fraction)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

async fn add_event(
    tx: &mut SqliteConnection,
    id: &str,
    at_ms: i64,
    kind: &str,
    data: &Value,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (job, number, at_ms, kind, data)
         VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM events WHERE job = ?1), ?2, ?3, ?4)",
    )
    .bind(id)
    .bind(at_ms)
    .bind(kind)
    .bind(data.to_string())
    .execute(tx)
    .await?;
    Ok(())
}
