//! Rounding of real constants to integers with a scale.

use std::ops::RangeInclusive;

use super::Error;
use crate::{elementary, int::limits};

/// Constants as integers: `values[i] * 2^-frac_bits` stands for a real number at a distance of at most `errors[i]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fixed {
    pub(super) values: Vec<i64>,
    pub(super) frac_bits: i32,
    pub(super) errors: Vec<f64>,
}

/// Exponents that magnitudes of weights may have (`2^exponent` is more than they are) and be given as many fraction bits as the plan says.
const WEIGHTS: RangeInclusive<i32> = -4..=6;

/// The same of inputs and of constants that are added.
pub(super) const VALUES: RangeInclusive<i32> = -3..=6;

/// The fraction bits of numbers below `2^exponent`: those that the plan gives to numbers of `ordinary` size; smaller ones get more and larger
/// ones fewer, so that significant bits are as many.
pub(super) fn significant(bits: i32, exponent: i32, ordinary: &RangeInclusive<i32>) -> i32 {
    bits.saturating_sub(exponent - exponent.clamp(*ordinary.start(), *ordinary.end()))
}

/// The least exponent with `2^exponent > magnitude`; of 0, that of ordinary numbers.
pub(super) fn exponent(magnitude: f64) -> i32 {
    if magnitude == 0.0 { 0 } else { elementary::floor_log2(magnitude).max(-1000) + 1 }
}

/// The greatest magnitude.
pub(super) fn greatest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |greatest, value| greatest.max(value.abs()))
}

/// Rounds weights (below `2^39` in magnitude, a bit less than the graph allows) to as many significant bits as `bits` fraction
/// bits leave those of ordinary size: to fewer where all of them are exact with fewer.
pub(super) fn weights(node: &str, values: &[f64], bits: i32) -> Result<Fixed, Error> {
    let exponent = exponent(greatest(values.iter().copied()));
    let bits = significant(bits, exponent, &WEIGHTS).min(room(exponent));
    at_scale(node, values, exact_bits(values, bits))
}

/// The most fraction bits with which weights below `2^exponent` are within the graph's limit.
pub(super) fn room(exponent: i32) -> i32 {
    limits::WEIGHT_BITS as i32 - 1 - exponent
}

/// Rounds constants to a given scale.
pub(super) fn at_scale(node: &str, values: &[f64], frac_bits: i32) -> Result<Fixed, Error> {
    let mut fixed =
        Fixed { values: Vec::with_capacity(values.len()), frac_bits, errors: Vec::with_capacity(values.len()) };
    for value in values {
        let rounded = round_to_scale(*value, frac_bits).ok_or_else(|| Error::ConstantTooLarge {
            node: node.to_owned(),
            value: *value,
            bits: limits::VALUE_BITS - 1,
        })?;
        fixed.values.push(rounded);
        fixed.errors.push((value - to_real(rounded, frac_bits)).abs());
    }
    Ok(fixed)
}

/// The fewest fraction bits, at most `most`, that hold every value exactly; `most` if none do.
pub(super) fn exact_bits(values: &[f64], most: i32) -> i32 {
    let exact = |bits: i32| values.iter().all(|value| (value * power_of_two(bits)).fract() == 0.0);
    if most <= 0 || !exact(most) {
        return most;
    }
    (0..most).rev().take_while(|bits| exact(*bits)).last().unwrap_or(most)
}

/// `round_half_even(value * 2^frac_bits)`, if it is below `2^61` in magnitude.
pub(super) fn round_to_scale(value: f64, frac_bits: i32) -> Option<i64> {
    let scaled = (value * power_of_two(frac_bits)).round_ties_even();
    // Exact: an integer of at most 61 bits.
    (scaled.abs() < power_of_two(61)).then_some(scaled as i64)
}

/// `value * 2^-frac_bits`; exact up to 2^53, rounded to double precision beyond.
pub(super) fn to_real(value: i64, frac_bits: i32) -> f64 {
    value as f64 * power_of_two(-frac_bits)
}

/// `2^exponent`, exact for the exponents that scales have.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    elementary::power_of_two(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_to_even() {
        assert_eq!([-1.5, -0.5, 0.5, 1.5, 2.5].map(|x| round_to_scale(x, 0).unwrap()), [-2, 0, 0, 2, 2]);
        assert_eq!(round_to_scale(0.75, 1), Some(2));
        assert_eq!(round_to_scale(f64::MAX, 0), None);
        assert_eq!(round_to_scale(f64::NAN, 0), None);
    }

    #[test]
    fn exact_constants_take_few_bits() {
        assert_eq!(exact_bits(&[2.0, -3.0], 12), 0);
        assert_eq!(exact_bits(&[0.5, 0.75], 12), 2);
        assert_eq!(exact_bits(&[0.1], 12), 12);
        assert_eq!(weights("w", &[0.25, -1.0], 10).unwrap().values, [1, -4]);
    }

    #[test]
    fn large_weights_take_fewer_bits() {
        let fixed = weights("w", &[1e9 + 0.3], 20).unwrap();
        assert!(fixed.frac_bits < 20 && fixed.values[0].abs() < 1 << 39);
        assert!(weights("w", &[1e13], 20).unwrap().values[0] < 1 << 39);
    }

    #[test]
    fn weights_of_any_size_have_as_many_significant_bits() {
        for exponent in [-200, -40, -10, -5, 7, 20, 38, 100] {
            let size = power_of_two(exponent);
            let fixed = weights("w", &[0.7 * size, -0.3 * size], 12).unwrap();
            let error = greatest(fixed.errors.iter().copied());
            assert!(error <= size * power_of_two(-8) && fixed.values[0].abs() < 1 << 20, "2^{exponent}: {fixed:?}");
        }
    }

    #[test]
    fn errors_are_what_rounding_left() {
        let fixed = weights("w", &[0.1, 0.25], 3).unwrap();
        assert_eq!((fixed.values, fixed.frac_bits), (vec![1, 2], 3));
        assert!((fixed.errors[0] - 0.025).abs() < 1e-12);
        assert_eq!(fixed.errors[1], 0.0);
    }
}
