//! What processes tell each other, as text. Who has the database's password may say anything: what is no word is left alone.

use serde::{Deserialize, Serialize};

use crate::hub::Signal;
use crate::store::{Lane, Progress};

/// Postgres takes messages of less than 8000 bytes.
const MAX_BYTES: usize = 7999;

#[derive(Serialize, Deserialize)]
struct Said {
    /// The run of whoever says it: nobody listens to himself.
    by: String,
    #[serde(flatten)]
    word: Word,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "say")]
enum Word {
    Waits { lane: Lane },
    Changed { job: String },
    Ended { job: String, attempt: u32 },
    Step { job: String, attempt: u32, base: i64, number: i64, at_ms: i64, stage: String, fraction: f64 },
}

/// A signal as text; none if it is too long to be told.
pub(super) fn encode(run: &str, signal: &Signal) -> Option<String> {
    let word = match signal.clone() {
        Signal::Waits(lane) => Word::Waits { lane },
        Signal::Changed(job) => Word::Changed { job },
        Signal::Ended { job, attempt } => Word::Ended { job, attempt },
        Signal::Step { job, attempt, base, number, progress: Progress { at_ms, stage, fraction } } => {
            Word::Step { job, attempt, base, number, at_ms, stage, fraction }
        }
    };
    let text = serde_json::to_string(&Said { by: run.to_owned(), word }).ok()?;
    (text.len() <= MAX_BYTES).then_some(text)
}

/// A signal of another run than this.
pub(super) fn decode(run: &str, text: &str) -> Option<Signal> {
    let Said { by, word } = serde_json::from_str(text).ok()?;
    if by == run {
        return None;
    }
    Some(match word {
        Word::Waits { lane } => Signal::Waits(lane),
        Word::Changed { job } => Signal::Changed(job),
        Word::Ended { job, attempt } => Signal::Ended { job, attempt },
        Word::Step { job, attempt, base, number, at_ms, stage, fraction } => {
            let progress = Progress { at_ms, stage, fraction: fraction.clamp(0.0, 1.0) };
            Signal::Step { job, attempt, base, number, progress }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard_by_the_others() {
        let progress = Progress { at_ms: 5, stage: "witness".to_owned(), fraction: 0.25 };
        for signal in [
            Signal::Waits(Lane::Long),
            Signal::Changed("one".to_owned()),
            Signal::Ended { job: "one".to_owned(), attempt: 3 },
            Signal::Step { job: "one".to_owned(), attempt: 3, base: 2, number: 3, progress },
        ] {
            let text = encode("a", &signal).unwrap();
            assert_eq!(decode("b", &text), Some(signal), "{text}");
            assert_eq!(decode("a", &text), None, "its own");
        }
    }

    #[test]
    fn what_is_no_word_is_left_alone() {
        assert_eq!(encode("a", &Signal::Changed("x".repeat(8000))), None);
        for text in [
            "",
            "hello",
            "{}",
            r#"{"by":"a"}"#,
            r#"{"by":"a","say":"waits","lane":"fast"}"#,
            r#"{"by":"a","say":"stop"}"#,
        ] {
            assert_eq!(decode("b", text), None, "{text}");
        }
    }
}
