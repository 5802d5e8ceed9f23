//! `apodict job`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_circuits::escaped;
use apodict_circuits::tensors::NamedTensors;
use apodict_prover::disk::{self, PendingFile, origin_name};
use apodict_verifier::Verifier;
use apodict_verifier::files::{Bytes32, Decision};
use serde::Serialize;
use serde_json::json;

use crate::arguments::{self, DownloadJob, ListJobs, NamedJob, SubmitJob};
use crate::commands::verify::print_decision;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::program::Input;
use crate::remote::{self, Error, JobName, Kept, LogLine, Page, Remote};

pub(crate) fn run(arguments: &arguments::Job, console: &Console) -> Result<Outcome, Failure> {
    match arguments {
        arguments::Job::Submit(arguments) => submit(arguments, console)?,
        arguments::Job::Get(NamedJob { id, server }) => console.result(&Remote::open(server, console)?.job(id)?)?,
        arguments::Job::List(arguments) => list(arguments, console)?,
        arguments::Job::Watch(NamedJob { id, server }) => {
            let remote = Remote::open(server, console)?;
            watch(&remote, id, console)?;
        }
        arguments::Job::Cancel(NamedJob { id, server }) => {
            console.result(&Remote::open(server, console)?.cancel(id)?)?;
        }
        arguments::Job::Logs(NamedJob { id, server }) => logs(&Remote::open(server, console)?, id, console)?,
        arguments::Job::Download(arguments) => download(arguments, console)?,
    }
    Ok(Outcome::Done)
}

fn submit(arguments: &SubmitJob, console: &Console) -> Result<(), Failure> {
    let remote = Remote::open(&arguments.server, console)?;
    let inputs = arguments.inputs.iter().map(|path| Input::read(path)).collect::<Result<Vec<_>, _>>()?;
    let named = if inputs.iter().any(Input::is_unnamed) {
        // What a file does not name, the program does.
        let model = remote.model(&arguments.model)?;
        let (program, _) = remote.program(&model)?;
        inputs.iter().map(|input| input.named(&program)).collect::<Result<Vec<NamedTensors>, _>>()?
    } else {
        inputs.into_iter().map(Input::into_tensors).collect()
    };
    let decisions: Vec<_> =
        named.iter().map(|inputs| remote::Decision { inputs, context: arguments.context }).collect();
    let mut more = BTreeMap::new();
    more.extend(arguments.priority.map(|priority| ("priority", json!(priority))));
    more.extend(arguments.timeout.map(|seconds| ("timeout_ms", json!(u64::from(seconds) * 1000))));
    more.extend(arguments.webhook.as_ref().map(|url| ("webhook", json!(url))));
    more.extend(arguments.forget_inputs.then(|| ("forget_inputs", json!(true))));
    let body = remote::prove_request(&arguments.model, &decisions, more);
    let name = match &arguments.idempotency_key {
        Some(key) => JobName::Said(key),
        None if arguments.forget_inputs => JobName::None,
        None => JobName::OfContent,
    };
    let job = remote.submit(&body, name)?;
    if arguments.wait { watch(&remote, &job.id, console) } else { console.result(&job) }
}

/// Tells what happens until the end, which must be a good one.
fn watch(remote: &Remote, id: &str, console: &Console) -> Result<(), Failure> {
    // Nobody reads on: the job goes on all the same.
    let unprinted = RefCell::new(None);
    let ended = remote.follow(id, &mut |line| {
        if let Err(error) = console.tell(line) {
            unprinted.borrow_mut().get_or_insert(error);
        }
    })?;
    if let Some(error) = unprinted.into_inner() {
        return Err(error);
    }
    let job = remote.succeeded(ended)?;
    console.result(&job)
}

fn list(arguments: &ListJobs, console: &Console) -> Result<(), Failure> {
    let remote = Remote::open(&arguments.server, console)?;
    let filters = [
        ("state", arguments.state.map(|state| state.to_string())),
        ("kind", arguments.kind.map(|kind| kind.to_string())),
        ("model", arguments.model.clone()),
    ];
    let filters = filters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", value?)));
    let page = remote.jobs(&filters.collect::<String>(), arguments.page.limit, arguments.page.cursor.as_deref())?;
    console.result(&Listed::new(page))
}

