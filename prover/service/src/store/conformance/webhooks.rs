//! Who is told of jobs' ends.

use super::*;

pub(super) fn told(id: &str) -> NewJob {
    let webhook = NewWebhook { url: "https://a.example/hook".to_owned(), message: format!("msg-{id}") };
    NewJob { webhook: Some(webhook), ..job(id) }
}

async fn webhook(store: &dyn Store, id: &str) -> Webhook {
    store.job("a", id).await.unwrap().unwrap().webhook.unwrap()
}

/// Claims what is due, for a second.
async fn due(store: &dyn Store, now_ms: i64, busy: &[&str]) -> Option<(String, u32)> {
    let busy: Vec<_> = busy.iter().map(|tenant| (*tenant).to_owned()).collect();
    let job = store.claim_webhook(now_ms, now_ms + 1000, &busy).await.unwrap()?;
    assert!(job.state.is_final(), "{job:?}");
    let attempts = job.webhook.unwrap().attempts;
    Some((job.id, attempts))
}

fn refused(next: AfterTold) -> Told {
    Told { status: Some(500), error: Some("status".to_owned()), next }
}

pub(super) async fn nobody_is_told_before_the_end_and_each_until_it_is_taken(store: &dyn Store) {
    submit(store, told("one")).await;
    submit(store, job("silent")).await;
    let listed = store.jobs("a", &JobFilter::default(), Page { before: None, limit: 9 }).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|job| job.webhook.as_ref().map(|webhook| webhook.state)).collect();
    assert_eq!(listed, [None, Some(WebhookState::Waiting)]);
    assert_eq!(store.job("a", "silent").await.unwrap().unwrap().webhook, None);
    let begun = claim(store, "run").await.unwrap();
    store.give_back("one", &begun.fence(), back(Setback::Drained)).await.unwrap();
    assert_eq!(webhook(store, "one").await.state, WebhookState::Waiting);
    assert_eq!(due(store, i64::MAX / 2, &[]).await, None, "it has not ended");
    let begun = claim(store, "run").await.unwrap();
    store.finish("one", &begun.fence(), proved("p")).await.unwrap();
    let stored = webhook(store, "one").await;
    assert_eq!((stored.state, stored.attempts, stored.next_ms), (WebhookState::Due, 0, Some(NOW + 1)));

    assert_eq!(due(store, NOW, &[]).await, None);
    assert_eq!(due(store, NOW + 1, &["a"]).await, None, "its tenant has its share");
    assert_eq!(due(store, NOW + 1, &["b"]).await, Some(("one".to_owned(), 1)));
    assert_eq!(due(store, NOW + 1000, &[]).await, None, "somebody tells it");
    // Whoever did was killed: it is told again, and what comes late changes nothing.
    assert_eq!(due(store, NOW + 1001, &[]).await, Some(("one".to_owned(), 2)));
    let late = Told { status: Some(200), error: None, next: AfterTold::Delivered };
    assert_eq!(store.settle_webhook("one", 1, late.clone()).await.unwrap(), Written::Lost);
    let again = refused(AfterTold::Again(NOW + 5000));
    assert_eq!(store.settle_webhook("one", 2, again).await.unwrap(), Written::Stored);
    let stored = webhook(store, "one").await;
    assert_eq!((stored.state, stored.next_ms), (WebhookState::Due, Some(NOW + 5000)));
    assert_eq!((stored.status, stored.error.as_deref()), (Some(500), Some("status")));
    assert_eq!(due(store, NOW + 4999, &[]).await, None);
    assert_eq!(due(store, NOW + 5000, &[]).await, Some(("one".to_owned(), 3)));
    assert_eq!(store.settle_webhook("one", 3, late.clone()).await.unwrap(), Written::Stored);
    assert_eq!(store.settle_webhook("one", 3, late).await.unwrap(), Written::Lost);
    let stored = webhook(store, "one").await;
    assert_eq!((stored.state, stored.next_ms, stored.error), (WebhookState::Delivered, None, None));
    assert_eq!((stored.url.as_str(), stored.message.as_str()), ("https://a.example/hook", "msg-one"));
    assert_eq!(due(store, i64::MAX / 2, &[]).await, None);
}

