//! The child's side: one request after the other, until standard input ends.
#![allow(clippy::result_large_err, reason = "an error is told once and ends what was asked for")]

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use apodict_circuits::tensors::{Limits, NamedTensors};
use apodict_circuits::{Program, escaped};
use apodict_prover::engine::{Job, Step};
use apodict_prover::{Context, Error, prove};
use apodict_verifier::files::ProofFile;

use super::keys::{KeyCache, Prepared};
use super::{Duty, Prove, ProvedInput, Reply, Request, compile, frame, limit};
use crate::codes;
use crate::store::JobError;

/// Serves the process on the other end of standard input and output, until that closes it: the hidden verb `worker-child` of the
/// command line.
///
/// # Errors
/// Pipes that broke, and messages that no server sends.
pub fn serve() -> io::Result<()> {
    let requests = read_requests();
    // Not locked: progress is told on whatever thread proves.
    let mut output = io::stdout();
    let Ok(Request::Setup(setup)) = requests.recv() else { return Err(unexpected("the first message is no setup")) };
    if let Duty::Warm { .. } = setup.duty {
        limit::allow(setup.memory_bytes);
    }
    let mut cache = KeyCache::new(setup.clone());
    frame::write(&mut output, &Reply::Ready)?;
    while let Ok(request) = requests.recv() {
        match request {
            Request::Prove(request) => {
                let reply = match prepare(&mut cache, &request, &requests, &mut output)? {
                    Ok(prepared) => prove_all(prepared, &request, &mut output),
                    Err(error) => Reply::Failed(error),
                };
                frame::write(&mut output, &reply)?;
            }
            Request::Compile(request) => {
                limit::allow(setup.memory_bytes);
                let shared = std::cell::RefCell::new(&mut output);
                let tell = |stage: &str, fraction| {
                    let progress = Reply::Progress { stage: stage.to_owned(), fraction };
                    // A server that is gone is noticed with the next request.
                    let _ = frame::write(&mut **shared.borrow_mut(), &progress);
                };
                let compiled = compile::compile(&setup, &request, &tell);
                let reply = compiled.map_or_else(Reply::Failed, |model| Reply::Compiled(Box::new(model)));
                frame::write(&mut output, &reply)?;
            }
            Request::Setup(_) | Request::Keys { .. } => return Err(unexpected("a message that nobody asked for")),
        }
    }
    Ok(())
}

/// Reads on a thread of its own: when the server is gone, this process ends at once, in the middle of a proof too.
fn read_requests() -> Receiver<Request> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            match frame::read(&mut input) {
                Ok(request) => {
                    // Nobody takes it: this process ends by itself.
                    let _ = sender.send(request);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => std::process::exit(0),
                Err(error) => {
                    eprintln!("a message of the server's cannot be read: {error}");
                    std::process::exit(1);
                }
            }
        }
    });
    receiver
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The program's keys: kept, or asked for.
fn prepare<'a>(
    cache: &'a mut KeyCache,
    request: &Prove,
    requests: &Receiver<Request>,
    output: &mut impl Write,
) -> io::Result<Result<&'a Prepared, JobError>> {
    if cache.get(&request.program_digest).is_none() {
        frame::write(output, &Reply::NeedKeys)?;
        let Ok(Request::Keys { program, proving_key }) = requests.recv() else {
            return Err(unexpected("keys were asked for and did not come"));
        };
        let loaded = Program::from_bytes(&program)
            .map_err(|error| worker_failed(&error))
            .and_then(|program| cache.load(program, &proving_key).map(|_| ()).map_err(|error| load_failed(&error)));
        if let Err(error) = loaded {
            return Ok(Err(error));
        }
    }
    let prepared = cache.get(&request.program_digest);
    Ok(prepared.ok_or_else(|| worker_failed(&"the keys that came are another program's")))
}

fn prove_all(prepared: &Prepared, request: &Prove, output: &mut (impl Write + Send)) -> Reply {
    let count = request.inputs.len();
    let mut proved = Vec::with_capacity(count);
    for (position, input) in request.inputs.iter().enumerate() {
        let at = |error: JobError| match count {
            1 => error,
            _ => JobError { detail: format!("input {position}: {}", error.detail), ..error },
        };
        let record = match NamedTensors::from_json(input.record.as_bytes(), &Limits::default()) {
            Ok(record) => record,
            Err(error) => return Reply::Failed(at(invalid_input(&error))),
        };
        let inputs = match prepared.program.quantize(&record) {
            Ok(inputs) => inputs,
            Err(error) => return Reply::Failed(at(invalid_input(&error))),
        };
        let job = Job::default().on_progress(|progress| {
            let fraction = (position as f64 + progress.fraction) / count as f64;
            let progress = Reply::Progress { stage: stage(progress.step).to_owned(), fraction };
            // A server that is gone is noticed with the next request.
            let _ = frame::write(output, &progress);
        });
        let Prepared { program, keys } = prepared;
        let made = prove(&keys.srs, &keys.proving, program, &inputs, Context(input.context), &job);
        drop(job);
        let proof = match made {
            Ok(proof) => proof,
            Err(error @ (Error::Execute(_) | Error::Machine(_))) => return Reply::Failed(at(invalid_input(&error))),
            Err(error) => return Reply::Failed(at(worker_failed(&error))),
        };
        let times = proof.times;
        let key_digest = keys.digest();
        let file = match ProofFile::new(key_digest, &proof.instances, proof.bytes).to_json() {
            Ok(file) => file,
            Err(error) => return Reply::Failed(at(worker_failed(&error))),
        };
        proved.push(ProvedInput {
            proof: file,
            key_digest,
            stages_ms: [times.witness, times.commit, times.quotient, times.open, times.self_check].map(milliseconds),
            prove_ms: milliseconds(times.total),
        });
    }
    Reply::Proved(proved)
}

fn stage(step: Step) -> &'static str {
    match step {
        Step::Witness => "witness",
        Step::Commit(_) => "commit",
        Step::Lookups => "lookups",
        Step::Products => "products",
        Step::Quotient => "quotient",
        Step::Evaluation => "evaluation",
        Step::Opening => "opening",
        _ => "proving",
    }
}

/// With a microsecond's precision.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn invalid_input(error: &dyn std::fmt::Display) -> JobError {
    JobError { code: codes::INVALID_INPUT.to_owned(), detail: escaped(error).to_string() }
}

fn worker_failed(error: &dyn std::fmt::Display) -> JobError {
    JobError { code: codes::WORKER_FAILED.to_owned(), detail: escaped(error).to_string() }
}

fn load_failed(error: &apodict_prover::disk::Error) -> JobError {
    match error {
        apodict_prover::disk::Error::Prover(error @ Error::Memory { .. }) => {
            JobError { code: codes::OUT_OF_MEMORY.to_owned(), detail: error.to_string() }
        }
        error => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            worker_failed(&format!("{error}{cause}"))
        }
    }
}
