//! Operators that move data, beside those of `movement`: Tile, Pad, Trilu, DepthToSpace, SpaceToDepth, ReverseSequence; and what is
//! made of places: OneHot, EyeLike, NonZero and Compress.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::super::tensor;
use super::{Error, Registry};
use crate::float::{ElementType, NodeId, Op, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Tile", 2, tile);
    registry.compose("Pad", 4, pad);
    registry.compose("Trilu", 2, trilu);
    registry.compose("DepthToSpace", 1, depth_to_space);
    registry.compose("SpaceToDepth", 1, space_to_depth);
    registry.compose("ReverseSequence", 2, reverse_sequence);
    registry.compose("OneHot", 3, one_hot);
    registry.compose("EyeLike", 1, eye_like);
    registry.compose("NonZero", 1, non_zero);
    registry.compose("Compress", 2, compress);
}

impl Call<'_> {
    /// A tensor of `shape` whose elements are those of `x`, or of the scalar `other`: `source` says which of `x`, by its
    /// index along each axis; `None` is `other`.
    pub(super) fn gathered(
        &mut self,
        x: NodeId,
        other: Option<NodeId>,
        shape: Vec<usize>,
        source: impl Fn(&[usize]) -> Option<usize>,
    ) -> Result<NodeId, Error> {
        // Before they are collected.
        self.builder.check_room(&shape)?;
        let (own, element) = (layout::strides(&shape), self.element(x));
        let mut index = vec![0; shape.len()];
        let mut sources = Vec::with_capacity(shape.iter().product());
        for flat in 0..shape.iter().product() {
            index.iter_mut().enumerate().for_each(|(axis, at)| *at = flat / own[axis] % shape[axis]);
            sources.push(source(&index).map_or((1, 0), |at| (0, at)));
        }
        let inputs = std::iter::once(x).chain(other).collect();
        let moved = self.rearrange(inputs, shape, element, sources.into_iter())?;
        self.part("moved", moved)
    }

    /// The only value of a constant of one element.
    pub(super) fn only_int(&self, id: NodeId, role: &str) -> Result<i64, Error> {
        match self.constant_ints(id, role)?[..] {
            [value] => Ok(value),
            ref values => Err(self.refuse(format!("operand `{role}` has {} elements, expected 1", values.len()))),
        }
    }
}

fn flat(index: impl Iterator<Item = usize>, strides: &[usize]) -> usize {
    index.zip(strides).map(|(at, stride)| at * stride).sum()
}

fn tile(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, repeats) = (call.operand(0, "input")?, call.operand(1, "repeats")?);
    let from = call.shape(x);
    let repeats = call.constant_ints(repeats, "repeats")?;
    let shape: Option<Vec<usize>> = match repeats.len() == from.len() {
        true => from.iter().zip(&repeats).map(|(dim, &count)| dim.checked_mul(usize::try_from(count).ok()?)).collect(),
        false => None,
    };
    let shape = shape.ok_or_else(|| call.refuse(format!("repeats {from:?} by {repeats:?}")))?;
    let strides = layout::strides(&from);
    call.gathered(x, None, shape, |index| Some(flat(index.iter().zip(&from).map(|(at, dim)| at % dim), &strides)))
}

/// How what is padded is filled.
#[derive(Clone, Copy)]
enum Fill {
    Constant,
    /// Mirrored at the last element, which is not repeated.
    Reflect,
    /// The last element.
    Edge,
    /// From the other end.
    Wrap,
}

