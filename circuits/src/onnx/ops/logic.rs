//! Comparisons, truth values and the choice between two tensors.
//!
//! Truth values are 0 and 1: And is their product, Not is 1 less them. Of a comparison with a choice of `<=` the negation of
//! the opposite is taken, which is the same of numbers that are never NaN.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::{Error, Registry};
use crate::float::{ElementType, NodeId, Op, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("Less", 2, |call| {
        let (a, b) = numbers(call)?;
        call.less(a, b)
    });
    registry.compose("Greater", 2, |call| {
        let (a, b) = numbers(call)?;
        call.less(b, a)
    });
    registry.compose("LessOrEqual", 2, |call| {
        let (a, b) = numbers(call)?;
        let greater = call.less(b, a)?;
        call.not(greater)
    });
    registry.compose("GreaterOrEqual", 2, |call| {
        let (a, b) = numbers(call)?;
        let less = call.less(a, b)?;
        call.not(less)
    });
    registry.compose("Equal", 2, |call| {
        let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
        call.require_same_type(a, b)?;
        match call.element(a) {
            ElementType::Bool => {
                let different = xor(call, a, b)?;
                call.not(different)
            }
            _ => call.equal(a, b),
        }
    });
    registry.compose("And", 2, |call| {
        let (a, b) = truths(call)?;
        call.binary(Op::Mul, a, b)
    });
    // a or b = not (not a and not b)
    registry.compose("Or", 2, |call| {
        let (a, b) = truths(call)?;
        let (a, b) = (call.not(a)?, call.not(b)?);
        let neither = call.binary(Op::Mul, a, b)?;
        call.not(neither)
    });
    registry.compose("Xor", 2, |call| {
        let (a, b) = truths(call)?;
        xor(call, a, b)
    });
    registry.compose("Not", 1, |call| {
        let x = call.operand(0, "X")?;
        truth(call, x)?;
        call.not(x)
    });
    registry.compose("Where", 3, choose);
    // Nothing in a float graph is NaN or infinite.
    registry.compose("IsNaN", 1, never);
    registry.compose("IsInf", 1, |call| {
        call.attributes.flag("detect_negative", Flag::Yes)?;
        call.attributes.flag("detect_positive", Flag::Yes)?;
        never(call)
    });
}

fn numbers(call: &Call<'_>) -> Result<(NodeId, NodeId), Error> {
    let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    call.require_number(a, "A")?;
    call.require_same_type(a, b)?;
    Ok((a, b))
}

fn truth(call: &Call<'_>, x: NodeId) -> Result<(), Error> {
    match call.element(x) {
        ElementType::Bool => Ok(()),
        other => Err(call.refuse(format!("has operands of type {other}, expected bool"))),
    }
}

fn truths(call: &Call<'_>) -> Result<(NodeId, NodeId), Error> {
    let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    truth(call, a)?;
    truth(call, b)?;
    Ok((a, b))
}

/// `a + b - 2 a b`, as integers: a sum of two truth values is none.
fn xor(call: &mut Call<'_>, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
    let (a, b) = (call.retyped(a, ElementType::I32)?, call.retyped(b, ElementType::I32)?);
    let both = call.binary(Op::Mul, a, b)?;
    let twice = call.with_scalar(Op::Mul, both, 2.0)?;
    let sum = call.binary(Op::Add, a, b)?;
    let different = call.binary(Op::Sub, sum, twice)?;
    call.retyped(different, ElementType::Bool)
}

/// No logit is as low: what stands for one is a mask (`quantize/lower/mask.rs`).
const LOW: f64 = -1e4;

/// With a constant condition it only moves data, but where one side masks: softmax looks through that, and numbers that mask
/// would take all bits of what they are moved beside.
fn choose(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (condition, a, b) = (call.operand(0, "condition")?, call.operand(1, "X")?, call.operand(2, "Y")?);
    truth(call, condition)?;
    call.require_same_type(a, b)?;
    let element = call.element(a);
    let masks = |low: NodeId, logits: NodeId| {
        let is_low = call.constant(low).is_some_and(|values| values.iter().all(|value| *value <= LOW));
        is_low && call.constant(logits).is_none()
    };
    let Some(values) = call.constant(condition).filter(|_| !masks(a, b) && !masks(b, a)) else {
        return call.elementwise(Op::Where, &[condition, a, b], element);
    };
    let values = values.to_vec();
    let shape = call.broadcast_shape(&[condition, a, b])?;
    call.builder.check_room(&shape)?;
    let (of_a, of_b) = (call.shape(a), call.shape(b));
    let pairs = layout::broadcast_offsets(&of_a, &shape).zip(layout::broadcast_offsets(&of_b, &shape));
    let picked: Vec<_> = layout::broadcast_offsets(&call.shape(condition), &shape)
        .zip(pairs)
        .map(|(at, (i, j))| if values[at] == 0.0 { (1, j) } else { (0, i) })
        .collect();
    let moved = call.rearrange(vec![a, b], shape, element, picked.into_iter())?;
    call.part("chosen", moved)
}

fn never(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    call.filled("false", call.shape(x), 0.0, ElementType::Bool)
}
