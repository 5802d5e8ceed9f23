//! `apodict srs`.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use apodict_prover::disk::{self, PendingFile, origin_name};
use apodict_prover::{CeremonyFile, ImportedSrs, Srs, SrsFile};
use apodict_verifier::{SrsOrigin, SrsPolicy};
use serde::Serialize;

use crate::arguments::{self, SrsCheck, SrsGenerate, SrsImport};
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use apodict_verifier::files::Bytes32;

#[derive(Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    path: PathBuf,
    k: u32,
    /// *Ceremony* only by a pin: no file says it of itself.
    origin: &'static str,
    /// What to pin: the same for every size of one string.
    digest: Bytes32,
    /// Of all that stands in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_digest: Option<Bytes32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<Imported>,
}

/// What a string was imported from.
#[derive(Serialize)]
struct Imported {
    file: PathBuf,
    format: &'static str,
    /// log2 of the powers that stand in it.
    k: u32,
}

pub(crate) fn run(arguments: &arguments::Srs, console: &Console) -> Result<Outcome, Failure> {
    match arguments {
        arguments::Srs::Generate(arguments) => generate(arguments, console),
        arguments::Srs::Check(arguments) => check(arguments, console),
        arguments::Srs::Import(arguments) => import(arguments, console),
    }
}

fn generate(arguments: &SrsGenerate, console: &Console) -> Result<Outcome, Failure> {
    let file = PendingFile::create(&arguments.output)?;
    let (srs, _) = console.stage("generate", || Srs::generate_unsafe(arguments.k))?;
    file.commit_with(|file| Ok(srs.write(file)?))?;
    let report = Report::new(arguments.output.clone(), &srs, SrsPolicy::AllowUnsafe);
    console.warn_of_origin(SrsOrigin::Unsafe);
    console.result(&report)?;
    Ok(Outcome::Done)
}

/// Checks all powers in both bases, whatever was remembered.
fn check(arguments: &SrsCheck, console: &Console) -> Result<Outcome, Failure> {
    let path = &arguments.path;
    let (SrsFile { srs, file_digest }, _) = console.stage("check", || {
        let file = File::open(path).map_err(|source| disk::Error::read(path, source))?;
        let read = Srs::read_unless_known(&mut BufReader::new(file), None, |_| false);
        read.map_err(|source| disk::Error::Srs { path: path.clone(), source: source.into() })
    })?;
    let policy = arguments.pin.policy();
    arguments.pin.check(srs.digest())?;
    let report = Report::new(path.clone(), &srs, policy);
    console.result(&Report { valid: Some(true), file_digest: Some(Bytes32(file_digest)), ..report })?;
    Ok(Outcome::Done)
}

/// Takes the powers of somebody else's file. That their pairings hold says nothing of who knows the secret.
fn import(arguments: &SrsImport, console: &Console) -> Result<Outcome, Failure> {
    let path = &arguments.path;
    let output = PendingFile::create(&arguments.output)?;
    let (ImportedSrs { srs, file, k_of_file }, _) = console.stage("import", || {
        let mut file = File::open(path).map_err(|source| disk::Error::read(path, source))?;
        Srs::import(&mut file, arguments.k).map_err(|source| match source {
            apodict_prover::Error::Io(source) => disk::Error::read(path, source),
            source => disk::Error::Ceremony { path: path.clone(), source: source.into() },
        })
    })?;
    let policy = arguments.pin.policy();
    arguments.pin.check(srs.digest())?;
    output.commit_with(|file| Ok(srs.write(file)?))?;
    let report = Report::new(arguments.output.clone(), &srs, policy);
    console.warn_of_import(policy.origin(&srs.digest()));
    let format = match file {
        CeremonyFile::Ptau => "ptau",
        _ => "halo2",
    };
    let imported = Imported { file: path.clone(), format, k: k_of_file };
    console.result(&Report { valid: Some(true), imported: Some(imported), ..report })?;
    Ok(Outcome::Done)
}

impl Report {
    fn new(path: PathBuf, srs: &Srs, policy: SrsPolicy<'_>) -> Self {
        let digest = srs.digest();
        let origin = origin_name(policy.origin(&digest));
        Self { valid: None, path, k: srs.k(), origin, digest: Bytes32(digest), file_digest: None, imported: None }
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
