//! What is asked of jobs.

use sqlx::{QueryBuilder, Row};

use super::dialect::Db;
use super::jobs::open_jobs;
use super::{Tables, rows};
use crate::store::{Depth, Event, Job, JobFilter, Page, StoreError};

impl Tables {
    pub(super) async fn job_of(&self, tenant: &str, id: &str) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query("SELECT * FROM jobs WHERE tenant = $1 AND id = $2")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::job).transpose()
    }

    pub(super) async fn list_jobs(&self, tenant: &str, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        let mut query = jobs_query(tenant, filter, page);
        query.build().fetch_all(&self.readers).await?.iter().map(rows::job).collect()
    }

    pub(super) async fn list_events(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let found = sqlx::query("SELECT * FROM events WHERE job = $1 AND number > $2 ORDER BY number LIMIT $3")
            .bind(id)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        found.iter().map(rows::event).collect()
    }

    pub(super) async fn lane_depths(&self) -> Result<Vec<Depth>, StoreError> {
        let waiting = sqlx::query(
            "SELECT lane, count(*) AS queued, min(created_ms) AS oldest FROM jobs WHERE state = 'queued' GROUP BY lane",
        )
        .fetch_all(&self.readers)
        .await?;
        let running = sqlx::query("SELECT lane, count(*) AS running FROM jobs WHERE state = 'running' GROUP BY lane")
            .fetch_all(&self.readers)
            .await?;
        let mut depths: Vec<Depth> = crate::store::Lane::ALL
            .iter()
            .map(|lane| Depth { lane: *lane, queued: 0, running: 0, oldest_ms: None })
            .collect();
        for row in waiting.iter().chain(&running) {
            let lane = row.try_get::<String, _>("lane")?.parse()?;
            if let Some(depth) = depths.iter_mut().find(|depth| depth.lane == lane) {
                match row.try_get::<i64, _>("running") {
                    Ok(running) => depth.running = running.unsigned_abs(),
                    Err(_) => {
                        depth.queued = row.try_get::<i64, _>("queued")?.unsigned_abs();
                        depth.oldest_ms = row.try_get("oldest")?;
                    }
                }
            }
        }
        Ok(depths)
    }

    pub(super) async fn count_open(&self, tenant: &str) -> Result<u64, StoreError> {
        let mut connection = self.readers.acquire().await?;
        open_jobs(&mut connection, tenant).await
    }
}

/// Of jobs, what a list shows: payloads are long.
const LISTED: &str = "seq, id, tenant, kind, lane, model, priority, '' AS payload, state, run, attempt, events, created_ms, started_ms, \
                      finished_ms, deadline_ms, stage, fraction, result, error_code, error_detail, webhook_url, webhook_message, \
                      webhook_state, webhook_attempts, webhook_next_ms, webhook_status, webhook_error";

/// With the conditions that are asked for and no others, so that each has its index.
pub(in crate::store) fn jobs_query(tenant: &str, filter: &JobFilter, page: Page) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::new(format!("SELECT {LISTED} FROM jobs WHERE tenant = "));
    query.push_bind(tenant.to_owned());
    let conditions = [
        (" AND model = ", filter.model.clone()),
        (" AND state = ", filter.state.map(|state| state.name().to_owned())),
        (" AND kind = ", filter.kind.map(|kind| kind.name().to_owned())),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    if let Some(before) = page.before {
        query.push(" AND seq < ").push_bind(before);
    }
    query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(page.limit));
    query
}
