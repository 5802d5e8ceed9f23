//! Stable codes of everything that can go wrong: clients may rely on them. `docs/service.md` lists them all.

/// A kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its name, which never changes.
    pub name: &'static str,
    /// The HTTP status that goes with it.
    pub status: u16,
    /// In a few words.
    pub title: &'static str,
}

macro_rules! codes {
    ($($constant:ident = $name:literal, $status:literal, $title:literal;)+) => {
        $(#[doc = $title] pub const $constant: &str = $name;)+

        /// All of them.
        pub const ALL: &[Code] = &[$(Code { name: $name, status: $status, title: $title },)+];
    };
}

codes! {
    INVALID_REQUEST = "invalid_request", 400, "The request is not what this address takes.";
    UNAUTHORIZED = "unauthorized", 401, "There is no API key, or it opens nothing.";
    FORBIDDEN = "forbidden", 403, "The API key may not do this.";
    ORIGIN_REFUSED = "origin_refused", 403, "Without API keys, the server answers programs on this machine only, not web pages.";
    NOT_FOUND = "not_found", 404, "There is nothing here, or it is another tenant's.";
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "This address does not take this method.";
    REQUEST_TIMEOUT = "request_timeout", 408, "The request came too slowly.";
    MODEL_NOT_READY = "model_not_ready", 409, "The model is not compiled yet, or did not compile.";
    MODEL_IN_USE = "model_in_use", 409, "Jobs wait for the model or use it.";
    CANCELLED = "cancelled", 409, "Somebody asked the job to stop.";
    PAYLOAD_TOO_LARGE = "payload_too_large", 413, "The body is larger than this server takes.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type", 415, "The body is of another type than this address takes.";
    IDEMPOTENCY_CONFLICT = "idempotency_conflict", 422, "The idempotency key was used with another body.";
    INVALID_INPUT = "invalid_input", 422, "The inputs do not fit the model.";
    MODEL_REJECTED = "model_rejected", 422, "The model cannot be compiled.";
    INACCURATE = "inaccurate", 422, "The model compiles, but not as accurately as was asked for.";
    MODEL_TOO_LARGE = "model_too_large", 422, "The model needs more rows than this server proves.";
    OUT_OF_MEMORY = "out_of_memory", 422, "The job takes more memory than this server gives it.";
    DEADLINE_EXCEEDED = "deadline_exceeded", 422, "The job did not end before its deadline.";
    UNKNOWN_KEY = "unknown_key", 422, "No model here has the key that the proof names.";
    RATE_LIMITED = "rate_limited", 429, "Too many requests.";
    TOO_MANY_JOBS = "too_many_jobs", 429, "Too many jobs of this tenant wait or run.";
    INTERNAL = "internal", 500, "A defect of the server, or of the machine that it runs on.";
    WORKER_FAILED = "worker_failed", 500, "The process that worked on the job failed.";
    ATTEMPTS_EXHAUSTED = "attempts_exhausted", 500, "The process that worked on the job ended too often without a result.";
    BUSY = "busy", 503, "The server reads as many large requests as it has room for.";
    DRAINING = "draining", 503, "The server is about to stop.";
    UNAVAILABLE = "unavailable", 503, "The job store or the artifacts cannot be reached.";
}

/// Whether there is a code of this name.
pub fn is_known(name: &str) -> bool {
    ALL.iter().any(|code| code.name == name)
}

/// The code of this name; of an unknown one, [`INTERNAL`]'s.
pub fn find(name: &str) -> Code {
    let found = ALL.iter().find(|code| code.name == name).or_else(|| ALL.iter().find(|code| code.name == INTERNAL));
    found.copied().unwrap_or(Code { name: INTERNAL, status: 500, title: "A defect of the server." })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/service.md` has a row for each code, and none besides.
    #[test]
    fn the_documentation_lists_every_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/service.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, table) = text.split_once("| code | status | what it means |\n|---|---|---|\n").unwrap();
        let rows: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let expected: Vec<_> =
            ALL.iter().map(|code| format!("| `{}` | {} | {} |", code.name, code.status, code.title)).collect();
        assert_eq!(rows, expected, "expected in docs/service.md:\n{}", expected.join("\n"));
    }

    #[test]
    fn unknown_names_are_internal() {
        assert_eq!(find("cancelled").status, 409);
        assert_eq!(find("no such code").name, INTERNAL);
    }
}
