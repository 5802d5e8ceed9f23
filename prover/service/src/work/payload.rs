//! What a job is to do, as it is stored: all that it needs, so that a model may go while its jobs wait.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Works;
use crate::artifacts::ArtifactError;
use crate::options::ModelOptions;

/// What is no longer stands in the store itself, which saves a file for each small job.
const INLINE_BYTES: usize = 16 << 10;

pub(super) const ARTIFACT: &str = "b3:";

/// A job's payload as text: JSON, or the name of an artifact that holds it.
#[derive(Clone, Debug)]
pub struct Payload(pub String);

/// Decisions to prove.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProvePayload {
    /// What is known of the model.
    pub facts: Facts,
    /// Records as they came, JSON objects, with their contexts, 64 hexadecimal digits.
    pub inputs: Vec<(Box<RawValue>, String)>,
}

/// A model to compile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompilePayload {
    /// Artifact: the ONNX file.
    pub onnx: String,
    /// Artifact: samples.
    pub calibration: Option<String>,
    /// How.
    pub options: ModelOptions,
}

/// What a model compiled to. Artifacts are named by their digests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Artifact: the program's file.
    pub program: String,
    /// Artifact: the proving key's file.
    pub proving_key: String,
    /// Artifact: `vk.json`.
    pub verifying_key: String,
    /// Artifact: the error report, JSON.
    pub report: String,
    /// Artifact: names and texts of the contract files, JSON.
    pub contract: Option<String>,
    /// 64 hexadecimal digits.
    pub program_digest: String,
    /// 64 hexadecimal digits.
    pub key_digest: String,
    /// 64 hexadecimal digits.
    pub srs_digest: String,
    /// `unsafe` or `ceremony`.
    pub srs: String,
    /// log2 of the rows.
    pub k: u32,
    /// Rows that are used.
    pub rows: u64,
    /// Name of the shape.
    pub shape: String,
    /// Bytes that a proof takes at least.
    pub least_memory_bytes: u64,
    /// The error report in short.
    pub accuracy: Value,
}

/// Why a payload cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The artifact that holds it.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// It is not what this build writes.
    #[error("what is stored of a job cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It names an artifact otherwise than this build does.
    #[error("what is stored of a job names no artifact: {0}")]
    Name(String),
}

impl Works {
    /// Stores what a job is to do.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub async fn put_payload(&self, payload: &impl Serialize) -> Result<Payload, PayloadError> {
        let json = serde_json::to_string(payload)?;
        if json.len() <= INLINE_BYTES {
            return Ok(Payload(json));
        }
        let digest = self.artifacts.put(Bytes::from(json)).await?;
        Ok(Payload(format!("{ARTIFACT}{digest}")))
    }

    pub(super) async fn get_payload<T: DeserializeOwned>(&self, payload: &str) -> Result<T, PayloadError> {
        match payload.strip_prefix(ARTIFACT) {
            Some(name) => Ok(serde_json::from_slice(&self.get_artifact(name).await?)?),
            None => Ok(serde_json::from_str(payload)?),
        }
    }

    /// Stores a file that belongs to a row: JSON, in the row if it is short.
    pub(super) async fn put_file(&self, json: &[u8]) -> Result<String, ArtifactError> {
        match std::str::from_utf8(json) {
            Ok(json) if json.len() <= INLINE_BYTES && json.starts_with('{') => Ok(json.to_owned()),
            _ => Ok(self.artifacts.put(Bytes::copy_from_slice(json)).await?.to_string()),
        }
    }

    /// A file that belongs to a row, whole.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub async fn get_file(&self, stored: &str) -> Result<Bytes, PayloadError> {
        if stored.starts_with('{') { Ok(Bytes::from(stored.to_owned())) } else { self.get_artifact(stored).await }
    }

    /// The artifact of this name, whole.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub async fn get_artifact(&self, name: &str) -> Result<Bytes, PayloadError> {
        let digest = name.parse().map_err(|_| PayloadError::Name(name.to_owned()))?;
        Ok(self.artifacts.get(&digest).await?)
    }
}
