use std::sync::Arc;

use super::*;
use crate::store::{Kind, Store, conformance};

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
        max_attempts: 3,
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
