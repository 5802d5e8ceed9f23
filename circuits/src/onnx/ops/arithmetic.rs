//! Arithmetic of numbers, element by element: NumPy broadcasting in every supported operator set.
//!
//! Integers are divided as ONNX has it, towards zero; the float graph divides them towards negative infinity.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::{Error, Registry};
use crate::float::{ElementType, NodeId, Op, Rounding, layout};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Add", 2, |call| binary(call, Op::Add));
    registry.add("Sub", 2, |call| binary(call, Op::Sub));
    registry.add("Mul", 2, |call| binary(call, Op::Mul));
    registry.compose("Div", 2, div);
    registry.compose("Mod", 2, modulo);
    registry.compose("Neg", 1, |call| {
        let x = number(call)?;
        call.negated(x)
    });
    registry.compose("Abs", 1, |call| {
        let x = number(call)?;
        call.absolute(x)
    });
    registry.compose("Sign", 1, sign);
    registry.compose("Reciprocal", 1, |call| {
        let x = call.operand(0, "X")?;
        call.require_float(x, "X")?;
        call.reciprocal(x)
    });
    registry.compose("Min", usize::MAX, |call| variadic(call, Op::Min));
    registry.compose("Max", usize::MAX, |call| variadic(call, Op::Max));
    registry.compose("Sum", usize::MAX, |call| variadic(call, Op::Add));
    registry.compose("Mean", usize::MAX, |call| {
        call.require_float(call.operand(0, "data_0")?, "data_0")?;
        let count = call.operand_count();
        let sum = variadic(call, Op::Add)?;
        call.with_scalar(Op::Mul, sum, 1.0 / count as f64)
    });
}

fn number(call: &Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_number(x, "X")?;
    Ok(x)
}

fn binary(call: &mut Call<'_>, op: Op) -> Result<Computed, Error> {
    let (a, b) = pair(call)?;
    let (left, right) = (call.shape(a), call.shape(b));
    let shape = layout::broadcast(&left, &right)
        .ok_or_else(|| call.refuse(format!("shapes {left:?} and {right:?} do not broadcast")))?;
    Ok(Computed { op, inputs: vec![a, b], shape, element: call.element(a) })
}

