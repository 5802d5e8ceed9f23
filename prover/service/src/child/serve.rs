//! The child's side: one request after the other, until standard input ends.
#![allow(clippy::result_large_err, reason = "an error is told once and ends what was asked for")]

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use apodict_circuits::tensors::{Limits, NamedTensors};
use apodict_circuits::{Program, escaped};
use apodict_prover::engine::{Job, Step};
use apodict_prover::{Context, Error, prove};
use apodict_verifier::files::ProofFile;

use super::keys::{KeyCache, Prepared};
use super::{
    Compile, Duty, Prove, ProvedInput, Refusal, Reply, Request, Setup, StoredFile, compile, frame, limit, read,
};
use crate::codes;
use crate::store::JobError;

/// Serves the process on the other end of standard input and output, until that closes it: the hidden verb `worker-child` of the
/// command line.
///
/// # Errors
/// Pipes that broke, and messages that no server sends.
pub fn serve() -> io::Result<()> {
    outlive_signals()?;
    let requests = read_requests();
    let Ok((number, Request::Setup(setup))) = requests.recv() else {
        return Err(unexpected("the first message is no setup"));
    };
    if let Duty::Warm { .. } = setup.duty {
        limit::allow(setup.memory_bytes);
    }
    let mut child = Serving { cache: KeyCache::new(setup.clone()), setup, requests };
    Answer(number).write(&Reply::Ready)?;
    while let Ok((number, request)) = child.requests.recv() {
        let answer = Answer(number);
        let (answer, reply) = match request {
            Request::Prove(request) => child.prove(&request, answer)?,
            Request::Compile(request) => (answer, child.compile(&request, answer)),
            Request::Setup(_) | Request::Keys { .. } => return Err(unexpected("a message that nobody asked for")),
        };
        answer.write(&reply)?;
    }
    Ok(())
}

/// Whoever stops the server by a signal to all its processes, a terminal or a service's supervisor, does not mean its children: the
/// server lets them end what they are at, and closes their standard input.
#[cfg(unix)]
fn outlive_signals() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (terminate, interrupt) = {
        let _entered = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    // As long as this process lives.
    std::thread::spawn(move || {
        let _held = (terminate, interrupt);
        runtime.block_on(std::future::pending::<()>());
    });
    Ok(())
}

#[cfg(not(unix))]
fn outlive_signals() -> io::Result<()> {
    Ok(())
}

/// Answers the request of this number: whoever asks can tell an answer to what was asked before.
#[derive(Clone, Copy)]
struct Answer(u64);

impl Answer {
    // Not locked in between: progress is told on whatever thread proves.
    fn write(self, reply: &Reply) -> io::Result<()> {
        frame::write(&mut io::stdout(), &(self.0, reply))
    }

    fn tell(self, stage: &str, fraction: f64) {
        // A server that is gone is noticed with the next request.
        let _ = self.write(&Reply::Progress { stage: stage.to_owned(), fraction });
    }
}

struct Serving {
    setup: Setup,
    cache: KeyCache,
    requests: Receiver<(u64, Request)>,
}

impl Serving {
    fn compile(&self, request: &Compile, answer: Answer) -> Reply {
        limit::allow(self.setup.memory_bytes);
        let compiled = compile::compile(&self.setup, request, &|stage, fraction| answer.tell(stage, fraction));
        compiled.map_or_else(Into::into, Reply::Compiled)
    }

    /// Proves, and says which request the reply answers: keys, if they had to come first.
    fn prove(&mut self, request: &Prove, mut answer: Answer) -> io::Result<(Answer, Reply)> {
        if self.cache.get(&request.program_digest).is_none() {
            answer.write(&Reply::NeedKeys)?;
            let Ok((number, Request::Keys { program, proving_key })) = self.requests.recv() else {
                return Err(unexpected("keys were asked for and did not come"));
            };
            answer = Answer(number);
            if let Err(refusal) = self.load(&program, &proving_key) {
                return Ok((answer, refusal.into()));
            }
        }
        let reply = match self.cache.get(&request.program_digest) {
            Some(prepared) => prove_all(prepared, request, answer),
            None => worker_failed(&"the keys that came are another program's"),
        };
        Ok((answer, reply))
    }

    fn load(&mut self, program: &StoredFile, proving_key: &StoredFile) -> Result<(), Refusal> {
        let program = Program::from_bytes(&read(program)?).map_err(|error| Refusal::worker_failed(&error))?;
        Ok(self.cache.load(program, &read(proving_key)?)?)
    }
}

/// Reads on a thread of its own: when the server is gone, this process ends at once, in the middle of a proof too.
fn read_requests() -> Receiver<(u64, Request)> {
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

fn prove_all(prepared: &Prepared, request: &Prove, answer: Answer) -> Reply {
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
            answer.tell(stage(progress.step), fraction);
        });
        let Prepared { program, keys } = prepared;
        let made = prove(&keys.srs, &keys.proving, program, &inputs, Context(input.context), &job);
        drop(job);
        let proof = match made {
            Ok(proof) => proof,
            Err(error @ (Error::Execute(_) | Error::Machine(_))) => return Reply::Failed(at(invalid_input(&error))),
            Err(error) => return worker_failed(&error),
        };
        let times = proof.times;
        let key_digest = keys.digest();
        let file = match ProofFile::new(key_digest, &proof.instances, proof.bytes).to_json() {
            Ok(file) => file,
            Err(error) => return worker_failed(&error),
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

fn worker_failed(error: &dyn std::fmt::Display) -> Reply {
    Refusal::worker_failed(error).into()
}
