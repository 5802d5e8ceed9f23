//! Operators that leave axes out.

use super::{Node, Operand};
use crate::float::{Ties, layout};

/// The shape that is left of `x` when `axes` are taken out.
pub(crate) fn reduced(x: &[usize], axes: &[usize]) -> Result<Vec<usize>, String> {
    let ascending = axes.windows(2).all(|pair| pair[0] < pair[1]);
    if axes.is_empty() || !ascending || axes.iter().any(|&axis| axis >= x.len()) {
        return Err(format!("axes {axes:?} of a tensor of shape {x:?}"));
    }
    if axes.iter().any(|&axis| x[axis] == 0) {
        return Err(format!("axes {axes:?} of shape {x:?} hold no elements"));
    }
    Ok((0..x.len()).filter(|axis| !axes.contains(axis)).map(|axis| x[axis]).collect())
}

pub(super) fn check(node: &Node, x: &[usize], axes: &[usize]) -> Result<(), String> {
    let dropped = reduced(x, axes)?;
    let kept: Vec<usize> = (0..x.len()).map(|axis| if axes.contains(&axis) { 1 } else { x[axis] }).collect();
    match node.shape == dropped || node.shape == kept {
        true => Ok(()),
        false => Err(format!("its shape is {:?}, but its operand makes {kept:?} or {dropped:?}", node.shape)),
    }
}

/// `finish` of the values of each group.
pub(super) fn compute(
    x: Operand<'_>,
    axes: &[usize],
    finish: impl Fn(&mut dyn ExactSizeIterator<Item = f64>) -> f64,
) -> Vec<f64> {
    let groups = layout::groups(x.shape, axes);
    let mut values = Vec::with_capacity(groups.size());
    let mut reduced = Vec::new();
    for group in groups.iter() {
        values.clear();
        values.extend(group.map(|at| x.values[at]));
        reduced.push(finish(&mut values.iter().copied()));
    }
    reduced
}

pub(super) fn mean(group: &mut dyn ExactSizeIterator<Item = f64>) -> f64 {
    let count = group.len() as f64;
    group.sum::<f64>() / count
}

pub(super) fn argmax(x: Operand<'_>, axis: usize, ties: Ties) -> Vec<f64> {
    let best = |group: &mut dyn Iterator<Item = usize>| {
        let mut best = (0, f64::NEG_INFINITY);
        for (position, i) in group.enumerate() {
            let value = x.values[i];
            if value > best.1 || (ties == Ties::Last && value == best.1) {
                best = (position, value);
            }
        }
        best.0 as f64
    };
    layout::groups(x.shape, &[axis]).iter().map(|mut group| best(&mut group)).collect()
}
