//! `apodict compile`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use serde::Serialize;

use crate::arguments::Compile;
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};
use crate::files::PendingFile;
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
    max_error: f64,
    flips: usize,
    warnings: Vec<String>,
}

pub(crate) fn run(arguments: &Compile, console: &Console) -> Result<Outcome, Failure> {
    let file = PendingFile::create(&arguments.output)?;
    let (program, compile_ms) =
        console.stage("compile", || program::compile_model(&arguments.model, &arguments.options))?;
    let bytes = program.to_bytes().map_err(|source| Failure::Program { path: arguments.output.clone(), source })?;
    file.commit(&bytes)?;
    let outputs = &program.report().outputs;
    let report = Report {
        program: arguments.output.clone(),
        program_digest: Bytes32(program.digest()),
        k: program.plan().k,
        rows: program.layout().rows(),
        shape: program.plan().shape.name(),
        compile_ms,
        max_error: outputs.iter().map(|output| output.max_error).fold(0.0, f64::max),
        flips: outputs.iter().map(|output| output.flips).sum(),
        warnings: program.report().warnings.clone(),
    };
    for warning in &report.warnings {
        console.warn(format_args!("warning: {warning}"));
    }
    console.result(&report)?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {} rows of the {} shape, k = {}; at most {:.2e} from the float model, {} decisions flipped\n\
             the program {}",
            self.program.display(),
            format_count(self.rows as u64),
            self.shape,
            self.k,
            self.max_error,
            self.flips,
            self.program_digest
        )
    }
}
