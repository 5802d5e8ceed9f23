//! Jobs through children that are shell scripts: they say what they are told to, and end as they are told to.

use std::fmt::Write;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::child::{ChildCommand, ProvedInput, Reply, encode_for_tests};
use crate::codes;
use crate::config::{Limits, PageSwitch};
use crate::store::sqlite::SqliteStore;
use crate::store::{Act, Cancelled, Job, JobState, Kind, NewJob, Submitted};

const KEY_DIGEST: [u8; 32] = [7; 32];

/// A server's inside, without HTTP.
struct Inside {
    folder: tempfile::TempDir,
    works: Arc<Works>,
}

/// Says these replies, the first to the setup, and then runs a script.
fn saying(replies: &[(u64, Reply)], then: &str) -> ChildCommand {
    let mut script = String::new();
    for reply in replies {
        let octal = encode_for_tests(reply).unwrap().iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:03o}").unwrap();
            text
        });
        writeln!(script, "printf '{octal}'").unwrap();
    }
    ChildCommand { program: "sh".into(), arguments: vec!["-c".into(), (script + then).into()] }
}

const READY: (u64, Reply) = (1, Reply::Ready);

/// Goes on until the server is gone.
const WAIT: &str = "cat > /dev/null";

async fn inside(child: ChildCommand) -> Inside {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        srs: None,
        srs_digest: None,
        child,
        limits: Limits { attempts: 3, ..Limits::default() },
        ask_for_keys: false,
        drain: Duration::ZERO,
        page: PageSwitch::Off,
        fleet: None,
        webhooks: None,
    };
    let store = SqliteStore::open(&folder.path().join("jobs.db")).await.unwrap();
    let artifacts = Artifacts::on_disk(&folder.path().join("artifacts")).unwrap();
    let works = Arc::new(Works::new(config, Arc::new(store), artifacts, None));
    Inside { folder, works }
}

impl Inside {
    fn facts(&self) -> Facts {
        Facts {
            program: "p".to_owned(),
            proving_key: "k".to_owned(),
            verifying_key: "v".to_owned(),
            report: "r".to_owned(),
            contract: None,
            program_digest: "0".repeat(64),
            key_digest: hex::encode(KEY_DIGEST),
            srs_digest: "0".repeat(64),
            srs: "unsafe".to_owned(),
            k: 7,
            rows: 100,
            shape: "s".to_owned(),
            least_memory_bytes: 1,
            accuracy: json!({}),
        }
    }

    async fn job(&self, id: &str) -> NewJob {
        let record = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
        let payload = ProvePayload { facts: self.facts(), inputs: vec![(record, "0".repeat(64))] };
        NewJob {
            id: id.to_owned(),
            tenant: "a".to_owned(),
            kind: Kind::Prove,
            lane: Lane::Short,
            model: "m".to_owned(),
            priority: 0,
            payload: self.works.put_payload(&payload).await.unwrap().0,
            body: "b".to_owned(),
            idempotency_key: None,
            created_ms: self.works.clock.now_ms(),
            deadline_ms: Some(self.works.clock.now_ms() + 60_000),
            max_crashes: 3,
            forget_inputs: false,
            submitted_by: "key".to_owned(),
            most_open: 100,
            webhook: None,
        }
    }

    /// Begins a job as a request does that waits for it.
    async fn begin(&self, job: NewJob) {
        let slot = self.works.warm.try_acquire();
        assert!(slot.is_some());
        let submitted = self.works.submit(job, slot).await.unwrap();
        assert!(matches!(submitted, Submitted::New(job) if job.state == JobState::Running));
    }

