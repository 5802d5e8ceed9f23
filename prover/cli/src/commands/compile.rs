//! `apodict compile`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_circuits::escaped;
use apodict_circuits::report::Accuracy;
use apodict_prover::disk::PendingFile;
use serde::Serialize;

use crate::arguments::Compile;
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};
use crate::program;
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
}

pub(crate) fn run(arguments: &Compile, console: &Console) -> Result<Outcome, Failure> {
    let file = PendingFile::create(&arguments.output)?;
    let (program, compile_ms) =
        console.steps("compile", |step| program::compile_model(&arguments.model, &arguments.options, step))?;
    program::check_accuracy(&arguments.model, &program, &arguments.options)?;
    let bytes = program.to_bytes().map_err(|source| Failure::Program { path: arguments.output.clone(), source })?;
    file.commit(&bytes)?;
    let report = Report {
        program: arguments.output.clone(),
        program_digest: Bytes32(program.digest()),
        k: program.plan().k,
        rows: program.layout().rows(),
        shape: program.plan().shape.name(),
        compile_ms,
        accuracy: Accuracy::of(program.report()),
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
        )
    }
}