/// Negative pads take elements away.
fn pad(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "data")?;
    let from = call.shape(x);
    let rank = from.len();
    let fill = match call.attributes.string("mode")? {
        None | Some("constant") => Fill::Constant,
        Some("reflect") => Fill::Reflect,
        Some("edge") => Fill::Edge,
        Some("wrap") if call.opset >= 19 => Fill::Wrap,
        Some(_) => return Err(call.attributes.refuse("mode", "is none of constant, reflect, edge and wrap (from 19)")),
    };
    let element = call.element(x);
    let (pads, value, axes) = if call.opset < 11 {
        if call.operand_count() > 1 {
            return Err(call.refuse("`pads` is an operand only from operator set 11"));
        }
        let pads = call.attributes.ints("pads")?.map(<[i64]>::to_vec);
        let pads = pads.ok_or_else(|| call.attributes.refuse("pads", "is missing"))?;
        let value = call.attributes.float("value")?.unwrap_or(0.0);
        (pads, call.scalar("value", value, element)?, None)
    } else {
        let pads = call.constant_ints(call.operand(1, "pads")?, "pads")?;
        let value = match call.optional(2) {
            Some(value) if call.shape(value).iter().product::<usize>() == 1 => {
                call.require_same_type(x, value)?;
                value
            }
            Some(_) => return Err(call.refuse("operand `constant_value` has more than one element")),
            None => call.scalar("value", 0.0, element)?,
        };
        (pads, value, call.ints_operand(3, "axes")?)
    };
    let axes = match axes {
        None => (0..rank).collect(),
        // In their own order, which is that of the pads.
        Some(axes) => {
            call.axes(&axes, rank)?;
            axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?
        }
    };
    if pads.len() != 2 * axes.len() {
        return Err(call.refuse(format!("has {} pads for {} axes", pads.len(), axes.len())));
    }
    let (mut shape, mut before) = (from.clone(), vec![0i64; rank]);
    for (at, &axis) in axes.iter().enumerate() {
        let (low, high) = (pads[at], pads[axes.len() + at]);
        before[axis] = low;
        let dim = (from[axis] as i64).checked_add(low).and_then(|dim| dim.checked_add(high));
        let dim = dim.and_then(|dim| usize::try_from(dim).ok());
        shape[axis] = dim.ok_or_else(|| call.refuse(format!("pads axis {axis} of {from:?} by {low} and {high}")))?;
        if from[axis] == 0 {
            return Err(call.refuse(format!("pads axis {axis} of {from:?}")));
        }
    }
    let strides = layout::strides(&from);
    call.gathered(x, Some(value), shape, |index| {
        let mut source = 0;
        for axis in 0..rank {
            // Both are within the limit on elements, so that nothing overflows.
            let (at, len) = (index[axis] as i64 - before[axis], from[axis] as i64);
            let at = match fill {
                _ if (0..len).contains(&at) => at,
                Fill::Constant => return None,
                Fill::Edge => at.clamp(0, len - 1),
                Fill::Wrap => at.rem_euclid(len),
                Fill::Reflect => {
                    let period = (2 * (len - 1)).max(1);
                    let at = at.rem_euclid(period);
                    at.min(period - at).clamp(0, len - 1)
                }
            };
            source += at as usize * strides[axis];
        }
        Some(source)
    })
}

/// Keeps what stands on or above the diagonal `k`, or on or below it.
fn trilu(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "input")?;
    let shape = call.shape(x);
    let upper = call.attributes.flag("upper", Flag::Yes)? == Flag::Yes;
    let k = match call.optional(1) {
        None => 0,
        Some(id) => call.only_int(id, "k")?,
    };
    let rank = shape.len();
    if rank < 2 {
        return Err(call.refuse(format!("takes matrices, not a tensor of shape {shape:?}")));
    }
    let zero = call.scalar("zero", 0.0, call.element(x))?;
    let strides = layout::strides(&shape);
    call.gathered(x, Some(zero), shape, |index| {
        let (row, column) = (index[rank - 2] as i64, index[rank - 1] as i64);
        let kept = if upper { column - row >= k } else { column - row <= k };
        kept.then(|| flat(index.iter().copied(), &strides))
    })
}

/// `[N, C, H, W]` and the size of a block.
fn blocks(call: &mut Call<'_>) -> Result<(NodeId, [usize; 4], usize), Error> {
    let x = call.operand(0, "input")?;
    let size = call.attributes.int("blocksize")?.and_then(|size| u16::try_from(size).ok()).filter(|&size| size > 0);
    let size = size.ok_or_else(|| call.attributes.refuse("blocksize", "is missing, or not in 1 to 65535"))?;
    match call.shape(x)[..] {
        [n, c, h, w] => Ok((x, [n, c, h, w], size.into())),
        ref shape => Err(call.refuse(format!("takes [N, C, H, W], not a tensor of shape {shape:?}"))),
    }
}

