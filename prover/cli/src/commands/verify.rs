//! `apodict verify`.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::Instant;

use apodict_circuits::escaped;
use apodict_prover::disk::{self, origin_name};
use apodict_solidity::evm::{Verification, VerifierOnEvm};
use apodict_verifier::files::{self, Bytes32, Decision, ProofFile};
use apodict_verifier::{SrsOrigin, SrsPolicy, Verifier, VerifyingKey};
use serde::Serialize;

use crate::agreement;
#[cfg(feature = "service")]
use crate::arguments::ServerArguments;
use crate::arguments::Verify;
use crate::console::{Console, format_count, milliseconds};
use crate::failure::{Failure, Outcome};
#[cfg(feature = "service")]
use crate::remote::{Error, Remote};

/// What `verify` prints.
#[derive(Serialize)]
struct Report {
    valid: bool,
    /// Checking alone, without reading the files.
    verify_ms: f64,
    key_digest: Bytes32,
    program_digest: Bytes32,
    /// Where the structured reference string comes from, as far as this call knows.
    srs: &'static str,
    /// If it was verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    srs_digest: Option<Bytes32>,
    /// What the proof says; of a proof that does not hold, nothing is shown.
    #[serde(flatten)]
    decision: Option<Decision>,
    /// Why the proof is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evm: Option<Evm>,
    /// Who says so, if it was not verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
}

/// The whole transaction, calldata included.
#[derive(Serialize)]
struct Evm {
    verdict: String,
    gas: u64,
    calldata_bytes: usize,
}

pub(crate) fn run(arguments: &Verify, console: &Console) -> Result<Outcome, Failure> {
    #[cfg(feature = "service")]
    if let Some(server) = arguments.on.arguments() {
        return on_server(arguments, &server, console);
    }
    // Asked for by the arguments.
    let path = arguments.key.as_deref().unwrap_or(Path::new("vk.json"));
    let (key, proof) = read_pair(path, &arguments.proof)?;
    arguments.srs.check(key.srs.digest())?;
    let policy = arguments.srs.policy();
    let verifier = match &arguments.key_digest {
        Some(digest) => Verifier::pinned(key, digest, policy)?,
        None => Verifier::new(key, policy)?,
    };
    let key = verifier.key();

    let words = proof.words();
    let start = Instant::now();
    let verdict = verifier.verify_words(&words, &proof.proof);
    let verify_ms = milliseconds(start.elapsed());
    let evm = arguments.evm.then(|| verify_on_evm(key, &words, &proof.proof, &verdict)).transpose()?;

    let decoded = verdict.and_then(|()| key.layout.decode(&words)).map_err(|error| error.to_string());
    let decision = decoded.map(|statement| Decision::new(&key.layout, &statement));
    let decision = decision.and_then(|decision| bound(decision, arguments));
    let (decision, reason) = match decision {
        Ok(decision) => (Some(decision), None),
        Err(reason) => (None, Some(reason)),
    };
    let valid = reason.is_none();
    let srs_digest = key.srs.digest();
    console.result(&Report {
        valid,
        verify_ms,
        key_digest: Bytes32(verifier.digest()),
        program_digest: Bytes32(key.program_digest),
        srs: origin_name(policy.origin(&srs_digest)),
        srs_digest: Some(Bytes32(srs_digest)),
        decision,
        reason,
        evm,
        server: None,
    })?;
    Ok(if valid { Outcome::Done } else { Outcome::InvalidProof })
}

/// A decision that is bound to the context that was asked for, if one was.
fn bound(decision: Decision, arguments: &Verify) -> Result<Decision, String> {
    match arguments.context.map(Bytes32) {
        Some(expected) if decision.context != expected => {
            Err(format!("the proof is bound to the context {}, not to {expected}", decision.context))
        }
        _ => Ok(decision),
    }
}