    async fn until(&self, id: &str, right: impl Fn(&Job) -> bool) -> Job {
        let start = Instant::now();
        loop {
            let job = self.works.store.job("a", id).await.unwrap();
            if let Some(job) = job.filter(&right) {
                return job;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", self.works.store.job("a", id).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Why the job was last queued again.
    async fn reason(&self, id: &str) -> serde_json::Value {
        let events = self.works.store.events(id, 0, 100).await.unwrap();
        events.iter().rev().find(|event| event.kind == "queued").unwrap().data["again"].clone()
    }

    async fn ends_with(&self, code: &str) {
        let job = self.until("one", |job| job.state.is_final()).await;
        assert_eq!(job.error.map(|error| error.code).as_deref(), Some(code));
    }
}

fn act() -> Act {
    Act { actor: "key".to_owned(), at_ms: 2 }
}

fn ended(job: &Job) -> bool {
    job.state.is_final()
}

fn queued_again(job: &Job) -> bool {
    job.state == JobState::Queued && job.attempt > 0
}

fn proof(key_digest: [u8; 32]) -> ProvedInput {
    ProvedInput { proof: b"{}".to_vec(), key_digest, stages_ms: [1.0; 5], prove_ms: 5.0 }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_its_job_running() {
    let inside = inside(saying(&[READY, (2, Reply::Proved(vec![proof(KEY_DIGEST)]))], WAIT)).await;
    for polls in 0..4 {
        let id = format!("job-{polls}");
        let job = inside.job(&id).await;
        let mut submission = Box::pin(inside.works.submit(job, inside.works.warm.try_acquire()));
        for _ in 0..=polls {
            let _ = futures_util::poll!(&mut submission);
            tokio::task::yield_now().await;
        }
        drop(submission);
        let job = inside.until(&id, ended).await;
        assert_eq!(job.state, JobState::Succeeded);
        // The script says no more than one proof.
        drop(inside.works.warm.take_idle());
    }
}

#[tokio::test]
async fn what_nobody_runs_is_given_back() {
    let inside = inside(saying(&[READY], WAIT)).await;
    inside.works.start().await.unwrap();
    let job = NewJob { lane: Lane::Long, ..inside.job("one").await };
    // As if the write had been reported as failed.
    inside.works.store.submit(job, Some(&inside.works.run)).await.unwrap();
    inside.until("one", |job| job.attempt > 1 || job.state == JobState::Queued).await;
    assert_eq!(inside.reason("one").await, "unavailable");
    inside.works.drain(std::future::pending()).await;
}

#[tokio::test]
async fn a_child_that_cannot_be_started_is_not_the_jobs_fault() {
    for child in [ChildCommand { program: "/nonexistent/apodict".into(), arguments: vec![] }, saying(&[], "exit 3")] {
        let inside = inside(child).await;
        inside.begin(inside.job("one").await).await;
        inside.until("one", queued_again).await;
        assert_eq!(inside.reason("one").await, "unavailable");
        assert!(inside.works.is_paused(), "the next would fare no better");
    }
}

#[tokio::test]
async fn artifacts_that_cannot_be_reached_are_not_the_jobs_fault() {
    let inside = inside(saying(&[READY, (2, Reply::NeedKeys)], WAIT)).await;
    let program = inside.works.artifacts.put(bytes::Bytes::from_static(b"program")).await.unwrap().to_string();
    let payload = ProvePayload { facts: Facts { program: program.clone(), ..inside.facts() }, inputs: vec![] };
    let payload = inside.works.put_payload(&payload).await.unwrap().0;
    // A file where a folder should be: no store says that there is no such file.
    let digits = inside.folder.path().join("artifacts/b3").join(&program[..2]);
    std::fs::remove_dir_all(&digits).unwrap();
    std::fs::write(&digits, b"").unwrap();
    inside.begin(NewJob { payload, ..inside.job("one").await }).await;
    inside.until("one", queued_again).await;
    assert_eq!(inside.reason("one").await, "unavailable");
    // What is gone stays gone.
    std::fs::remove_file(&digits).unwrap();
    let payload = ProvePayload { facts: Facts { program, ..inside.facts() }, inputs: vec![] };
    let payload = inside.works.put_payload(&payload).await.unwrap().0;
    inside.begin(NewJob { payload, ..inside.job("two").await }).await;
    let job = inside.until("two", ended).await;
    assert_eq!(job.error.unwrap().code, codes::INTERNAL);
}

#[tokio::test]
async fn a_job_that_ends_its_process_is_not_begun_for_ever() {
    let inside = inside(saying(&[READY], "head -c 1 > /dev/null; exit 9")).await;
    inside.works.start().await.unwrap();
    inside.begin(inside.job("one").await).await;
    inside.ends_with(codes::ATTEMPTS_EXHAUSTED).await;
    assert_eq!(inside.until("one", ended).await.attempt, 3);
}

#[tokio::test]
async fn too_little_memory_is_told_and_not_tried_again() {
    let inside = inside(saying(
        &[READY],
        "head -c 1 > /dev/null; echo 'memory allocation of 8 bytes failed' >&2; kill -ABRT $$",
    ))
    .await;
    inside.begin(inside.job("one").await).await;
    inside.ends_with(codes::OUT_OF_MEMORY).await;
}

/// Whoever stops the server may stop its children with it.
#[tokio::test]
async fn a_child_that_ends_while_the_server_stops_was_drained() {
    let inside = inside(saying(&[READY], "head -c 1 > /dev/null; sleep 0.2; kill -TERM $$")).await;
    inside.begin(inside.job("one").await).await;
    inside.works.phase.send_replace(Phase::Draining);
    inside.until("one", queued_again).await;
    assert_eq!(inside.reason("one").await, "drained");
}

#[tokio::test]
async fn a_job_that_runs_writes_nothing_and_shows_how_far_it_is() {
    let progress = |stage: &str, fraction| (2, Reply::Progress { stage: stage.to_owned(), fraction });
    let inside = inside(saying(&[READY, progress("witness", 0.25), progress("commit", f64::NAN)], WAIT)).await;
    inside.begin(inside.job("one").await).await;
    let start = Instant::now();
    while inside.works.live.latest("one").is_none_or(|step| step.stage != "commit") {
        assert!(start.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let job = inside.until("one", |_| true).await;
    assert_eq!((job.events, job.stage), (2, None), "in memory alone");
    let told = inside.works.live.after("one", 2);
    assert_eq!(
        told.iter().map(|(number, step)| (*number, step.stage.as_str())).collect::<Vec<_>>(),
        [(3, "witness"), (4, "commit")]
    );
    // With its end, it is stored under the same numbers.
    let cancelled = inside.works.cancel("a", "one", &act()).await.unwrap().unwrap();
    assert!(matches!(cancelled, Cancelled::Now(_)));
    let stored = inside.works.store.events("one", 2, 9).await.unwrap();
    let stored: Vec<_> = stored.iter().map(|event| (event.number, event.kind.as_str())).collect();
    assert_eq!(stored, [(3, "stage"), (4, "stage"), (5, "cancelled")]);
    // And whoever runs it hears of it.
    let start = Instant::now();
    while inside.works.live.runs("one", 1) {
        assert!(start.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_does_not_fit_what_was_asked_is_no_result() {
    let another = Reply::Proved(vec![proof([8; 32])]);
    let more = Reply::Proved(vec![proof(KEY_DIGEST), proof(KEY_DIGEST)]);
    for reply in [Reply::Ready, Reply::Proved(vec![]), another, more] {
        let inside = inside(saying(&[READY, (2, reply.clone())], WAIT)).await;
        inside.begin(inside.job("one").await).await;
        let job = inside.until("one", ended).await;
        assert_eq!(job.error.map(|error| error.code).as_deref(), Some(codes::WORKER_FAILED), "{reply:?}");
        assert!(inside.works.warm.take_idle().is_none(), "it is not used again");
    }
    let made_up = crate::store::JobError { code: "made_up\"} 1".to_owned(), detail: "d".to_owned() };
    let inside = inside(saying(&[READY, (2, Reply::Failed(made_up))], WAIT)).await;
    inside.begin(inside.job("one").await).await;
    inside.ends_with(codes::WORKER_FAILED).await;
}

#[tokio::test]
async fn what_the_machine_could_not_do_is_done_later() {
    let inside = inside(saying(&[READY, (2, Reply::Unavailable("/secret/path".to_owned()))], WAIT)).await;
    inside.begin(inside.job("one").await).await;
    inside.until("one", queued_again).await;
    let events = inside.works.store.events("one", 0, 9).await.unwrap();
    assert!(!format!("{events:?}").contains("secret"), "paths are for whoever runs the server");
}

/// A second process, whose memory no other job has used.
#[tokio::test]
async fn a_used_child_without_memory_is_replaced() {
    let full = Reply::Failed(crate::store::JobError { code: codes::OUT_OF_MEMORY.to_owned(), detail: "d".to_owned() });
    let replies = [READY, (2, Reply::Proved(vec![proof(KEY_DIGEST)])), (3, full)];
    let inside = inside(saying(&replies, WAIT)).await;
    for id in ["one", "two", "three"] {
        inside.begin(inside.job(id).await).await;
        let job = inside.until(id, ended).await;
        assert_eq!((job.state, job.attempt), (JobState::Succeeded, 1), "{id}");
    }
}

#[tokio::test]
async fn deadlines_are_the_clocks_of_the_server() {
    let inside = inside(saying(&[READY], WAIT)).await;
    let job = inside.job("one").await;
    inside.begin(NewJob { deadline_ms: Some(inside.works.clock.now_ms() + 100), ..job }).await;
    inside.ends_with(codes::DEADLINE_EXCEEDED).await;
}

/// All that a job needs stays until it ends, though everything is old; what its model alone needed goes with the model.
#[tokio::test]
async fn artifacts_stay_as_long_as_something_names_them() {
    let inside = inside(saying(&[READY], WAIT)).await;
    let works = &inside.works;
    let put = async |text: &'static str| works.artifacts.put(bytes::Bytes::from(text)).await.unwrap().to_string();
    let facts = Facts {
        program: put("program").await,
        proving_key: put("proving key").await,
        verifying_key: put("verifying key").await,
        report: put("report").await,
        contract: Some(put("contract").await),
        ..inside.facts()
    };
    let (onnx, payload, proof) = (put("onnx").await, put("payload").await, put("proof").await);
    put("orphan").await;
    let model = crate::store::NewModel {
        id: "m".to_owned(),
        tenant: "a".to_owned(),
        name: "n".to_owned(),
        content: "c".to_owned(),
        source: json!({"onnx": onnx, "calibration": null, "options": {}}),
        created_ms: 1,
    };
    let compile = NewJob { kind: Kind::Compile, lane: Lane::Compile, ..inside.job("compile").await };
    works.store.submit_model(model, compile).await.unwrap();
    let finish = async |lane, outcome| {
        let begun = works.store.claim("other", lane, works.clock.now_ms()).await.unwrap().unwrap();
        let finished = crate::store::Finished { at_ms: 1, progress: vec![], outcome };
        works.store.finish(&begun.id, &begun.fence(), finished).await.unwrap();
    };
    let key_digest = facts.key_digest.clone();
    finish(
        Lane::Compile,
        crate::store::Outcome::Compiled { result: json!({}), facts: json!(facts), key_digest: key_digest.clone() },
    )
    .await;
    let open = NewJob { payload: format!("b3:{payload}"), ..inside.job("open").await };
    works.store.submit(open, None).await.unwrap();
    let age = || {
        let mut folders = vec![inside.folder.path().join("artifacts/b3")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = std::fs::File::options().write(true).open(path).unwrap();
                    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
                }
            }
        }
    };
    // A server that was started just now has stored nothing itself.
    let restarted = async || {
        age();
        let config = works.config.clone();
        let artifacts = Artifacts::on_disk(&inside.folder.path().join("artifacts")).unwrap();
        let works = Works::new(config, Arc::clone(&works.store), artifacts, None);
        let files = works.collect().await.unwrap().files;
        let left = async |name: &str| works.artifacts.get(&name.parse().unwrap()).await.is_ok();
        let mut gone = Vec::new();
        for (name, digest) in [
            ("program", &facts.program),
            ("proving key", &facts.proving_key),
            ("verifying key", &facts.verifying_key),
            ("report", &facts.report),
            ("onnx", &onnx),
            ("payload", &payload),
            ("proof", &proof),
        ] {
            if !left(digest).await {
                gone.push(name);
            }
        }
        (files, gone)
    };
    // The proof is one's that was not stored.
    assert_eq!(restarted().await, (2, vec!["proof"]));
    put("proof").await;
    let proofs = vec![crate::store::NewProof { id: "p".to_owned(), key_digest, artifact: proof.clone() }];
    finish(Lane::Short, crate::store::Outcome::Proved { result: json!({}), proofs }).await;
    assert_eq!(restarted().await, (1, vec!["payload"]), "the job has ended");
    works.store.delete_model("a", "m", &act()).await.unwrap();
    let (files, gone) = restarted().await;
    assert_eq!(
        (files, gone),
        (5, vec!["program", "proving key", "report", "onnx", "payload"]),
        "its proofs can be verified"
    );
}
