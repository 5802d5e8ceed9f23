//! `apodict calldata`.

use std::fmt::{self, Display, Formatter};

use apodict_solidity::{encode_call_words, key_code_hash};
use apodict_verifier::files::{Bytes32, Decision, format_bytes};
use apodict_verifier::{SrsPolicy, Verifier};
use serde::{Serialize, Serializer};

use crate::arguments::Calldata;
use crate::commands::verify::{print_decision, read_pair};
use crate::console::Console;
use crate::failure::{Failure, Outcome};

#[derive(Serialize)]
struct Report {
    #[serde(serialize_with = "hexadecimal")]
    calldata: Vec<u8>,
    key_digest: Bytes32,
    /// What the call pins.
    key_code_hash: Bytes32,
    #[serde(flatten)]
    decision: Option<Decision>,
}

/// What a proof that does not hold is answered with.
#[derive(Serialize)]
struct Refusal {
    valid: bool,
    reason: String,
}

pub(crate) fn run(arguments: &Calldata, console: &Console) -> Result<Outcome, Failure> {
    let (key, proof) = read_pair(&arguments.key, &arguments.proof)?;
    let verifier = Verifier::new(key, SrsPolicy::AllowUnsafe)?;
    let words = proof.words();
    let statement = match verifier.statement(&words, &proof.proof) {
        Ok(statement) => statement,
        Err(error) => {
            console.result(&Refusal { valid: false, reason: error.to_string() })?;
            return Ok(Outcome::InvalidProof);
        }
    };
    let key = verifier.key();
    let code_hash = key_code_hash(key)?;
    console.result(&Report {
        calldata: encode_call_words(arguments.key_address, code_hash, &proof.proof, &words),
        key_digest: Bytes32(verifier.digest()),
        key_code_hash: Bytes32(code_hash),
        decision: arguments.decode.then(|| Decision::new(&key.layout, &statement)),
    })?;
    Ok(Outcome::Done)
}

fn hexadecimal<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_bytes(bytes))
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", format_bytes(&self.calldata))?;
        self.decision.iter().try_for_each(|decision| print_decision(formatter, decision))
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "INVALID: {}", self.reason)
    }
}
