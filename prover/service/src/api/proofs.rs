//! Proofs, and whether they hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use apodict_circuits::escaped;
use apodict_prover::disk::origin_name;
use apodict_verifier::files::{Bytes32, Decision, FileError, KeyFile, ProofFile};
use apodict_verifier::{SrsPolicy, Verifier};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::Value;

use super::auth::Caller;
use super::body::Body;
use super::files::attachment;
use super::read::Path;
use super::views::{ProofView, VerificationView, facts};
use super::{App, Problem};
use crate::codes;
use crate::store::{ProofRecord, Scope};

/// Verifiers that are kept: to read a key takes longer than to verify.
const KEPT: usize = 64;

/// Verifiers by the artifact of their key.
#[derive(Debug, Default)]
pub(crate) struct Verifiers(Mutex<HashMap<String, Arc<Verifier>>>);

impl Verifiers {
    pub(crate) async fn get(&self, app: &App, artifact: &str) -> Result<Arc<Verifier>, Problem> {
        if let Some(kept) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(artifact) {
            return Ok(Arc::clone(kept));
        }
        let json = app.works.get_artifact(artifact).await?;
        // Of a string that is not pinned, the answer says that it is unsafe.
        let made = blocking(move || {
            let key = KeyFile::parse(&json).map_err(|error: FileError| error.to_string())?;
            Verifier::new(key, SrsPolicy::AllowUnsafe).map_err(|error| error.to_string())
        });
        let verifier = Arc::new(made.await?.map_err(|error| {
            tracing::error!(error, "a stored verifying key cannot be used");
            Problem::new(codes::INTERNAL, "the stored verifying key cannot be used: hand the model in again")
        })?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(artifact.to_owned(), Arc::clone(&verifier));
        Ok(verifier)
    }
}

/// What takes milliseconds must not hold up other requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a check panicked");
        Problem::new(codes::INTERNAL, "the check failed: please report it, with the request")
    })
}

async fn check(app: &App, artifact: &str, proof: ProofFile) -> Result<VerificationView, Problem> {
    let verifier = app.verifiers.get(app, artifact).await?;
    let pinned = app.works.config.srs_digest;
    blocking(move || {
        let key = verifier.key();
        let policy = match &pinned {
            Some(digest) => SrsPolicy::Ceremony(std::slice::from_ref(digest)),
            None => SrsPolicy::AllowUnsafe,
        };
        let start = Instant::now();
        let statement = verifier.statement(&proof.words(), &proof.proof);
        let verify_ms = start.elapsed().as_secs_f64() * 1e3;
        let (decision, reason) = match statement {
            Ok(statement) => (Some(Decision::new(&key.layout, &statement)), None),
            Err(error) => (None, Some(escaped(error).to_string())),
        };
        let (context, inputs, outputs) = match decision {
            Some(Decision { context, inputs, outputs }) => (Some(context.to_string()), Some(inputs), Some(outputs)),
            None => (None, None, None),
        };
        VerificationView {
            valid: reason.is_none(),
            reason,
            key_digest: Bytes32(verifier.digest()).to_string(),
            program_digest: Bytes32(key.program_digest).to_string(),
            srs: origin_name(policy.origin(&key.srs.digest())).to_owned(),
            context,
            inputs,
            outputs,
            verify_ms,
        }
    })
    .await
}

pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<ProofRecord, Problem> {
    app.works.store.proof(&caller.tenant, id).await?.ok_or_else(|| Problem::not_found("proof"))
}

/// A proof, with what it says: verified for this answer.
#[utoipa::path(
    get, path = "/v1/proofs/{id}", operation_id = "get_proof", tag = "proofs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, body = ProofView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ProofView>, Problem> {
    caller.may(Scope::Read)?;
    let record = find(&app, &caller, &id).await?;
    let json = app.works.get_file(&record.artifact).await?;
    let stored = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, proof = id, "a stored proof cannot be read");
        Problem::new(codes::INTERNAL, "the stored proof cannot be read")
    };
    let file = ProofFile::parse(&json).map_err(|error| stored(&error))?;
    let proof: Value = serde_json::from_slice(&json).map_err(|error| stored(&error))?;
    let key = key_artifact(&app, &caller, &record.key_digest).await?;
    let verification = check(&app, &key, file).await?;
    let ProofRecord { id, job, position, model, created_ms, .. } = record;
    Ok(Json(ProofView { id, job, position, model, created_ms, verification, proof }))
}

/// A proof's file alone: what `apodict verify` takes.
#[utoipa::path(
    get, path = "/v1/proofs/{id}/file", operation_id = "download_proof", tag = "proofs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, description = "proof.json", content_type = "application/json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn file(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.may(Scope::Read)?;
    let record = find(&app, &caller, &id).await?;
    let json = app.works.get_file(&record.artifact).await?;
    Ok(attachment("proof.json", "application/json", json.into()))
}

/// The artifact of a key that one of the tenant's models has.
pub(crate) async fn key_artifact(app: &App, caller: &Caller, key_digest: &str) -> Result<String, Problem> {
    let unknown = || {
        Problem::new(
            codes::UNKNOWN_KEY,
            "no model here has the key that the proof names: hand in its model, or verify it elsewhere",
        )
    };
    let model = app.works.store.model_of_key(&caller.tenant, key_digest).await?.ok_or_else(unknown)?;
    Ok(facts(&model)?.verifying_key)
}

/// Verifies any proof against the key that it names, which must be a model's here. A proof that does not hold is an answer too: 200,
/// with `valid: false`.
#[utoipa::path(
    post, path = "/v1/verify", operation_id = "verify_proof", tag = "proofs", security(("api_key" = [])),
    request_body(content = Object, description = "The proof's file: what `/v1/proofs/{id}/file` gives and `apodict prove` writes"),
    responses(
        (status = 200, body = VerificationView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn verify(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Json<VerificationView>, Problem> {
    caller.may(Scope::Read)?;
    let body = Body::read(&app, &caller.tenant, request).await?;
    let file = ProofFile::parse(&body.bytes).map_err(|error| Problem::new(codes::INVALID_REQUEST, error))?;
    let key = key_artifact(&app, &caller, &hex::encode(file.key_digest.0)).await?;
    Ok(Json(check(&app, &key, file).await?))
}
