//! `proof.json`: a proof and the instances it is about.

use super::{
    Bytes32, FILE_VERSION, FileError, PROOF, hexadecimal,
    strict::{Object, Word},
};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
    format: Word<Format>,
    version: u32,
    /// Of the key that verifies it: says whether the wrong key was tried.
    pub key_digest: Bytes32,
    /// Canonical field elements, big-endian: context, inputs, outputs.
    pub instances: Vec<Bytes32>,
    /// The bytes of the transcript.
    #[serde(with = "hexadecimal::bytes")]
    pub proof: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "apodict-proof")]
    Proof,
}

impl ProofFile {
    /// The file of a proof under the key with this digest.
    pub fn new(key_digest: [u8; 32], instances: &[[u8; 32]], proof: Vec<u8>) -> Self {
        let instances = instances.iter().copied().map(Bytes32).collect();
        Self { format: Word(Format::Proof), version: FILE_VERSION, key_digest: Bytes32(key_digest), instances, proof }
    }

    /// As JSON.
    ///
    /// # Errors
    /// None: everything in it can be written.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`] if it is no proof's file of this version.
    pub fn parse(json: &[u8]) -> Result<Self, FileError> {
        super::parse(PROOF, json).map(|Object(file)| file)
    }

    /// The instances as the words that verifiers take.
    pub fn words(&self) -> Vec<[u8; 32]> {
        self.instances.iter().map(|instance| instance.0).collect()
    }
}
