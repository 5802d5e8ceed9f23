//! [`Op::Step`](super::super::Op::Step): on which side of zero a value stands.
//!
//! Comparisons are made of it: `a >= b` is `step(a - b)`, `a > b` is `step(a - b - 1)`, and of integers `a = b` is
//! `step(a - b) + step(b - a) - 1`. So is rounding half to even: with `k = floor((x + 2^(S-1)) / 2^(S+1))`, which is a shift by
//! `S + 1` of `x - 2^(S-1)`, it is `2*k + step(x - 2^(S+1)*k - 2^(S-1) - 1)`.

use crate::int::{Error, Interval, analyze::Operands, execute::Run, structure::Shape};

/// The function.
fn value(x: i64) -> i64 {
    i64::from(x >= 0)
}

pub(in crate::int) fn check(shape: &Shape<'_>) -> Result<(), Error> {
    shape.same_len_as_operand()
}

/// Exact: the function never decreases.
pub(in crate::int) fn ranges(operands: &Operands<'_, '_>) -> Vec<Interval> {
    operands.each(|x| x.map_increasing(value))
}

pub(in crate::int) fn run(run: &Run<'_>) -> Vec<i128> {
    run.first().iter().map(|x| value(*x).into()).collect()
}