fn depth_to_space(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, [n, c, h, w], size) = blocks(call)?;
    let columns_first = match call.attributes.string("mode")? {
        None | Some("DCR") => false,
        Some("CRD") if call.opset >= 11 => true,
        Some(_) => return Err(call.attributes.refuse("mode", "is neither DCR nor CRD (from 11)")),
    };
    if !c.is_multiple_of(size * size) {
        return Err(call.refuse(format!("makes blocks of {size} by {size} of {c} channels")));
    }
    let left = c / (size * size);
    let (apart, order) = match columns_first {
        false => (vec![n, size, size, left, h, w], [0, 3, 4, 1, 5, 2]),
        true => (vec![n, left, size, size, h, w], [0, 1, 4, 2, 5, 3]),
    };
    let apart = call.reshaped(x, apart)?;
    let turned = call.transposed(apart, &order)?;
    call.reshaped(turned, vec![n, left, h * size, w * size])
}

fn space_to_depth(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, [n, c, h, w], size) = blocks(call)?;
    if !h.is_multiple_of(size) || !w.is_multiple_of(size) {
        return Err(call.refuse(format!("makes blocks of {size} by {size} of {h} by {w} elements")));
    }
    let (rows, columns) = (h / size, w / size);
    let apart = call.reshaped(x, vec![n, c, rows, size, columns, size])?;
    let turned = call.transposed(apart, &[0, 3, 5, 1, 2, 4])?;
    call.reshaped(turned, vec![n, size * size * c, rows, columns])
}

/// The first elements of each sequence backwards, as many as constant lengths say.
fn reverse_sequence(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "input")?;
    let lengths = call.constant_ints(call.operand(1, "sequence_lens")?, "sequence_lens")?;
    let batch = call.attributes.int("batch_axis")?.unwrap_or(1);
    let time = call.attributes.int("time_axis")?.unwrap_or(0);
    let shape = call.shape(x);
    let (batch, time) = (call.axis(batch, shape.len())?, call.axis(time, shape.len())?);
    let fits = lengths.iter().all(|&len| usize::try_from(len).is_ok_and(|len| len <= shape[time]));
    if lengths.len() != shape[batch] || !fits || batch == time {
        return Err(call.refuse(format!("has lengths {lengths:?} for a tensor of shape {shape:?}")));
    }
    let strides = layout::strides(&shape);
    call.gathered(x, None, shape, |index| {
        let (at, len) = (index[time], lengths[index[batch]] as usize);
        let from = if at < len { len - 1 - at } else { at };
        Some(flat(index.iter().enumerate().map(|(axis, &at)| if axis == time { from } else { at }), &strides))
    })
}

/// `on` at the index, `off` elsewhere, and throughout for an index beyond the depth.
fn one_hot(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (indices, values) = (call.operand(0, "indices")?, call.operand(2, "values")?);
    let depth = call.operand(1, "depth")?;
    call.require_number(indices, "indices")?;
    let depth = match call.constant_values(depth, "depth")? {
        &[depth] if depth >= 1.0 && depth <= f64::from(u32::MAX) => depth.trunc(),
        other => return Err(call.refuse(format!("operand `depth` is {other:?}, expected one positive integer"))),
    };
    let shape = call.shape(indices);
    let axis = call.attributes.int("axis")?.unwrap_or(-1);
    let axis = call.axis(axis, shape.len() + 1)?;
    if call.shape(values) != [2] {
        return Err(call.refuse(format!("operand `values` has shape {:?}, expected [2]", call.shape(values))));
    }
    let whole = match call.builder.is_integral(indices) {
        true => indices,
        false => call.unary(Op::Round { rounding: crate::float::Rounding::Truncate }, indices)?,
    };
    let whole = call.retyped(whole, ElementType::I64)?;
    // Negative indices count from the end.
    let zero = call.scalar("zero", 0.0, ElementType::I64)?;
    let negative = call.less(whole, zero)?;
    let negative = call.retyped(negative, ElementType::I64)?;
    let turn = call.with_scalar(Op::Mul, negative, depth)?;
    let places = call.binary(Op::Add, whole, turn)?;
    let mut widened = shape;
    widened.insert(axis, 1);
    let (mut along, rank) = (vec![1; widened.len()], widened.len());
    debug_assert!(axis < rank);
    along[axis] = depth as usize;
    call.builder.check_room(&along)?;
    let numbers = (0..depth as usize).map(|at| at as f64).collect();
    let numbers = call.constant_tensor("places", along, numbers, ElementType::I64)?;
    let places = call.reshaped(places, widened)?;
    let hot = call.equal(places, numbers)?;
    let element = call.element(values);
    let (off, on) = (call.sliced(values, 0, 0, 1, 1)?, call.sliced(values, 0, 1, 1, 1)?);
    let (off, on) = (call.reshaped(off, vec![])?, call.reshaped(on, vec![])?);
    if element == ElementType::Bool {
        return call.elementwise(Op::Where, &[hot, on, off], element);
    }
    let hot = call.retyped(hot, element)?;
    let step = call.binary(Op::Sub, on, off)?;
    let raised = call.binary(Op::Mul, hot, step)?;
    call.binary(Op::Add, raised, off)
}

