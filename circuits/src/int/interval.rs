//! Closed integer intervals.

use std::fmt;

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

    /// Whether all of `other` lies in it.
    pub fn encloses(self, other: Self) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    /// The smallest interval that encloses both.
    pub fn union(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The greatest magnitude in it.
    pub fn max_abs(self) -> u64 {
        self.lo.unsigned_abs().max(self.hi.unsigned_abs())
    }

    /// Bits that tell its integers apart: the smallest `b` with `hi - lo < 2^b`. A point needs 0.
    pub fn bits(self) -> u32 {
        u64::BITS - self.hi.abs_diff(self.lo).leading_zeros()
    }

    /// The image under a function that never decreases.
    pub(super) fn map_increasing(self, f: impl Fn(i64) -> i64) -> Self {
        Self { lo: f(self.lo), hi: f(self.hi) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lo == self.hi { write!(f, "{}", self.lo) } else { write!(f, "[{}, {}]", self.lo, self.hi) }
    }
}

/// One entry if all are equal, else unchanged: the form of [`super::Node::ranges`].
pub(super) fn collapse(ranges: Vec<Interval>) -> Vec<Interval> {
    match ranges.as_slice() {
        [first, rest @ ..] if rest.iter().all(|range| range == first) => vec![*first],
        _ => ranges,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_count_distinct_values() {
        assert_eq!(Interval::point(-7).bits(), 0);
        assert_eq!(Interval::new(0, 1).bits(), 1);
        assert_eq!(Interval::new(-128, 127).bits(), 8);
        assert_eq!(Interval::new(-128, 128).bits(), 9);
        assert_eq!(Interval::new(i64::MIN, i64::MAX).bits(), 64);
    }

    #[test]
    fn collapse_keeps_what_differs() {
        let (a, b) = (Interval::new(0, 1), Interval::new(0, 2));
        assert_eq!(collapse(vec![a, a, a]), vec![a]);
        assert_eq!(collapse(vec![a, b]), vec![a, b]);
        assert_eq!(collapse(vec![]), vec![]);
    }
}