/// What a server says of a proof of one of its models' keys. It is believed: who does not believe it names the key.
#[cfg(feature = "service")]
fn on_server(arguments: &Verify, server: &ServerArguments, console: &Console) -> Result<Outcome, Failure> {
    if arguments.srs.digest.is_some() {
        return Err(Failure::NotOnServer { option: "--srs-digest" });
    }
    let proof = files::read_proof(&arguments.proof)
        .map_err(|source| Failure::Proof { path: arguments.proof.clone(), source })?;
    let remote = Remote::open(server, console)?;
    let says = remote.verify(&proof.to_json()?)?;
    let digest = |text: &str| {
        let read = files::parse_bytes32(text).map(Bytes32);
        read.map_err(|error| Error::Lied { what: format!("a digest that is none: {error}") })
    };
    let (key_digest, program_digest) = (digest(&says.key_digest)?, digest(&says.program_digest)?);
    let asked = arguments.key_digest.map_or(proof.key_digest, Bytes32);
    if proof.key_digest != asked {
        let key = arguments.proof.clone();
        return Err(Failure::WrongKey { path: key, expected: proof.key_digest, got: asked });
    }
    if key_digest != asked {
        return Err(Error::Lied { what: format!("it verified under the key {key_digest}, not under {asked}") }.into());
    }
    let decision = match (says.valid, says.context, says.inputs, says.outputs) {
        (true, Some(context), Some(inputs), Some(outputs)) => {
            bound(Decision { context: digest(&context)?, inputs, outputs }, arguments)
        }
        (true, ..) => return Err(Error::Lied { what: "a valid proof that says nothing".to_owned() }.into()),
        (false, ..) => Err(says.reason.unwrap_or_else(|| "the server does not say why".to_owned())),
    };
    let (decision, reason) = match decision {
        Ok(decision) => (Some(decision), None),
        Err(reason) => (None, Some(reason)),
    };
    let valid = reason.is_none();
    let origin = if says.srs == origin_name(SrsOrigin::Ceremony) { SrsOrigin::Ceremony } else { SrsOrigin::Unsafe };
    console.result(&Report {
        valid,
        verify_ms: says.verify_ms,
        key_digest,
        program_digest,
        srs: origin_name(origin),
        srs_digest: None,
        decision,
        reason,
        evm: None,
        server: Some(remote.server()),
    })?;
    Ok(if valid { Outcome::Done } else { Outcome::InvalidProof })
}

/// The key of a compiled model, and a proof that says that it is for that key.
pub(crate) fn read_pair(key: &Path, proof: &Path) -> Result<(VerifyingKey, ProofFile), Failure> {
    let at = |path: &Path| path.to_owned();
    let proof_file = files::read_proof(proof).map_err(|source| Failure::Proof { path: at(proof), source })?;
    let read =
        files::read_key(key).map_err(|source| disk::Error::VerifyingKey { path: at(key), source: source.into() })?;
    if read.layout.is_empty() {
        return Err(Failure::NothingDescribed { path: at(key) });
    }
    let (expected, got) = (proof_file.key_digest, Bytes32(read.digest()?));
    if expected == got { Ok((read, proof_file)) } else { Err(Failure::WrongKey { path: at(key), expected, got }) }
}

/// Runs the contract, which must say what the library says.
fn verify_on_evm(
    key: &VerifyingKey,
    instances: &[[u8; 32]],
    proof: &[u8],
    library: &Result<(), apodict_verifier::Error>,
) -> Result<Evm, Failure> {
    let mut chain = VerifierOnEvm::deploy(key, SrsPolicy::AllowUnsafe)?;
    let Verification { verdict, gas, calldata_bytes } = chain.verify_words(proof, instances)?;
    agreement::check(library, &verdict)?;
    Ok(Evm { verdict: verdict.to_string(), gas, calldata_bytes })
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.reason {
            return write!(formatter, "INVALID: {reason}");
        }
        write!(formatter, "valid, verified in {:.1} ms", self.verify_ms)?;
        if let Some(server) = &self.server {
            write!(formatter, ", as {} says", escaped(server))?;
        }
        if let Some(decision) = &self.decision {
            print_decision(formatter, decision)?;
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
                "\n  UNSAFE   nobody vouches for the structured reference string: its maker may be able to forge proofs"
            )?;
        }
        write!(formatter, "\n  key      {}", self.key_digest)
    }
}

/// Context, inputs and outputs, a line each.
pub(crate) fn print_decision(formatter: &mut Formatter<'_>, decision: &Decision) -> fmt::Result {
    let Decision { context, inputs, outputs } = decision;
    write!(formatter, "\n  context  {context}")?;
    for (role, tensors) in [("input ", inputs), ("output", outputs)] {
        for (name, value) in tensors {
            write!(formatter, "\n  {role}   {} = {value}", escaped(name))?;
        }
    }
    Ok(())
}
