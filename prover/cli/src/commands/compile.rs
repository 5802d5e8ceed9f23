//! `apodict compile`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_circuits::report::Accuracy;
use apodict_circuits::{Program, escaped};
use apodict_prover::disk::PendingFile;
use serde::Serialize;

use crate::arguments::Compile;
#[cfg(feature = "service")]
use crate::arguments::ServerArguments;
#[cfg(feature = "service")]
use crate::commands::model::{file_name, hand_in, log};
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};
use crate::program;
#[cfg(feature = "service")]
use crate::remote::Remote;
use apodict_verifier::files::Bytes32;

#[derive(Serialize)]
struct Report {
    program: PathBuf,
    program_digest: Bytes32,
    k: u32,
    rows: usize,
    shape: &'static str,
    compile_ms: f64,
    #[serde(flatten)]
    accuracy: Accuracy,
    /// On the server that compiled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

pub(crate) fn run(arguments: &Compile, console: &Console) -> Result<Outcome, Failure> {
    #[cfg(feature = "service")]
    if let Some(server) = arguments.on.arguments() {
        return on_server(arguments, &server, console);
    }
    let file = PendingFile::create(&arguments.output)?;
    let (program, compile_ms) =
        console.steps("compile", |step| program::compile_model(&arguments.model, &arguments.options, step))?;
    program::check_accuracy(&arguments.model, &program, &arguments.options)?;
    let bytes = program.to_bytes().map_err(|source| Failure::Program { path: arguments.output.clone(), source })?;
    file.commit(&bytes)?;
    report(arguments, &program, compile_ms, None, console)
}

/// The program that a server compiles the model to. That it is this model's, the server says: `inspect --model` compiles again and compares.
#[cfg(feature = "service")]
fn on_server(arguments: &Compile, server: &ServerArguments, console: &Console) -> Result<Outcome, Failure> {
    // A place that cannot be written is found before the work. The file is made after it: Ctrl-C leaves none.
    drop(PendingFile::create(&arguments.output)?);
    let onnx = program::read_model(&arguments.model)?;
    let remote = Remote::open(server, console)?;
    let ((model, program, bytes), compile_ms) = console.stage("compile", || {
        let model = hand_in(&remote, &onnx, &file_name(&arguments.model), &arguments.options, None)?;
        let model = remote.ready(model, &mut |line| log(line))?;
        let (program, bytes) = remote.program(&model)?;
        Ok::<_, Failure>((model, program, bytes))
    })?;
    program::check_accuracy(&arguments.model, &program, &arguments.options)?;
    PendingFile::create(&arguments.output)?.commit(&bytes)?;
    report(arguments, &program, compile_ms, Some(model.id), console)
}

fn report(
    arguments: &Compile,
    program: &Program,
    compile_ms: f64,
    model: Option<String>,
    console: &Console,
) -> Result<Outcome, Failure> {
    let report = Report {
        program: arguments.output.clone(),
        program_digest: Bytes32(program.digest()),
        k: program.plan().k,
        rows: program.layout().rows(),
        shape: program.plan().shape.name(),
        compile_ms,
        accuracy: Accuracy::of(program.report()),
        model,
    };
    console.warn_of_accuracy(program.report());
    console.result(&report)?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} rows of the {} shape, k = {}; {}\nthe program {}",
            escaped(self.program.display()),
            format_count(self.rows as u64),
            self.shape,
            self.k,
            self.accuracy.summary,
            self.program_digest
        )?;
        match &self.model {
            Some(model) => write!(formatter, "\nthe server's model {}", escaped(model)),
            None => Ok(()),
        }
    }
}
