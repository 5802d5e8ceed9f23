//! Jobs that are cancelled, and what is kept of jobs that have ended.

use super::*;

pub(super) async fn what_is_cancelled_has_no_result(store: &dyn Store) {
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

pub(super) async fn of_cancel_and_result_the_first_wins(store: &Arc<dyn Store>) {
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

pub(super) async fn inputs_are_forgotten_if_asked(store: &dyn Store) {
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
