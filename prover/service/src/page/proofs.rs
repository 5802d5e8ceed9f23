//! A proof: what it says, whether it holds, and how to see that for oneself.

use std::sync::Arc;

use apodict_circuits::report::OutputReport;
use apodict_verifier::{Statement, Verifier, files::ProofFile};
use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::bars::Bars;
use super::command::{self, OfProof};
use super::models::report;
use super::progress::stage_times;
use super::refused::{Refused, shown};
use super::session::Visitor;
use super::show;
use super::state::{Frame, PageState, Section};
use super::tensors::{self, Said, TensorView, Word};
use crate::api::read::Path;
use crate::api::views::{ProofView, facts};
use crate::api::{self, Problem};
use crate::codes;
use crate::store::{Model, Scope};

/// What a proof that holds says.
struct Says {
    inputs: Vec<Said>,
    outputs: Vec<Said>,
    verdicts: Vec<String>,
    input_tables: Vec<TensorView>,
    output_tables: Vec<TensorView>,
    words: Vec<Word>,
    all_words: usize,
    context: String,
    is_bound: bool,
}

#[derive(Template)]
#[template(path = "proof.html")]
struct ProofPage {
    frame: Frame,
    id: String,
    job: String,
    position: u32,
    model_name: String,
    /// None of one that was removed.
    model: Option<String>,
    created: String,
    valid: bool,
    reason: String,
    verify_ms: String,
    is_unsafe: bool,
    key_digest: String,
    program_digest: String,
    srs_digest: String,
    says: Option<Says>,
    prove_ms: String,
    bars: Option<Bars>,
    verify_command: String,
    server_command: String,
    prove_command: Option<String>,
    here_command: Option<String>,
}

/// Everything that is looked up for a proof's page.
struct Found {
    view: ProofView,
    verifier: Arc<Verifier>,
    statement: Option<Statement>,
    words: Vec<[u8; 32]>,
    /// Whose key it is, removed or not.
    model: Model,
    outputs: Vec<OutputReport>,
}

async fn find(page: &PageState, visitor: &Visitor, id: &str) -> Result<Found, Problem> {
    let app = page.app.clone();
    // Verified for this page, as the API does it.
    let shown = api::proofs::get(State(app), visitor.caller.clone(), Path(id.to_owned()));
    let Json(view) = shown.await?;
    let stored = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, proof = id, "a stored proof cannot be read");
        Problem::new(codes::INTERNAL, "the stored proof cannot be read")
    };
    let words = ProofFile::parse(view.proof.to_string().as_bytes()).map_err(|error| stored(&error))?.words();
    let digest = view.verification.key_digest.trim_start_matches("0x");
    let model = page.app.works.store.model_of_key(&visitor.caller.tenant, digest).await?;
    let model = model.ok_or_else(|| Problem::not_found("model"))?;
    let facts = facts(&model)?;
    let verifier = page.app.verifiers.get(&page.app, &facts.verifying_key).await?;
    let statement = Some(&words).filter(|_| view.verification.valid);
    let statement =
        statement.map(|words| verifier.key().layout.decode(words)).transpose().map_err(|error| stored(&error))?;
    let outputs = report(page, &facts).await.map(|report| report.outputs).unwrap_or_default();
    Ok(Found { view, verifier, statement, words, model, outputs })
}

pub(super) async fn one(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    visitor.caller.may(Scope::Read)?;
    let found = find(&page, &visitor, &id).await?;
    let Found { view, model, .. } = &found;
    let store = &page.app.works.store;
    let stays = store.model(&visitor.caller.tenant, &model.id).await.map_err(Problem::from)?.is_some();
    let job = store.job(&visitor.caller.tenant, &view.job).await.map_err(Problem::from)?;
    let told = job.and_then(|job| Some(job.result?["proofs"].get(view.position as usize)?.clone())).unwrap_or_default();

    let is_unsafe = view.verification.srs == "unsafe";
    let srs_digest = format!("0x{}", hex::encode(found.verifier.key().srs.digest()));
    let base = command::base(&headers, visitor.transport);
    let inputs = view.verification.inputs.clone().map(Value::Object);
    let commands = OfProof {
        base: &base,
        proof: &view.id,
        model: Some(model.id.as_str()).filter(|_| stays),
        key_digest: &view.verification.key_digest,
        srs_digest: Some(srs_digest.as_str()).filter(|_| !is_unsafe),
        context: view.verification.context.as_deref(),
        inputs: inputs.as_ref(),
    };
    let (verify, by_server) = (commands.verify(), commands.verify_by_server());
    let (prove, here) = (commands.prove(), commands.prove_here());
    let says = says(&found);
    let ProofView { id, job, position, created_ms, verification, .. } = found.view;
    Ok(shown(&ProofPage {
        frame: Frame::new(&visitor, Section::Proof),
        id,
        job,
        position,
        model_name: show::name(&found.model.name),
        model: Some(found.model.id).filter(|_| stays),
        created: show::utc(created_ms),
        valid: verification.valid,
        reason: verification.reason.unwrap_or_default(),
        verify_ms: show::duration(verification.verify_ms),
        is_unsafe,
        key_digest: verification.key_digest,
        program_digest: verification.program_digest,
        srs_digest,
        says,
        prove_ms: told["prove_ms"].as_f64().map(show::duration).unwrap_or_default(),
        bars: Bars::new(&stage_times(&told)),
        verify_command: verify,
        server_command: by_server,
        prove_command: prove,
        here_command: here,
    }))
}

fn says(found: &Found) -> Option<Says> {
    let statement = found.statement.as_ref()?;
    let layout = &found.verifier.key().layout;
    Some(Says {
        inputs: tensors::said(&layout.inputs, &statement.inputs),
        outputs: tensors::said(&layout.outputs, &statement.outputs),
        verdicts: tensors::verdicts(layout, statement, &found.outputs),
        input_tables: tensors::tables(&layout.inputs, &statement.inputs),
        output_tables: tensors::tables(&layout.outputs, &statement.outputs),
        words: tensors::words(layout, &found.words),
        all_words: found.words.len(),
        context: format!("0x{}", hex::encode(statement.context)),
        is_bound: statement.context != [0; 32],
    })
}

/// A proof's file, for the script that verifies it.
pub(super) async fn proof_file(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Refused> {
    Ok(api::proofs::file(State(page.app), visitor.caller, id?).await?)
}

/// The key of a proof, which may be of a model that was removed.
pub(super) async fn key_file(
    State(page): State<PageState>,
    visitor: Visitor,
    id: Result<Path<String>, Problem>,
) -> Result<Response, Refused> {
    let Path(id) = id?;
    visitor.caller.may(Scope::Read)?;
    let app = &page.app;
    let record = api::proofs::find(app, &visitor.caller, &id).await?;
    let artifact = api::proofs::key_artifact(app, &visitor.caller, &record.key_digest).await?;
    let json = app.works.get_artifact(&artifact).await.map_err(Problem::from)?;
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, "attachment; filename=\"vk.json\"")];
    Ok((headers, json).into_response())
}
