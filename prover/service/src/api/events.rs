//! What happens to a job, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::{Stream, stream};
use serde_json::json;

use super::auth::Caller;
use super::read::Path;
use super::{App, Problem};
use crate::codes;
use crate::store::{Event, Scope};
use crate::work::Phase;

/// Events that are read at once.
const PAGE: u32 = 100;

/// How often the store is looked into where nobody tells of a change.
const LOOK: Duration = Duration::from_secs(5);

/// Tells what happens to a job, from its beginning or after the event that the header `Last-Event-ID` names: `queued`, `started`,
/// `stage` (with `stage` and `fraction`), and at last `succeeded`, `failed` or `cancelled`, after which the stream ends.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs", security(("api_key" = [])),
    params(("id" = String, Path), ("Last-Event-ID" = Option<i64>, Header, description = "number of the last event that was read")),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn stream(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Problem> {
    caller.may(Scope::Read)?;
    app.works.store.job(&caller.tenant, &id).await?.ok_or_else(|| Problem::not_found("job"))?;
    let after = match headers.get("last-event-id") {
        None => 0,
        Some(value) => value.to_str().ok().and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| {
            Problem::new(codes::INVALID_REQUEST, "Last-Event-ID: expected the number of an event of this job")
        })?,
    };
    let events = stream::unfold(Some(Reading { app, id, after, pending: Vec::new() }), |reading| async move {
        let mut reading = reading?;
        let event = reading.next().await?;
        let last = matches!(event.kind.as_str(), "succeeded" | "failed" | "cancelled");
        Some((Ok(sse(&event)), (!last).then_some(reading)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Reading {
    app: App,
    id: String,
    after: i64,
    /// Read and not yet told, the next one last.
    pending: Vec<Event>,
}

impl Reading {
    /// Waits for the next event; none when the server stops, or the store fails: a client comes again, with `Last-Event-ID`.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop() {
                self.after = event.number;
                return Some(event);
            }
            let works = &self.app.works;
            let mut changes = works.hub.listen(&self.id);
            let mut phases = works.phases();
            self.pending = works.store.events(&self.id, self.after, PAGE).await.ok()?;
            self.pending.reverse();
            if self.pending.is_empty() {
                tokio::select! {
                    _ = changes.changed() => {}
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

fn sse(event: &Event) -> SseEvent {
    let mut data = json!({"at_ms": event.at_ms});
    if let (Some(data), Some(more)) = (data.as_object_mut(), event.data.as_object()) {
        data.extend(more.clone());
    }
    SseEvent::default().id(event.number.to_string()).event(&event.kind).data(data.to_string())
}
