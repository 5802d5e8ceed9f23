//! Bounds that keep every value, partial sum and product of a graph far from the edge of `i64` and of the field.

use super::Interval;

/// Bits of a value or an accumulator: every value and every partial sum, in any order of summation, is below
/// `2^62` in magnitude.
pub const VALUE_BITS: u32 = 62;

/// Bits of a weight of [`super::Op::Linear`].
pub const WEIGHT_BITS: u32 = 40;

/// The most low bits that [`super::Op::Shift`], [`super::Piecewise::out_shift`], [`super::Op::Divide`] and
/// [`super::Op::SquareRoot`] name.
pub const SHIFT_BITS: u32 = 40;

/// The longest segment of a [`super::Piecewise`], as log2.
pub const SEGMENT_BITS: u32 = 24;

/// Bits of [`super::Piecewise::slope`].
pub const SLOPE_BITS: u32 = 32;

/// Elements of all nodes together. A graph file states shapes in a few bytes; this bounds what they can make a reader
/// allocate. No circuit holds more: four for each row of the largest, where most take several rows.
pub const TOTAL_ELEMENTS: usize = 1 << 22;

/// Terms of sums, and products, of one node: what the eight operands of each row of the largest circuit hold. Those of
/// [`super::Op::MatMul`] and [`super::Op::Conv`], which a file states in a few bytes, are counted over all nodes.
pub const TERMS: usize = 1 << 23;

/// Fraction bits of a node, in magnitude: `2^-frac_bits` is a normal double.
pub const FRAC_BITS: i32 = 1022;

/// Dimensions of a shape.
pub const RANK: usize = 32;

/// All integers below `2^bits` in magnitude.
pub(super) const fn magnitude(bits: u32) -> Interval {
    let greatest = (1i64 << bits) - 1;
    Interval { lo: -greatest, hi: greatest }
}
