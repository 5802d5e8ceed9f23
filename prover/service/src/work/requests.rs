//! From a payload to a request, from a reply to a result.

use std::path::Path;

use serde_json::json;

use super::Works;
use super::payload::{CompilePayload, Facts, PayloadError, ProvePayload};
use crate::artifacts::{ArtifactError, ArtifactFile};
use crate::child::{
    Compile, CompiledModel, Duty, Prove, ProveInput, ProvedInput, Reply, Request, Setup, StoredFile, files,
};
use crate::codes;
use crate::ids::{Digest, Named, new_id};
use crate::store::{Job, JobError, Kind, NewProof, Outcome};

/// Stages of a proof, as its times are told.
const STAGES: [&str; 5] = ["witness", "commit", "quotient", "open", "check"];

/// What a child is asked, with what belongs to it as long as it works.
pub(super) struct Asked {
    pub(super) request: Request,
    /// Of the model, of a proof.
    pub(super) facts: Option<Facts>,
    /// Where the child writes, of a compilation.
    folder: Option<tempfile::TempDir>,
    /// What it reads.
    _files: Vec<ArtifactFile>,
}

impl Asked {
    /// Bytes that the job takes at least, as far as it is known.
    pub(super) fn least_memory_bytes(&self) -> u64 {
        self.facts.as_ref().map_or(0, |facts| facts.least_memory_bytes)
    }

    /// Whether this is an answer to what was asked: as many proofs as inputs, all of the model's key.
    pub(super) fn fits(&self, reply: &Reply) -> bool {
        match (&self.request, reply) {
            (_, Reply::Failed(_) | Reply::Unavailable(_)) | (Request::Compile(_), Reply::Compiled(_)) => true,
            (Request::Prove(asked), Reply::Proved(proved)) => {
                let key = self.facts.as_ref().map(|facts| facts.key_digest.as_str());
                asked.inputs.len() == proved.len()
                    && proved.iter().all(|one| Some(hex::encode(one.key_digest).as_str()) == key)
            }
            _ => false,
        }
    }
}

impl Works {
    pub(super) async fn request(&self, job: &Job) -> Result<Asked, PayloadError> {
        match job.kind {
            Kind::Prove => {
                let ProvePayload { facts, inputs } = self.get_payload(&job.payload).await?;
                let input = |(record, context): (Box<serde_json::value::RawValue>, String)| {
                    Ok(ProveInput { record: format!("{{\"inputs\":{record}}}"), context: bytes32(&context)? })
                };
                let program_digest = bytes32(&facts.program_digest)?;
                let inputs = inputs.into_iter().map(input).collect::<Result<_, PayloadError>>()?;
                let request = Request::Prove(Prove { program_digest, inputs });
                Ok(Asked { request, facts: Some(facts), folder: None, _files: Vec::new() })
            }
            Kind::Compile => {
                let CompilePayload { onnx, calibration, options } = self.get_payload(&job.payload).await?;
                let mut held = Vec::new();
                let calibration = match calibration {
                    Some(name) => Some(self.stored_file(&name, &mut held).await?),
                    None => None,
                };
                let folder = self.artifacts.spool()?;
                let request = Compile {
                    onnx: self.stored_file(&onnx, &mut held).await?,
                    calibration,
                    options: serde_json::to_string(&options)?,
                    max_k: self.config.limits.max_k,
                    folder: folder.path().to_owned(),
                };
                Ok(Asked { request: Request::Compile(request), facts: None, folder: Some(folder), _files: held })
            }
        }
    }

    /// The program and its proving key, for a child that has none. The files must be held until it has read them.
    pub(super) async fn keys(&self, facts: &Facts) -> Result<(Request, Vec<ArtifactFile>), PayloadError> {
        let mut held = Vec::new();
        let program = self.stored_file(&facts.program, &mut held).await?;
        let proving_key = self.stored_file(&facts.proving_key, &mut held).await?;
        Ok((Request::Keys { program, proving_key }, held))
    }

