//! Jobs: handed in, listed, cancelled.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::admission::{Admitted, ProveRequest, accept, submitted};
use super::auth::Caller;
use super::body::Body;
use super::read::{Path, Query};
use super::views::{JobView, ListOf, page};
use super::{App, Problem};
use crate::store::{Cancelled, Job, JobFilter, JobState, Kind, Scope};

/// Hands in a job. With the header `Idempotency-Key`, the same request again gives the same job.
#[utoipa::path(
    post, path = "/v1/jobs", operation_id = "submit_job", tag = "jobs", security(("api_key" = [])), request_body = ProveRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "your own name for the request, at most 200 characters")),
    responses(
        (status = 202, description = "It is stored", body = JobView, headers(("Location" = String))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.may(Scope::Prove)?;
    let headers = request.headers().clone();
    let body = Body::read(&app, &caller.tenant, request).await?;
    let job = match accept(&app, &caller, &headers, &body).await? {
        Admitted::New(job) => submitted(&app, app.works.submit(*job, None).await?)?,
        Admitted::Same(job) => *job,
    };
    Ok(accepted(&app, job))
}

/// Says that a job goes on.
pub(super) fn accepted(app: &App, job: Job) -> Response {
    let location = format!("/v1/jobs/{}", job.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(JobView::new(app, job))).into_response()
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobQuery {
    /// Only in this state.
    state: Option<JobState>,
    /// Only of this kind.
    kind: Option<Kind>,
    /// Only of this model.
    model: Option<String>,
    /// How many at most, 1 to 200; 50 if nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Lists jobs, newest first.
#[utoipa::path(
    get, path = "/v1/jobs", operation_id = "list_jobs", tag = "jobs", security(("api_key" = [])), params(JobQuery),
    responses(
        (status = 200, body = ListOf<JobView>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<JobQuery>,
) -> Result<Json<ListOf<JobView>>, Problem> {
    caller.may(Scope::Read)?;
    let before = match &query.cursor {
        Some(cursor) => Some(app.works.store.job(&caller.tenant, cursor).await?.map(|job| job.seq)),
        None => None,
    };
    let (page, limit) = page(query.limit, before)?;
    let filter = JobFilter { state: query.state, kind: query.kind, model: query.model };
    let found = app.works.store.jobs(&caller.tenant, &filter, page).await?;
    Ok(Json(ListOf::new(found, limit, |job| job.id.clone(), |job| JobView::new(&app, job))))
}

/// Describes a job.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", operation_id = "get_job", tag = "jobs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, body = JobView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    caller.may(Scope::Read)?;
    Ok(Json(JobView::new(&app, find(&app, &caller, &id).await?)))
}

/// Cancels a job, whether it waits or runs: whoever gets `cancelled` as its state can rely on it. One that has ended stays as it is.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs", security(("api_key" = [])), params(("id" = String, Path)),
    responses(
        (status = 200, description = "As it stands now", body = JobView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    let job = find(&app, &caller, &id).await?;
    caller.may(match job.kind {
        Kind::Prove => Scope::Prove,
        Kind::Compile => Scope::Models,
    })?;
    let cancelled =
        app.works.cancel(&caller.tenant, &id, &caller.act(&app)).await?.ok_or_else(|| Problem::not_found("job"))?;
    let (Cancelled::Now(job) | Cancelled::EndedBefore(job)) = cancelled;
    Ok(Json(JobView::new(&app, job)))
}

/// A job of the caller's tenant.
pub(crate) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Job, Problem> {
    app.works.store.job(&caller.tenant, id).await?.ok_or_else(|| Problem::not_found("job"))
}
