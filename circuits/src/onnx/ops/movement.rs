//! Operators that only move data: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Concat, Slice, Split, Expand,
//! Identity.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::domain::Domain;
use super::{Error, Import, Registry};
use crate::float::{MAX_RANK, NodeId, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Reshape", 2, reshape);
    registry.add("Flatten", 1, flatten);
    registry.add("Squeeze", 2, squeeze);
    registry.add("Unsqueeze", 2, unsqueeze);
    registry.add("Transpose", 1, transpose);
    registry.add("Concat", MAX_CONCAT, concat);
    registry.add("Slice", 5, slice);
    registry.add_in(Domain::Onnx, "Split", 2, Import::Several(split));
    registry.add("Expand", 2, |call| {
        let (x, target) = (call.operand(0, "input")?, call.operand(1, "shape")?);
        let target = call.constant_ints(target, "shape")?;
        let impossible = || call.refuse(format!("cannot expand {:?} to {target:?}", call.shape(x)));
        let shape = target.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
        let shape = shape.map_err(|_| impossible())?;
        let shape = layout::broadcast(&call.shape(x), &shape).ok_or_else(impossible)?;
        expanded(call, x, shape)
    });
    registry.add("Identity", 1, |call| {
        let x = call.operand(0, "input")?;
        call.copy(x, call.shape(x))
    });
}

/// As many operands as a node can name: their number is bounded by the limit on messages.
const MAX_CONCAT: usize = usize::MAX;

/// 0 keeps a dimension (unless `allowzero`, from operator set 14), one -1 takes what is left.
fn reshape(call: &mut Call<'_>) -> Result<Computed, Error> {
    let (x, target) = (call.operand(0, "data")?, call.operand(1, "shape")?);
    let from = call.shape(x);
    let target = call.constant_ints(target, "shape")?;
    let keep_zero = call.opset < 14 || call.attributes.flag("allowzero", Flag::No)? == Flag::No;
    if target.len() > MAX_RANK {
        return Err(call.refuse(format!("reshapes to rank {}, more than {MAX_RANK}", target.len())));
    }
    let impossible = || call.refuse(format!("cannot reshape {from:?} to {target:?}"));
    let resolve = |(axis, &dim): (usize, &i64)| match dim {
        0 if keep_zero => from.get(axis).copied().ok_or_else(impossible),
        // Taken out below: 1 does not change the product.
        -1 => Ok(1),
        dim => usize::try_from(dim).map_err(|_| impossible()),
    };
    let mut shape = target.iter().enumerate().map(resolve).collect::<Result<Vec<_>, _>>()?;
    let len: usize = from.iter().product();
    let known = shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim)).ok_or_else(impossible)?;
    let mut open = target.iter().enumerate().filter(|(_, dim)| **dim == -1).map(|(axis, _)| axis);
    match (open.next(), open.next()) {
        (None, _) if known == len => {}
        (Some(axis), None) if known > 0 && len.is_multiple_of(known) => shape[axis] = len / known,
        _ => return Err(impossible()),
    }
    call.copy(x, shape)
}

/// To a matrix: axes before `axis`, and the others.
fn flatten(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "input")?;
    let shape = call.shape(x);
    let axis = match call.attributes.int("axis")?.unwrap_or(1) {
        // Here the rank itself is an axis: all others stand before it.
        axis if axis == shape.len() as i64 => shape.len(),
        axis => call.axis(axis, shape.len())?,
    };
    let (outer, inner) = shape.split_at(axis);
    call.copy(x, vec![outer.iter().product(), inner.iter().product()])
}

/// `axes`: an attribute before operator set 13, then an operand. `None` if it is left out.
fn axes(call: &mut Call<'_>) -> Result<Option<Vec<i64>>, Error> {
    if call.opset >= 13 {
        return call.optional(1).map(|id| call.constant_ints(id, "axes")).transpose();
    }
    match call.operand_count() {
        2.. => Err(call.refuse("`axes` is an operand only from operator set 13")),
        _ => Ok(call.attributes.ints("axes")?.map(<[i64]>::to_vec)),
    }
}

