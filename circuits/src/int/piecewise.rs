//! Evaluation of [`Piecewise`] functions.

use super::{Interval, Piecewise, extremes::Extremes, limits};

impl Piecewise {
    /// The arguments that the table covers.
    pub fn domain(&self) -> Interval {
        let len = i64::try_from(self.base.len()).unwrap_or(i64::MAX);
        Interval { lo: self.lo, hi: self.lo.saturating_add(len.saturating_mul(1 << self.segment_bits) - 1) }
    }

    /// The function at `x`, or `None` outside its [domain](Self::domain).
    pub fn eval(&self, x: i64) -> Option<i64> {
        let d = x.checked_sub(self.lo).filter(|d| *d >= 0)?;
        let segment = usize::try_from(d >> self.segment_bits).ok()?;
        let t = d & ((1 << self.segment_bits) - 1);
        let raw = self.base.get(segment)? + self.slope.get(segment)? * t;
        Some(shift_rounding_half_up(raw, self.out_shift))
    }

    /// The image of `arguments`, which must lie in the domain; `None` if they do not.
    ///
    /// Exact: a segment is monotone, so its extremes stand at its ends.
    pub fn image(&self, arguments: Interval) -> Option<Interval> {
        let first = self.eval(arguments.lo)?;
        let last = self.eval(arguments.hi)?;
        let mut image = Interval::new(first.min(last), first.max(last));
        let segment_of = |x: i64| (x - self.lo) >> self.segment_bits;
        for segment in segment_of(arguments.lo)..segment_of(arguments.hi) {
            // The last argument of this segment and the first of the next; both lie in `arguments`.
            let next = self.lo + ((segment + 1) << self.segment_bits);
            image = image.union(Interval::point(self.eval(next - 1)?)).union(Interval::point(self.eval(next)?));
        }
        Some(image)
    }

    /// What segment `at` yields for the arguments that it covers. It is monotone, so its extremes stand at its ends.
    fn image_of_segment(&self, at: usize) -> Interval {
        let end = |t: i64| shift_rounding_half_up(self.base[at] + self.slope[at] * t, self.out_shift);
        let (first, last) = (end(0), end((1 << self.segment_bits) - 1));
        Interval::new(first.min(last), first.max(last))
    }

    /// The images of all segments, for [`Self::image_by`].
    pub(super) fn extremes(&self) -> Extremes {
        Extremes::new(self.base.len(), 1, |at, _| self.image_of_segment(at))
    }

    /// As [`Self::image`], by the images of whole segments: in few steps, however many segments `arguments` cover.
    pub(super) fn image_by(&self, segments: &Extremes, arguments: Interval) -> Option<Interval> {
        let segment_of = |x: i64| usize::try_from((x - self.lo) >> self.segment_bits).ok();
        let start_of = |segment: usize| self.lo + ((segment as i64) << self.segment_bits);
        if !self.domain().encloses(arguments) {
            return None;
        }
        let (first, last) = (segment_of(arguments.lo)?, segment_of(arguments.hi)?);
        if last - first < 2 {
            return self.image(arguments);
        }
        let inner = segments.over(first + 1..last, |at, _| self.image_of_segment(at));
        let head = self.image(Interval { lo: arguments.lo, hi: start_of(first + 1) - 1 })?;
        let tail = self.image(Interval { lo: start_of(last), hi: arguments.hi })?;
        Some(inner.into_iter().fold(head.union(tail), Interval::union))
    }

    /// What of its constants is out of bounds, if any: `(what, value, allowed)`.
    pub(super) fn defect(&self) -> Option<(&'static str, i128, Interval)> {
        let count = |n: usize| i128::try_from(n).unwrap_or(i128::MAX);
        let bases = limits::magnitude(limits::WEIGHT_BITS);
        let slopes = limits::magnitude(limits::SLOPE_BITS);
        let values = limits::magnitude(limits::VALUE_BITS);
        if self.segment_bits > limits::SEGMENT_BITS {
            let allowed = Interval::new(0, i64::from(limits::SEGMENT_BITS));
            return Some(("log2 of the table's segment length", self.segment_bits.into(), allowed));
        }
        if self.out_shift > limits::SHIFT_BITS {
            let allowed = Interval::new(0, i64::from(limits::SHIFT_BITS));
            return Some(("the table's output shift", self.out_shift.into(), allowed));
        }
        if self.base.is_empty() || self.base.len() > limits::TOTAL_ELEMENTS {
            let allowed = Interval::new(1, i64::try_from(limits::TOTAL_ELEMENTS).unwrap_or(i64::MAX));
            return Some(("the number of table segments", count(self.base.len()), allowed));
        }
        if self.slope.len() != self.base.len() {
            let allowed = Interval::point(i64::try_from(self.base.len()).unwrap_or(i64::MAX));
            return Some(("the number of table slopes", count(self.slope.len()), allowed));
        }
        if !values.contains(self.lo) || !values.contains(self.domain().hi) {
            return Some(("the table's domain", self.domain().hi.into(), values));
        }
        if let Some(base) = self.base.iter().find(|base| !bases.contains(**base)) {
            return Some(("a base of the table", i128::from(*base), bases));
        }
        let slope = self.slope.iter().find(|slope| !slopes.contains(**slope))?;
        Some(("a slope of the table", i128::from(*slope), slopes))
    }
}