pub(super) async fn every_end_is_told_the_longest_due_first(store: &dyn Store) {
    submit(store, told("cancelled")).await;
    submit(store, NewJob { deadline_ms: Some(NOW + 7), ..told("late") }).await;
    let (model, compile) = model("m", "x");
    let compile = NewJob { webhook: told("m").webhook, ..compile };
    store.submit_model(model, compile).await.unwrap();
    assert_eq!(store.expire(NOW + 7).await.unwrap(), ["late"]);
    cancel(store, "cancelled").await;
    let begun = store.claim("run", Lane::Compile, NOW).await.unwrap().unwrap();
    let error = JobError { code: codes::MODEL_REJECTED.to_owned(), detail: "why".to_owned() };
    let finished = Finished { at_ms: NOW + 3, progress: vec![], outcome: Outcome::Failed(error) };
    store.finish(&begun.id, &begun.fence(), finished).await.unwrap();
    for (at_ms, id) in [(NOW, "cancelled"), (NOW + 3, "compile-m"), (NOW + 7, "late")] {
        assert_eq!(due(store, NOW + 7, &[]).await, Some((id.to_owned(), 1)), "due at {at_ms}");
        store.settle_webhook(id, 1, refused(AfterTold::Failed)).await.unwrap();
        assert_eq!(webhook(store, id).await.state, WebhookState::Failed);
    }
    assert_eq!(due(store, i64::MAX / 2, &[]).await, None, "given up");
    // The clock is set back: what was to wait for an hour waits no longer than it would have.
    submit(store, told("ahead")).await;
    cancel(store, "ahead").await;
    due(store, NOW, &[]).await.unwrap();
    store.settle_webhook("ahead", 1, refused(AfterTold::Again(NOW + 3_600_000))).await.unwrap();
    store.recover("run", NOW - 86_400_000).await.unwrap();
    let next = webhook(store, "ahead").await.next_ms.unwrap();
    assert_eq!(next, NOW - 86_400_000 + MAX_WEBHOOK_WAIT_MS);
}

pub(super) async fn secrets_sign_until_they_are_revoked(store: &dyn Store) {
    let secret = |id: &str, tenant: &str, created_ms| WebhookSecret {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        created_ms,
        revoked_ms: None,
    };
    assert_eq!(store.signing_secrets("a").await.unwrap(), Vec::<Vec<u8>>::new());
    for (number, value) in (0..MAX_WEBHOOK_SECRETS).zip(b'0'..) {
        assert!(store.add_webhook_secret(&secret(&format!("s{number}"), "a", number), &[value], &act()).await.unwrap());
    }
    assert!(!store.add_webhook_secret(&secret("more", "a", 9), b"more", &act()).await.unwrap());
    assert!(store.add_webhook_secret(&secret("theirs", "b", 9), b"theirs", &act()).await.unwrap());
    assert_eq!(store.signing_secrets("a").await.unwrap(), [b"1".to_vec(), b"0".to_vec()], "the newest first");
    assert!(store.revoke_webhook_secret("s0", &act()).await.unwrap());
    assert!(!store.revoke_webhook_secret("s0", &act()).await.unwrap());
    assert!(!store.revoke_webhook_secret("none", &act()).await.unwrap());
    assert_eq!(store.signing_secrets("a").await.unwrap(), [b"1".to_vec()]);
    assert!(store.add_webhook_secret(&secret("s2", "a", 10), b"2", &act()).await.unwrap(), "there is room again");
    let listed = store.webhook_secrets().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|secret| (secret.id.as_str(), secret.revoked_ms)).collect();
    assert_eq!(listed, [("s0", Some(NOW)), ("s1", None), ("theirs", None), ("s2", None)]);
    let audit = store.audit("a", Page { before: None, limit: 2 }).await.unwrap();
    let audit: Vec<_> = audit.iter().map(|entry| (entry.action.name(), entry.subject.as_str())).collect();
    assert_eq!(audit, [("webhook_secret_created", "s2"), ("webhook_secret_revoked", "s0")]);
}

/// Of many who look for what is due, each message goes to one.
pub(super) async fn each_is_told_once_at_a_time(store: Arc<dyn Store>) {
    for number in 0..40 {
        let id = number.to_string();
        submit(&*store, told(&id)).await;
        cancel(&*store, &id).await;
    }
    let looking = (0..4).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut told = Vec::new();
            // Whoever comes while another takes the last one finds none.
            while let Some(job) = due(&*store, NOW, &[]).await {
                told.push(job);
            }
            told
        })
    });
    let mut told = Vec::new();
    for looking in looking.collect::<Vec<_>>() {
        told.extend(looking.await.unwrap());
    }
    assert!(told.iter().all(|(_, attempts)| *attempts == 1), "{told:?}");
    let names: std::collections::BTreeSet<_> = told.iter().map(|(id, _)| id).collect();
    assert_eq!((told.len(), names.len()), (40, 40));
}