/// Takes out dimensions of 1: those named, or all.
fn squeeze(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    let shape = call.shape(x);
    let axes = match axes(call)? {
        Some(axes) => call.axes(&axes, shape.len())?,
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if let Some(&axis) = axes.iter().find(|&&axis| shape[axis] != 1) {
        return Err(call.refuse(format!("axis {axis} of shape {shape:?} is not 1, so it cannot be squeezed")));
    }
    let left = (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect();
    call.copy(x, left)
}

/// Puts in dimensions of 1. Axes count in the result.
fn unsqueeze(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    let shape = call.shape(x);
    let axes = axes(call)?.ok_or_else(|| call.refuse("`axes` is missing"))?;
    let rank = shape.len().saturating_add(axes.len());
    if rank > MAX_RANK {
        return Err(call.refuse(format!("makes a tensor of rank {rank}, more than {MAX_RANK}")));
    }
    let axes = call.axes(&axes, rank)?;
    let mut kept = shape.into_iter();
    let widened = (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { kept.next().unwrap_or(1) }).collect();
    call.copy(x, widened)
}

/// By `perm`, or back to front.
fn transpose(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    let rank = call.shape(x).len();
    let order = match call.attributes.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) => {
            if call.axes(perm, rank)?.len() != rank || perm.iter().any(|&axis| axis < 0) {
                return Err(call.refuse(format!("`perm` {perm:?} is no permutation of {rank} axes")));
            }
            // In range: checked as axes.
            perm.iter().map(|&axis| axis as usize).collect::<Vec<_>>()
        }
    };
    transposed(call, x, &order)
}

/// `x` with its axes in another order: axis `i` of the result is axis `order[i]` of `x`.
pub(in super::super) fn transposed(call: &mut Call<'_>, x: NodeId, order: &[usize]) -> Result<Computed, Error> {
    let (from, element) = (call.shape(x), call.element(x));
    let strides = layout::strides(&from);
    let shape: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
    let walk = layout::Offsets::new(shape.clone(), order.iter().map(|&axis| strides[axis]).collect());
    call.rearrange(vec![x], shape, element, walk.map(|offset| (0, offset)))
}

fn concat(call: &mut Call<'_>) -> Result<Computed, Error> {
    let inputs = (0..call.operand_count()).map(|at| call.operand(at, "inputs")).collect::<Result<Vec<_>, _>>()?;
    let &first = inputs.first().ok_or_else(|| call.refuse("has no operands"))?;
    let axis = call.attributes.int("axis")?.ok_or_else(|| call.attributes.refuse("axis", "is missing"))?;
    let axis = call.axis(axis, call.shape(first).len())?;
    concatenated(call, inputs, axis)
}

/// `inputs` one after the other along `axis`.
pub(in super::super) fn concatenated(call: &mut Call<'_>, inputs: Vec<NodeId>, axis: usize) -> Result<Computed, Error> {
    let &first = inputs.first().ok_or_else(|| call.refuse("has nothing to concatenate"))?;
    let mut shape = call.shape(first);
    shape[axis] = 0;
    // How many consecutive elements each operand contributes at a time.
    let mut runs = vec![];
    for &input in &inputs {
        call.require_same_type(first, input)?;
        let part = call.shape(input);
        let fits = part.len() == shape.len() && (0..part.len()).all(|at| at == axis || part[at] == shape[at]);
        if !fits {
            let expected = call.shape(first);
            return Err(call.refuse(format!("shapes {expected:?} and {part:?} differ outside of axis {axis}")));
        }
        // No overflow: the elements of all tensors together are limited to 32 bits, and an operand may stand here as
        // often as the limit on messages lets it.
        shape[axis] = shape[axis].saturating_add(part[axis]);
        runs.push(part[axis..].iter().product::<usize>());
    }
    let outer: usize = shape[..axis].iter().product();
    let element = call.element(first);
    // What has no elements is no operand, as long as there is another.
    let (mut inputs, runs): (Vec<NodeId>, Vec<usize>) =
        inputs.into_iter().zip(runs).filter(|(_, run)| *run > 0).unzip();
    if inputs.is_empty() {
        inputs.push(first);
    }
    let sources = (0..outer).flat_map(|outer| {
        runs.iter().enumerate().flat_map(move |(input, &run)| (0..run).map(move |at| (input, outer * run + at)))
    });
    call.rearrange(inputs, shape, element, sources)
}

