//! Clients at the same time, and figures of what they saw.

use std::time::Duration;

use anyhow::{Result, bail};

/// A client's thread does little: hundreds of them take little memory.
const STACK_BYTES: usize = 256 << 10;

/// Runs clients, each on a thread of its own, until all have ended. What each gives, or the first error.
pub(super) fn clients<T: Send>(count: usize, run: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let run = &run;
    std::thread::scope(|scope| {
        let started = (0..count)
            .map(|index| std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || run(index)));
        let mut ends = Vec::new();
        for thread in started.collect::<Vec<_>>() {
            match thread?.join() {
                Ok(end) => ends.push(end?),
                Err(_) => bail!("a client's thread panicked"),
            }
        }
        Ok(ends)
    })
}

/// The value below which this part of all lies; 0 of none.
pub(super) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

pub(super) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Numbers that a seed gives again: `splitmix64`.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least `low`, less than `high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// For a wait.
    pub(super) fn milliseconds(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0.01, 0.5, 0.99, 1.0].map(|part| quantile(&values, part)), [1.0, 50.0, 99.0, 100.0]);
        assert_eq!([median(&[3.0]), median(&[])], [3.0, 0.0]);
    }

    #[test]
    fn one_client_that_fails_fails_all() {
        assert_eq!(clients(3, |index| Ok(index * 2)).unwrap(), [0, 2, 4]);
        let failed = clients(3, |index| if index == 1 { bail!("no answer") } else { Ok(()) });
        assert_eq!(failed.unwrap_err().to_string(), "no answer");
    }
}
