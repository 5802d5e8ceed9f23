//! Jobs that are begun, and begun again.

use std::collections::BTreeSet;

use super::*;

pub(super) async fn only_the_attempt_that_holds_a_job_writes(store: &dyn Store) {
    submit(store, job("one")).await;
    let first = claim(store, "run-1").await.unwrap();
    let elsewhere = Fence { run: "run-2".to_owned(), attempt: 1 };
    assert_eq!(store.finish("one", &elsewhere, proved("p0")).await.unwrap(), Written::Lost);
    assert!(!store.holds("one", &elsewhere).await.unwrap());
    assert!(store.holds("one", &first.fence()).await.unwrap());
    assert_eq!(store.held("run-1").await.unwrap(), [("one".to_owned(), 1)]);
    assert_eq!(store.held("run-2").await.unwrap(), []);
    store.give_back("one", &first.fence(), back(Setback::Crashed)).await.unwrap();
    assert_eq!(store.finish("one", &first.fence(), proved("p1")).await.unwrap(), Written::Lost, "queued again");
    let second = claim(store, "run-1").await.unwrap();
    assert_eq!(second.attempt, 2);
    // A process that was stopped and goes on: same run, older attempt.
    assert_eq!(store.finish("one", &first.fence(), proved("p2")).await.unwrap(), Written::Lost);
    assert_eq!(store.give_back("one", &first.fence(), back(Setback::Crashed)).await.unwrap(), Written::Lost);
    assert_eq!(store.finish("one", &second.fence(), proved("p3")).await.unwrap(), Written::Stored);
    assert_eq!(store.finish("one", &second.fence(), proved("p4")).await.unwrap(), Written::Lost, "one result");
    let done = store.job("a", "one").await.unwrap().unwrap();
    assert_eq!((done.state, done.result, done.fraction), (JobState::Succeeded, Some(json!({"by": "p3"})), 1.0));
    let proofs = store.proofs_of("one").await.unwrap();
    assert_eq!(proofs.iter().map(|proof| proof.id.as_str()).collect::<Vec<_>>(), ["p3"]);
    assert_eq!(store.proof("a", "p3").await.unwrap().unwrap().job, "one");
    assert_eq!(store.proof("a", "p4").await.unwrap(), None);
}

pub(super) async fn a_job_that_ends_its_process_is_begun_again_and_counted(store: &dyn Store) {
    submit(store, job("one")).await;
    for attempt in 1..=3 {
        let job = claim(store, "run").await.unwrap();
        assert_eq!(job.attempt, attempt);
        store.give_back("one", &job.fence(), back(Setback::Crashed)).await.unwrap();
    }
    let job = store.job("a", "one").await.unwrap().unwrap();
    assert_eq!((job.state, job.error.unwrap().code.as_str()), (JobState::Failed, codes::ATTEMPTS_EXHAUSTED));
    assert!(claim(store, "run").await.is_none());
}

pub(super) async fn kills_of_the_server_count_apart(store: &dyn Store) {
    submit(store, job("one")).await;
    let mut now = NOW;
    for kill in 1..=20 {
        let run = format!("run-{kill}");
        let begun = store.claim(&run, Lane::Short, now).await.unwrap();
        assert!(begun.is_some(), "more often than its process may end: {kill}");
        assert!(store.recover(&run, now).await.unwrap().is_empty(), "its own");
        assert_eq!(store.recover("next", now).await.unwrap(), ["one"]);
        if kill > 1 {
            assert!(store.claim("next", Lane::Short, now).await.unwrap().is_none(), "it waits: {kill}");
        }
        now += 60_000;
    }
    let job = store.job("a", "one").await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.error.unwrap().code.as_str()),
        (JobState::Failed, codes::ATTEMPTS_EXHAUSTED),
        "not for ever"
    );
}

pub(super) async fn the_machines_faults_do_not_count_and_are_waited_for(store: &dyn Store) {
    submit(store, job("one")).await;
    submit(store, job("two")).await;
    let mut now = NOW;
    for fault in 0..20 {
        let job = store.claim("run", Lane::Short, now).await.unwrap().unwrap();
        assert_eq!(job.id, "one", "{fault}");
        store.give_back("one", &job.fence(), GivenBack { at_ms: now, ..back(Setback::Unavailable) }).await.unwrap();
        let wait = (1000i64 << fault.min(10)).min(60_000);
        // Another goes meanwhile.
        let other = store.claim("run", Lane::Short, now + wait - 1).await.unwrap().unwrap();
        assert_eq!(other.id, "two", "{fault}");
        store.give_back("two", &other.fence(), back(Setback::Drained)).await.unwrap();
        now += wait;
    }
    assert_eq!(state(store, "one").await, JobState::Queued);
    let last = store.events("one", 0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.data), ("queued", json!({"again": "unavailable", "wait_ms": 60_000})));
}

