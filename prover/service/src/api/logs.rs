//! What happened to a job, in lines that people read.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::events::stage;
use super::jobs::find;
use super::read::{Path, Query};
use super::{App, Problem};
use crate::codes;
use crate::store::{Event, Kind, Scope, Setback};

/// The most lines of one answer.
const MOST: u32 = 1000;

/// Which lines.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// How many at most, 1 to 1000; 200 if nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the answer before, or the number of any line: those after it.
    cursor: Option<String>,
}

/// Lines of a job's log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct LogView {
    /// Oldest first.
    items: Vec<LogLine>,
    /// For `cursor`, to read on; absent where nothing more has happened yet. To follow a job, take the last line's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// As it should be.
    Info,
    /// The job is begun again.
    Warning,
    /// The job failed.
    Error,
}

/// Something that happened to a job. It holds no inputs: of an error, the code.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct LogLine {
    /// Grows from 1, as the numbers of the job's events; some are left out after a crash of the server.
    number: i64,
    /// When, milliseconds since 1970.
    at_ms: i64,
    /// How much it matters.
    level: Level,
    /// `queued`, `started`, `stage`, `succeeded`, `failed`, `cancelled`.
    event: String,
    /// In words.
    message: String,
    /// Of `started`: how often the job was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u64>,
    /// Of `stage`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Of `stage`: work done, of all, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    fraction: Option<f64>,
    /// Of `queued`, if the job comes back: `drained`, `interrupted`, `crashed`, `unavailable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Of `queued`, if the job comes back: milliseconds until it may be begun again.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_ms: Option<i64>,
    /// Of `failed`: the error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// Tells what happened to a job, line by line, those of one that runs too: when it was handed in, begun and begun again and why, its stages,
/// its end. Its inputs are not in it, nor what an error says of them.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/logs", operation_id = "list_job_logs", tag = "jobs", security(("api_key" = [])),
    params(("id" = String, Path), LogQuery),
    responses(
        (status = 200, body = LogView),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(LogQuery { limit, cursor }): Query<LogQuery>,
) -> Result<Json<LogView>, Problem> {
    caller.may(Scope::Read)?;
    let job = find(&app, &caller, &id).await?;
    let limit = limit.unwrap_or(200);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::new(codes::INVALID_REQUEST, format_args!("limit: expected 1 to {MOST}")));
    }
    let after = cursor.map_or(Ok(0), |cursor| cursor.parse::<u32>().map(i64::from));
    let after = after.map_err(|_| Problem::new(codes::INVALID_REQUEST, "cursor: expected the number of a line"))?;
    let mut events = app.works.store.events(&id, after, limit + 1).await?;
    // Those that are not stored yet come behind those that are, or are among them by now.
    let last = events.last().map_or(after, |event| event.number);
    let steps = app.works.live.after(&id, last).into_iter().map(|(number, step)| stage(number, step));
    events.extend(steps.take((limit as usize + 1).saturating_sub(events.len())));
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let next_cursor = events.last().filter(|_| more).map(|event| event.number.to_string());
    Ok(Json(LogView { items: events.into_iter().map(|event| line(job.kind, event)).collect(), next_cursor }))
}

fn line(kind: Kind, Event { number, at_ms, kind: event, data }: Event) -> LogLine {
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    let (reason, wait_ms) = (text("again"), data.get("wait_ms").and_then(Value::as_i64));
    let (stage, fraction) = (text("stage"), data.get("fraction").and_then(Value::as_f64));
    let (attempt, code) = (data.get("attempt").and_then(Value::as_u64), text("code"));
    let (level, message) = match (event.as_str(), &reason, &stage, &code) {
        ("queued", Some(reason), ..) => set_back(reason, wait_ms.unwrap_or_default()),
        ("queued", None, ..) => (Level::Info, "handed in: it waits for its turn".to_owned()),
        ("started", ..) => (Level::Info, format!("attempt {} begins", attempt.unwrap_or(1))),
        ("stage", _, Some(stage), _) => {
            // Those of a compilation tell as they begin.
            let how = if kind == Kind::Compile { "begins" } else { "is done" };
            (Level::Info, format!("{stage} {how}: {:.0} % of the work", fraction.unwrap_or_default() * 100.0))
        }
        ("failed", _, _, Some(code)) => (Level::Error, format!("failed: {code}. {}", codes::find(code).title)),
        (other, ..) => (Level::Info, other.to_owned()),
    };
    LogLine { number, at_ms, level, event, message, attempt, stage, fraction, reason, wait_ms, code }
}

/// Why a job comes back.
fn set_back(reason: &str, wait_ms: i64) -> (Level, String) {
    let (level, why) = match reason.parse() {
        Ok(Setback::Drained) => (Level::Info, "the server was stopped in order"),
        Ok(Setback::Interrupted) => (Level::Warning, "the server ended in the middle of it"),
        Ok(Setback::Crashed) => (Level::Warning, "the process that worked on it ended without a result"),
        Ok(Setback::Unavailable) => (Level::Warning, "the server's machine could not go on with it"),
        Err(_) => (Level::Warning, "it came back"),
    };
    let wait = if wait_ms > 0 { format!(", after {:.1} s at least", wait_ms as f64 / 1e3) } else { String::new() };
    (level, format!("{why}: it is begun again{wait}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: Kind, event: &str, data: Value) -> (Level, String) {
        let line = line(kind, Event { number: 1, at_ms: 2, kind: event.to_owned(), data });
        assert_eq!((line.number, line.at_ms, line.event.as_str()), (1, 2, event));
        (line.level, line.message)
    }

    #[test]
    fn lines_say_what_happened_and_repeat_no_input() {
        for (event, data, level, message) in [
            ("queued", json!({}), Level::Info, "handed in: it waits for its turn"),
            ("started", json!({"attempt": 3}), Level::Info, "attempt 3 begins"),
            (
                "queued",
                json!({"again": "crashed", "wait_ms": 0}),
                Level::Warning,
                "the process that worked on it ended without a result: it is begun again",
            ),
            (
                "queued",
                json!({"again": "drained", "wait_ms": 0}),
                Level::Info,
                "the server was stopped in order: it is begun again",
            ),
            (
                "queued",
                json!({"again": "unavailable", "wait_ms": 2000}),
                Level::Warning,
                "the server's machine could not go on with it: it is begun again, after 2.0 s at least",
            ),
            (
                "failed",
                json!({"code": "invalid_input", "detail": "income: 17250"}),
                Level::Error,
                "failed: invalid_input. The inputs do not fit the model.",
            ),
            ("cancelled", json!({}), Level::Info, "cancelled"),
        ] {
            assert_eq!(told(Kind::Prove, event, data), (level, message.to_owned()));
        }
        let step = json!({"stage": "keys", "fraction": 0.426});
        assert_eq!(told(Kind::Prove, "stage", step.clone()).1, "keys is done: 43 % of the work");
        assert_eq!(told(Kind::Compile, "stage", step).1, "keys begins: 43 % of the work");
    }
}
