//! What every store must do. A store's own tests call [`all`] with one that is empty.

mod attempts;
mod ends;
mod registry;
mod waiting;
mod webhooks;

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

pub(super) fn proved(id: &str) -> Finished {
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

/// Runs every check, each on a store of its own.
pub(crate) async fn all<F: Future<Output = Arc<dyn Store>>>(empty: impl Fn() -> F) {
    waiting::the_same_key_is_the_same_job(&*empty().await).await;
    attempts::only_the_attempt_that_holds_a_job_writes(&*empty().await).await;
    attempts::a_job_that_ends_its_process_is_begun_again_and_counted(&*empty().await).await;
    attempts::kills_of_the_server_count_apart(&*empty().await).await;
    attempts::the_machines_faults_do_not_count_and_are_waited_for(&*empty().await).await;
    attempts::a_drain_does_not_count(&*empty().await).await;
    ends::what_is_cancelled_has_no_result(&*empty().await).await;
    ends::of_cancel_and_result_the_first_wins(&empty().await).await;
    attempts::a_clock_that_was_set_back_leaves_jobs_their_time(&*empty().await).await;
    waiting::tenants_take_turns(&*empty().await).await;
    waiting::open_jobs_are_counted_as_they_are_stored(&*empty().await).await;
    ends::inputs_are_forgotten_if_asked(&*empty().await).await;
    registry::what_was_done_is_written_down(&*empty().await).await;
    waiting::priority_then_age(&*empty().await).await;
    waiting::deadlines(&*empty().await).await;
    waiting::pages_and_filters(&*empty().await).await;
    registry::tenants_do_not_see_each_other(&*empty().await).await;
    attempts::events_are_numbered(&*empty().await).await;
    registry::models(&*empty().await).await;
    registry::keys(&*empty().await).await;
    webhooks::nobody_is_told_before_the_end_and_each_until_it_is_taken(&*empty().await).await;
    webhooks::every_end_is_told_the_longest_due_first(&*empty().await).await;
    webhooks::secrets_sign_until_they_are_revoked(&*empty().await).await;
    webhooks::each_is_told_once_at_a_time(empty().await).await;
    attempts::every_job_once(empty().await).await;
}
