//! Einsum: operands are multiplied two by two, each time as one product of matrices.

use super::super::call::Call;
use super::super::compose::Reduced;
use super::{Error, Registry};
use crate::float::{NodeId, Op, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Einsum", usize::MAX, einsum);
}

/// A name of an axis: a letter, or the place of an axis that `...` stands for, counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Letter(char),
    Ellipsis(usize),
}

/// A tensor whose axes have names, no two the same.
#[derive(Clone)]
struct Named {
    id: NodeId,
    labels: Vec<Label>,
}

fn einsum(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let equation = call.attributes.string("equation")?.map(str::to_owned);
    let equation = equation.ok_or_else(|| call.attributes.refuse("equation", "is missing"))?;
    let compact: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match compact.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (compact.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != call.operand_count() {
        return Err(call.refuse(format!("names {} operands, but has {}", terms.len(), call.operand_count())));
    }
    let mut operands = vec![];
    for (at, term) in terms.iter().enumerate() {
        let id = call.operand(at, "Inputs")?;
        call.require_number(id, "Inputs")?;
        let labels = labels(call, term, Some(call.shape(id).len()))?;
        operands.push(diagonal(call, id, labels)?);
    }
    let all: Vec<Label> = operands.iter().flat_map(|operand| operand.labels.iter().copied()).collect();
    let widest = all.iter().filter_map(|label| if let Label::Ellipsis(at) = label { Some(at + 1) } else { None }).max();
    let output = match right {
        Some(right) => {
            let named = labels(call, right, None)?;
            // `...` of the output stands for the axes that it has in the operands.
            let ellipsis = (0..widest.unwrap_or(0)).rev().map(Label::Ellipsis);
            let expand = |label| match label {
                Label::Ellipsis(_) => ellipsis.clone().collect(),
                letter => vec![letter],
            };
            named.into_iter().flat_map(expand).collect::<Vec<_>>()
        }
        None => {
            // What occurs once, in alphabetical order, after `...`.
            let count = |label: &Label| left.chars().filter(|c| *label == Label::Letter(*c)).count();
            let mut once: Vec<Label> = all.iter().copied().filter(|label| count(label) == 1).collect();
            once.sort_unstable();
            once.dedup();
            (0..widest.unwrap_or(0)).rev().map(Label::Ellipsis).chain(once).collect()
        }
    };
    let known = output.iter().all(|label| all.contains(label));
    let twice = output.iter().enumerate().any(|(at, label)| output[..at].contains(label));
    if !known || twice {
        return Err(call
            .attributes
            .refuse("equation", "has an output that names an axis twice, or one that no operand has"));
    }
    let mut rest = operands.into_iter();
    let mut result = rest.next().ok_or_else(|| call.refuse("has no operands"))?;
    while let Some(next) = rest.next() {
        let later: Vec<Label> = rest.as_slice().iter().flat_map(|operand| operand.labels.iter().copied()).collect();
        let kept = |label: &Label| output.contains(label) || later.contains(label);
        result = product(call, result, next, kept)?;
    }
    let result = summed(call, result, |label| output.contains(label))?;
    let order: Option<Vec<usize>> =
        output.iter().map(|label| result.labels.iter().position(|other| other == label)).collect();
    let order = order.ok_or_else(|| call.refuse("lost an axis"))?;
    call.transposed(result.id, &order)
}

/// The axes that a term names. Of an operand of rank `rank`, `...` stands for the axes that are not named; in the output for one.
fn labels(call: &Call<'_>, term: &str, rank: Option<usize>) -> Result<Vec<Label>, Error> {
    let refuse = || call.attributes.refuse("equation", format!("has a term `{term}` that does not fit its operand"));
    let named = term.replace("...", "");
    let dots = (term.len() - named.len()) / 3;
    if dots > 1 || !named.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err(refuse());
    }
    let hidden = match rank {
        Some(rank) => rank.checked_sub(named.len()).filter(|&hidden| dots == 1 || hidden == 0).ok_or_else(refuse)?,
        None => dots,
    };
    let (before, after) = term.split_once("...").unwrap_or((term, ""));
    let letters = |text: &str| text.chars().map(Label::Letter).collect::<Vec<_>>();
    let hidden = (0..hidden).rev().map(Label::Ellipsis).collect();
    Ok([letters(before), hidden, letters(after)].concat())
}

