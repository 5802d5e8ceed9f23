//! From a payload to a request, from a reply to a result.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Works;
use super::payload::{CompilePayload, Facts, PayloadError, ProvePayload};
use crate::artifacts::ArtifactError;
use crate::child::{Compile, CompiledModel, Duty, Prove, ProveInput, ProvedInput, Request, Setup};
use crate::codes;
use crate::ids::{Named, new_id};
use crate::store::{Job, JobError, Kind, NewProof, Outcome};

/// Stages of a proof, as its times are told.
const STAGES: [&str; 5] = ["witness", "commit", "quotient", "open", "check"];

/// What a child is asked, and what it needs if it has no keys.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) facts: Option<Facts>,
}

impl Works {
    pub(super) async fn request(&self, job: &Job) -> Result<Asked, PayloadError> {
        match job.kind {
            Kind::Prove => {
                let ProvePayload { facts, inputs } = self.get_payload(&job.payload).await?;
                let input = |(record, context): (Value, String)| {
                    let mut bytes = [0; 32];
                    hex::decode_to_slice(&context, &mut bytes).map_err(|_| PayloadError::Name(context))?;
                    Ok(ProveInput { record: json!({"inputs": record}).to_string(), context: bytes })
                };
                let mut program_digest = [0; 32];
                hex::decode_to_slice(&facts.program_digest, &mut program_digest)
                    .map_err(|_| PayloadError::Name(facts.program_digest.clone()))?;
                let inputs = inputs.into_iter().map(input).collect::<Result<_, PayloadError>>()?;
                Ok(Asked { request: Request::Prove(Prove { program_digest, inputs }), facts: Some(facts) })
            }
            Kind::Compile => {
                let CompilePayload { onnx, calibration, options } = self.get_payload(&job.payload).await?;
                let calibration = match calibration {
                    Some(name) => Some(self.get_artifact(&name).await?.to_vec()),
                    None => None,
                };
                let onnx = self.get_artifact(&onnx).await?.to_vec();
                let options = serde_json::to_string(&options)?;
                let request = Compile { onnx, calibration, options, max_k: self.config.limits.max_k };
                Ok(Asked { request: Request::Compile(request), facts: None })
            }
        }
    }

    /// The program and its proving key, for a child that has none.
    pub(super) async fn keys(&self, facts: &Facts) -> Result<Request, PayloadError> {
        let program = self.get_artifact(&facts.program).await?.to_vec();
        let proving_key = self.get_artifact(&facts.proving_key).await?.to_vec();
        Ok(Request::Keys { program, proving_key })
    }

    pub(super) fn setup(&self, duty: Duty) -> Setup {
        let limits = self.config.limits;
        Setup {
            srs: self.config.srs.clone(),
            srs_digest: self.config.srs_digest,
            cache: self.config.data.join("cache"),
            duty,
            memory_bytes: match duty {
                Duty::Warm { .. } => limits.warm_memory_bytes,
                Duty::OneJob => limits.job_memory_bytes,
            },
        }
    }

    /// Stores proofs, for the job's result.
    pub(super) async fn proved(&self, proved: Vec<ProvedInput>) -> Result<Outcome, ArtifactError> {
        let mut proofs = Vec::new();
        let mut told = Vec::new();
        for ProvedInput { proof, key_digest, stages_ms, prove_ms } in proved {
            for (stage, ms) in STAGES.iter().zip(stages_ms) {
                self.metrics.stage(stage, ms);
            }
            let proof_bytes = proof.len();
            let artifact = self.put_file(proof).await?;
            let (id, key_digest) = (new_id(Named::Proof), hex::encode(key_digest));
            let stages: serde_json::Map<_, _> =
                STAGES.iter().zip(stages_ms).map(|(stage, ms)| ((*stage).to_owned(), json!(ms))).collect();
            told.push(json!({
                "id": &id, "key_digest": format!("0x{key_digest}"), "prove_ms": prove_ms, "stages_ms": stages,
                "file_bytes": proof_bytes,
            }));
            proofs.push(NewProof { id, key_digest, artifact });
        }
        Ok(Outcome::Proved { result: json!({"proofs": told}), proofs })
    }

    /// Stores what a model compiled to.
    pub(super) async fn compiled(&self, model: CompiledModel) -> Result<Outcome, ArtifactError> {
        let put =
            async |bytes: Vec<u8>| Ok::<_, ArtifactError>(self.artifacts.put(Bytes::from(bytes)).await?.to_string());
        let contract = match model.contract {
            Some(files) => {
                let files: serde_json::Map<_, _> =
                    files.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
                Some(put(json!({"files": files}).to_string().into_bytes()).await?)
            }
            None => None,
        };
        let facts = Facts {
            program: put(model.program).await?,
            proving_key: put(model.proving_key).await?,
            verifying_key: put(model.verifying_key).await?,
            report: put(model.report).await?,
            contract,
            program_digest: hex::encode(model.program_digest),
            key_digest: hex::encode(model.key_digest),
            srs_digest: hex::encode(model.srs_digest),
            srs: model.srs,
            k: model.k,
            rows: model.rows,
            shape: model.shape,
            least_memory_bytes: model.least_memory_bytes,
            accuracy: serde_json::from_str(&model.accuracy).unwrap_or_default(),
        };
        let key_digest = facts.key_digest.clone();
        let result = json!({"key_digest": format!("0x{key_digest}"), "k": facts.k, "rows": facts.rows});
        let facts = serde_json::to_value(facts).unwrap_or_default();
        Ok(Outcome::Compiled { result, facts, key_digest })
    }
}

/// A job that needs more memory than the server gives.
pub(super) fn out_of_memory(limit: u64) -> JobError {
    let detail = format!(
        "the job took more than {} MiB: hand in a smaller model or batch, or have the server's limit raised",
        limit >> 20
    );
    JobError { code: codes::OUT_OF_MEMORY.to_owned(), detail }
}
