//! What every store must do. A store's own tests call [`all`] with one that is empty.

mod webhooks;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::codes;

const NOW: i64 = 1_700_000_000_000;

/// A job of tenant `a`, short lane, priority 0.
pub(super) fn job(id: &str) -> NewJob {
    NewJob {
        id: id.to_owned(),
        tenant: "a".to_owned(),
        kind: Kind::Prove,
        lane: Lane::Short,
        model: "model".to_owned(),
        priority: 0,
        payload: "payload".to_owned(),
        body: "body".to_owned(),
        idempotency_key: None,
        created_ms: NOW,
        submitted_by: "key".to_owned(),
        deadline_ms: None,
        max_crashes: 3,
        forget_inputs: false,
        most_open: 1000,
        webhook: None,
    }
}

fn keyed(id: &str, key: &str, body: &str) -> NewJob {
    NewJob { idempotency_key: Some(key.to_owned()), body: body.to_owned(), ..job(id) }
}

fn proved(id: &str) -> Finished {
    let proof = NewProof { id: id.to_owned(), key_digest: "d".to_owned(), artifact: "b".to_owned() };
    Finished {
        at_ms: NOW + 1,
        progress: vec![],
        outcome: Outcome::Proved { result: json!({"by": id}), proofs: vec![proof] },
    }
}

