use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::{
    Fence, Finished, JobError, JobState, JobStore, Lane, Outcome, Registry, Store, Submitted, Written, conformance,
};

#[path = "../../../tests/cluster/mod.rs"]
mod cluster;

use cluster::Cluster;

const NOW: i64 = 1_700_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let cluster = Cluster::start();
    let stores = AtomicU32::new(0);
    conformance::all(async || {
        let url = cluster.schema(&format!("s{}", stores.fetch_add(1, Ordering::Relaxed)));
        // Leases that are over at once: as if each other process had ended.
        let store = PostgresStore::open(&url, Duration::ZERO).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

/// All that can be seen of leases, on one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_held_as_long_as_its_process_is_heard_of() {
    let cluster = Cluster::start();
    let lease = Duration::from_millis(1000);
    let store = PostgresStore::open(&cluster.url(), lease).await.unwrap();
    for id in ["one", "two"] {
        assert!(matches!(store.submit(conformance::job(id), None).await.unwrap(), Submitted::New(_)));
    }
    let one = store.claim("run-1", Lane::Short, NOW).await.unwrap().unwrap();
    assert!(store.reclaim("run-2", NOW).await.unwrap().is_empty(), "just begun");

    // Its heart beats: the job stays, for much longer than a lease. And the clock is the database's, however wrong this machine's is.
    let clock = crate::clock::Clock::from(NOW);
    let heart = Heart::start(&store, "run-1", lease, clock.clone()).unwrap();
    tokio::time::sleep(lease * 3).await;
    assert!(heart.pulse().is_steady());
    assert!(store.reclaim("run-2", NOW).await.unwrap().is_empty(), "it lives");
    let skew = clock.now_ms() - store.now_ms().await.unwrap();
    assert!(skew.abs() < 100, "{skew}");

    // It stops beating, as a process that is killed or stopped.
    drop(heart);
    tokio::time::sleep(lease * 2).await;
    assert!(store.reclaim("run-1", NOW).await.unwrap().is_empty(), "nobody's own");
    assert_eq!(store.reclaim("run-2", NOW).await.unwrap(), ["one"]);
    assert!(store.reclaim("run-2", NOW).await.unwrap().is_empty(), "once");
    let again = store.claim("run-2", Lane::Short, NOW).await.unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.attempt), ("one", 2));

    // It goes on, and can neither end the job nor give it back; what it begins now is its own.
    let end = conformance::proved("late");
    assert!(!store.holds("one", &one.fence()).await.unwrap());
    assert_eq!(store.finish("one", &one.fence(), end.clone()).await.unwrap(), Written::Lost);
    let two = store.claim("run-1", Lane::Short, NOW).await.unwrap().unwrap();
    assert_eq!(two.id, "two");
    assert!(store.reclaim("run-2", NOW).await.unwrap().is_empty(), "to begin a job is to be heard of");
    assert_eq!(store.finish("two", &two.fence(), end).await.unwrap(), Written::Stored);
    assert!(store.proof("a", "late").await.unwrap().is_some_and(|proof| proof.job == "two"));
    let interrupted = store.job("a", "one").await.unwrap().unwrap();
    assert_eq!((interrupted.state, interrupted.fence()), (JobState::Running, again.fence()));
    assert_eq!(again.fence(), Fence { run: "run-2".to_owned(), attempt: 2 });
    store.close().await;
}

/// Two that look for what is lost at the same time count it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_taken_back_once() {
    let cluster = Cluster::start();
    let store = PostgresStore::open(&cluster.url(), Duration::ZERO).await.unwrap();
    for number in 0..40 {
        store.submit(conformance::job(&number.to_string()), None).await.unwrap();
        store.claim("gone", Lane::Short, NOW).await.unwrap().unwrap();
    }
    let looking = (0..4).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.reclaim(&format!("run-{number}"), NOW).await.unwrap().len() })
    });
    let mut taken = 0;
    for looking in looking.collect::<Vec<_>>() {
        taken += looking.await.unwrap();
    }
    // Whoever comes while another takes them finds none.
    assert_eq!(taken, 40);
    store.close().await;
}

/// A process that is stopped in the middle of a write holds up nobody for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_of_a_stopped_process_are_taken_from_it() {
    let cluster = Cluster::start();
    let store = PostgresStore::open(&cluster.url(), Duration::from_secs(10)).await.unwrap();
    store.submit(conformance::job("one"), None).await.unwrap();
    let mut stopped = store.begin(Lock::Lane(Lane::Short)).await.unwrap();
    let start = std::time::Instant::now();
    assert_eq!(store.claim("run", Lane::Short, NOW).await.unwrap().unwrap().id, "one");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    // What it goes on to write is refused.
    sqlx::query("UPDATE jobs SET state = 'queued'").execute(&mut *stopped).await.unwrap_err();
    drop(stopped);
    assert_eq!(store.job("a", "one").await.unwrap().unwrap().state, JobState::Running);
    store.close().await;
}

