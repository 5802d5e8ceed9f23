//! The time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by the system's clock, which somebody may set; 0 before 1970. Keys expire by it.
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A server's clock: it reads the system's once and from then on only counts, so that a job neither fails nor lives longer because
/// somebody set the system's clock. Times of jobs are by it. After a restart, it starts from the system's clock again.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_ms: i64,
}

impl Clock {
    /// From the system's clock, as it is now.
    pub fn start() -> Self {
        Self::from(wall_ms())
    }

    /// From this time.
    pub fn from(start_ms: i64) -> Self {
        Self { start: Instant::now(), start_ms }
    }

    /// Milliseconds since 1970, never fewer than before.
    pub fn now_ms(&self) -> i64 {
        self.start_ms.saturating_add(milliseconds(self.start.elapsed()))
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
}