/// An operand that names an axis twice is its diagonal.
fn diagonal(call: &mut Call<'_>, id: NodeId, labels: Vec<Label>) -> Result<Named, Error> {
    let mut own: Vec<Label> = vec![];
    labels.iter().for_each(|label| {
        if !own.contains(label) {
            own.push(*label);
        }
    });
    if own.len() == labels.len() {
        return Ok(Named { id, labels });
    }
    let from = call.shape(id);
    let strides = layout::strides(&from);
    let (mut shape, mut steps) = (vec![0; own.len()], vec![0; own.len()]);
    for (axis, label) in labels.iter().enumerate() {
        let at = own.iter().position(|other| other == label).unwrap_or(0);
        if shape[at] != 0 && shape[at] != from[axis] {
            return Err(call.refuse(format!("takes a diagonal of {} by {} elements", shape[at], from[axis])));
        }
        shape[at] = from[axis];
        steps[at] += strides[axis];
    }
    let id =
        call.gathered(id, None, shape, |index| Some(index.iter().zip(&steps).map(|(at, step)| at * step).sum()))?;
    Ok(Named { id, labels: own })
}

/// Summed over all axes that are not kept.
fn summed(call: &mut Call<'_>, of: Named, kept: impl Fn(&Label) -> bool) -> Result<Named, Error> {
    let axes: Vec<usize> = (0..of.labels.len()).filter(|&axis| !kept(&of.labels[axis])).collect();
    let id = call.reduction(|axes| Op::ReduceSum { axes }, of.id, &axes, Reduced::Dropped)?;
    Ok(Named { id, labels: of.labels.into_iter().filter(kept).collect() })
}

/// The product of two, summed over what is not kept: batches are what both have and is kept, the inner dimension what both have
/// and is not.
fn product(call: &mut Call<'_>, a: Named, b: Named, kept: impl Fn(&Label) -> bool) -> Result<Named, Error> {
    // What only one has and nobody keeps is summed first.
    let a = {
        let of_b = b.labels.clone();
        summed(call, a, |label| kept(label) || of_b.contains(label))?
    };
    let b = {
        let of_a = a.labels.clone();
        summed(call, b, |label| kept(label) || of_a.contains(label))?
    };
    let extent = |call: &Call<'_>, of: &Named, label: &Label| {
        of.labels.iter().position(|other| other == label).map(|axis| call.shape(of.id)[axis])
    };
    let (mut batch, mut inner, mut rows, mut columns) = (vec![], vec![], vec![], vec![]);
    for label in &a.labels {
        match b.labels.contains(label) {
            true if kept(label) => batch.push(*label),
            true => inner.push(*label),
            false => rows.push(*label),
        }
    }
    columns.extend(b.labels.iter().copied().filter(|label| !a.labels.contains(label)));
    // One of them may have an extent of 1 along an axis, where it is the same throughout.
    let mut sizes = vec![];
    for label in batch.iter().chain(&inner).chain(&rows).chain(&columns) {
        let size = match (extent(call, &a, label), extent(call, &b, label)) {
            (Some(x), Some(y)) if x == y || y == 1 => x,
            (Some(1), Some(y)) => y,
            (Some(x), None) | (None, Some(x)) => x,
            (x, y) => {
                return Err(call.refuse(format!("has an axis of {x:?} elements in one operand and {y:?} in another")));
            }
        };
        sizes.push((*label, size));
    }
    let size = |label: &Label| sizes.iter().find(|(other, _)| other == label).map_or(1, |(_, size)| *size);
    let total = |labels: &[Label]| labels.iter().map(size).product::<usize>();
    let matrix = |call: &mut Call<'_>, of: &Named, first: &[Label], second: &[Label]| {
        let order: Vec<Label> = [&batch[..], first, second].concat();
        let axes: Vec<usize> =
            order.iter().filter_map(|label| of.labels.iter().position(|other| other == label)).collect();
        let turned = call.transposed(of.id, &axes)?;
        let full = call.expanded(turned, order.iter().map(size).collect())?;
        call.reshaped(full, vec![total(&batch), total(first), total(second)])
    };
    let left = matrix(call, &a, &rows, &inner)?;
    let right = matrix(call, &b, &inner, &columns)?;
    // Where nothing is summed, element by element.
    let y = if inner.is_empty() { call.binary(Op::Mul, left, right)? } else { call.matmul(left, right)? };
    let labels = [batch.clone(), rows.clone(), columns.clone()].concat();
    let id = call.reshaped(y, labels.iter().map(size).collect())?;
    Ok(Named { id, labels })
}
