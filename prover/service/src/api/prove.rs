//! A job handed in and waited for.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::admission::{Admitted, ProveRequest, accept, submitted};
use super::auth::Caller;
use super::body::Body;
use super::jobs::{accepted, find};
use super::read::Query;
use super::views::JobView;
use super::{App, Problem};
use crate::codes;
use crate::store::{JobState, Lane, Scope};

/// How often the store is looked into where nobody tells of a change.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// Milliseconds to wait for the result; 10,000 if nothing is said. The server waits no longer than it is configured to.
    wait: Option<u64>,
}

/// Hands in a job and waits for its end: stored first, then proved at once if a process is free. The answer is the job: 200 if it
/// succeeded, 202 if it goes on; a problem with its error code if it failed.
#[utoipa::path(
    post, path = "/v1/prove", tag = "jobs", security(("api_key" = [])), request_body = ProveRequest,
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "your own name for the request")),
    responses(
        (status = 200, description = "It is proved", body = JobView, headers(("Location" = String))),
        (status = 202, description = "It goes on", body = JobView, headers(("Location" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn prove(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<WaitQuery>,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Scope::Prove)?;
    let wait = Duration::from_millis(query.wait.unwrap_or(10_000)).min(app.works.config.limits.wait);
    let _waiting = app.waiting.enter(&caller.tenant)?;
    let headers = request.headers().clone();
    let job = {
        let body = Body::read(&app, &caller.tenant, request).await?;
        match accept(&app, &caller, &headers, &body).await? {
            Admitted::New(job) => {
                let slot = if job.lane == Lane::Short { app.works.warm.try_acquire() } else { None };
                submitted(&app, app.works.submit(*job, slot).await?)?
            }
            Admitted::Same(job) => *job,
        }
    };
    let mut changes = app.works.hub.listen(&job.id);
    // Dropped at the end of the wait, between two looks.
    let _ = tokio::time::timeout(wait, async {
        while !find(&app, &caller, &job.id).await?.state.is_final() {
            // Of what another process did, word may be lost.
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
        Ok::<_, Problem>(())
    })
    .await;
    let job = find(&app, &caller, &job.id).await?;
    if !job.state.is_final() {
        return Ok(accepted(&app, job));
    }
    if let Some(error) = &job.error {
        return Err(Problem::of_job(&job.id, error));
    }
    if job.state == JobState::Cancelled {
        return Err(Problem { job: Some(job.id), ..Problem::new(codes::CANCELLED, "somebody asked the job to stop") });
    }
    let location = format!("/v1/jobs/{}", job.id);
    Ok((StatusCode::OK, [(header::LOCATION, location)], Json(JobView::new(&app, job))).into_response())
}