fn eye_like(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "input")?;
    let k = call.attributes.int("k")?.unwrap_or(0);
    let element = match call.attributes.int("dtype")? {
        None => call.element(x),
        Some(to) => {
            let number = i32::try_from(to).map_err(|_| format!("ONNX has no element type {to}"));
            number.and_then(tensor::element_type).map_err(|reason| call.attributes.refuse("dtype", reason))?
        }
    };
    let shape = call.shape(x);
    let [rows, columns] = shape[..] else {
        return Err(call.refuse(format!("takes a matrix, not a tensor of shape {shape:?}")));
    };
    call.builder.check_room(&shape)?;
    let one = |at: usize| (at % columns) as i64 - (at / columns) as i64 == k;
    let values = (0..rows * columns).map(|at| f64::from(u8::from(one(at)))).collect();
    call.constant_tensor("eye", shape, values, element)
}

/// Where a constant is not 0: `[rank, count]`.
fn non_zero(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    let shape = call.shape(x);
    let Some(values) = call.constant(x) else {
        return Err(call.refuse(
            "yields as many elements as the data has that are not 0, and a circuit's shapes are fixed: multiply by a mask, or do it \
             after the model",
        ));
    };
    let found: Vec<usize> = values.iter().enumerate().filter(|(_, value)| **value != 0.0).map(|(at, _)| at).collect();
    let strides = layout::strides(&shape);
    let places = (0..shape.len()).flat_map(|axis| found.iter().map(move |at| (at, axis)));
    let places = places.map(|(at, axis)| (at / strides[axis] % shape[axis]) as f64).collect();
    call.constant_tensor("places", vec![shape.len(), found.len()], places, ElementType::I64)
}

/// What a constant condition keeps.
fn compress(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, condition) = (call.operand(0, "input")?, call.operand(1, "condition")?);
    let Some(kept) = call.constant(condition) else {
        return Err(call.refuse(
            "keeps as many elements as a computed condition says, and a circuit's shapes are fixed: multiply by a mask, or do it after \
             the model",
        ));
    };
    let kept: Vec<usize> = kept.iter().enumerate().filter(|(_, value)| **value != 0.0).map(|(at, _)| at).collect();
    let (x, axis) = match call.attributes.int("axis")? {
        Some(axis) => (x, call.axis(axis, call.shape(x).len())?),
        None => (call.reshaped(x, vec![call.shape(x).iter().product()])?, 0),
    };
    let from = call.shape(x);
    if kept.last().is_some_and(|&last| last >= from[axis]) {
        return Err(call.refuse(format!("has a condition that is longer than axis {axis} of {from:?}")));
    }
    let mut shape = from.clone();
    shape[axis] = kept.len();
    let strides = layout::strides(&from);
    call.gathered(x, None, shape, |index| {
        Some(flat(index.iter().enumerate().map(|(at, &place)| if at == axis { kept[place] } else { place }), &strides))
    })
}