/// From `starts` to before `ends`, in steps: attributes before operator set 10, then operands. Both count from the end
/// if they are negative, and are drawn to the ends of the axis if they lie beyond.
fn slice(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    let shape = call.shape(x);
    let mut given = if call.opset < 10 {
        if call.operand_count() > 1 {
            return Err(call.refuse("`starts` and `ends` are operands only from operator set 10"));
        }
        let mut ints = |name: &str| Ok::<_, Error>(call.attributes.ints(name)?.map(<[i64]>::to_vec));
        [ints("starts")?, ints("ends")?, ints("axes")?, None]
    } else {
        let mut given = [None, None, None, None];
        for (at, role) in ["starts", "ends", "axes", "steps"].into_iter().enumerate() {
            given[at] = call.ints_operand(at + 1, role)?;
        }
        given
    };
    let mut required =
        |at: usize, role: &str| given[at].take().ok_or_else(|| call.refuse(format!("`{role}` is missing")));
    let (starts, ends) = (required(0, "starts")?, required(1, "ends")?);
    let [_, _, axes, steps] = given;
    let count = starts.len();
    let axes = match axes {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..count).collect(),
    };
    let steps = steps.unwrap_or_else(|| vec![1; count]);
    if ends.len() != count || axes.len() != count || steps.len() != count || count > shape.len() {
        return Err(call.refuse(format!(
            "has {count} starts, {} ends, {} axes and {} steps for a tensor of rank {}",
            ends.len(),
            axes.len(),
            steps.len(),
            shape.len()
        )));
    }
    // Also if no axes are given there are no more than the rank.
    call.axes(&axes.iter().map(|&axis| axis as i64).collect::<Vec<_>>(), shape.len())?;
    let mut cuts = vec![];
    for at in 0..count {
        let (axis, step) = (axes[at], steps[at]);
        let dim = shape[axis] as i64;
        let resolve = |position: i64| if position < 0 { position.saturating_add(dim) } else { position };
        let (start, end) = (resolve(starts[at]), resolve(ends[at]));
        let (start, span) = match step {
            0 => return Err(call.refuse("has steps of 0")),
            // Backwards: `end` may stand before the first element.
            ..0 => {
                let start = start.clamp(0, (dim - 1).max(0));
                (start, if dim == 0 { 0 } else { start - end.clamp(-1, dim - 1) })
            }
            1.. => {
                let start = start.clamp(0, dim);
                (start, end.clamp(0, dim) - start)
            }
        };
        // Not negative, and at most a dimension.
        let len = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
        // Where one element is left at most, how far it is to the next does not matter.
        let step = if len > 1 { step as isize } else { 1 };
        cuts.push(Cut { axis, start: start as usize, len, step });
    }
    sliced(call, x, &cuts)
}