/// `floor((x + 2^(bits-1)) / 2^bits)`, `x` itself if `bits` is 0. `|x| <= 2^62`, `bits <= 40`.
pub(super) fn shift_rounding_half_up(x: i64, bits: u32) -> i64 {
    match bits.checked_sub(1) {
        Some(half) => (x + (1 << half)) >> bits,
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tent() -> Piecewise {
        Piecewise {
            name: "tent".into(),
            lo: -8,
            segment_bits: 3,
            base: vec![0, 80],
            slope: vec![10, -10],
            out_shift: 2,
        }
    }

    #[test]
    fn rounds_half_up_for_both_signs() {
        // -2.5, -1.5, -0.5, 0.5, 1.5 in halves.
        let halves = [-5, -3, -1, 1, 3];
        assert_eq!(halves.map(|x| shift_rounding_half_up(x, 1)), [-2, -1, 0, 1, 2]);
        assert_eq!(shift_rounding_half_up(-5, 0), -5);
        assert_eq!(shift_rounding_half_up(-(1 << 62), 40), -(1 << 22));
    }

    #[test]
    fn evaluates_segments() {
        let tent = tent();
        assert_eq!(tent.domain(), Interval::new(-8, 7));
        assert_eq!(tent.eval(-8), Some(0));
        assert_eq!(tent.eval(-7), Some(3)); // floor((10 + 2) / 4)
        assert_eq!(tent.eval(0), Some(20));
        assert_eq!(tent.eval(7), Some(3));
        assert_eq!(tent.eval(8), None);
        assert_eq!(tent.eval(-9), None);
        assert_eq!(tent.eval(i64::MIN), None);
    }

    #[test]
    fn image_sees_an_extreme_in_the_middle() {
        let tent = tent();
        for lo in -8..8 {
            for hi in lo..8 {
                let values: Vec<i64> = (lo..=hi).filter_map(|x| tent.eval(x)).collect();
                let expected = Interval::new(*values.iter().min().unwrap(), *values.iter().max().unwrap());
                assert_eq!(tent.image(Interval::new(lo, hi)), Some(expected), "[{lo}, {hi}]");
            }
        }
        assert_eq!(tent.image(Interval::new(0, 8)), None);
    }

    #[test]
    fn image_by_segments_is_the_image() {
        let base = (0..70i64).map(|at| at * 7919 % 1001 - 500).collect();
        let slope = (0..70i64).map(|at| at * 31 % 13 - 6).collect();
        let zigzag = Piecewise { name: "zigzag".into(), lo: -100, segment_bits: 2, base, slope, out_shift: 1 };
        let segments = zigzag.extremes();
        for lo in -101..181 {
            for hi in lo..=181 {
                let arguments = Interval::new(lo, hi);
                assert_eq!(zigzag.image_by(&segments, arguments), zigzag.image(arguments), "{arguments}");
            }
        }
    }

    #[test]
    fn refuses_constants_out_of_bounds() {
        assert_eq!(tent().defect(), None);
        let mut table = tent();
        table.base[1] = 1 << 40;
        assert_eq!(table.defect().unwrap().0, "a base of the table");
        let mut table = tent();
        table.slope.pop();
        assert_eq!(table.defect().unwrap().0, "the number of table slopes");
        let mut table = tent();
        table.segment_bits = 60;
        assert_eq!(table.defect().unwrap().0, "log2 of the table's segment length");
        let mut table = tent();
        table.lo = i64::MAX - 1;
        assert_eq!(table.defect().unwrap().0, "the table's domain");
    }
}
