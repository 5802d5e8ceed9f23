//! ReduceMean, ReduceSum, ArgMax.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::{Error, Registry};
use crate::float::{ElementType, Op, Ties, reduced};

pub(super) fn register(registry: &mut Registry) {
    registry.add("ReduceMean", 2, |call| {
        // The mean of integers is truncated in ONNX, which no real-valued mean is.
        call.require_float(call.operand(0, "data")?, "data")?;
        reduce(call, 18, |axes| Op::ReduceMean { axes })
    });
    registry.add("ReduceSum", 2, |call| reduce(call, 13, |axes| Op::ReduceSum { axes }));
    registry.add("ArgMax", 1, argmax);
}

/// `axes` is an attribute before operator set `operand_since`, then an operand. None means all, or none at all if
/// `noop_with_empty_axes` is set.
fn reduce(call: &mut Call<'_>, operand_since: i64, op: fn(Vec<usize>) -> Op) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    call.require_number(x, "data")?;
    let (shape, element) = (call.shape(x), call.element(x));
    let keepdims = call.attributes.flag("keepdims", Flag::Yes)?;
    let (axes, empty_is_noop) = if call.opset < operand_since {
        if call.operand_count() > 1 {
            return Err(call.refuse(format!("`axes` is an operand only from operator set {operand_since}")));
        }
        (call.attributes.ints("axes")?.unwrap_or_default().to_vec(), Flag::No)
    } else {
        let axes = call.optional(1).map(|id| call.constant_ints(id, "axes")).transpose()?;
        (axes.unwrap_or_default(), call.attributes.flag("noop_with_empty_axes", Flag::No)?)
    };
    let axes = match axes.as_slice() {
        [] if empty_is_noop == Flag::Yes => vec![],
        [] => (0..shape.len()).collect(),
        axes => call.axes(axes, shape.len())?,
    };
    if axes.is_empty() {
        // Nothing is reduced: asked for so, or a scalar.
        return call.copy(x, shape);
    }
    let left = left_over(call, &shape, &axes, keepdims)?;
    Ok(Computed { op: op(axes), inputs: vec![x], shape: left, element })
}

fn left_over(call: &Call<'_>, shape: &[usize], axes: &[usize], keepdims: Flag) -> Result<Vec<usize>, Error> {
    let dropped = reduced(shape, axes).map_err(|reason| call.refuse(reason))?;
    Ok(match keepdims {
        Flag::No => dropped,
        Flag::Yes => shape.iter().enumerate().map(|(axis, &dim)| if axes.contains(&axis) { 1 } else { dim }).collect(),
    })
}

/// `select_last_index` stands there from operator set 12; before, ties go to the first.
fn argmax(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    call.require_number(x, "data")?;
    let shape = call.shape(x);
    let axis = call.attributes.int("axis")?.unwrap_or(0);
    let axis = call.axis(axis, shape.len())?;
    let keepdims = call.attributes.flag("keepdims", Flag::Yes)?;
    let last = if call.opset < 12 { Flag::No } else { call.attributes.flag("select_last_index", Flag::No)? };
    let ties = if last == Flag::Yes { Ties::Last } else { Ties::First };
    let left = left_over(call, &shape, &[axis], keepdims)?;
    Ok(Computed { op: Op::ArgMax { axis, ties }, inputs: vec![x], shape: left, element: ElementType::I64 })
}
