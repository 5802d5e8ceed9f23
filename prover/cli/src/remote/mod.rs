//! A proving service somewhere else.
//!
//! | part | what it is |
//! |---|---|
//! | here | what is asked of it, and how its answers are held against what was asked |
//! | `client` | requests, bounded and repeated |
//! | `views` | what answers hold |
//! | `send` | models, inputs and options as they are sent |
//! | `interrupt` | a word on Ctrl-C |
//! | `error` | what goes wrong, and what to do |

mod client;
mod error;
mod interrupt;
mod kept;
mod send;
mod views;

use std::collections::BTreeSet;
use std::time::Duration;

use apodict_circuits::Program;
use apodict_verifier::files::{Bytes32, KeyFile, ProofFile};
use apodict_verifier::{Statement, Verifier, VerifyingKey};
use sha3::{Digest, Sha3_256};

pub(crate) use error::Error;
pub(crate) use kept::Kept;
pub(crate) use send::{Decision, Upload, model_options, prove_request};
pub(crate) use views::{CompiledProgram, Job, LogLine, Model, Page, Verification};

use crate::arguments::ServerArguments;
use crate::console::Console;
use client::{ApiKey, Client, IfBroken, Request};
use interrupt::Interrupt;

/// The environment's server.
const SERVER_VARIABLE: &str = "APODICT_SERVER";

/// Where `apodict serve` listens if nothing is said.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8451";

/// Between two looks at a job: at first, and at most.
const LOOKS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// Lines that are asked for at once.
const LINES: usize = 1000;

/// Jobs of the same request that ended badly before it is begun anew.
const MAX_ENDED: usize = 100;

/// Pages of a list that are looked through for a program.
const MAX_PAGES: usize = 1000;

/// What a request for a job is called, so that it is one job however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobName<'a> {
    /// As the user says.
    Said(&'a str),
    /// By its content.
    OfContent,
    /// Not at all: of inputs that are to be forgotten, a digest would stay, by which few possible ones are found by trying.
    None,
}

