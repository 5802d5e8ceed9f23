//! Linear: sums with fixed weights.

use std::collections::HashSet;

use crate::int::{
    Error, Interval, NodeId, Op, Row, Source, Term,
    analyze::{Known, Operands, Origin},
    bounds::{Sum, entry},
    execute::Run,
    limits,
    structure::{Shape, within},
};

pub(in crate::int) fn check(shape: &Shape<'_>, rows: &[Row]) -> Result<(), Error> {
    shape.expect_len("rows", rows.len())?;
    rows.iter().enumerate().try_for_each(|(element, row)| check_row(shape, element, row))
}

fn check_row(shape: &Shape<'_>, element: usize, row: &Row) -> Result<(), Error> {
    within(shape.node, "a bias", row.bias, limits::magnitude(limits::VALUE_BITS))?;
    let weights = limits::magnitude(limits::WEIGHT_BITS);
    for term in &row.terms {
        shape.check_source(element, term.source)?;
        within(shape.node, "a weight", term.weight, weights)?;
    }
    let defect = match row.terms.iter().any(|term| term.weight == 0) {
        true => "a weight is zero",
        false if !has_repeated_source(row) => return Ok(()),
        false => "a source occurs twice",
    };
    Err(Error::NotNormal { node: shape.node.name.clone(), element, what: defect })
}

/// Rows are mostly in the order of their sources, where equal ones are neighbours; only others are hashed.
fn has_repeated_source(row: &Row) -> bool {
    let key = |term: &Term| (term.source.input, term.source.element);
    if row.terms.is_sorted_by(|a, b| key(a) < key(b)) {
        return false;
    }
    let mut seen = HashSet::with_capacity(row.terms.len());
    !row.terms.iter().all(|term| seen.insert(key(term)))
}

/// Exact for independent operands; what lies below a maximum is known to.
pub(in crate::int) fn ranges(operands: &mut Operands<'_, '_>, rows: &[Row]) -> Result<Vec<Interval>, Error> {
    let range = |(element, row): (usize, &Row)| {
        let mut sum = Sum::of(row.bias);
        for term in &row.terms {
            sum.add_scaled(term.weight, operands.source(term.source));
        }
        let range = sum.finish(operands.node, element)?;
        Ok(match distance_to_max(operands, row) {
            Some(Distance::FromMember) => Interval::new(range.lo.max(row.bias), range.hi),
            Some(Distance::FromMax) => Interval::new(range.lo, range.hi.min(row.bias)),
            None => range,
        })
    };
    rows.iter().enumerate().map(range).collect()
}

/// A number of a group and the greatest of the group, the one less the other.
#[derive(Clone, Copy)]
enum Distance {
    /// `max(group) - x`.
    FromMember,
    /// `x - max(group)`.
    FromMax,
}

/// Which distance `d` the row is, as `bias + w * d` with `w > 0`, if it is one.
fn distance_to_max(operands: &mut Operands<'_, '_>, row: &Row) -> Option<Distance> {
    let [a, b] = row.terms.as_slice() else { return None };
    if i128::from(a.weight) != -i128::from(b.weight) {
        return None;
    }
    let (positive, negative) = if a.weight > 0 { (a, b) } else { (b, a) };
    if is_of_group(operands, positive.source, negative.source) {
        return Some(Distance::FromMember);
    }
    is_of_group(operands, negative.source, positive.source).then_some(Distance::FromMax)
}

/// Whether `max` is the greatest of a group that `member` is in.
fn is_of_group(operands: &mut Operands<'_, '_>, max: Source, member: Source) -> bool {
    let (max, member) = (operands.origin(max), operands.origin(member));
    let max_node = operands.graph.node(max.0);
    let Op::Max { groups } = &max_node.op else { return false };
    let Known { members, origins, .. } = &mut *operands.known;
    let members = members.entry(max).or_insert_with(|| {
        let (operand, group) = (max_node.inputs[0], &groups[max.1 as usize]);
        let moved = &origins[operand.0 as usize];
        group.iter().map(|element| moved.get(*element as usize).copied().unwrap_or((operand, *element))).collect()
    });
    members.contains(&member)
}

/// The terms of a row of node `id`, if it is a sum of terms that are not negative.
pub(in crate::int) fn summands(operands: &Operands<'_, '_>, id: NodeId, row: u32) -> Option<HashSet<Origin>> {
    let sum = operands.graph.node(id);
    let Op::Linear { rows } = &sum.op else { return None };
    let row = &rows[row as usize];
    let not_negative = |source: Source| {
        let ranges = (operands.found)(sum.inputs[source.input as usize]);
        entry(ranges, source.element as usize).lo >= 0
    };
    let all = row.bias >= 0 && row.terms.iter().all(|term| term.weight >= 1 && not_negative(term.source));
    let origin = |source: Source| operands.known.origin(sum.inputs[source.input as usize], source.element);
    all.then(|| row.terms.iter().map(|term| origin(term.source)).collect())
}

pub(in crate::int) fn run(run: &Run<'_>, rows: &[Row]) -> Vec<i128> {
    let sum = |row: &Row| {
        let narrow = |sum: i64, term: &Term| {
            let x = run.operands[term.source.input as usize][term.source.element as usize];
            sum.checked_add(term.weight.checked_mul(x)?)
        };
        let wide = || {
            let terms = row.terms.iter().map(|term| i128::from(term.weight) * run.source(term.source));
            terms.fold(i128::from(row.bias), i128::saturating_add)
        };
        // A sum within analyzed ranges fits 64 bits; any other is still exact, and refused as it is.
        row.terms.iter().try_fold(row.bias, narrow).map_or_else(wide, i128::from)
    };
    rows.iter().map(sum).collect()
}
