//! `apodict contract`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_solidity::{UnsafeSrsPolicy, key_code_hash, write_contracts};
use serde::Serialize;

use crate::arguments;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::hexadecimal::Bytes32;
use crate::key_file::origin_name;
use crate::keys::{self, KeyFolder};
use crate::program;

#[derive(Serialize)]
struct Report {
    program_digest: Bytes32,
    key_digest: Bytes32,
    /// What a caller of the verifier pins.
    key_code_hash: Bytes32,
    srs: &'static str,
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &arguments::Contract, console: &Console) -> Result<Outcome, Failure> {
    let program = program::read(&arguments.program)?;
    let srs = keys::srs_for(&program, arguments.srs.path.as_deref())?;
    let folder = KeyFolder::choose(arguments.keys.as_deref(), &program, &srs)?;
    let (keys, _) = console.stage("keys", || {
        let keys = folder.open(&program, srs)?;
        folder.check(&program, &keys)?;
        Ok::<_, Failure>(keys)
    })?;
    console.warn_of_origin(keys.origin());
    files::make_folder(&arguments.output)?;
    let key = keys.proving.verifying_key();
    let files = write_contracts(key, &arguments.output, UnsafeSrsPolicy::AllowForDevelopment)?;
    let report = Report {
        program_digest: Bytes32(program.digest()),
        key_digest: Bytes32(keys.file.digest()),
        key_code_hash: Bytes32(key_code_hash(key)?),
        srs: origin_name(keys.origin()),
        files,
    };
    console.result(&report)?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(formatter, "{}", file.display())?;
        }
        write!(formatter, "code hash of the key, for callers to pin: {}", self.key_code_hash)
    }
}
