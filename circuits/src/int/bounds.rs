//! What sums and products of intervals can be.

use super::{Error, Interval, Node, limits};

/// An accumulator: what a sum can be, and the most that any partial sum, in any order, can be.
pub(super) struct Sum {
    lo: i128,
    hi: i128,
    magnitude: i128,
}

impl Sum {
    pub(super) fn of(bias: i64) -> Self {
        Self { lo: bias.into(), hi: bias.into(), magnitude: i128::from(bias).abs() }
    }

    /// Saturates: each term is below 2^126, and what has reached 2^62 is refused in the end.
    pub(super) fn add(&mut self, (lo, hi): (i128, i128)) {
        self.lo = self.lo.saturating_add(lo);
        self.hi = self.hi.saturating_add(hi);
        self.magnitude = self.magnitude.saturating_add(lo.abs().max(hi.abs()));
    }

    /// Adds what `weight` times a value of `range` can be.
    pub(super) fn add_scaled(&mut self, weight: i64, range: Interval) {
        let ends = [range.lo, range.hi].map(|end| i128::from(weight) * i128::from(end));
        self.add((ends[0].min(ends[1]), ends[0].max(ends[1])));
    }

    pub(super) fn finish(&self, node: &Node, element: usize) -> Result<Interval, Error> {
        match (i64::try_from(self.lo), i64::try_from(self.hi)) {
            (Ok(lo), Ok(hi)) if self.magnitude < 1 << limits::VALUE_BITS => Ok(Interval::new(lo, hi)),
            _ => {
                let log2 = crate::elementary::log2(self.magnitude as f64);
                Err(Error::AccumulatorTooWide { node: node.name.clone(), element, log2 })
            }
        }
    }
}

/// The hull of all products of one value of each.
pub(super) fn product(a: Interval, b: Interval) -> (i128, i128) {
    let corners = [(a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi)].map(|(x, y)| i128::from(x) * i128::from(y));
    corners.iter().fold((i128::MAX, i128::MIN), |(lo, hi), corner| (lo.min(*corner), hi.max(*corner)))
}

/// The hull of the squares of all values.
pub(super) fn square(a: Interval) -> (i128, i128) {
    let (lo, hi) = product(a, a);
    (if a.contains(0) { 0 } else { lo.max(0) }, hi)
}

/// One entry stands for all elements, otherwise each has its own.
pub(super) fn entry(ranges: &[Interval], element: usize) -> Interval {
    match ranges {
        [one] => *one,
        many => many[element],
    }
}