/// A crash of the database loses nothing that was answered, and needs no restart of those who use it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_down_is_found_again() {
    let cluster = Cluster::start();
    let store = PostgresStore::open(&cluster.url(), Duration::from_secs(10)).await.unwrap();
    store.submit(conformance::job("one"), None).await.unwrap();
    let mut listener = store.listener().await.unwrap();
    cluster.crash();
    store.submit(conformance::job("two"), None).await.unwrap_err();
    cluster.up();
    assert_eq!(store.claim("run", Lane::Short, NOW).await.unwrap().unwrap().id, "one");
    // It says that it was away, and hears again.
    assert!(listener.try_recv().await.unwrap().is_none());
    store.speaker().await.unwrap().tell(&["hello".to_owned()]).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Ok(Some(heard)) = listener.try_recv().await {
                return heard.payload().to_owned();
            }
        }
    });
    assert_eq!(heard.await.unwrap(), "hello");
    // It has a connection of the store's.
    drop(listener);
    store.close().await;
}

/// What can never be stored is not tried for ever.
#[tokio::test]
async fn a_text_that_is_none_is_refused_as_such() {
    let cluster = Cluster::start();
    let store = PostgresStore::open(&cluster.url(), Duration::from_secs(10)).await.unwrap();
    store.submit(conformance::job("one"), None).await.unwrap();
    let begun = store.claim("run", Lane::Short, NOW).await.unwrap().unwrap();
    let failed = |detail: &str| {
        let error = JobError { code: "invalid_input".to_owned(), detail: detail.to_owned() };
        Finished { at_ms: NOW, progress: vec![], outcome: Outcome::Failed(error) }
    };
    let refused = store.finish("one", &begun.fence(), failed("a\0b")).await.unwrap_err();
    assert!(refused.is_constraint(), "{refused:?}");
    assert_eq!(store.finish("one", &begun.fence(), failed("a b")).await.unwrap(), Written::Stored);
    store.close().await;
}

/// What is asked often is found by an index, if there is much of it.
#[tokio::test]
async fn what_is_asked_often_has_an_index() {
    let cluster = Cluster::start();
    let store = PostgresStore::open(&cluster.url(), Duration::from_secs(10)).await.unwrap();
    let history = "INSERT INTO jobs (id, tenant, kind, lane, model, priority, payload, body, state, run, max_crashes, created_ms,
                                     forget_inputs)
                   SELECT 'job' || n, 't' || n % 50, 'prove', 'short', 'm' || n % 97, 0, '{}', 'b',
                          CASE WHEN n % 100 = 0 THEN 'queued' WHEN n % 100 = 1 THEN 'running' ELSE 'succeeded' END, 'run', 1, n, false
                   FROM generate_series(1, 20000) AS n";
    sqlx::raw_sql(history).execute(&store.readers).await.unwrap();
    sqlx::raw_sql("ANALYZE").execute(&store.readers).await.unwrap();
    for (query, index) in [
        (sql::jobs::NEXT.replace("$1", "'short'").replace("$2", "5"), "jobs_waiting"),
        (sql::jobs::OPEN_JOBS.replace("$1", "'t7'"), "jobs_of_tenant_by_state"),
        ("SELECT id FROM jobs WHERE state = 'queued' AND deadline_ms <= 5 LIMIT 1000".to_owned(), "jobs_with_deadline"),
        (dialect::NEXT_WEBHOOK.replace("$1", "5").replace("$2", "'[]'"), "webhooks_due"),
        ("SELECT id, attempt FROM jobs WHERE state = 'running' AND run = 'x'".to_owned(), "jobs_running"),
    ] {
        let plan =
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("EXPLAIN {query}"))).fetch_all(&store.readers).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let scans = plan.iter().any(|step| step.contains("Seq Scan on jobs"));
        assert!(!scans && plan.iter().any(|step| step.contains(index)), "{query}: {plan:#?}");
    }
    store.close().await;
}

/// A password is in no message.
#[tokio::test]
async fn an_address_that_leads_nowhere_is_named_without_its_password() {
    for url in
        ["postgres://user:secret@127.0.0.1:1/none", "postgres://user:secret@[", "mysql://user:secret@localhost/x"]
    {
        let error = PostgresStore::open(url, Duration::from_secs(10)).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("secret"), "{said}");
    }
}
