//! [`Op::IsZero`](super::super::Op::IsZero): whether a value is 0. Two integers are equal if their difference is.

use crate::int::{Error, Interval, analyze::Operands, execute::Run, structure::Shape};

pub(in crate::int) fn check(shape: &Shape<'_>) -> Result<(), Error> {
    shape.same_len_as_operand()
}

/// Exact.
pub(in crate::int) fn ranges(operands: &Operands<'_, '_>) -> Vec<Interval> {
    operands.each(|x| Interval::new(i64::from(x == Interval::point(0)), i64::from(x.contains(0))))
}

pub(in crate::int) fn run(run: &Run<'_>) -> Vec<i128> {
    run.first().iter().map(|x| i128::from(*x == 0)).collect()
}
