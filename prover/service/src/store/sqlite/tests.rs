use std::sync::Arc;

use super::*;
use crate::store::{JobStore, Kind, Lane, NewJob, Registry, Store, conformance};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let folder = tempfile::tempdir().unwrap();
    let stores = std::sync::atomic::AtomicU32::new(0);
    conformance::all(async || {
        let number = stores.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = SqliteStore::open(&folder.path().join(format!("{number}.db"))).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn what_is_stored_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.db");
    let job = NewJob {
        id: "one".to_owned(),
        tenant: "a".to_owned(),
        kind: Kind::Prove,
        lane: Lane::Short,
        model: "m".to_owned(),
        priority: 1,
        payload: "p".to_owned(),
        body: "b".to_owned(),
        idempotency_key: None,
        created_ms: 1,
        deadline_ms: None,
        max_crashes: 3,
        forget_inputs: false,
        submitted_by: "key".to_owned(),
        most_open: 1000,
        webhook: None,
    };
    let store = SqliteStore::open(&path).await.unwrap();
    store.submit(job, Some("run-1")).await.unwrap();
    // Without closing it, as after a crash.
    let again = SqliteStore::open(&path).await.unwrap();
    assert_eq!(again.recover("run-2", 2).await.unwrap(), ["one"]);
    let job = again.claim("run-2", Lane::Short, 3).await.unwrap().unwrap();
    assert_eq!((job.attempt, job.priority), (2, 1));
    store.close().await;
    again.close().await;
}

/// A full disk, which is a limit of pages here.
#[tokio::test]
async fn a_write_that_finds_no_room_stops_no_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("jobs.db")).await.unwrap();
    sqlx::query("CREATE TABLE large (x BLOB)").execute(&store.writer).await.unwrap();
    // It holds for this connection: the one that takes its place has room again.
    sqlx::query("PRAGMA max_page_count = 1").execute(&store.writer).await.unwrap();
    let mut tx = store.begin(Lock::Rows).await.unwrap();
    let full = sqlx::query("INSERT INTO large VALUES (zeroblob(1000000))").execute(&mut *tx).await.unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    drop(tx);
    store.submit(conformance::job("two"), None).await.unwrap();
    assert!(store.claim("run", Lane::Short, 1).await.unwrap().is_some_and(|job| job.id == "two"));
    store.close().await;
}

/// A store as version 1 left it, in the middle of jobs.
#[tokio::test]
async fn a_store_of_version_1_is_brought_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let old = SqlitePool::connect_with(options).await.unwrap();
    migrations(&MIGRATIONS[..1]).run(&old).await.unwrap();
    for (id, state, attempt, excused, cancel) in [
        ("waits", "queued", 2, 1, 0),
        ("runs", "running", 3, 0, 0),
        ("stops", "running", 1, 0, 1),
        ("ended", "succeeded", 1, 0, 0),
    ] {
        sqlx::query(
            "INSERT INTO jobs (id, tenant, kind, lane, model, priority, payload, body, state, run, attempt, excused, max_attempts,
                               cancel_requested, created_ms, started_ms)
             VALUES (?, 'a', 'prove', 'short', 'm', 0, '{}', 'b', ?, 'old', ?, ?, 5, ?, 7, 8)",
        )
        .bind(id)
        .bind(state)
        .bind(attempt)
        .bind(excused)
        .bind(cancel)
        .execute(&old)
        .await
        .unwrap();
        sqlx::query("INSERT INTO events (job, number, at_ms, kind, data) VALUES (?, 1, 7, 'queued', '{}')")
            .bind(id)
            .execute(&old)
            .await
            .unwrap();
    }
    old.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    let crashes = async |id: &str| {
        let row =
            sqlx::query("SELECT crashes FROM jobs WHERE id = ?").bind(id).fetch_one(&store.readers).await.unwrap();
        sqlx::Row::get::<i64, _>(&row, "crashes")
    };
    assert_eq!((crashes("waits").await, crashes("runs").await), (1, 2));
    let stopped = store.job("a", "stops").await.unwrap().unwrap();
    assert_eq!((stopped.state, stopped.events), (crate::store::JobState::Cancelled, 2));
    assert_eq!(store.recover("new", 9).await.unwrap(), ["runs"]);
    assert_eq!(store.claim("new", Lane::Short, 9).await.unwrap().unwrap().id, "waits");
    assert_eq!(store.claim("new", Lane::Short, 9).await.unwrap().unwrap().attempt, 4);
    assert_eq!(store.job("a", "ended").await.unwrap().unwrap().events, 1);
}

/// Of a tenant's past, nothing is read that was not asked for.
#[tokio::test]
async fn what_is_asked_often_has_an_index() {
    use crate::store::{JobFilter, JobState, Page};
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("jobs.db")).await.unwrap();
    let page = Page { before: Some(9), limit: 9 };
    let listed = |filter: JobFilter| sql::lists::jobs_query("a", &filter, page).into_string();
    let queries = [
        (sql::jobs::OPEN_JOBS.to_owned(), "jobs_of_tenant_by_state"),
        (sql::jobs::NEXT.to_owned(), "jobs_waiting"),
        (sql::jobs::NEXT.to_owned(), "jobs_busy"),
        (listed(JobFilter::default()), "jobs_of_tenant"),
        (listed(JobFilter { model: Some("m".to_owned()), ..JobFilter::default() }), "jobs_of_tenant_by_model"),
        (listed(JobFilter { state: Some(JobState::Failed), ..JobFilter::default() }), "jobs_of_tenant_by_state"),
        (listed(JobFilter { kind: Some(Kind::Prove), ..JobFilter::default() }), "jobs_of_tenant_by_kind"),
        (sql::registry::MODELS.to_owned(), "models_of_tenant"),
        (sql::registry::ARTIFACTS_OF_PROOFS.to_owned(), "proofs_by_artifact"),
        ("UPDATE models SET state = 'ready' WHERE job = ?".to_owned(), "models_by_job"),
        ("SELECT id FROM jobs WHERE state = 'queued' AND deadline_ms <= ? LIMIT 1000".to_owned(), "jobs_with_deadline"),
        (dialect::NEXT_WEBHOOK.to_owned(), "webhooks_due"),
        ("SELECT id, attempt FROM jobs WHERE state = 'running' AND run = ?".to_owned(), "jobs_running"),
    ];
    for (query, index) in queries {
        let explained = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")));
        let plan = explained.fetch_all(&store.writer).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
        let uses = plan
            .iter()
            .any(|step| step.contains(&format!("INDEX {index} ")) || step.ends_with(&format!("INDEX {index}")));
        // Of the tables that grow: what the queries make themselves is short.
        let scans = plan.iter().any(|step| {
            step.starts_with("SCAN jobs")
                || step.starts_with("SCAN models")
                || step.contains("TEMP B-TREE FOR ORDER BY") && index != "jobs_waiting" && index != "jobs_busy"
        });
        assert!(uses && !scans, "{query}: {plan:#?}");
    }
}
