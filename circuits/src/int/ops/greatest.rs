//! Max, ArgMax.

use crate::int::{
    Error, Interval,
    analyze::Operands,
    execute::Run,
    structure::{Shape, limit},
};

pub(in crate::int) fn check(shape: &Shape<'_>, groups: &[Vec<u32>]) -> Result<(), Error> {
    shape.expect_len("groups", groups.len())?;
    for (element, group) in groups.iter().enumerate() {
        shape.check_group(element, group)?;
        if group.is_empty() {
            return Err(limit(shape.node, "the length of a group", 0, 1, shape.operand_len(0)));
        }
    }
    Ok(())
}

pub(in crate::int) fn max_ranges(operands: &Operands<'_, '_>, groups: &[Vec<u32>]) -> Vec<Interval> {
    let range = |group: &Vec<u32>| {
        let members = group.iter().map(|member| operands.at(0, *member as usize));
        members.reduce(|a, b| Interval::new(a.lo.max(b.lo), a.hi.max(b.hi))).unwrap_or(Interval::point(0))
    };
    groups.iter().map(range).collect()
}

pub(in crate::int) fn arg_max_ranges(groups: &[Vec<u32>]) -> Vec<Interval> {
    groups.iter().map(|group| Interval::new(0, group.len().saturating_sub(1) as i64)).collect()
}

pub(in crate::int) fn run_max(run: &Run<'_>, groups: &[Vec<u32>]) -> Vec<i128> {
    groups.iter().map(|group| greatest(run.first(), group).1.into()).collect()
}

pub(in crate::int) fn run_arg_max(run: &Run<'_>, groups: &[Vec<u32>]) -> Vec<i128> {
    groups.iter().map(|group| greatest(run.first(), group).0 as i128).collect()
}

/// Position and value of the first greatest element.
fn greatest(x: &[i64], group: &[u32]) -> (usize, i64) {
    let mut best = (0, i64::MIN);
    for (position, member) in group.iter().enumerate() {
        let value = x[*member as usize];
        if value > best.1 {
            best = (position, value);
        }
    }
    best
}
