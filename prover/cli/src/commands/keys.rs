//! `apodict keys`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_prover::disk::{Cache, KeyFolder, origin_name};
use serde::Serialize;

use crate::arguments;
use crate::console::{Console, format_bytes};
use crate::failure::{Failure, Outcome};
use crate::program;
use apodict_verifier::files::Bytes32;

#[derive(Serialize)]
struct Report {
    program_digest: Bytes32,
    key_digest: Bytes32,
    k: u32,
    srs: &'static str,
    srs_digest: Bytes32,
    keys_ms: f64,
    key_bytes: u64,
    verifying_key: PathBuf,
    proving_key: PathBuf,
}

pub(crate) fn run(arguments: &arguments::Keys, console: &Console) -> Result<Outcome, Failure> {
    let program = program::read(&arguments.program)?;
    let srs = arguments.srs.load(program.plan().k)?;
    let (srs_digest, origin) = (srs.digest(), arguments.srs.pin.policy().origin(&srs.digest()));
    console.warn_of_origin(origin);
    let folder = KeyFolder::choose(Some(&arguments.output), &Cache::of_user(), &program, &srs)?;
    let (keys, keys_ms) = console.stage("keys", || folder.make(&program, srs))?;
    let report = Report {
        program_digest: Bytes32(program.digest()),
        key_digest: Bytes32(keys.digest()),
        k: program.plan().k,
        srs: origin_name(origin),
        srs_digest: Bytes32(srs_digest),
        keys_ms,
        key_bytes: folder.proving_key_bytes()?,
        verifying_key: folder.verifying_key(),
        proving_key: folder.proving_key(),
    };
    console.result(&report)?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}  the key {}", self.verifying_key.display(), self.key_digest)?;
        write!(formatter, "{}  {}", self.proving_key.display(), format_bytes(self.key_bytes))
    }
}
