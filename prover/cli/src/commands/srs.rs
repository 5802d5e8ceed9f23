//! `apodict srs`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_prover::Srs;
use serde::Serialize;

use crate::arguments::{self, SrsCheck, SrsGenerate};
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::files::PendingFile;
use crate::hexadecimal::Bytes32;
use crate::key_file::origin_name;
use crate::keys;

#[derive(Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    path: PathBuf,
    k: u32,
    origin: &'static str,
    /// The same for every size of one ceremony.
    digest: Bytes32,
}

pub(crate) fn run(arguments: &arguments::Srs, console: &Console) -> Result<Outcome, Failure> {
    match arguments {
        arguments::Srs::Generate(arguments) => generate(arguments, console),
        arguments::Srs::Check(arguments) => check(arguments, console),
    }
}

fn generate(arguments: &SrsGenerate, console: &Console) -> Result<Outcome, Failure> {
    let file = PendingFile::create(&arguments.output)?;
    let (srs, _) = console.stage("generate", || Srs::generate_unsafe(arguments.k))?;
    file.commit_with(|file| Ok(srs.write(file)?))?;
    console.warn_of_origin(srs.origin());
    console.result(&Report::new(None, arguments.output.clone(), &srs))?;
    Ok(Outcome::Done)
}

fn check(arguments: &SrsCheck, console: &Console) -> Result<Outcome, Failure> {
    let (srs, _) = console.stage("check", || {
        let srs = keys::read_srs(&arguments.path, Srs::read)?;
        srs.check().map_err(|source| Failure::Srs { path: arguments.path.clone(), source })?;
        Ok::<_, Failure>(srs)
    })?;
    console.result(&Report::new(Some(true), arguments.path.clone(), &srs))?;
    Ok(Outcome::Done)
}

impl Report {
    fn new(valid: Option<bool>, path: PathBuf, srs: &Srs) -> Self {
        Self { valid, path, k: srs.k(), origin: origin_name(srs.origin()), digest: Bytes32(srs.digest()) }
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let verdict = if self.valid.is_some() { "its powers are those of one secret; " } else { "" };
        write!(
            formatter,
            "{}: {verdict}{}, for programs up to k = {}, digest {}",
            self.path.display(),
            self.origin,
            self.k,
            self.digest
        )
    }
}