/// A server.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// The server that the user names, else the environment's, else the one on this machine.
    pub(crate) fn open(arguments: &ServerArguments, console: &Console) -> Result<Self, Error> {
        let of_environment = || std::env::var(SERVER_VARIABLE).ok().filter(|url| !url.is_empty());
        let url = arguments.server.clone().or_else(of_environment).unwrap_or_else(|| DEFAULT_SERVER.to_owned());
        let client = Client::new(&url, ApiKey::find(arguments.api_key_file.as_deref())?)?;
        if client.shows_the_key() {
            console.warn(format_args!(
                "warning: the API key goes to {} unencrypted: whoever is between can read it and all else",
                client.server()
            ));
        }
        Ok(Self { client })
    }

    /// What may be shown of where it is.
    pub(crate) fn server(&self) -> String {
        self.client.server()
    }

    // Models

    /// Hands a model in: compiled once, however often it is handed in.
    pub(crate) fn push(&self, upload: &Upload<'_>) -> Result<Model, Error> {
        let (content_type, body) = upload.form();
        self.named_model(self.client.json(Request::post("/v1/models", (&content_type, &body)))?, None)
    }

    /// Waits until a model is compiled.
    pub(crate) fn ready(&self, model: Model, tell: &mut dyn FnMut(&LogLine)) -> Result<Model, Error> {
        let model = if model.state == "compiling" {
            self.succeeded(self.follow(&model.job, tell)?)?;
            self.model(&model.id)?
        } else {
            model
        };
        match (&model.error, model.state == "ready" && model.program.is_some()) {
            (_, true) => Ok(model),
            (Some(error), false) => {
                let (code, detail) = (error.code.clone(), error.detail.clone());
                Err(Error::JobFailed { job: model.job, code, detail })
            }
            (None, false) => Err(self.client.garbage("a model that is compiled has no program".to_owned())),
        }
    }

    pub(crate) fn model(&self, id: &str) -> Result<Model, Error> {
        self.named_model(self.client.json(Request::get(&format!("/v1/models/{}", self.name(id)?)))?, Some(id))
    }

    pub(crate) fn models(&self, limit: u32, cursor: Option<&str>) -> Result<Page<Model>, Error> {
        self.client.json(Request::get(&format!("/v1/models?limit={limit}{}", self.cursor(cursor)?)))
    }

    pub(crate) fn delete_model(&self, id: &str) -> Result<(), Error> {
        let path = format!("/v1/models/{}", self.name(id)?);
        self.client.done(Request { method: "DELETE", ..Request::get(&path) })
    }

    pub(crate) fn artifact(&self, model: &str, name: &str) -> Result<Vec<u8>, Error> {
        self.client.file(&format!("/v1/models/{}/artifacts/{}", self.name(model)?, self.name(name)?))
    }

    /// A model's program, which must be the one that the model is said to have compiled to.
    pub(crate) fn program(&self, model: &Model) -> Result<(Program, Vec<u8>), Error> {
        let bytes = self.artifact(&model.id, "program")?;
        let program = Program::from_bytes(&bytes)
            .map_err(|error| Error::Lied { what: format!("its program cannot be read: {error}") })?;
        let (said, got) = (&compiled(model)?.program_digest, Bytes32(program.digest()).to_string());
        if *said != got {
            return Err(Error::Lied { what: format!("the model's program is {said}, the file's {got}") });
        }
        Ok((program, bytes))
    }

    /// A model's key, which must be the one that it is said to have, and be of its program.
    pub(crate) fn key(&self, model: &Model) -> Result<(VerifyingKey, Vec<u8>), Error> {
        let bytes = self.artifact(&model.id, "key")?;
        let lied = |what: String| Error::Lied { what };
        let key = KeyFile::parse(&bytes).map_err(|error| lied(format!("its key cannot be read: {error}")))?;
        let digest = key.digest().map_err(|error| lied(format!("its key is none: {error}")))?;
        let program = compiled(model)?;
        for (what, said, got) in
            [("key", &program.key_digest, digest), ("program", &program.program_digest, key.program_digest)]
        {
            let got = Bytes32(got).to_string();
            if *said != got {
                return Err(lied(format!("the model's {what} is {said}, that of the key's file {got}")));
            }
        }
        Ok((key, bytes))
    }

    /// The newest model that compiled to a program.
    pub(crate) fn model_of(&self, program: [u8; 32]) -> Result<Model, Error> {
        let digest = Bytes32(program).to_string();
        let (mut cursor, mut seen) = (None, BTreeSet::new());
        for _ in 0..MAX_PAGES {
            let page = self.models(200, cursor.as_deref())?;
            let is_it = |model: &Model| model.program.as_ref().is_some_and(|program| program.program_digest == digest);
            if let Some(model) = page.items.into_iter().find(is_it) {
                return Ok(model);
            }
            match page.next_cursor {
                Some(next) if seen.insert(next.clone()) => cursor = Some(next),
                _ => break,
            }
        }
        Err(Error::NoModelOf { server: self.server(), program: digest })
    }

    // Jobs

    /// Hands a job in. Run again, the command finds the job of the same name, and that which the content names unless it ended without a result.
    pub(crate) fn submit(&self, body: &[u8], name: JobName<'_>) -> Result<Job, Error> {
        let of_content = |ended: Option<&str>| {
            let hash = Sha3_256::new().chain_update(body).chain_update(ended.unwrap_or_default());
            format!("apodict-{}", hex::encode(hash.finalize()))
        };
        let post = |key: &str| -> Result<Job, Error> {
            let request = Request::post("/v1/jobs", ("application/json", body));
            self.named_job(self.client.json(Request { idempotency_key: Some(key), ..request })?, None)
        };
        match name {
            JobName::Said(key) => return post(key),
            JobName::None => {
                let request = Request::post("/v1/jobs", ("application/json", body));
                return self.named_job(self.client.json(Request { if_broken: IfBroken::Told, ..request })?, None);
            }
            JobName::OfContent => {}
        }
        let mut job = post(&of_content(None))?;
        for _ in 0..MAX_ENDED {
            if !matches!(job.state.as_str(), "failed" | "cancelled") {
                break;
            }
            job = post(&of_content(Some(&job.id)))?;
        }
        Ok(job)
    }

    pub(crate) fn job(&self, id: &str) -> Result<Job, Error> {
        self.named_job(self.client.json(Request::get(&format!("/v1/jobs/{}", self.name(id)?)))?, Some(id))
    }

    /// `filters` is a query without its question mark.
    pub(crate) fn jobs(&self, filters: &str, limit: u32, cursor: Option<&str>) -> Result<Page<Job>, Error> {
        self.client.json(Request::get(&format!("/v1/jobs?limit={limit}{filters}{}", self.cursor(cursor)?)))
    }

    pub(crate) fn cancel(&self, id: &str) -> Result<Job, Error> {
        let path = format!("/v1/jobs/{}/cancel", self.name(id)?);
        self.named_job(self.client.json(Request { method: "POST", ..Request::get(&path) })?, Some(id))
    }

    /// Lines of a job's log after the one of this number.
    pub(crate) fn logs(&self, id: &str, after: u64) -> Result<Page<LogLine>, Error> {
        self.client.json(Request::get(&format!("/v1/jobs/{}/logs?limit={LINES}&cursor={after}", self.name(id)?)))
    }

    /// Tells what happens to a job until it has ended. On Ctrl-C, the job goes on.
    pub(crate) fn follow(&self, id: &str, tell: &mut dyn FnMut(&LogLine)) -> Result<Job, Error> {
        let _interrupt = Interrupt::tell(format!(
            "{id} goes on: `apodict job watch {id}` waits for it, `apodict job cancel {id}` ends it"
        ))?;
        let [mut pause, longest] = LOOKS;
        let mut after = 0;
        loop {
            let page = self.logs(id, after)?;
            let mut is_over = false;
            for line in &page.items {
                if line.number <= after {
                    return Err(self.client.garbage("the lines of a log are out of order".to_owned()));
                }
                after = line.number;
                tell(line);
                is_over = line.is_last();
            }
            if is_over {
                let job = self.job(id)?;
                if !job.has_ended() {
                    return Err(self.client.garbage("a job that has ended goes on".to_owned()));
                }
                return Ok(job);
            }
            if page.next_cursor.is_none() || page.items.is_empty() {
                std::thread::sleep(pause);
                pause = if page.items.is_empty() { (pause * 2).min(longest) } else { LOOKS[0] };
            }
        }
    }

    /// A job that ended as it should.
    pub(crate) fn succeeded(&self, job: Job) -> Result<Job, Error> {
        match (job.state.as_str(), &job.error) {
            ("succeeded", _) => Ok(job),
            ("cancelled", _) => Err(Error::JobCancelled { job: job.id }),
            ("failed", Some(error)) => {
                let (code, detail) = (error.code.clone(), error.detail.clone());
                Err(Error::JobFailed { job: job.id, code, detail })
            }
            _ => Err(Error::NotEnded { job: job.id }),
        }
    }

    // Proofs

    /// A proof's file, with what it says: verified here, under this key.
    pub(crate) fn proof(&self, id: &str, verifier: &Verifier) -> Result<(ProofFile, Statement, Vec<u8>), Error> {
        let bytes = self.client.file(&format!("/v1/proofs/{}/file", self.name(id)?))?;
        let lied = |what: String| Error::Lied { what };
        let file = ProofFile::parse(&bytes).map_err(|error| lied(format!("the proof {id} cannot be read: {error}")))?;
        let (asked, named) = (Bytes32(verifier.digest()), file.key_digest);
        if named != asked {
            return Err(lied(format!("the proof {id} is for the key {named}, not for {asked}")));
        }
        let words = file.words();
        let verdict = verifier.verify_words(&words, &file.proof).and_then(|()| verifier.key().layout.decode(&words));
        let statement = verdict.map_err(|error| lied(format!("the proof {id} does not hold: {error}")))?;
        Ok((file, statement, bytes))
    }

    /// What the server says of a proof.
    pub(crate) fn verify(&self, proof: &[u8]) -> Result<Verification, Error> {
        self.client.json(Request::post("/v1/verify", ("application/json", proof)))
    }

    /// A job that is the one that was asked for, and whose names may stand in a command that is shown.
    fn named_job(&self, job: Job, asked: Option<&str>) -> Result<Job, Error> {
        self.name(&job.model)?;
        self.is_asked(&job.id, asked)?;
        Ok(job)
    }

    /// As [`named_job`](Self::named_job), of a model.
    fn named_model(&self, model: Model, asked: Option<&str>) -> Result<Model, Error> {
        self.name(&model.job)?;
        self.is_asked(&model.id, asked)?;
        Ok(model)
    }

    fn is_asked(&self, id: &str, asked: Option<&str>) -> Result<(), Error> {
        match asked {
            Some(asked) if asked != id => Err(Error::Lied { what: format!("{asked} was asked for, and another came") }),
            _ => self.name(id).map(|_| ()),
        }
    }

    /// What stands in a path: names that the server made, or that the user typed.
    fn name<'a>(&self, name: &'a str) -> Result<&'a str, Error> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
            true => Ok(name),
            false => Err(self.client.garbage("it has a name that is none".to_owned())),
        }
    }

    fn cursor(&self, cursor: Option<&str>) -> Result<String, Error> {
        cursor.map_or(Ok(String::new()), |cursor| Ok(format!("&cursor={}", self.name(cursor)?)))
    }
}

/// A model's program, if it is ready.
pub(crate) fn compiled(model: &Model) -> Result<&CompiledProgram, Error> {
    let missing = || Error::Lied { what: format!("the model {} is not compiled", model.id) };
    model.program.as_ref().ok_or_else(missing)
}
