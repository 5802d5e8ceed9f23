//! Closed integer intervals.

use serde::{Deserialize, Serialize};

/// The integers from `lo` to `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The smallest.
    pub lo: i64,
    /// The greatest.
    pub hi: i64,
}

impl Interval {
    /// From `lo` to `hi`.
    pub fn new(lo: i64, hi: i64) -> Self {
        debug_assert!(lo <= hi);
        Self { lo, hi }
    }

    /// One integer.
    pub fn point(value: i64) -> Self {
        Self { lo: value, hi: value }
    }

    /// Whether `value` lies in it.
    pub fn contains(self, value: i64) -> bool {
        self.lo <= value && value <= self.hi
    }
}
