//! Relu, LeakyRelu, Clip, Sigmoid, Tanh, Softmax.

use super::super::call::{Call, Computed};
use super::{Error, Registry};
use crate::float::Op;

pub(super) fn register(registry: &mut Registry) {
    registry.add("Relu", 1, relu);
    registry.add("LeakyRelu", 1, leaky_relu);
    registry.add("Clip", 3, clip);
    registry.add("Sigmoid", 1, |call| float_unary(call, Op::Sigmoid));
    registry.add("Tanh", 1, |call| float_unary(call, Op::Tanh));
    registry.add("Softmax", 1, softmax);
}

fn elementwise(call: &Call<'_>, op: Op) -> Result<Computed, Error> {
    let x = call.operand(0, "X")?;
    Ok(Computed { op, inputs: vec![x], shape: call.shape(x), element: call.element(x) })
}

fn float_unary(call: &mut Call<'_>, op: Op) -> Result<Computed, Error> {
    call.require_float(call.operand(0, "X")?, "X")?;
    elementwise(call, op)
}

/// Of integers too, from operator set 14.
fn relu(call: &mut Call<'_>) -> Result<Computed, Error> {
    call.require_number(call.operand(0, "X")?, "X")?;
    elementwise(call, Op::Relu)
}

fn leaky_relu(call: &mut Call<'_>) -> Result<Computed, Error> {
    // The specification's default is the single-precision 0.01.
    let alpha = call.attributes.float("alpha")?.unwrap_or(f64::from(0.01f32));
    float_unary(call, Op::LeakyRelu { alpha })
}

/// Bounds are attributes before operator set 11, then operands. The greatest finite numbers, ONNX's old defaults, do
/// not bind.
fn clip(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "input")?;
    call.require_number(x, "input")?;
    let (min, max) = if call.opset < 11 {
        if call.operand_count() > 1 {
            return Err(call.refuse("bounds are operands only from operator set 11"));
        }
        (call.attributes.float("min")?, call.attributes.float("max")?)
    } else {
        (bound(call, 1, "min")?, bound(call, 2, "max")?)
    };
    let greatest = |bound: f64| bound == f64::from(f32::MAX) || bound == f64::MAX;
    let (min, max) = (min.filter(|&min| !greatest(-min)), max.filter(|&max| !greatest(max)));
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        return Err(call.refuse(format!("clips to [{low}, {high}], which is empty")));
    }
    elementwise(call, Op::Clip { min, max })
}

fn bound(call: &Call<'_>, at: usize, role: &str) -> Result<Option<f64>, Error> {
    let Some(id) = call.optional(at) else { return Ok(None) };
    call.require_same_type(call.operand(0, "input")?, id)?;
    match call.constant(id) {
        Some(&[value]) => Ok(Some(value)),
        Some(values) => Err(call.refuse(format!("operand `{role}` has {} elements, expected 1", values.len()))),
        None => Err(call.refuse(format!("operand `{role}` is computed from the inputs; bounds must be constants"))),
    }
}

/// Along one axis from operator set 13; before, over all axes from `axis` on together.
fn softmax(call: &mut Call<'_>) -> Result<Computed, Error> {
    let x = call.operand(0, "input")?;
    call.require_float(x, "input")?;
    let (shape, element) = (call.shape(x), call.element(x));
    let default = if call.opset < 13 { 1 } else { -1 };
    let axis = call.attributes.int("axis")?.unwrap_or(default);
    let axis = call.axis(axis, shape.len())?;
    let along_last = shape[axis + 1..].iter().all(|&dim| dim == 1);
    if call.opset >= 13 || along_last {
        return Ok(Computed { op: Op::Softmax { axis }, inputs: vec![x], shape, element });
    }
    let (outer, inner) = shape.split_at(axis);
    let matrix = vec![outer.iter().product(), inner.iter().product()];
    let flat = call.copy(x, matrix.clone())?;
    let flat = call.part("flat", flat)?;
    let soft =
        call.part("softmax", Computed { op: Op::Softmax { axis: 1 }, inputs: vec![flat], shape: matrix, element })?;
    call.copy(soft, shape)
}
