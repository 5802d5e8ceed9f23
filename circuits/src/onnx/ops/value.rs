//! Constants and types: Constant, ConstantOfShape, Range, Shape, Size, Cast, CastLike, and Dropout, which does nothing
//! at inference.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::domain::Domain;
use super::super::tensor;
use super::{Error, Import, Registry};
use crate::float::{ElementType, NodeId, Op, Rounding, Tensor, Values};

pub(super) fn register(registry: &mut Registry) {
    registry.add_in(Domain::Onnx, "Constant", 0, Import::Composed(constant));
    registry.add("ConstantOfShape", 1, constant_of_shape);
    registry.add("Range", 3, range);
    registry.add("Shape", 1, shape);
    registry.add("Size", 1, |call| {
        let len = call.shape(call.operand(0, "data")?).iter().product::<usize>();
        fixed_ints(vec![], &[len])
    });
    registry.compose("Cast", 1, cast);
    registry.compose("CastLike", 2, cast_like);
    registry.add_in(Domain::Onnx, "Dropout", 3, Import::Several(dropout));
}

/// A tensor, or from operator set 12 also numbers.
fn constant(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let mut found = vec![];
    if let Some(proto) = call.attributes.tensor("value")? {
        let what = format!("the value of {}", call.label());
        found.push(tensor::read_constant(proto, &what, call.builder.max_elements())?);
    }
    if call.opset >= 12 {
        if let Some(value) = call.attributes.float("value_float")? {
            found.push((ElementType::F32, Tensor { shape: vec![], values: Values::Float(vec![value]) }));
        }
        if let Some(values) = call.attributes.floats("value_floats")? {
            found.push((ElementType::F32, Tensor { shape: vec![values.len()], values: Values::Float(values) }));
        }
        if let Some(value) = call.attributes.int("value_int")? {
            found.push((ElementType::I64, Tensor { shape: vec![], values: Values::Int(vec![value]) }));
        }
        if let Some(values) = call.attributes.ints("value_ints")? {
            let values = values.to_vec();
            found.push((ElementType::I64, Tensor { shape: vec![values.len()], values: Values::Int(values) }));
        }
    }
    match (found.pop(), found.pop()) {
        (Some((element, stored)), None) => call.stored("value", element, stored),
        (None, _) => Err(call.refuse("has no value (value_string, value_strings and sparse_value are not supported)")),
        (Some(_), Some(_)) => Err(call.refuse("has more than one value")),
    }
}

/// One value throughout, of a shape that is constant.
fn constant_of_shape(call: &mut Call<'_>) -> Result<Computed, Error> {
    let shape = call.constant_ints(call.operand(0, "input")?, "input")?;
    let shape = shape.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| call.refuse("is to make a tensor with a negative dimension"))?;
    let (element, value) = match call.attributes.tensor("value")? {
        None => (ElementType::F32, 0.0),
        Some(proto) => {
            let what = format!("the value of {}", call.label());
            let (element, tensor) = tensor::read_constant(proto, &what, call.builder.max_elements())?;
            match tensor::exact(tensor.values, &what)?[..] {
                [value] => (element, value),
                ref values => {
                    return Err(call.attributes.refuse("value", format!("has {} elements, expected 1", values.len())));
                }
            }
        }
    };
    // Before it is allocated.
    call.builder.check_room(&shape)?;
    let values = vec![value; shape.iter().product()];
    Ok(Computed { op: Op::Constant { values }, inputs: vec![], shape, element })
}

/// `start, start + delta, ..`, before `limit`.
fn range(call: &mut Call<'_>) -> Result<Computed, Error> {
    let mut bounds = [0.0; 3];
    let first = call.operand(0, "start")?;
    for (at, role) in ["start", "limit", "delta"].into_iter().enumerate() {
        let id = call.operand(at, role)?;
        call.require_same_type(first, id)?;
        call.require_number(id, role)?;
        match call.constant_values(id, role)? {
            &[value] => bounds[at] = value,
            values => return Err(call.refuse(format!("operand `{role}` has {} elements, expected 1", values.len()))),
        }
    }
    let [start, limit, delta] = bounds;
    if delta == 0.0 {
        return Err(call.refuse("has steps of 0"));
    }
    let element = call.element(first);
    let len = match element.is_integer() {
        // Exact: integers below 2^53.
        true => {
            let [start, limit, delta] = bounds.map(|bound| bound as i64);
            let span = if delta > 0 { limit - start } else { start - limit };
            span.max(0).unsigned_abs().div_ceil(delta.unsigned_abs()) as usize
        }
        false => ((limit - start) / delta).ceil().max(0.0) as usize,
    };
    call.builder.check_room(&[len])?;
    let values = (0..len).map(|at| start + at as f64 * delta).collect();
    Ok(Computed { op: Op::Constant { values }, inputs: vec![], shape: vec![len], element })
}

