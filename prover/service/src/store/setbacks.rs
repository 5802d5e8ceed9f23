//! How often a job may be set back, and how long it waits then: the same in every store.

use super::{JobError, Setback};
use crate::codes;

/// How often a server may be killed while one job runs: whatever the reason, it may be this job.
pub(super) const MAX_INTERRUPTIONS: i64 = 20;

/// The longest that a job waits after a setback, in milliseconds.
pub(super) const MAX_WAIT_MS: i64 = 60_000;

/// The longest that a webhook waits until it is sent again, in milliseconds.
pub const MAX_WEBHOOK_WAIT_MS: i64 = 6 * 3_600_000;

/// Secrets that sign a tenant's webhooks at the same time: an old one and the one that follows it.
pub const MAX_WEBHOOK_SECRETS: i64 = 2;

/// Numbers of events that are left out after a crash of the server: more than a client can have read of stages that were not stored.
pub const LOST_EVENTS: i64 = 10_000;

/// Milliseconds that a job waits after its `count`th setback of this kind, from 1.
pub(super) fn wait_ms(why: Setback, count: i64) -> i64 {
    let doublings = match why {
        Setback::Drained | Setback::Crashed => return 0,
        // A server is killed once for a reason of its own: an upgrade, say.
        Setback::Interrupted if count <= 1 => return 0,
        Setback::Interrupted => count - 2,
        Setback::Unavailable => count - 1,
    };
    (1000i64 << doublings.clamp(0, 16)).min(MAX_WAIT_MS)
}

/// Why a job is not begun again after its `count`th setback of this kind, if it is not.
pub(super) fn exhausted(why: Setback, count: i64, max_crashes: i64) -> Option<JobError> {
    let detail = match why {
        Setback::Crashed if count >= max_crashes => format!(
            "the process that worked on it ended {count} times without a result: see the server's log; a smaller model or batch may pass"
        ),
        Setback::Interrupted if count >= MAX_INTERRUPTIONS => {
            format!(
                "the server was killed {count} times while it ran: see the system's log; a smaller model or batch may pass"
            )
        }
        _ => return None,
    };
    Some(JobError { code: codes::ATTEMPTS_EXHAUSTED.to_owned(), detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits = |why| [1, 2, 3, 7, 100, i64::MAX].map(|count| wait_ms(why, count));
        assert_eq!(waits(Setback::Unavailable), [1000, 2000, 4000, 60_000, 60_000, 60_000]);
        assert_eq!(waits(Setback::Interrupted), [0, 1000, 2000, 32_000, 60_000, 60_000]);
        assert_eq!(waits(Setback::Crashed), [0; 6]);
        assert_eq!(waits(Setback::Drained), [0; 6]);
    }

    #[test]
    fn what_is_not_the_jobs_fault_ends_no_job() {
        for why in [Setback::Unavailable, Setback::Drained] {
            assert_eq!(exhausted(why, i64::MAX, 1), None);
        }
        assert_eq!(exhausted(Setback::Interrupted, MAX_INTERRUPTIONS - 1, 1), None);
        assert!(exhausted(Setback::Interrupted, MAX_INTERRUPTIONS, 1).is_some());
        assert!(exhausted(Setback::Crashed, 1, 1).is_some());
    }
}
