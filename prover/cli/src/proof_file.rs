//! `proof.json`: a proof and the instances it is about.
//!
//! Each thing stands in it once, and nothing that is not verified: what it says of inputs and outputs is decoded from
//! the instances after they have been verified.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;
use crate::hexadecimal::{self, Bytes32};

/// Raised when the meaning of a field changes.
const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofFile {
    format: Format,
    version: u32,
    /// Of the key that verifies it: says whether the wrong key was tried.
    pub(crate) key_digest: Bytes32,
    /// Canonical field elements, big-endian: context, inputs, outputs.
    pub(crate) instances: Vec<Bytes32>,
    /// The bytes of the transcript.
    #[serde(with = "hexadecimal::bytes")]
    pub(crate) proof: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "apodict-proof")]
    Proof,
}

impl ProofFile {
    pub(crate) fn new(key_digest: [u8; 32], instances: &[[u8; 32]], proof: Vec<u8>) -> Self {
        let instances = instances.iter().copied().map(Bytes32).collect();
        Self { format: Format::Proof, version: VERSION, key_digest: Bytes32(key_digest), instances, proof }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let file: Self = files::read_json(path, "a proof")?;
        if file.version != VERSION {
            return Err(Failure::FileVersion { path: path.to_owned(), expected: VERSION, got: file.version });
        }
        Ok(file)
    }

    pub(crate) fn instance_words(&self) -> Vec<[u8; 32]> {
        self.instances.iter().map(|instance| instance.0).collect()
    }
}
