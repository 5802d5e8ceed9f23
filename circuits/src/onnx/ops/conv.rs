//! Conv and ConvTranspose, along one to three axes.

use super::super::call::{Call, Computed};
use super::window::{Ends, Sliding, counts};
use super::{Error, Registry};
use crate::float::{NodeId, Op, Window, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Conv", 3, conv);
    registry.compose("ConvTranspose", 3, conv_transpose);
}

fn groups(call: &mut Call<'_>) -> Result<usize, Error> {
    let groups = call.attributes.int("group")?.unwrap_or(1);
    match u32::try_from(groups) {
        Ok(groups) if groups > 0 => Ok(groups as usize),
        _ => Err(call.attributes.refuse("group", format!("is {groups}, expected at least 1"))),
    }
}

fn operands(call: &Call<'_>) -> Result<(NodeId, NodeId), Error> {
    let (x, kernel) = (call.operand(0, "X")?, call.operand(1, "W")?);
    call.require_float(x, "X")?;
    call.require_same_type(x, kernel)?;
    let (of_x, of_kernel) = (call.shape(x), call.shape(kernel));
    match of_x.len() {
        3..=5 if of_kernel.len() == of_x.len() && !of_kernel.contains(&0) => Ok((x, kernel)),
        _ => Err(call.refuse(format!(
            "has X of shape {of_x:?} and W of shape {of_kernel:?}, expected one rank, 3 to 5, and no dimension of 0"
        ))),
    }
}

fn conv(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, kernel) = operands(call)?;
    let taps = call.shape(kernel)[2..].to_vec();
    let sliding = Sliding::read(call, x, Some(&taps))?;
    let groups = groups(call)?;
    let positions = sliding.positions(call, Ends::Floor)?;
    let pads = sliding.pads().into_iter().map(<[usize; 2]>::from).collect();
    let window = Window { strides: sliding.strides, pads, dilations: sliding.dilations, groups };
    convolved(call, x, kernel, window, positions)
}

/// The convolution, and the bias, operand 2.
fn convolved(
    call: &mut Call<'_>,
    x: NodeId,
    kernel: NodeId,
    window: Window,
    positions: Vec<usize>,
) -> Result<NodeId, Error> {
    let (outputs, element) = (call.shape(kernel)[0], call.element(x));
    let axes = positions.len();
    let shape = [vec![call.shape(x)[0], outputs], positions].concat();
    let y = call.part("Conv", Computed { op: Op::Conv { window }, inputs: vec![x, kernel], shape, element })?;
    let Some(bias) = call.optional(2) else { return Ok(y) };
    if call.shape(bias) != [outputs] {
        return Err(call.refuse(format!("operand `B` has shape {:?}, expected [{outputs}]", call.shape(bias))));
    }
    let bias = call.reshaped(bias, [vec![outputs], vec![1; axes]].concat())?;
    call.binary(Op::Add, y, bias)
}

/// A convolution of the input with zeros between its elements, by the kernel backwards.
fn conv_transpose(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, kernel) = operands(call)?;
    let of_kernel = call.shape(kernel);
    let sliding = Sliding::read(call, x, Some(&of_kernel[2..]))?;
    let groups = groups(call)?;
    let axes = sliding.lengths.len();
    let output_padding = counts(call, "output_padding", axes)?;
    let pads = transposed_pads(call, &sliding, &output_padding)?;
    let channels = call.shape(x)[1];
    if !channels.is_multiple_of(groups) || of_kernel[0] != channels {
        return Err(call.refuse(format!(
            "has {channels} channels in {groups} groups and W of shape {of_kernel:?}, expected [{channels}, ..]"
        )));
    }
    let kernel = backwards(call, kernel, groups)?;
    let mut stuffed = vec![];
    let mut window = Window { strides: vec![1; axes], pads: vec![], dilations: sliding.dilations.clone(), groups };
    let mut positions = vec![];
    for axis in 0..axes {
        let reach = sliding.reach(axis) as i64 - 1;
        let (low, high) = (reach - pads[axis].0, reach - pads[axis].1 + output_padding[axis] as i64);
        let full = (sliding.lengths[axis] as i64 - 1).saturating_mul(sliding.strides[axis] as i64).saturating_add(1);
        // Padding that is negative takes elements away.
        let (start, end) = ((-low).max(0), full.saturating_sub((-high).max(0)));
        let count = full.saturating_add(low).saturating_add(high).saturating_sub(reach);
        if count < 1 || end <= start {
            return Err(call.refuse(format!("has no output along axis {}", axis + 2)));
        }
        // Not negative: checked or clamped just now.
        positions.push(count as usize);
        window.pads.push([low.max(0) as usize, high.max(0) as usize]);
        stuffed.push((start as usize, (end - start) as usize));
    }
    let x = zero_stuffed(call, x, &sliding, &stuffed)?;
    convolved(call, x, kernel, window, positions)
}

