//! Jobs that come, and the order in which they are begun.

use super::*;

pub(super) async fn the_same_key_is_the_same_job(store: &dyn Store) {
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

pub(super) async fn open_jobs_are_counted_as_they_are_stored(store: &dyn Store) {
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

pub(super) async fn tenants_take_turns(store: &dyn Store) {
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

pub(super) async fn priority_then_age(store: &dyn Store) {
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

pub(super) async fn deadlines(store: &dyn Store) {
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

pub(super) async fn pages_and_filters(store: &dyn Store) {
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
