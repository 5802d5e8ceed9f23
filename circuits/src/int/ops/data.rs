//! Constant, Rearrange: nothing is computed.

use crate::int::{
    Error, Interval, Source, analyze::Operands, execute::Run, limits, structure::Shape, structure::within,
};

pub(in crate::int) fn check_constant(shape: &Shape<'_>, values: &[i64]) -> Result<(), Error> {
    shape.expect_len("values", values.len())?;
    let allowed = limits::magnitude(limits::VALUE_BITS);
    values.iter().try_for_each(|value| within(shape.node, "a constant", *value, allowed))
}

pub(in crate::int) fn check_rearrange(shape: &Shape<'_>, sources: &[Source]) -> Result<(), Error> {
    shape.expect_len("sources", sources.len())?;
    sources.iter().enumerate().try_for_each(|(element, source)| shape.check_source(element, *source))
}

pub(in crate::int) fn constant_ranges(values: &[i64]) -> Vec<Interval> {
    values.iter().map(|value| Interval::point(*value)).collect()
}

pub(in crate::int) fn rearrange_ranges(operands: &Operands<'_, '_>, sources: &[Source]) -> Vec<Interval> {
    sources.iter().map(|source| operands.source(*source)).collect()
}

pub(in crate::int) fn run_constant(values: &[i64]) -> Vec<i128> {
    values.iter().map(|value| i128::from(*value)).collect()
}

pub(in crate::int) fn run_rearrange(run: &Run<'_>, sources: &[Source]) -> Vec<i128> {
    sources.iter().map(|source| run.source(*source)).collect()
}