async fn submit(store: &dyn Store, job: NewJob) -> Job {
    match store.submit(job, None).await.unwrap() {
        Submitted::New(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn claim(store: &dyn Store, run: &str) -> Option<Job> {
    store.claim(run, Lane::Short, NOW).await.unwrap()
}

fn back(why: Setback) -> GivenBack {
    GivenBack { at_ms: NOW, progress: vec![], why }
}

fn act() -> Act {
    Act { actor: "key".to_owned(), at_ms: NOW }
}

fn step(stage: &str, fraction: f64) -> Progress {
    Progress { at_ms: NOW, stage: stage.to_owned(), fraction }
}

async fn cancel(store: &dyn Store, id: &str) -> Job {
    match store.cancel("a", id, &[], &act()).await.unwrap().unwrap() {
        Cancelled::Now(job) => job,
        other => panic!("{other:?}"),
    }
}

async fn state(store: &dyn Store, id: &str) -> JobState {
    store.job("a", id).await.unwrap().unwrap().state
}

async fn kinds(store: &dyn Store, id: &str) -> Vec<String> {
    store.events(id, 0, 100).await.unwrap().into_iter().map(|event| event.kind).collect()
}

/// Runs every check, each on a store of its own.
pub(crate) async fn all<F: Future<Output = Arc<dyn Store>>>(empty: impl Fn() -> F) {
    the_same_key_is_the_same_job(&*empty().await).await;
    only_the_attempt_that_holds_a_job_writes(&*empty().await).await;
    a_job_that_ends_its_process_is_begun_again_and_counted(&*empty().await).await;
    kills_of_the_server_count_apart(&*empty().await).await;
    the_machines_faults_do_not_count_and_are_waited_for(&*empty().await).await;
    a_drain_does_not_count(&*empty().await).await;
    what_is_cancelled_has_no_result(&*empty().await).await;
    of_cancel_and_result_the_first_wins(&empty().await).await;
    a_clock_that_was_set_back_leaves_jobs_their_time(&*empty().await).await;
    tenants_take_turns(&*empty().await).await;
    open_jobs_are_counted_as_they_are_stored(&*empty().await).await;
    inputs_are_forgotten_if_asked(&*empty().await).await;
    what_was_done_is_written_down(&*empty().await).await;
    priority_then_age(&*empty().await).await;
    deadlines(&*empty().await).await;
    pages_and_filters(&*empty().await).await;
    tenants_do_not_see_each_other(&*empty().await).await;
    events_are_numbered(&*empty().await).await;
    models(&*empty().await).await;
    keys(&*empty().await).await;
    webhooks::nobody_is_told_before_the_end_and_each_until_it_is_taken(&*empty().await).await;
    webhooks::every_end_is_told_the_longest_due_first(&*empty().await).await;
    webhooks::secrets_sign_until_they_are_revoked(&*empty().await).await;
    every_job_once(empty().await).await;
}

async fn the_same_key_is_the_same_job(store: &dyn Store) {
    let first = submit(store, keyed("one", "key", "x")).await;
    match store.submit(keyed("two", "key", "x"), None).await.unwrap() {
        Submitted::Same(job) => assert_eq!(job, first),
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.submit(keyed("three", "key", "y"), None).await.unwrap(), Submitted::Conflict));
    let of_another = NewJob { tenant: "b".to_owned(), ..keyed("four", "key", "y") };
    assert!(matches!(store.submit(of_another, None).await.unwrap(), Submitted::New(_)));
    submit(store, job("five")).await;
    // Begun in the same write; asked for again, it is not begun a second time.
    let begun = store.submit(keyed("six", "other", "x"), Some("run")).await.unwrap();
    let Submitted::New(begun) = begun else { panic!("{begun:?}") };
    assert_eq!((begun.state, begun.attempt, begun.run.as_deref()), (JobState::Running, 1, Some("run")));
    let again = store.submit(keyed("seven", "other", "x"), Some("else")).await.unwrap();
    assert!(matches!(again, Submitted::Same(job) if job.run.as_deref() == Some("run") && job.attempt == 1));
}

async fn only_the_attempt_that_holds_a_job_writes(store: &dyn Store) {
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

async fn a_job_that_ends_its_process_is_begun_again_and_counted(store: &dyn Store) {
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

async fn kills_of_the_server_count_apart(store: &dyn Store) {
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

async fn the_machines_faults_do_not_count_and_are_waited_for(store: &dyn Store) {
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

async fn a_drain_does_not_count(store: &dyn Store) {
    submit(store, job("one")).await;
    for attempt in 1..=5 {
        let job = claim(store, "run").await.unwrap();
        assert_eq!(job.attempt, attempt, "it fences all the same");
        store.give_back("one", &job.fence(), back(Setback::Drained)).await.unwrap();
    }
    assert_eq!(state(store, "one").await, JobState::Queued);
}

async fn what_is_cancelled_has_no_result(store: &dyn Store) {
    submit(store, job("queued")).await;
    assert_eq!(cancel(store, "queued").await.state, JobState::Cancelled);
    assert!(claim(store, "run").await.is_none());
    submit(store, job("running")).await;
    let running = claim(store, "run").await.unwrap();
    let told = [step("witness", 0.3)];
    match store.cancel("a", "running", &told, &act()).await.unwrap().unwrap() {
        Cancelled::Now(job) => assert_eq!((job.state, job.stage.as_deref()), (JobState::Cancelled, Some("witness"))),
        other => panic!("{other:?}"),
    }
    assert_eq!(kinds(store, "running").await, ["queued", "started", "stage", "cancelled"]);
    assert!(!store.holds("running", &running.fence()).await.unwrap());
    assert_eq!(store.finish("running", &running.fence(), proved("p")).await.unwrap(), Written::Lost);
    assert_eq!(state(store, "running").await, JobState::Cancelled);
    assert_eq!(store.proof("a", "p").await.unwrap(), None);
    assert_eq!(store.give_back("running", &running.fence(), back(Setback::Crashed)).await.unwrap(), Written::Lost);
    let again = store.cancel("a", "running", &told, &act()).await.unwrap().unwrap();
    assert!(matches!(again, Cancelled::EndedBefore(job) if job.state == JobState::Cancelled), "again: nothing");
    submit(store, job("done")).await;
    let done = claim(store, "run").await.unwrap();
    store.finish("done", &done.fence(), proved("q")).await.unwrap();
    let late = store.cancel("a", "done", &told, &act()).await.unwrap().unwrap();
    assert!(matches!(late, Cancelled::EndedBefore(job) if job.state == JobState::Succeeded));
    assert!(store.cancel("a", "unknown", &[], &act()).await.unwrap().is_none());
}

/// Whatever is answered to a request to cancel stays true.
async fn of_cancel_and_result_the_first_wins(store: &Arc<dyn Store>) {
    for number in 0..30 {
        let id = number.to_string();
        submit(&**store, job(&id)).await;
        let begun = claim(&**store, "run").await.unwrap();
        let finishing = tokio::spawn({
            let (store, fence, id) = (Arc::clone(store), begun.fence(), id.clone());
            async move { store.finish(&id, &fence, proved(&format!("p-{id}"))).await.unwrap() }
        });
        let cancelled = store.cancel("a", &id, &[], &act()).await.unwrap().unwrap();
        let expected = match (finishing.await.unwrap(), cancelled) {
            (Written::Lost, Cancelled::Now(_)) => JobState::Cancelled,
            (Written::Stored, Cancelled::EndedBefore(job)) => job.state,
            other => panic!("{other:?}"),
        };
        assert_eq!(state(&**store, &id).await, expected);
        assert_eq!(store.proofs_of(&id).await.unwrap().len(), usize::from(expected == JobState::Succeeded));
    }
}

async fn a_clock_that_was_set_back_leaves_jobs_their_time(store: &dyn Store) {
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

async fn tenants_take_turns(store: &dyn Store) {
    for number in 0..4 {
        submit(store, NewJob { priority: 100, ..job(&format!("a{number}")) }).await;
    }
    for id in ["b0", "b1"] {
        submit(store, NewJob { tenant: "b".to_owned(), priority: -100, ..job(id) }).await;
    }
    submit(store, NewJob { tenant: "c".to_owned(), deadline_ms: Some(NOW), ..job("c0") }).await;
    let mut order = Vec::new();
    while let Some(begun) = claim(store, "run").await {
        // As where one runs at a time.
        store.finish(&begun.id, &begun.fence(), proved(&format!("p-{}", begun.id))).await.unwrap();
        order.push(begun.id);
    }
    assert_eq!(order, ["a0", "b0", "a1", "b1", "a2", "a3"]);
    // Who has one running waits for who has none.
    for (tenant, id) in [("a", "a4"), ("a", "a5"), ("b", "b2"), ("b", "b3")] {
        submit(store, NewJob { tenant: tenant.to_owned(), ..job(id) }).await;
    }
    let first = claim(store, "run").await.unwrap();
    let second = claim(store, "run").await.unwrap();
    assert_ne!(first.tenant, second.tenant);
    store.finish(&second.id, &second.fence(), proved("p")).await.unwrap();
    assert_eq!(claim(store, "run").await.unwrap().tenant, second.tenant);
}

async fn what_was_done_is_written_down(store: &dyn Store) {
    submit(store, keyed("one", "key", "x")).await;
    store.submit(keyed("two", "key", "x"), None).await.unwrap();
    cancel(store, "one").await;
    store.cancel("a", "one", &[], &act()).await.unwrap();
    let (of_model, compile) = model("m", "x");
    store.submit_model(of_model.clone(), compile.clone()).await.unwrap();
    store.submit_model(of_model, compile).await.unwrap();
    assert_eq!(store.delete_model("a", "m", &act()).await.unwrap(), Deleted::InUse);
    cancel(store, "compile-m").await;
    store.delete_model("a", "m", &Act { actor: "other".to_owned(), at_ms: NOW + 1 }).await.unwrap();
    submit(store, NewJob { tenant: "b".to_owned(), ..job("theirs") }).await;
    let page = |before, limit| store.audit("a", Page { before, limit });
    let all = page(None, 9).await.unwrap();
    let told: Vec<_> =
        all.iter().rev().map(|entry| (entry.number, entry.action.name(), entry.subject.as_str())).collect();
    let expected = [
        (1, "job_submitted", "one"),
        (2, "job_cancelled", "one"),
        (3, "model_submitted", "m"),
        (4, "job_cancelled", "compile-m"),
        (5, "model_deleted", "m"),
    ];
    assert_eq!(told, expected, "each once, and only what was done");
    assert_eq!((all[0].actor.as_str(), all[0].at_ms, all[1].actor.as_str()), ("other", NOW + 1, "key"));
    assert_eq!(page(Some(3), 1).await.unwrap().iter().map(|entry| entry.number).collect::<Vec<_>>(), [2]);
}

async fn inputs_are_forgotten_if_asked(store: &dyn Store) {
    submit(store, NewJob { forget_inputs: true, ..job("forgotten") }).await;
    submit(store, NewJob { forget_inputs: true, ..job("cancelled") }).await;
    submit(store, job("kept")).await;
    cancel(store, "cancelled").await;
    while let Some(begun) = claim(store, "run").await {
        store.give_back(&begun.id, &begun.fence(), back(Setback::Drained)).await.unwrap();
        let begun = claim(store, "run").await.unwrap();
        assert_eq!(begun.payload, "payload", "as long as it is needed");
        store.finish(&begun.id, &begun.fence(), proved(&format!("p-{}", begun.id))).await.unwrap();
    }
    for (id, payload) in [("forgotten", "{}"), ("cancelled", "{}"), ("kept", "payload")] {
        assert_eq!(store.job("a", id).await.unwrap().unwrap().payload, payload, "{id}");
    }
    // An error that names a value tells it no more.
    for (id, forget_inputs) in [("wrong", true), ("wrong-kept", false)] {
        submit(store, NewJob { forget_inputs, ..job(id) }).await;
        let begun = claim(store, "run").await.unwrap();
        let error = JobError { code: codes::INVALID_INPUT.to_owned(), detail: "income: 17250".to_owned() };
        let finished = Finished { at_ms: NOW, progress: vec![], outcome: Outcome::Failed(error) };
        store.finish(&begun.id, &begun.fence(), finished).await.unwrap();
        let error = store.job("a", id).await.unwrap().unwrap().error.unwrap();
        let events = format!("{:?}", store.events(id, 0, 9).await.unwrap());
        assert_eq!(error.code, codes::INVALID_INPUT);
        assert_eq!(
            (error.detail.contains("17250"), events.contains("17250")),
            (!forget_inputs, !forget_inputs),
            "{id}"
        );
    }
}

async fn open_jobs_are_counted_as_they_are_stored(store: &dyn Store) {
    let limited = |id: &str| NewJob { most_open: 2, ..job(id) };
    submit(store, limited("one")).await;
    submit(store, NewJob { idempotency_key: Some("key".to_owned()), ..limited("two") }).await;
    assert!(matches!(store.submit(limited("three"), None).await.unwrap(), Submitted::TooMany));
    let (of_model, compile) = model("m", "x");
    let compile = NewJob { most_open: 2, ..compile };
    assert!(matches!(store.submit_model(of_model, compile).await.unwrap(), ModelSubmitted::TooMany));
    assert_eq!(store.models("a", Page { before: None, limit: 9 }).await.unwrap(), []);
    // What came before needs no room.
    let again = NewJob { idempotency_key: Some("key".to_owned()), ..limited("four") };
    assert!(matches!(store.submit(again, None).await.unwrap(), Submitted::Same(job) if job.id == "two"));
    assert!(
        matches!(store.submitted("a", "key", "body").await.unwrap(), Some(Submitted::Same(job)) if job.id == "two")
    );
    assert!(matches!(store.submitted("a", "key", "other").await.unwrap(), Some(Submitted::Conflict)));
    assert!(store.submitted("b", "key", "body").await.unwrap().is_none());
    submit(store, NewJob { tenant: "b".to_owned(), ..limited("five") }).await;
    cancel(store, "one").await;
    submit(store, limited("six")).await;
}

async fn priority_then_age(store: &dyn Store) {
    for (id, priority) in [("a", 0), ("b", 5), ("c", -3), ("d", 5), ("e", 0)] {
        submit(store, NewJob { priority, ..job(id) }).await;
    }
    submit(store, NewJob { priority: 9, lane: Lane::Long, ..job("long") }).await;
    let mut order = String::new();
    while let Some(job) = claim(store, "run").await {
        order.push_str(&job.id);
    }
    assert_eq!(order, "bdaec");
    assert_eq!(store.claim("run", Lane::Long, NOW).await.unwrap().unwrap().id, "long");
    let depths = store.depths().await.unwrap();
    let short = depths.iter().find(|depth| depth.lane == Lane::Short).unwrap();
    assert_eq!((short.queued, short.running, short.oldest_ms), (0, 5, None));
    assert_eq!(store.open_jobs("a").await.unwrap(), 6);
}

async fn deadlines(store: &dyn Store) {
    submit(store, NewJob { deadline_ms: Some(NOW), ..job("late") }).await;
    submit(store, NewJob { deadline_ms: Some(NOW + 1), ..job("in-time") }).await;
    assert_eq!(store.depths().await.unwrap().iter().map(|depth| depth.queued).sum::<u64>(), 2);
    assert_eq!(claim(store, "run").await.unwrap().id, "in-time");
    assert!(claim(store, "run").await.is_none());
    assert_eq!(store.expire(NOW).await.unwrap(), ["late"]);
    assert!(store.expire(NOW + 100).await.unwrap().is_empty(), "of what runs, the runner takes care");
    let late = store.job("a", "late").await.unwrap().unwrap();
    assert_eq!((late.state, late.error.unwrap().code.as_str()), (JobState::Failed, codes::DEADLINE_EXCEEDED));
}

async fn pages_and_filters(store: &dyn Store) {
    for number in 0..5 {
        let kind = if number == 2 { Kind::Compile } else { Kind::Prove };
        submit(store, NewJob { kind, model: format!("m{}", number % 2), ..job(&number.to_string()) }).await;
    }
    cancel(store, "0").await;
    let list = async |filter: JobFilter, before, limit| {
        let jobs = store.jobs("a", &filter, Page { before, limit }).await.unwrap();
        (jobs.iter().map(|job| job.id.clone()).collect::<String>(), jobs.last().map(|job| job.seq))
    };
    let all = JobFilter::default;
    let (first, cursor) = list(all(), None, 2).await;
    let (second, cursor) = list(all(), cursor, 2).await;
    let (third, cursor) = list(all(), cursor, 2).await;
    assert_eq!([first, second, third, list(all(), cursor, 2).await.0], ["43", "21", "0", ""]);
    assert_eq!(list(JobFilter { state: Some(JobState::Cancelled), ..all() }, None, 9).await.0, "0");
    assert_eq!(list(JobFilter { kind: Some(Kind::Compile), ..all() }, None, 9).await.0, "2");
    assert_eq!(list(JobFilter { model: Some("m1".to_owned()), ..all() }, None, 9).await.0, "31");
}

async fn tenants_do_not_see_each_other(store: &dyn Store) {
    submit(store, job("one")).await;
    let claimed = claim(store, "run").await.unwrap();
    store.finish("one", &claimed.fence(), proved("p")).await.unwrap();
    assert_eq!(store.job("b", "one").await.unwrap(), None);
    assert_eq!(store.proof("b", "p").await.unwrap(), None);
    assert!(store.cancel("b", "one", &[], &act()).await.unwrap().is_none());
    assert!(store.jobs("b", &JobFilter::default(), Page { before: None, limit: 9 }).await.unwrap().is_empty());
    assert_eq!(store.open_jobs("b").await.unwrap(), 0);
}

async fn events_are_numbered(store: &dyn Store) {
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

fn model(id: &str, content: &str) -> (NewModel, NewJob) {
    let model = NewModel {
        id: id.to_owned(),
        tenant: "a".to_owned(),
        name: "risk".to_owned(),
        content: content.to_owned(),
        source: json!({"onnx": "b"}),
        created_ms: NOW,
    };
    let compile =
        NewJob { kind: Kind::Compile, lane: Lane::Compile, model: id.to_owned(), ..job(&format!("compile-{id}")) };
    (model, compile)
}

async fn models(store: &dyn Store) {
    let page = Page { before: None, limit: 9 };
    let submit = async |id: &str, content: &str| {
        let (model, job) = model(id, content);
        match store.submit_model(model, job).await.unwrap() {
            ModelSubmitted::New(model) => (model.id, true),
            ModelSubmitted::Same(model) => (model.id, false),
            ModelSubmitted::TooMany => panic!("too many"),
        }
    };
    assert_eq!(submit("one", "x").await, ("one".to_owned(), true));
    assert_eq!(submit("two", "x").await, ("one".to_owned(), false), "compiled once");
    assert_eq!(submit("three", "y").await, ("three".to_owned(), true));
    assert_eq!(store.delete_model("a", "one", &act()).await.unwrap(), Deleted::InUse);
    let job = store.claim("run", Lane::Compile, NOW).await.unwrap().unwrap();
    assert_eq!(job.id, "compile-one");
    let outcome = Outcome::Compiled { result: json!({}), facts: json!({"k": 7}), key_digest: "d".to_owned() };
    let finished = Finished { at_ms: NOW, progress: vec![], outcome };
    store.finish(&job.id, &job.fence(), finished).await.unwrap();
    let ready = store.model("a", "one").await.unwrap().unwrap();
    assert_eq!((ready.state, ready.facts), (ModelState::Ready, Some(json!({"k": 7}))));
    assert_eq!(store.model_of_key("a", "d").await.unwrap().unwrap().id, "one");
    assert_eq!(store.model_of_key("b", "d").await.unwrap(), None);
    assert_eq!(store.model("b", "one").await.unwrap(), None);
    assert_eq!(store.delete_model("b", "one", &act()).await.unwrap(), Deleted::Unknown);

    let job = store.claim("run", Lane::Compile, NOW).await.unwrap().unwrap();
    let error = JobError { code: "model_rejected".to_owned(), detail: "why".to_owned() };
    let finished = Finished { at_ms: NOW, progress: vec![], outcome: Outcome::Failed(error.clone()) };
    store.finish(&job.id, &job.fence(), finished).await.unwrap();
    let failed = store.model("a", "three").await.unwrap().unwrap();
    assert_eq!((failed.state, failed.error), (ModelState::Failed, Some(error)));
    assert_eq!(submit("four", "y").await, ("four".to_owned(), true), "what failed is tried anew");
    assert_eq!(store.model("a", "three").await.unwrap(), None);
    cancel(store, "compile-four").await;
    assert_eq!(store.model("a", "four").await.unwrap().unwrap().state, ModelState::Failed);

    assert_eq!(store.models("a", page).await.unwrap().len(), 2);
    let position = store.model_position("a", "four").await.unwrap().unwrap();
    let before = store.models("a", Page { before: Some(position), limit: 9 }).await.unwrap();
    assert_eq!(before.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["one"]);
    assert!(store.model_position("a", "three").await.unwrap().is_some(), "deleted");
    assert_eq!(store.model_position("b", "four").await.unwrap(), None);
    assert_eq!(store.delete_model("a", "one", &act()).await.unwrap(), Deleted::Gone);
    let late = NewJob { model: "one".to_owned(), ..self::job("late") };
    assert!(matches!(store.submit(late, None).await.unwrap(), Submitted::NoModel), "its files go");
    assert_eq!(store.model("a", "one").await.unwrap(), None);
    assert_eq!(store.models("a", page).await.unwrap().len(), 1);
    assert_eq!(submit("five", "x").await, ("five".to_owned(), true), "deleted content comes back as a new model");
}

async fn keys(store: &dyn Store) {
    let key = |id: &str, expires_ms| ApiKey {
        id: id.to_owned(),
        tenant: "a".to_owned(),
        name: "for tests".to_owned(),
        scopes: vec![Scope::Read, Scope::Prove],
        created_ms: NOW,
        expires_ms,
        revoked_ms: None,
    };
    store.add_key(&key("one", None), "hash-1", &act()).await.unwrap();
    store.add_key(&key("two", Some(NOW + 5)), "hash-2", &act()).await.unwrap();
    store.add_key(&key("three", None), "hash-1", &act()).await.unwrap_err();
    assert_eq!(store.key_of_hash("hash-1").await.unwrap(), Some(key("one", None)));
    assert_eq!(store.key_of_hash("hash-3").await.unwrap(), None);
    let two = store.key_of_hash("hash-2").await.unwrap().unwrap();
    assert!(two.is_valid(NOW + 4) && !two.is_valid(NOW + 5));
    assert!(store.revoke_key("one", &act()).await.unwrap());
    assert!(!store.revoke_key("one", &act()).await.unwrap());
    assert!(!store.key_of_hash("hash-1").await.unwrap().unwrap().is_valid(NOW));
    assert_eq!(store.keys().await.unwrap().len(), 2);
    store.ping().await.unwrap();
}

/// Many that claim at the same time: each job goes to one of them.
async fn every_job_once(store: Arc<dyn Store>) {
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
