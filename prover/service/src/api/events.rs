//! What happens to a job, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;

use super::auth::Caller;
use super::body::single;
use super::jobs::find;
use super::read::Path;
use super::waiting::Waiting;
use super::{App, Problem};
use crate::codes;
use crate::store::{Event, Progress, Scope};
use crate::work::Phase;

/// Events that are read at once.
const PAGE: u32 = 100;

/// How often the store is looked into where nobody tells of a change.
const LOOK: Duration = Duration::from_secs(5);

/// Tells what happens to a job, from its beginning or after the event that the header `Last-Event-ID` names: `queued`, `started`,
/// `stage` (with `stage` and `fraction`), and at last `succeeded`, `failed` or `cancelled`, after which the stream ends. Whoever has read
/// that is told 204, which ends a browser's `EventSource`.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", operation_id = "stream_events", tag = "jobs", security(("api_key" = [])),
    params(("id" = String, Path), ("Last-Event-ID" = Option<i64>, Header, description = "number of the last event that was read")),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream"),
        (status = 204, description = "The job has ended, and all of its events were read"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stream(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Scope::Read)?;
    let tenant = caller.tenant.clone();
    find(&app, &caller, &id).await?;
    let after = match single(&headers, "last-event-id")? {
        None => 0,
        Some(text) => text.parse::<i64>().map_err(|_| {
            Problem::new(codes::INVALID_REQUEST, "Last-Event-ID: expected the number of an event of this job")
        })?,
    };
    let waiting = app.waiting.enter(&tenant)?;
    let mut reading = Reading { app, tenant, id, after, pending: Vec::new(), _waiting: waiting };
    if reading.is_over().await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        let event = reading.next().await?;
        let last = matches!(event.kind.as_str(), "succeeded" | "failed" | "cancelled");
        Some((Ok::<_, Infallible>(sse(&event)), (!last).then_some(reading)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

struct Reading {
    app: App,
    tenant: String,
    id: String,
    after: i64,
    /// Read and not yet told, the next one last.
    pending: Vec<Event>,
    _waiting: Waiting,
}

impl Reading {
    /// Reads what is there. Whether there is nothing, and nothing will come.
    async fn is_over(&mut self) -> Result<bool, Problem> {
        let works = &self.app.works;
        // Before its events: what it ends with is among them then.
        let job = works.store.job(&self.tenant, &self.id).await?;
        self.pending = works.store.events(&self.id, self.after, PAGE).await?;
        if self.pending.is_empty() {
            // After those that are stored: these come behind them, or are among them by now.
            let steps = works.live.after(&self.id, self.after);
            self.pending = steps.into_iter().map(|(number, step)| stage(number, step)).collect();
        }
        self.pending.reverse();
        Ok(self.pending.is_empty() && job.is_none_or(|job| job.state.is_final()))
    }

    /// Waits for the next event; none at the end, when the server stops, or the store fails: a client comes again, with `Last-Event-ID`.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop() {
                self.after = event.number;
                return Some(event);
            }
            let mut changes = self.app.works.hub.listen(&self.id);
            let mut phases = self.app.works.phases();
            if self.is_over().await.ok()? {
                return None;
            }
            if self.pending.is_empty() {
                tokio::select! {
                    () = changes.changed() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    phase = phases.wait_for(|phase| *phase == Phase::Stopping) => {
                        drop(phase);
                        return None;
                    }
                }
            }
        }
    }
}

/// A step that is not stored yet, as the event that it will be.
pub(crate) fn stage(number: i64, Progress { at_ms, stage, fraction }: Progress) -> Event {
    Event { number, at_ms, kind: "stage".to_owned(), data: json!({"stage": stage, "fraction": fraction}) }
}

fn sse(event: &Event) -> SseEvent {
    let mut data = json!({"at_ms": event.at_ms});
    if let (Some(data), Some(more)) = (data.as_object_mut(), event.data.as_object()) {
        data.extend(more.clone());
    }
    SseEvent::default().id(event.number.to_string()).event(&event.kind).data(data.to_string())
}