/// Two numbers of one type.
fn pair(call: &Call<'_>) -> Result<(NodeId, NodeId), Error> {
    let (a, b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    call.require_number(a, "A")?;
    call.require_same_type(a, b)?;
    Ok((a, b))
}

/// Any number of operands, one after the other.
fn variadic(call: &mut Call<'_>, op: Op) -> Result<NodeId, Error> {
    let first = call.operand(0, "data_0")?;
    call.require_number(first, "data_0")?;
    (1..call.operand_count()).try_fold(first, |result, at| {
        let next = call.operand(at, "data")?;
        call.binary(op.clone(), result, next)
    })
}

/// Whether the type has no negative numbers, so that nothing on the way may be negative either.
pub(super) fn is_unsigned(element: ElementType) -> bool {
    element.integers().is_some_and(|range| *range.start() == 0)
}

fn sign(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = number(call)?;
    let element = call.element(x);
    let zero = call.scalar("zero", 0.0, element)?;
    let positive = call.less(zero, x)?;
    if is_unsigned(element) {
        return call.retyped(positive, element);
    }
    // The difference in a type of enough bits.
    let wide = if element.is_float() { element } else { ElementType::I64 };
    let positive = call.retyped(positive, wide)?;
    let negative = call.less(x, zero)?;
    let negative = call.retyped(negative, wide)?;
    let sign = call.binary(Op::Sub, positive, negative)?;
    call.retyped(sign, element)
}

fn refuse_zero(call: &Call<'_>, divisor: NodeId) -> Result<(), Error> {
    match call.constant(divisor) {
        Some(values) if values.contains(&0.0) => Err(call.refuse("divides by 0, which its constant divisor holds")),
        _ => Ok(()),
    }
}

fn div(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (a, b) = pair(call)?;
    refuse_zero(call, b)?;
    match call.element(a).is_float() {
        true => call.binary(Op::Div, a, b),
        false => truncated_quotient(call, a, b),
    }
}

/// `a / b` of integers, towards zero: `s * floor((a + (|b| - 1) * (a < 0)) / |b|)`, where `s` is the sign of `b`.
fn truncated_quotient(call: &mut Call<'_>, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
    let element = call.element(a);
    let zero = call.scalar("zero", 0.0, element)?;
    if is_unsigned(element) {
        return call.binary(Op::FloorDiv, a, b);
    }
    if !matches!(element, ElementType::I32 | ElementType::I64) {
        let (a, b) = (call.retyped(a, ElementType::I64)?, call.retyped(b, ElementType::I64)?);
        let quotient = truncated_quotient(call, a, b)?;
        return call.retyped(quotient, element);
    }
    let positive = call.constant(b).is_some_and(|values| values.iter().all(|&value| value > 0.0));
    let size = if positive { b } else { call.absolute(b)? };
    let negative = call.less(a, zero)?;
    let negative = call.retyped(negative, element)?;
    let most = call.with_scalar(Op::Sub, size, 1.0)?;
    let shift = call.binary(Op::Mul, negative, most)?;
    let shifted = call.binary(Op::Add, a, shift)?;
    let quotient = call.binary(Op::FloorDiv, shifted, size)?;
    if positive {
        return Ok(quotient);
    }
    let below = call.less(b, zero)?;
    let below = call.retyped(below, element)?;
    let twice = call.with_scalar(Op::Mul, below, 2.0)?;
    let one = call.scalar("one", 1.0, element)?;
    let sign = call.binary(Op::Sub, one, twice)?;
    call.binary(Op::Mul, sign, quotient)
}

/// With `fmod` the rest has the sign of `A`, without it that of `B`.
fn modulo(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (a, b) = pair(call)?;
    refuse_zero(call, b)?;
    let is_fmod = call.attributes.flag("fmod", Flag::No)? == Flag::Yes;
    let element = call.element(a);
    // Types of few bits do not hold what the rest is computed of.
    let (a, b) = match element.is_integer() {
        true => (call.retyped(a, ElementType::I64)?, call.retyped(b, ElementType::I64)?),
        false => (a, b),
    };
    let quotient = match (call.element(a).is_float(), is_fmod) {
        (true, true) => {
            let quotient = call.binary(Op::Div, a, b)?;
            call.unary(Op::Round { rounding: Rounding::Truncate }, quotient)?
        }
        (true, false) => return Err(call.refuse("takes floats only with `fmod` = 1")),
        (false, true) => truncated_quotient(call, a, b)?,
        (false, false) => call.binary(Op::FloorDiv, a, b)?,
    };
    let whole = call.binary(Op::Mul, quotient, b)?;
    let rest = call.binary(Op::Sub, a, whole)?;
    call.retyped(rest, element)
}

/// What several families are composed of.
impl Call<'_> {
    /// `-x`.
    pub(super) fn negated(&mut self, x: NodeId) -> Result<NodeId, Error> {
        self.with_scalar(Op::Mul, x, -1.0)
    }

    /// `|x| = relu(x) + relu(-x)`, of which interval analysis sees that it is not negative.
    pub(super) fn absolute(&mut self, x: NodeId) -> Result<NodeId, Error> {
        if is_unsigned(self.element(x)) {
            return Ok(x);
        }
        let positive = self.unary(Op::Relu, x)?;
        let negated = self.negated(x)?;
        let negative = self.unary(Op::Relu, negated)?;
        self.binary(Op::Add, positive, negative)
    }

    /// `1 / x`.
    pub(super) fn reciprocal(&mut self, x: NodeId) -> Result<NodeId, Error> {
        let one = self.scalar("one", 1.0, self.element(x))?;
        self.binary(Op::Div, one, x)
    }

    /// `x * x`.
    pub(super) fn squared(&mut self, x: NodeId) -> Result<NodeId, Error> {
        self.binary(Op::Mul, x, x)
    }

    /// Whether `a < b`.
    pub(super) fn less(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
        self.require_same_type(a, b)?;
        self.elementwise(Op::Less, &[a, b], ElementType::Bool)
    }

    /// Whether `a = b`.
    pub(super) fn equal(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, Error> {
        self.require_same_type(a, b)?;
        self.elementwise(Op::Equal, &[a, b], ElementType::Bool)
    }

    /// `1 - x` of a truth value.
    pub(super) fn not(&mut self, x: NodeId) -> Result<NodeId, Error> {
        let one = self.scalar("true", 1.0, ElementType::Bool)?;
        self.binary(Op::Sub, one, x)
    }
}
