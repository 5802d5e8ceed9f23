//! The time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by the system's clock, which somebody may set; 0 before 1970. Keys expire by it.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A server's clock: it reads the system's once and from then on only counts, so that a job neither fails nor lives longer because
/// somebody set the system's clock. Times of jobs are by it. After a restart, it starts from the system's clock again.
///
/// Where several machines share a store, it follows the store's clock, so that they agree.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    start_ms: i64,
    /// How far the clock that it follows is ahead of what it counts.
    ahead_ms: Arc<AtomicI64>,
}

/// Less than this, it is not corrected by: answers take their time, too.
const TOLERATED_MS: i64 = 20;

impl Clock {
    /// From the system's clock, as it is now.
    pub fn start() -> Self {
        Self::from(wall_ms())
    }

    /// From this time.
    pub fn from(start_ms: i64) -> Self {
        Self { start: Instant::now(), start_ms, ahead_ms: Arc::default() }
    }

    /// Milliseconds since 1970; never fewer than before, unless it follows a clock that was set back.
    pub fn now_ms(&self) -> i64 {
        self.counted_ms().saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }

    fn counted_ms(&self) -> i64 {
        self.start_ms.saturating_add(milliseconds(self.start.elapsed()))
    }

    /// Follows another clock, which shows `now_ms`.
    pub fn follow(&self, now_ms: i64) {
        if now_ms.saturating_sub(self.now_ms()).saturating_abs() > TOLERATED_MS {
            self.ahead_ms.store(now_ms.saturating_sub(self.counted_ms()), Ordering::Relaxed);
        }
    }

    /// How far the system's clock, which shows `wall_ms`, is ahead of this one, in milliseconds: it was set, or the machine slept.
    pub fn drift_ms(&self, wall_ms: i64) -> i64 {
        wall_ms.saturating_sub(self.now_ms())
    }
}

/// As times are counted; of what is longer than anything, the most.
pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_where_it_started_whatever_the_systems_clock_shows() {
        // As if the system's clock had been an hour slow, and was set right.
        let hour = 3_600_000;
        let clock = Clock::from(wall_ms() - hour);
        let first = clock.now_ms();
        assert!((0..60_000).contains(&(clock.drift_ms(wall_ms()) - hour)), "{clock:?}");
        let second = clock.now_ms();
        assert!((first..first + 60_000).contains(&second), "{first} {second}");
        assert_eq!(Clock::from(i64::MAX).now_ms(), i64::MAX, "no overflow");
    }

    #[test]
    fn follows_another_clock_in_all_its_copies() {
        let clock = Clock::from(1_000_000);
        let copy = clock.clone();
        for shown in [5_000_000, 2_000_000] {
            clock.follow(shown);
            assert!((shown..shown + 60_000).contains(&copy.now_ms()), "{}", copy.now_ms());
        }
        let before = clock.now_ms();
        clock.follow(before - 1);
        assert!(clock.now_ms() >= before, "not for a millisecond");
    }
}