/// Parts of the lengths that `split` tells (an attribute before operator set 13, then an operand), or as many as there
/// are outputs, or `num_outputs` (from 18), where the last may be shorter.
fn split(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = call.operand(0, "input")?;
    let shape = call.shape(x);
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, shape.len())?;
    let lengths = match call.opset {
        ..13 if call.operand_count() > 1 => {
            return Err(call.refuse("`split` is an operand only from operator set 13"));
        }
        ..13 => call.attributes.ints("split")?.map(<[i64]>::to_vec),
        _ => call.ints_operand(1, "split")?,
    };
    let parts = match call.opset {
        ..18 => None,
        _ => call.attributes.int("num_outputs")?,
    };
    let dim = shape[axis];
    let lengths = match (lengths, parts) {
        (Some(_), Some(_)) => return Err(call.refuse("has both `split` and `num_outputs`, expected one of them")),
        (Some(lengths), None) => {
            let lengths = lengths.iter().map(|&len| usize::try_from(len)).collect::<Result<Vec<_>, _>>();
            lengths.map_err(|_| call.refuse("has a negative length in `split`"))?
        }
        (None, parts) => {
            let outputs = call.output_count();
            let parts = parts.map_or(Some(outputs), |parts| usize::try_from(parts).ok());
            let parts = parts.filter(|&parts| parts > 0 && parts <= outputs.max(dim));
            let parts =
                parts.ok_or_else(|| call.attributes.refuse("num_outputs", "is no possible number of outputs"))?;
            let each = dim.div_ceil(parts);
            (0..parts).map(|part| dim.saturating_sub(part * each).min(each)).collect()
        }
    };
    let total = lengths.iter().try_fold(0usize, |sum, &len| sum.checked_add(len));
    if total != Some(dim) || lengths.len() < call.output_count() {
        return Err(call.refuse(format!(
            "splits {dim} elements of axis {axis} into {lengths:?} for {} outputs",
            call.output_count()
        )));
    }
    let mut start = 0;
    let mut yielded = vec![];
    for (at, len) in lengths.into_iter().enumerate().take(call.output_count()) {
        // What nobody asked for costs nothing.
        yielded.push(if call.wants(at) { call.sliced(x, axis, start, len, 1)? } else { x });
        start += len;
    }
    Ok(yielded)
}

/// `x` broadcast to `shape`.
pub(in super::super) fn expanded(call: &mut Call<'_>, x: NodeId, shape: Vec<usize>) -> Result<Computed, Error> {
    let (from, element) = (call.shape(x), call.element(x));
    if layout::broadcast(&from, &shape).as_ref() != Some(&shape) {
        return Err(call.refuse(format!("cannot expand {from:?} to {shape:?}")));
    }
    // Before the walk: its length is the product of the dimensions.
    call.builder.check_room(&shape)?;
    let walk = layout::broadcast_offsets(&from, &shape);
    call.rearrange(vec![x], shape, element, walk.map(|offset| (0, offset)))
}

/// What is kept of one axis: `len` elements from `start` on, `step` apart, all of which exist.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Cut {
    pub(in super::super) axis: usize,
    pub(in super::super) start: usize,
    pub(in super::super) len: usize,
    pub(in super::super) step: isize,
}

/// The elements of `x` that `cuts` keep, at most one for each axis.
pub(in super::super) fn sliced(call: &mut Call<'_>, x: NodeId, cuts: &[Cut]) -> Result<Computed, Error> {
    let (from, element) = (call.shape(x), call.element(x));
    let strides = layout::strides(&from);
    let mut kept: Vec<Vec<usize>> = from.iter().map(|&dim| (0..dim).collect()).collect();
    for &Cut { axis, start, len, step } in cuts {
        let at = |position: usize| {
            let offset = isize::try_from(position).ok()?.checked_mul(step)?;
            start.checked_add_signed(offset).filter(|&at| from.get(axis).is_some_and(|&dim| at < dim))
        };
        let outside =
            || call.refuse(format!("takes {len} elements from {start} on, {step} apart, of axis {axis} of {from:?}"));
        let positions = match len {
            0 => Some(vec![]),
            // The ends exist, so what lies between them does, and there are no more than the axis has.
            _ if step != 0 && at(0).is_some() && at(len - 1).is_some() => (0..len).map(at).collect(),
            _ => None,
        };
        *kept.get_mut(axis).ok_or_else(outside)? = positions.ok_or_else(outside)?;
    }
    let shape: Vec<usize> = kept.iter().map(Vec::len).collect();
    let offset = |index: usize, axis: usize| kept[axis][index] * strides[axis];
    let own = layout::strides(&shape);
    let len: usize = shape.iter().product();
    let source = |flat: usize| (0..shape.len()).map(|axis| offset(flat / own[axis] % shape[axis], axis)).sum();
    call.rearrange(vec![x], shape.clone(), element, (0..len).map(|flat| (0, source(flat))))
}