/// A part of a list, as it is printed.
#[derive(Serialize)]
pub(super) struct Listed<T> {
    items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<T> Listed<T> {
    pub(super) fn new(Page { items, next_cursor }: Page<T>) -> Self {
        Self { items, next_cursor }
    }
}

impl<T: Display> Display for Listed<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return write!(formatter, "there are none");
        }
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{item}")?;
        }
        match &self.next_cursor {
            Some(cursor) => write!(formatter, "\nthere are more: --cursor {}", escaped(cursor)),
            None => Ok(()),
        }
    }
}

/// Lines of a log.
#[derive(Serialize)]
struct Log {
    lines: Vec<LogLine>,
}

impl Display for Log {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{line}")?;
        }
        Ok(())
    }
}

/// Bytes of a job's proofs: a thousand times as many as a batch of the examples has.
const MAX_PROOFS_BYTES: usize = 1 << 30;

/// Lines of a log that are kept: more than any job has that is not set back for days.
const MAX_LINES: usize = 100_000;

fn logs(remote: &Remote, id: &str, console: &Console) -> Result<(), Failure> {
    let mut lines: Vec<LogLine> = Vec::new();
    loop {
        let after = lines.last().map_or(0, |line| line.number);
        let page = remote.logs(id, after)?;
        let goes_on = page.next_cursor.is_some() && page.items.last().is_some_and(|line| line.number > after);
        lines.extend(page.items);
        if !goes_on || lines.len() > MAX_LINES {
            return console.result(&Log { lines });
        }
    }
}

/// What `download` prints.
#[derive(Serialize)]
struct Downloaded {
    job: String,
    model: String,
    key_digest: Bytes32,
    program_digest: Bytes32,
    srs: &'static str,
    verifying_key: PathBuf,
    proofs: Vec<DownloadedProof>,
}

#[derive(Serialize)]
struct DownloadedProof {
    id: String,
    proof: PathBuf,
    /// Decoded from what was verified.
    #[serde(flatten)]
    decision: Decision,
}

impl Display for Downloaded {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for DownloadedProof { proof, decision, .. } in &self.proofs {
            write!(formatter, "{}: valid", escaped(proof.display()))?;
            print_decision(formatter, decision)?;
            writeln!(formatter)?;
        }
        write!(formatter, "{}: the key {}", escaped(self.verifying_key.display()), self.key_digest)
    }
}

fn download(arguments: &DownloadJob, console: &Console) -> Result<(), Failure> {
    let remote = Remote::open(&arguments.server, console)?;
    let job = remote.succeeded(remote.job(&arguments.id)?)?;
    if job.proofs().is_empty() {
        return Err(Error::NoProofs { job: job.id, model: job.model }.into());
    }
    let (key, key_bytes) = remote.key(&remote.model(&job.model)?)?;
    arguments.srs.check(key.srs.digest())?;
    let policy = arguments.srs.policy();
    let origin = policy.origin(&key.srs.digest());
    let verifier = match &arguments.key_digest {
        Some(digest) => Verifier::pinned(key, digest, policy)?,
        None => Verifier::new(key, policy)?,
    };
    // All of them, before anything is written.
    let (mut verified, mut length) = (Vec::new(), 0);
    for proof in job.proofs() {
        let proof = remote.proof(&proof.id, &verifier)?;
        length += proof.2.len();
        if length > MAX_PROOFS_BYTES {
            let what = format!("the job's proofs have more than {MAX_PROOFS_BYTES} bytes");
            return Err(Error::Lied { what }.into());
        }
        verified.push(proof);
    }
    let verifying_key = arguments.output.join("vk.json");
    let keeps = Kept::look(&verifying_key, &verifier)?;
    disk::make_folder(&arguments.output)?;
    keeps.write(&verifying_key, &key_bytes)?;
    let mut proofs = Vec::new();
    for (at, (reference, (_, statement, bytes))) in job.proofs().iter().zip(verified).enumerate() {
        let proof = arguments.output.join(format!("proof-{at}.json"));
        PendingFile::create(&proof)?.commit(&bytes)?;
        let decision = Decision::new(&verifier.key().layout, &statement);
        proofs.push(DownloadedProof { id: reference.id.clone(), proof, decision });
    }
    console.warn_of_origin(origin);
    console.result(&Downloaded {
        job: job.id,
        model: job.model,
        key_digest: Bytes32(verifier.digest()),
        program_digest: Bytes32(verifier.key().program_digest),
        srs: origin_name(origin),
        verifying_key,
        proofs,
    })
}
