//! What is asked of jobs.

use sqlx::Row;

use super::{SqliteStore, rows};
use crate::store::{Depth, Event, Job, JobFilter, Page, StoreError};

impl SqliteStore {
    pub(super) async fn job_of(&self, tenant: &str, id: &str) -> Result<Option<Job>, StoreError> {
        let row = sqlx::query("SELECT * FROM jobs WHERE tenant = ? AND id = ?")
            .bind(tenant)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(rows::job).transpose()
    }

    pub(super) async fn list_jobs(&self, tenant: &str, filter: &JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        let found = sqlx::query(
            "SELECT * FROM jobs WHERE tenant = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR kind = ?3)
               AND (?4 IS NULL OR model = ?4) AND (?5 IS NULL OR seq < ?5)
             ORDER BY seq DESC LIMIT ?6",
        )
        .bind(tenant)
        .bind(filter.state.map(|state| state.name()))
        .bind(filter.kind.map(|kind| kind.name()))
        .bind(&filter.model)
        .bind(page.before)
        .bind(page.limit)
        .fetch_all(&self.readers)
        .await?;
        found.iter().map(rows::job).collect()
    }

    pub(super) async fn list_events(&self, id: &str, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let found = sqlx::query("SELECT * FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT ?")
            .bind(id)
            .bind(after)
            .bind(limit)
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
        let row = sqlx::query("SELECT count(*) AS open FROM jobs WHERE tenant = ? AND state IN ('queued', 'running')")
            .bind(tenant)
            .fetch_one(&self.readers)
            .await?;
        Ok(row.try_get::<i64, _>("open")?.unsigned_abs())
    }
}
