//! What answers hold, as far as it is used here. The rest is passed on.

use std::fmt::{self, Display, Formatter};

use apodict_circuits::escaped;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A part of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// Why something failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) code: String,
    pub(crate) detail: String,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) model: String,
    pub(crate) attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    pub(crate) fraction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failed>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl Job {
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed" | "cancelled")
    }

    pub(crate) fn proofs(&self) -> &[ProofReference] {
        self.result.as_ref().map_or(&[], |result| &result.proofs)
    }
}

/// What a job gave.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) proofs: Vec<ProofReference>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// A proof that a job made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProofReference {
    pub(crate) id: String,
    pub(crate) key_digest: String,
    pub(crate) prove_ms: f64,
    pub(crate) stages_ms: Map<String, Value>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl Display for Job {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}  {}  {}  {}",
            escaped(&self.id),
            escaped(&self.kind),
            escaped(&self.state),
            escaped(&self.model)
        )?;
        if let (Some(stage), false) = (&self.stage, self.has_ended()) {
            write!(formatter, "  {} {:.0} %", escaped(stage), self.fraction * 100.0)?;
        }
        for proof in self.proofs() {
            write!(formatter, "\n  proof   {}, {:.1} ms", escaped(&proof.id), proof.prove_ms)?;
        }
        if let Some(error) = &self.error {
            write!(formatter, "\n  error   {}: {}", escaped(&error.code), escaped(&error.detail))?;
        }
        if let Some(Value::Object(webhook)) = self.more.get("webhook") {
            let text = |name| webhook.get(name).and_then(Value::as_str).unwrap_or_default();
            write!(formatter, "\n  webhook {}, {}", escaped(text("host")), escaped(text("state")))?;
            if !text("error").is_empty() {
                write!(formatter, ": {}", escaped(text("error")))?;
            }
        }
        Ok(())
    }
}

/// A line of a job's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogLine {
    pub(crate) number: u64,
    pub(crate) at_ms: i64,
    pub(crate) level: String,
    pub(crate) event: String,
    pub(crate) message: String,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl LogLine {
    pub(crate) fn is_last(&self) -> bool {
        matches!(self.event.as_str(), "succeeded" | "failed" | "cancelled")
    }
}

/// A model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) job: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<CompiledProgram>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failed>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// What a model compiled to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CompiledProgram {
    pub(crate) program_digest: String,
    pub(crate) key_digest: String,
    pub(crate) srs: String,
    pub(crate) k: u32,
    pub(crate) rows: u64,
    pub(crate) artifacts: Vec<String>,
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl Display for Model {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}  {}  {}", escaped(&self.id), escaped(&self.state), escaped(&self.name))?;
        if let Some(program) = &self.program {
            let digests = [("program", &program.program_digest), ("key", &program.key_digest)];
            write!(formatter, "  {} rows, k = {}", program.rows, program.k)?;
            for (what, digest) in digests {
                write!(formatter, "\n  {what:<8}{}", escaped(digest))?;
            }
            if program.srs == "unsafe" {
                write!(formatter, "\n  UNSAFE  nobody vouches for the server's structured reference string")?;
            }
        }
        if let Some(error) = &self.error {
            write!(formatter, "\n  error   {}: {}", escaped(&error.code), escaped(&error.detail))?;
        }
        Ok(())
    }
}

/// Whether a proof holds, as the server says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verification {
    pub(crate) valid: bool,
    pub(crate) reason: Option<String>,
    pub(crate) key_digest: String,
    pub(crate) program_digest: String,
    pub(crate) srs: String,
    pub(crate) context: Option<String>,
    pub(crate) inputs: Option<Map<String, Value>>,
    pub(crate) outputs: Option<Map<String, Value>>,
    pub(crate) verify_ms: f64,
}

impl Display for LogLine {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mark = match self.level.as_str() {
            "warning" => "warning: ",
            "error" => "error: ",
            _ => "",
        };
        write!(formatter, "{}  {mark}{}", clock(self.at_ms), escaped(&self.message))
    }
}

/// The time of day in UTC.
fn clock(at_ms: i64) -> String {
    let of_day = at_ms.rem_euclid(86_400_000);
    let (seconds, ms) = (of_day / 1000, of_day % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_day() {
        assert_eq!(clock(0), "00:00:00.000Z");
        assert_eq!(clock(1_700_000_000_123), "22:13:20.123Z");
        assert_eq!(clock(-1), "23:59:59.999Z");
        clock(i64::MIN);
    }
}
