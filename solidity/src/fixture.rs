//! A key, a genuine proof and its instances as JSON: what tests of compiled contracts, here and in forge, run on.

use apodict_verifier::{Fr, KeyError, VerifyingKey, fr_from_be_bytes, fr_to_be_bytes};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A genuine proof with all that is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// The key.
    pub key: VerifyingKey,
    /// The proof.
    pub proof: Vec<u8>,
    /// The public values.
    pub instances: Vec<Fr>,
}

/// The file. Key data, digests and ports are derived from the key; forge, which cannot derive them, reads them here.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: String,
    key_creation_code: String,
    key_code_hash: String,
    key_digest: String,
    /// `abi.encode(ports)` for `Port[] ports`.
    ports: String,
    ports_hash: String,
    proof: String,
    instances: Vec<String>,
}

/// Why a fixture cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// Not JSON, or other fields.
    #[error("not a fixture: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that is not `0x` and hexadecimal digits.
    #[error("field {field} of the fixture is not 0x and hexadecimal digits")]
    Hex {
        /// Which.
        field: &'static str,
    },
    /// An instance that is not a canonical scalar.
    #[error("instance {index} of the fixture is not a scalar below r in 32 bytes")]
    Instance {
        /// Position.
        index: usize,
    },
    /// A key that the verifier refuses.
    #[error("the fixture's key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A key without a contract.
    #[error(transparent)]
    Contract(#[from] crate::Error),
    /// Derived fields that do not follow from the key.
    #[error("the fixture's key data, digests or ports do not follow from its key: write the fixture again")]
    Stale,
}

fn prefixed(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn decoded(field: &'static str, text: &str) -> Result<Vec<u8>, FixtureError> {
    let digits = text.strip_prefix("0x").ok_or(FixtureError::Hex { field })?;
    hex::decode(digits).map_err(|_| FixtureError::Hex { field })
}

impl Fixture {
    /// As JSON, one line per field.
    ///
    /// # Errors
    /// [`FixtureError::Key`] or [`FixtureError::Contract`] if the key cannot be written or has no contract.
    pub fn to_json(&self) -> Result<String, FixtureError> {
        Ok(serde_json::to_string_pretty(&self.file()?)? + "\n")
    }

    fn file(&self) -> Result<File, FixtureError> {
        Ok(File {
            key: prefixed(self.key.to_bytes()?),
            key_creation_code: prefixed(crate::key_creation_code(&self.key)?),
            key_code_hash: prefixed(crate::key_code_hash(&self.key)?),
            key_digest: prefixed(self.key.digest()?),
            ports: prefixed(self.key.layout.ports_abi().collect::<Vec<_>>().concat()),
            ports_hash: prefixed(self.key.layout.ports_hash()),
            proof: prefixed(&self.proof),
            instances: self.instances.iter().map(|instance| prefixed(fr_to_be_bytes(instance))).collect(),
        })
    }

    /// Reads what [`Self::to_json`] wrote, and checks that it is consistent (not that the proof is valid).
    ///
    /// # Errors
    /// [`FixtureError`]: the first thing found wrong.
    pub fn from_json(text: &str) -> Result<Self, FixtureError> {
        let file: File = serde_json::from_str(text)?;
        let key = VerifyingKey::from_bytes(&decoded("key", &file.key)?)?;
        let instances = file.instances.iter().enumerate().map(|(index, text)| {
            let bytes = decoded("instances", text)?;
            let word = bytes.as_array().ok_or(FixtureError::Instance { index })?;
            fr_from_be_bytes(word).ok_or(FixtureError::Instance { index })
        });
        let fixture =
            Self { instances: instances.collect::<Result<_, _>>()?, proof: decoded("proof", &file.proof)?, key };
        if file == fixture.file()? { Ok(fixture) } else { Err(FixtureError::Stale) }
    }
}
