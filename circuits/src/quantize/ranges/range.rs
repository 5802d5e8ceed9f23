//! A range, of real numbers, and of an input before its scale is chosen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    int::{self, Interval, limits},
    quantize::{
        Error,
        fixed::{self, power_of_two, round_to_scale, significant, to_real},
    },
};

/// The real numbers from `lo` to `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealRange {
    /// The smallest.
    pub lo: f64,
    /// The greatest.
    pub hi: f64,
}

impl fmt::Display for RealRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

/// Where an input's range comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RangeOrigin {
    /// The user declared it.
    Declared,
    /// The input selects rows of a table, or is a truth value: nothing else makes sense.
    Implied,
    /// The greatest magnitude in the calibration data, widened by [`MARGIN`](super::MARGIN) and to a power of two.
    Calibrated,
    /// As calibrated, but on that side of 0 on which all samples lie: the model does not take 0, or not both signs.
    OneSided,
}

/// Bits that an input which saturates has more than its range.
const WIDER_BITS: u32 = 16;

/// The range of an input, before its scale is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::quantize) struct InputRange {
    pub(in crate::quantize) origin: RangeOrigin,
    /// One for all elements or one for each.
    pub(super) ends: Vec<Ends>,
}

/// The range of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ends {
    /// Both ends included.
    Closed(RealRange),
    /// From `-2^exponent`, or from 0, up to but without `2^exponent`: as integers, a range that needs one limb sum.
    PowerOfTwo {
        exponent: i32,
        signed: bool,
        /// The greatest value less the least, which are to be told apart, is below two to this.
        spread: i32,
    },
}

impl Ends {
    /// Fraction bits for a real number, of which the plan gives `bits` to one of ordinary size. What counts is how much it varies: a
    /// price of 2,000 that moves by 1 is told apart as finely as a rate. Not 0, by which integers are told from real numbers.
    fn scale(&self, bits: i32) -> i32 {
        let (spread, exponent) = match self {
            Self::Closed(RealRange { lo, hi }) => {
                let magnitude = lo.abs().max(hi.abs());
                (fixed::exponent(if hi > lo { hi - lo } else { magnitude }), fixed::exponent(magnitude))
            }
            Self::PowerOfTwo { exponent, spread, .. } => (*spread, *exponent),
        };
        let bits = significant(bits, spread, &fixed::VALUES);
        // One bit below what a value may have.
        let room = limits::VALUE_BITS as i32 - 2 - exponent;
        match bits.min(room) {
            0 if room > 0 => 1,
            0 => -1,
            bits => bits,
        }
    }

    /// In integers with `frac_bits` fraction bits; ends are rounded as values are.
    fn at_scale(&self, input: &str, frac_bits: i32) -> Result<Interval, Error> {
        let limit = (1i64 << (limits::VALUE_BITS - 1)) - 1;
        let bad = |range: RealRange| Error::RangeTooWide { input: input.to_owned(), range, frac_bits };
        match *self {
            Self::Closed(range) => {
                let ends = round_to_scale(range.lo, frac_bits).zip(round_to_scale(range.hi, frac_bits));
                ends.filter(|(lo, hi)| lo <= hi).map(|(lo, hi)| Interval::new(lo, hi)).ok_or_else(|| bad(range))
            }
            Self::PowerOfTwo { exponent, signed, .. } => {
                // At least two steps of the scale: with fewer, what calibration showed would round to the end, which is excluded.
                let end = power_of_two((exponent + frac_bits).max(1));
                let lo = if signed { -end } else { 0.0 };
                if end > limit as f64 {
                    let hi = power_of_two(exponent);
                    return Err(bad(RealRange { lo: if signed { -hi } else { 0.0 }, hi }));
                }
                // Exact: powers of two below 2^62.
                Ok(Interval::new(lo as i64, end as i64 - 1))
            }
        }
    }
}

impl InputRange {
    /// The range that the circuit takes of an input that saturates: far wider than this one, on both sides of 0, at the same scales.
    pub(in crate::quantize) fn widened(ranges: &[Interval]) -> Vec<Interval> {
        let wide = |range: &Interval| {
            let bits = (range.bits() + WIDER_BITS).min(limits::VALUE_BITS - 2);
            Interval::new(-(1i64 << bits), (1i64 << bits) - 1)
        };
        ranges.iter().map(wide).collect()
    }

    /// Fraction bits of real elements, one for all or one for each.
    pub(in crate::quantize) fn scales(&self, bits: i32) -> Vec<i32> {
        let scales: Vec<i32> = self.ends.iter().map(|ends| ends.scale(bits)).collect();
        match scales.first() {
            Some(first) if scales.iter().all(|scale| scale == first) => vec![*first],
            _ => scales,
        }
    }

    /// In integers with these fraction bits, one for all elements or one for each.
    pub(in crate::quantize) fn at_scales(&self, input: &str, scales: &[i32]) -> Result<Vec<Interval>, Error> {
        let scale = |element: usize| scales.get(element).or(scales.first()).copied().unwrap_or(0);
        self.ends.iter().enumerate().map(|(element, ends)| ends.at_scale(input, scale(element))).collect()
    }

    /// A value of an element, `at` between 0 and 1 from the low end to the high.
    pub(super) fn value(&self, element: usize, at: f64) -> f64 {
        let (lo, hi) = match self.ends.get(element).or(self.ends.first()) {
            Some(Ends::Closed(range)) => (range.lo, range.hi),
            // Clear of the excluded end, at any scale.
            Some(Ends::PowerOfTwo { exponent, signed, .. }) => {
                let end = power_of_two(*exponent) * 0.75;
                (if *signed { -end } else { 0.0 }, end)
            }
            None => (0.0, 0.0),
        };
        lo + (hi - lo) * at
    }
}

impl RealRange {
    /// What the elements of a node stand for, as proven: the hull of all of them.
    pub fn of(node: &int::Node) -> Self {
        let none = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
        let elements =
            if node.ranges.len() == 1 && node.element_bits.is_empty() { node.len().min(1) } else { node.len() };
        let hull = (0..elements).fold(none, |hull, element| {
            let (range, bits) = (node.range(element), node.frac_bits_of(element));
            Self { lo: hull.lo.min(to_real(range.lo, bits)), hi: hull.hi.max(to_real(range.hi, bits)) }
        });
        if elements == 0 { Self { lo: 0.0, hi: 0.0 } } else { hull }
    }
}
