//! `apodict verify`.

use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use apodict_solidity::UnsafeSrsPolicy;
use apodict_solidity::evm::{Verdict, Verification, VerifierOnEvm};
use apodict_verifier::SrsOrigin;
use serde::Serialize;

use crate::arguments::Verify;
use crate::console::{Console, format_count, milliseconds};
use crate::failure::{Failure, Outcome};
use crate::hexadecimal::Bytes32;
use crate::key_file::{KeyFile, LoadedKey, origin_name};
use crate::layout::Statement;
use crate::proof_file::ProofFile;

/// What `verify` prints.
#[derive(Serialize)]
struct Report {
    valid: bool,
    /// Checking alone, without reading the files.
    verify_ms: f64,
    key_digest: Bytes32,
    /// Where the structured reference string comes from.
    srs: &'static str,
    /// What the proof says; of a proof that does not hold, nothing is shown.
    #[serde(flatten)]
    statement: Option<Statement>,
    /// Why the proof is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evm: Option<Evm>,
}

/// The whole transaction, calldata included.
#[derive(Serialize)]
struct Evm {
    verdict: String,
    gas: u64,
    calldata_bytes: usize,
}

pub(crate) fn run(arguments: &Verify, console: &Console) -> Result<Outcome, Failure> {
    let proof = ProofFile::read(&arguments.proof)?;
    let key = KeyFile::read(&arguments.key)?;
    if proof.key_digest != Bytes32(key.digest) {
        let (expected, got) = (proof.key_digest, Bytes32(key.digest));
        return Err(Failure::WrongKey { path: arguments.key.clone(), expected, got });
    }

    let instances = proof.instance_words();
    let start = Instant::now();
    let verdict = key.verifier.verify_words(&instances, &proof.proof).map_err(|error| error.to_string());
    let verify_ms = milliseconds(start.elapsed());

    let on_evm = || verify_on_evm(&key, &instances, &proof.proof, verdict.is_ok());
    let evm = arguments.evm.then(on_evm).transpose()?;

    let verdict = verdict.and_then(|()| key.layout.decode(&instances)).and_then(|statement| match arguments.context {
        Some(expected) if statement.context.0 != expected => {
            Err(format!("the proof is bound to the context {}, not to {}", statement.context, Bytes32(expected)))
        }
        _ => Ok(statement),
    });
    let (statement, reason) = match verdict {
        Ok(statement) => (Some(statement), None),
        Err(reason) => (None, Some(reason)),
    };
    let srs = origin_name(key.verifier.key().srs.origin);
    let valid = reason.is_none();
    let report = Report { valid, verify_ms, key_digest: Bytes32(key.digest), srs, statement, reason, evm };
    console.result(&report)?;
    Ok(if valid { Outcome::Done } else { Outcome::InvalidProof })
}

/// Runs the contract, which must say what the library says.
fn verify_on_evm(key: &LoadedKey, instances: &[[u8; 32]], proof: &[u8], accepted: bool) -> Result<Evm, Failure> {
    let mut chain = VerifierOnEvm::deploy(key.verifier.key(), UnsafeSrsPolicy::AllowForDevelopment)?;
    let Verification { verdict, gas, calldata_bytes } = chain.verify_words(proof, instances)?;
    if (verdict == Verdict::Accepted) != accepted {
        let library = if accepted { "accepted" } else { "refused" };
        return Err(Failure::Disagreement { library, contract: verdict.to_string() });
    }
    Ok(Evm { verdict: verdict.to_string(), gas, calldata_bytes })
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.reason {
            return write!(formatter, "INVALID: {reason}");
        }
        write!(formatter, "valid, verified in {:.1} ms", self.verify_ms)?;
        if let Some(Statement { context, inputs, outputs }) = &self.statement {
            write!(formatter, "\n  context  {context}")?;
            for (role, tensors) in [("input ", inputs), ("output", outputs)] {
                for (name, value) in tensors {
                    write!(formatter, "\n  {role}   {name} = {value}")?;
                }
            }
        }
        if let Some(Evm { verdict, gas, calldata_bytes }) = &self.evm {
            write!(
                formatter,
                "\n  EVM      {verdict}, {} gas, {calldata_bytes} bytes of calldata",
                format_count(*gas)
            )?;
        }
        if self.srs == origin_name(SrsOrigin::Unsafe) {
            write!(
                formatter,
                "\n  UNSAFE   the structured reference string is for development: its maker can forge proofs"
            )?;
        }
        Ok(())
    }
}
