//! `apodict contract`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_prover::disk::{Cache, KeyFolder, make_folder, origin_name};
use apodict_solidity::{key_code_hash, write_contracts};
use serde::Serialize;

use crate::arguments;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::program;
use apodict_verifier::files::Bytes32;

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
    let srs = arguments.srs.load(program.plan().k)?;
    let folder = KeyFolder::choose(arguments.keys.as_deref(), &Cache::of_user(), &program, &srs)?;
    let (keys, _) = console.stage("keys", || {
        let keys = folder.open(&program, srs)?;
        folder.check(&program, &keys)?;
        Ok::<_, Failure>(keys)
    })?;
    let policy = arguments.srs.pin.policy();
    let origin = policy.origin(&keys.srs.digest());
    console.warn_of_origin(origin);
    make_folder(&arguments.output)?;
    let key = keys.proving.verifying_key();
    let files = write_contracts(key, &arguments.output, policy)?;
    let report = Report {
        program_digest: Bytes32(program.digest()),
        key_digest: Bytes32(keys.digest()),
        key_code_hash: Bytes32(key_code_hash(key)?),
        srs: origin_name(origin),
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
        writeln!(formatter, "digest of the key: {}", self.key_digest)?;
        write!(formatter, "code hash of its data contract, for callers to pin: {}", self.key_code_hash)
    }
}