/// Dimensions as a constant of integers: they are within the limit on elements.
fn fixed_ints(shape: Vec<usize>, dims: &[usize]) -> Result<Computed, Error> {
    let values = dims.iter().map(|&dim| dim as f64).collect();
    Ok(Computed { op: Op::Constant { values }, inputs: vec![], shape, element: ElementType::I64 })
}

/// All dimensions, or from operator set 15 those from `start` to before `end`.
fn shape(call: &mut Call<'_>) -> Result<Computed, Error> {
    let shape = call.shape(call.operand(0, "data")?);
    let (mut from, mut to) = (0, shape.len());
    if call.opset >= 15 {
        // Beyond either end they are drawn to it.
        let rank = shape.len() as i64;
        let resolve = |axis: i64| if axis < 0 { axis.saturating_add(rank) } else { axis }.clamp(0, rank) as usize;
        from = call.attributes.int("start")?.map_or(from, resolve);
        to = call.attributes.int("end")?.map_or(to, resolve);
    }
    let dims = shape.get(from..to).unwrap_or_default();
    fixed_ints(vec![dims.len()], dims)
}

fn cast(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let to = call.attributes.int("to")?.ok_or_else(|| call.attributes.refuse("to", "is missing"))?;
    let number = i32::try_from(to).map_err(|_| format!("ONNX has no element type {to}"));
    let to = number.and_then(tensor::element_type).map_err(|reason| call.attributes.refuse("to", reason))?;
    cast_to(call, to)
}

/// To the type of another tensor, whatever that holds.
fn cast_like(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let to = call.element(call.operand(1, "target_type")?);
    cast_to(call, to)
}

/// Floats lose their fractions on the way to integers, and are compared with 0 on the way to booleans. Everything else keeps its
/// values: it is data movement then. A rounding of single or half precision is not modelled.
fn cast_to(call: &mut Call<'_>, to: ElementType) -> Result<NodeId, Error> {
    let x = call.operand(0, "input")?;
    let from = call.element(x);
    // Of 8-bit floats only, which are not supported.
    if call.opset >= 19 {
        call.attributes.flag("saturate", Flag::Yes)?;
    }
    if call.opset >= 24 {
        call.attributes.string("round_mode")?;
    }
    if to == ElementType::Bool && from != ElementType::Bool {
        let zero = call.scalar("zero", 0.0, from)?;
        let is_zero = call.equal(x, zero)?;
        return call.not(is_zero);
    }
    if from.is_float() && to.is_integer() && !call.builder.is_integral(x) {
        let whole = call.unary(Op::Round { rounding: Rounding::Truncate }, x)?;
        return held(call, whole, to);
    }
    held(call, x, to)
}

/// `x` in the type `to`. Of a type that holds less than `x` may be, a bound that does not bind: a node that computes in that type, of which
/// it is proven that it does not wrap around.
fn held(call: &mut Call<'_>, x: NodeId, to: ElementType) -> Result<NodeId, Error> {
    let from = call.element(x);
    let y = call.retyped(x, to)?;
    match call.constant(y).is_none() && to.is_integer() && wraps(from, to) {
        true => call.unary(Op::Clip { min: None, max: None }, y),
        false => Ok(y),
    }
}

/// Whether integers of `from` that are not rare are others in `to`. 32 bits are taken for enough: what is computed here
/// stays far below, or is an error.
fn wraps(from: ElementType, to: ElementType) -> bool {
    let Some(held) = to.integers().filter(|_| !matches!(to, ElementType::I32 | ElementType::I64)) else { return false };
    from.integers().is_none_or(|given| given.start() < held.start() || given.end() > held.end())
}

/// Dropout drops nothing at inference: its output is its input, its mask is true throughout. Training is asked for by
/// an operand, from operator set 12.
fn dropout(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = call.operand(0, "data")?;
    if call.opset < 12 {
        call.attributes.float("ratio")?;
        if call.operand_count() > 1 {
            return Err(call.refuse("`ratio` is an operand only from operator set 12"));
        }
    } else {
        call.attributes.int("seed")?;
        let trains = match call.optional(2) {
            None => false,
            Some(id) => call.constant_values(id, "training_mode")?.iter().any(|&value| value != 0.0),
        };
        let ratio = call.values_operand(1, "ratio")?;
        let drops = ratio.is_none_or(|ratio| ratio.iter().any(|&value| value != 0.0));
        if trains && drops {
            return Err(call.refuse(
                "is in training mode, where it drops values at random: export the model for inference (model.eval(), or \
                 training=TrainingMode.EVAL)",
            ));
        }
    }
    let mut yielded = vec![x];
    if call.wants(1) {
        // Of the type of the data before operator set 10.
        let element = if call.opset < 10 { call.element(x) } else { ElementType::Bool };
        yielded.push(call.filled("mask", call.shape(x), 1.0, element)?);
    }
    Ok(yielded)
}