    async fn stored_file(&self, name: &str, held: &mut Vec<ArtifactFile>) -> Result<StoredFile, PayloadError> {
        let digest: Digest = name.parse().map_err(|_| PayloadError::Name(name.to_owned()))?;
        let file = self.artifacts.file(&digest).await?;
        let stored = StoredFile { path: file.path.clone(), digest: digest.0 };
        held.push(file);
        Ok(stored)
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

    /// Stores what a child answered, which [`Asked::fits`].
    pub(super) async fn outcome(&self, asked: &Asked, reply: &Reply) -> Result<Outcome, ArtifactError> {
        match (reply, &asked.folder) {
            (Reply::Proved(proved), _) => self.proved(proved).await,
            (Reply::Compiled(model), Some(folder)) => self.compiled(model, folder.path()).await,
            (Reply::Failed(error), _) => Ok(Outcome::Failed(error.clone())),
            _ => Ok(Outcome::Failed(misfit())),
        }
    }

    /// Stores proofs, for the job's result.
    async fn proved(&self, proved: &[ProvedInput]) -> Result<Outcome, ArtifactError> {
        let mut proofs = Vec::new();
        let mut told = Vec::new();
        for ProvedInput { proof, key_digest, stages_ms, prove_ms } in proved {
            let artifact = self.put_file(proof).await?;
            let (id, key_digest) = (new_id(Named::Proof), hex::encode(key_digest));
            let stages: serde_json::Map<_, _> =
                STAGES.iter().zip(stages_ms).map(|(stage, ms)| ((*stage).to_owned(), json!(ms))).collect();
            told.push(json!({
                "id": &id, "key_digest": format!("0x{key_digest}"), "prove_ms": prove_ms, "stages_ms": stages,
                "file_bytes": proof.len(),
            }));
            proofs.push(NewProof { id, key_digest, artifact });
        }
        for ProvedInput { stages_ms, .. } in proved {
            for (stage, ms) in STAGES.iter().zip(stages_ms) {
                self.metrics.stage(stage, *ms);
            }
        }
        Ok(Outcome::Proved { result: json!({"proofs": told}), proofs })
    }

    /// Stores what a model compiled to.
    async fn compiled(&self, model: &CompiledModel, folder: &Path) -> Result<Outcome, ArtifactError> {
        let put =
            async |name: &str| Ok::<_, ArtifactError>(self.artifacts.put_file(&folder.join(name)).await?.0.to_string());
        let facts = Facts {
            program: put(files::PROGRAM).await?,
            proving_key: put(files::PROVING_KEY).await?,
            verifying_key: put(files::VERIFYING_KEY).await?,
            report: put(files::REPORT).await?,
            contract: if model.has_contract { Some(put(files::CONTRACT).await?) } else { None },
            program_digest: hex::encode(model.program_digest),
            key_digest: hex::encode(model.key_digest),
            srs_digest: hex::encode(model.srs_digest),
            srs: model.srs.clone(),
            k: model.k,
            rows: model.rows,
            shape: model.shape.clone(),
            least_memory_bytes: model.least_memory_bytes,
            accuracy: serde_json::from_str(&model.accuracy).unwrap_or_default(),
        };
        let key_digest = facts.key_digest.clone();
        let result = json!({"key_digest": format!("0x{key_digest}"), "k": facts.k, "rows": facts.rows});
        Ok(Outcome::Compiled { result, facts: json!(facts), key_digest })
    }
}

fn bytes32(hex_digits: &str) -> Result<[u8; 32], PayloadError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex_digits, &mut bytes).map_err(|_| PayloadError::Name(hex_digits.to_owned()))?;
    Ok(bytes)
}

/// A child that said something else than was asked.
pub(super) fn misfit() -> JobError {
    let detail = "its process answered something else than was asked".to_owned();
    JobError { code: codes::WORKER_FAILED.to_owned(), detail }
}

/// A job that needs more memory than the server gives.
pub(super) fn out_of_memory(limit: u64) -> JobError {
    let detail = format!(
        "the job took more than {} MiB: hand in a smaller model or batch, or have the server's limit raised",
        limit >> 20
    );
    JobError { code: codes::OUT_OF_MEMORY.to_owned(), detail }
}
