//! Shift, Relu: functions of one element that never decrease.

use crate::int::{
    Error, Interval,
    analyze::Operands,
    execute::Run,
    limits,
    piecewise::shift_rounding_half_up,
    structure::{Shape, between},
};

pub(in crate::int) fn check_shift(shape: &Shape<'_>, bits: u32) -> Result<(), Error> {
    shape.same_len_as_operand()?;
    between(shape.node, "the number of bits shifted out", bits, 1, limits::SHIFT_BITS)
}

pub(in crate::int) fn check_relu(shape: &Shape<'_>) -> Result<(), Error> {
    shape.same_len_as_operand()
}

pub(in crate::int) fn shift_ranges(operands: &Operands<'_, '_>, bits: u32) -> Vec<Interval> {
    operands.each(|x| x.map_increasing(|x| shift_rounding_half_up(x, bits)))
}

pub(in crate::int) fn relu_ranges(operands: &Operands<'_, '_>) -> Vec<Interval> {
    operands.each(|x| x.map_increasing(|x| x.max(0)))
}

pub(in crate::int) fn run_shift(run: &Run<'_>, bits: u32) -> Vec<i128> {
    run.first().iter().map(|x| shift_rounding_half_up(*x, bits).into()).collect()
}

pub(in crate::int) fn run_relu(run: &Run<'_>) -> Vec<i128> {
    run.first().iter().map(|x| i128::from(*x.max(&0))).collect()
}
