//! What was done in a tenant's name.

use axum::Json;
use axum::extract::State;

use super::auth::Caller;
use super::read::Query;
use super::views::{ListOf, PageQuery, page};
use super::{App, Problem};
use crate::store::{AuditEntry, Scope};

/// Lists what was done in the tenant's name, the last first: jobs and models handed in, cancelled and removed, API keys made and revoked.
/// Entries are written with what they tell of, and neither changed nor removed.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit", tag = "system", security(("api_key" = [])), params(PageQuery),
    responses(
        (status = 200, body = ListOf<AuditEntry>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<ListOf<AuditEntry>>, Problem> {
    caller.may(Scope::Read)?;
    // Numbers are the tenant's own.
    let (page, limit) = page(query.limit, query.cursor.map(|cursor| cursor.parse().ok()))?;
    let found = app.works.store.audit(&caller.tenant, page).await?;
    Ok(Json(ListOf::new(found, limit, |entry| entry.number.to_string(), |entry| entry)))
}
