//! Models, proofs and API keys, and what is written down of all that is done.

use super::*;

pub(super) async fn what_was_done_is_written_down(store: &dyn Store) {
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

pub(super) async fn tenants_do_not_see_each_other(store: &dyn Store) {
    submit(store, job("one")).await;
    let claimed = claim(store, "run").await.unwrap();
    store.finish("one", &claimed.fence(), proved("p")).await.unwrap();
    assert_eq!(store.job("b", "one").await.unwrap(), None);
    assert_eq!(store.proof("b", "p").await.unwrap(), None);
    assert!(store.cancel("b", "one", &[], &act()).await.unwrap().is_none());
    assert!(store.jobs("b", &JobFilter::default(), Page { before: None, limit: 9 }).await.unwrap().is_empty());
    assert_eq!(store.open_jobs("b").await.unwrap(), 0);
}

pub(super) async fn models(store: &dyn Store) {
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

pub(super) async fn keys(store: &dyn Store) {
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