/// What is cut off the full output before and after each axis; a negative number is added.
fn transposed_pads(call: &mut Call<'_>, sliding: &Sliding, more: &[usize]) -> Result<Vec<(i64, i64)>, Error> {
    use super::window::Padding;
    let output_shape = call.attributes.ints("output_shape")?.map(<[i64]>::to_vec);
    let axes = sliding.lengths.len();
    let natural = |axis: usize| {
        // All of them below 2^32 but the length of the input, which is within the limit on elements.
        let steps = (sliding.lengths[axis] as i64 - 1).saturating_mul(sliding.strides[axis] as i64);
        steps.saturating_add(sliding.reach(axis) as i64).saturating_add(more[axis] as i64)
    };
    let wanted: Vec<i64> = match (output_shape, &sliding.padding) {
        (None, Padding::Given(pads)) => {
            return Ok(pads.iter().map(|&(before, after)| (before as i64, after as i64)).collect());
        }
        (Some(shape), _) if shape.len() == axes && shape.iter().all(|dim| (1..1 << 32).contains(dim)) => shape,
        (Some(shape), _) if shape.len() == axes + 2 && shape[2..].iter().all(|dim| (1..1 << 32).contains(dim)) => {
            shape[2..].to_vec()
        }
        (Some(shape), _) => {
            return Err(call.attributes.refuse("output_shape", format!("is {shape:?}, expected {axes} dimensions")));
        }
        (None, _) => {
            (0..axes).map(|axis| (sliding.lengths[axis] as i64).saturating_mul(sliding.strides[axis] as i64)).collect()
        }
    };
    let split = |(axis, wanted): (usize, i64)| match (natural(axis) - wanted, &sliding.padding) {
        (total @ ..0, _) => (0, total),
        (total, Padding::SameUpper) => (total / 2, total - total / 2),
        (total, _) => (total - total / 2, total / 2),
    };
    Ok(wanted.into_iter().enumerate().map(split).collect())
}

/// `[C, M / groups, ..]` to `[M, C / groups, ..]`, taps from last to first.
fn backwards(call: &mut Call<'_>, kernel: NodeId, groups: usize) -> Result<NodeId, Error> {
    let from = call.shape(kernel);
    let (channels, outputs) = (from[0] / groups, from[1]);
    let taps: usize = from[2..].iter().product();
    let to = [&[outputs * groups, channels], &from[2..]].concat();
    let source = |flat: usize| {
        let (output, channel, tap) = (flat / (channels * taps), flat / taps % channels, flat % taps);
        let row = output / outputs * channels + channel;
        (row * outputs + output % outputs) * taps + (taps - 1 - tap)
    };
    let elements = (0..channels * groups * outputs * taps).map(source).collect();
    call.picked("kernel", kernel, to, elements)
}

/// `x` with `stride - 1` zeros between neighbours; of each axis the elements `(start, len)` of that.
fn zero_stuffed(call: &mut Call<'_>, x: NodeId, sliding: &Sliding, kept: &[(usize, usize)]) -> Result<NodeId, Error> {
    let (from, element) = (call.shape(x), call.element(x));
    let shape: Vec<usize> = from[..2].iter().copied().chain(kept.iter().map(|&(_, len)| len)).collect();
    if shape == from {
        return Ok(x);
    }
    call.builder.check_room(&shape)?;
    let zero = call.scalar("zero", 0.0, element)?;
    let own = layout::strides(&shape);
    let source = |flat: usize| {
        let mut at = flat / own[1];
        for (axis, &(start, len)) in kept.iter().enumerate() {
            let place = flat / own[axis + 2] % len + start;
            if !place.is_multiple_of(sliding.strides[axis]) {
                return (1, 0);
            }
            at = at * sliding.lengths[axis] + place / sliding.strides[axis];
        }
        (0, at)
    };
    let sources: Vec<_> = (0..shape.iter().product()).map(source).collect();
    let moved = call.rearrange(vec![x, zero], shape, element, sources.into_iter())?;
    call.part("stuffed", moved)
}