pub(super) async fn a_drain_does_not_count(store: &dyn Store) {
    submit(store, job("one")).await;
    for attempt in 1..=5 {
        let job = claim(store, "run").await.unwrap();
        assert_eq!(job.attempt, attempt, "it fences all the same");
        store.give_back("one", &job.fence(), back(Setback::Drained)).await.unwrap();
    }
    assert_eq!(state(store, "one").await, JobState::Queued);
}

pub(super) async fn a_clock_that_was_set_back_leaves_jobs_their_time(store: &dyn Store) {
    let day = 86_400_000;
    submit(store, NewJob { deadline_ms: Some(NOW + 5000), ..job("one") }).await;
    submit(store, job("waiting")).await;
    let begun = store.claim("old", Lane::Short, NOW).await.unwrap().unwrap();
    assert_eq!(begun.id, "one");
    let begun = store.claim("old", Lane::Short, NOW).await.unwrap().unwrap();
    store.give_back("waiting", &begun.fence(), back(Setback::Unavailable)).await.unwrap();
    store.recover("new", NOW - day).await.unwrap();
    let job = store.job("a", "one").await.unwrap().unwrap();
    assert_eq!(job.deadline_ms, Some(NOW - day + 5000), "not a day and five seconds");
    let ids = [
        store.claim("new", Lane::Short, NOW - day).await.unwrap().unwrap().id,
        store.claim("new", Lane::Short, NOW - day + 60_000).await.unwrap().unwrap().id,
    ];
    assert_eq!(ids, ["one", "waiting"], "no waits of a day");
    // Set forward, it fails what is late by then: nobody knows how long nothing ran.
    let late = submit(store, NewJob { deadline_ms: Some(NOW + 5000), ..self::job("late") }).await;
    store.recover("newer", NOW + day).await.unwrap();
    assert!(store.expire(NOW + day).await.unwrap().contains(&late.id));
}

pub(super) async fn events_are_numbered(store: &dyn Store) {
    submit(store, job("one")).await;
    let job = claim(store, "run").await.unwrap();
    assert_eq!(job.events, 2);
    let progress = vec![step("witness", 0.0), step("commit", 0.4)];
    store.give_back("one", &job.fence(), GivenBack { progress, ..back(Setback::Drained) }).await.unwrap();
    assert_eq!(kinds(store, "one").await, ["queued", "started", "stage", "stage", "queued"]);
    let job = claim(store, "run").await.unwrap();
    assert_eq!((job.events, job.stage, job.fraction), (6, None, 0.0));
    // Those who heard of stages that were not stored hear of all that comes after.
    store.recover("next", NOW).await.unwrap();
    let job = claim(store, "next").await.unwrap();
    assert!(job.events > LOST_EVENTS);
    let finished = Finished { progress: vec![step("opening", 1.0)], ..proved("p") };
    store.finish("one", &job.fence(), finished).await.unwrap();
    let rest = store.events("one", job.events, 9).await.unwrap();
    assert_eq!(rest.iter().map(|event| event.number - job.events).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        (rest[0].data.clone(), rest[1].kind.as_str()),
        (json!({"stage": "opening", "fraction": 1.0}), "succeeded")
    );
    assert_eq!(store.events("one", 3, 2).await.unwrap().iter().map(|event| event.number).collect::<Vec<_>>(), [4, 5]);
}

pub(super) async fn every_job_once(store: Arc<dyn Store>) {
    const JOBS: usize = 60;
    for number in 0..JOBS {
        submit(&*store, job(&number.to_string())).await;
    }
    let workers = (0..6).map(|worker| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut done = Vec::new();
            while let Some(job) = claim(&*store, &format!("run-{worker}")).await {
                let written = store.finish(&job.id, &job.fence(), proved(&format!("p-{}", job.id))).await.unwrap();
                assert_eq!(written, Written::Stored);
                done.push(job.id);
            }
            done
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (JOBS, JOBS));
}
