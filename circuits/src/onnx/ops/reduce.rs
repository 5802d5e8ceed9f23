//! Reductions along axes, and ArgMax and ArgMin.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::super::compose::Reduced;
use super::{Error, Registry};
use crate::float::{ElementType, Function, NodeId, Op, Ties, reduced};

pub(super) fn register(registry: &mut Registry) {
    registry.add("ReduceMean", 2, |call| {
        // The mean of integers is truncated in ONNX, which no real-valued mean is.
        call.require_float(call.operand(0, "data")?, "data")?;
        reduce(call, 18, |axes| Op::ReduceMean { axes })
    });
    registry.add("ReduceSum", 2, |call| reduce(call, 13, |axes| Op::ReduceSum { axes }));
    registry.compose("ReduceMax", 2, |call| {
        let along = Along::read(call, Empty::Copies)?;
        along.finish(call, along.x, |axes| Op::ReduceMax { axes })
    });
    registry.compose("ReduceMin", 2, reduce_min);
    registry.compose("ReduceProd", 2, reduce_prod);
    registry.compose("ReduceL1", 2, |call| {
        let along = Along::read(call, Empty::Refused)?;
        let sizes = call.absolute(along.x)?;
        along.finish(call, sizes, |axes| Op::ReduceSum { axes })
    });
    registry.compose("ReduceL2", 2, |call| {
        call.require_float(call.operand(0, "data")?, "data")?;
        let sum = sum_of_squares(call)?;
        call.unary(Op::Sqrt, sum)
    });
    registry.compose("ReduceSumSquare", 2, sum_of_squares);
    registry.compose("ReduceLogSum", 2, |call| {
        call.require_float(call.operand(0, "data")?, "data")?;
        let along = Along::read(call, Empty::Refused)?;
        let sum = along.finish(call, along.x, |axes| Op::ReduceSum { axes })?;
        call.unary(Op::Function { function: Function::Log }, sum)
    });
    registry.compose("ReduceLogSumExp", 2, log_sum_exp);
    registry.add("ArgMax", 1, |call| {
        let x = call.operand(0, "data")?;
        arg_max(call, x)
    });
    registry.add("ArgMin", 1, |call| {
        let x = call.operand(0, "data")?;
        call.require_number(x, "data")?;
        let negated = mirrored(call, x)?;
        arg_max(call, negated)
    });
}

/// `-x`; integers as int64, whose negative numbers suffice.
pub(super) fn mirrored(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Error> {
    let x = if call.element(x).is_integer() { call.retyped(x, ElementType::I64)? } else { x };
    call.negated(x)
}

/// What a reduction without axes means if `noop_with_empty_axes` is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    /// Each element as it is.
    Copies,
    /// Versions of the specification differ, so it is refused.
    Refused,
}

/// A reduction's operand, and along what it goes.
struct Along {
    x: NodeId,
    axes: Vec<usize>,
    keepdims: Reduced,
}

impl Along {
    /// For reductions whose `axes` are an operand from operator set 18.
    fn read(call: &mut Call<'_>, empty: Empty) -> Result<Self, Error> {
        let x = call.operand(0, "data")?;
        if !(call.element(x) == ElementType::Bool && call.opset >= 20 && empty == Empty::Copies) {
            call.require_number(x, "data")?;
        }
        let axes = axes(call, x, 18)?;
        if axes.is_empty() && !call.shape(x).is_empty() && empty == Empty::Refused {
            return Err(call.attributes.refuse("noop_with_empty_axes", "is 1 and there are no axes; name them"));
        }
        let keepdims = match call.attributes.flag("keepdims", Flag::Yes)? {
            Flag::Yes => Reduced::Kept,
            Flag::No => Reduced::Dropped,
        };
        Ok(Self { x, axes, keepdims })
    }

    /// `op` of what became of the operand.
    fn finish(&self, call: &mut Call<'_>, x: NodeId, op: fn(Vec<usize>) -> Op) -> Result<NodeId, Error> {
        call.reduction(op, x, &self.axes, self.keepdims)
    }

    /// The shape that is left.
    fn left(&self, call: &Call<'_>) -> Result<Vec<usize>, Error> {
        let keepdims = if self.keepdims == Reduced::Kept { Flag::Yes } else { Flag::No };
        left_over(call, &call.shape(self.x), &self.axes, keepdims)
    }
}

/// The axes that a reduction names: all of them if none, or none at all if `noop_with_empty_axes` is set.
fn axes(call: &mut Call<'_>, x: NodeId, operand_since: i64) -> Result<Vec<usize>, Error> {
    let rank = call.shape(x).len();
    let (axes, empty_is_noop) = if call.opset < operand_since {
        if call.operand_count() > 1 {
            return Err(call.refuse(format!("`axes` is an operand only from operator set {operand_since}")));
        }
        (call.attributes.ints("axes")?.unwrap_or_default().to_vec(), Flag::No)
    } else {
        let axes = call.ints_operand(1, "axes")?;
        (axes.unwrap_or_default(), call.attributes.flag("noop_with_empty_axes", Flag::No)?)
    };
    match axes.as_slice() {
        [] if empty_is_noop == Flag::Yes => Ok(vec![]),
        [] => Ok((0..rank).collect()),
        axes => call.axes(axes, rank),
    }
}

/// `axes` is an attribute before operator set `operand_since`, then an operand. None means all, or none at all if
/// `noop_with_empty_axes` is set.
fn reduce(call: &mut Call<'_>, operand_since: i64, op: fn(Vec<usize>) -> Op) -> Result<Computed, Error> {
    let x = call.operand(0, "data")?;
    call.require_number(x, "data")?;
    let (shape, element) = (call.shape(x), call.element(x));
    let keepdims = call.attributes.flag("keepdims", Flag::Yes)?;
    let axes = axes(call, x, operand_since)?;
    if axes.is_empty() {
        // Nothing is reduced: asked for so, or a scalar.
        return call.copy(x, shape);
    }
    let left = left_over(call, &shape, &axes, keepdims)?;
    Ok(Computed { op: op(axes), inputs: vec![x], shape: left, element })
}

fn left_over(call: &Call<'_>, shape: &[usize], axes: &[usize], keepdims: Flag) -> Result<Vec<usize>, Error> {
    if axes.is_empty() {
        return Ok(shape.to_vec());
    }
    let dropped = reduced(shape, axes).map_err(|reason| call.refuse(reason))?;
    Ok(match keepdims {
        Flag::No => dropped,
        Flag::Yes => shape.iter().enumerate().map(|(axis, &dim)| if axes.contains(&axis) { 1 } else { dim }).collect(),
    })
}

/// The least is the greatest of the negated, negated; of truth values, of their negations.
fn reduce_min(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let along = Along::read(call, Empty::Copies)?;
    let element = call.element(along.x);
    if element == ElementType::Bool {
        let negated = call.not(along.x)?;
        let max = along.finish(call, negated, |axes| Op::ReduceMax { axes })?;
        return call.not(max);
    }
    let negated = mirrored(call, along.x)?;
    let max = along.finish(call, negated, |axes| Op::ReduceMax { axes })?;
    let min = call.negated(max)?;
    call.retyped(min, element)
}

/// A tree of products: halves of the elements that are reduced are multiplied until one is left.
fn reduce_prod(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let along = Along::read(call, Empty::Copies)?;
    let shape = call.shape(along.x);
    let left = along.left(call)?;
    let order: Vec<usize> =
        (0..shape.len()).filter(|axis| !along.axes.contains(axis)).chain(along.axes.iter().copied()).collect();
    let mut count: usize = along.axes.iter().map(|&axis| shape[axis]).product();
    let turned = call.transposed(along.x, &order)?;
    let mut rows = call.reshaped(turned, vec![left.iter().product(), count])?;
    while count > 1 {
        let half = count / 2;
        let first = call.sliced(rows, 1, 0, half, 1)?;
        let second = call.sliced(rows, 1, half, half, 1)?;
        let product = call.binary(Op::Mul, first, second)?;
        rows = match count % 2 {
            0 => product,
            _ => {
                let last = call.sliced(rows, 1, count - 1, 1, 1)?;
                call.concatenated(vec![product, last], 1)?
            }
        };
        count = half + count % 2;
    }
    call.reshaped(rows, left)
}

fn sum_of_squares(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let along = Along::read(call, Empty::Refused)?;
    let squares = call.squared(along.x)?;
    along.finish(call, squares, |axes| Op::ReduceSum { axes })
}

/// `log(x)`; of a sum of `exp(z)`, as [`log_sum_exp`] computes it, which has a value however great `z` is.
pub(super) fn log(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Error> {
    let node = call.builder.node(x);
    if let (Op::ReduceSum { axes }, [exp]) = (&node.op, node.inputs.as_slice())
        && let (Op::Function { function: Function::Exp }, [z]) =
            (&call.builder.node(*exp).op, call.builder.node(*exp).inputs.as_slice())
    {
        let (axes, z, left) = (axes.clone(), *z, node.shape.clone());
        let below = call.builder.node(z);
        let is_stable = matches!((&below.op, below.inputs.as_slice()), (Op::Sub, [_, max])
            if matches!(&call.builder.node(*max).op, Op::ReduceMax { axes: of } if *of == axes));
        if !is_stable {
            return log_of_sum(call, z, &axes, left);
        }
    }
    call.unary(Op::Function { function: Function::Log }, x)
}

/// `max + log(sum of exp(x - max))`.
fn log_sum_exp(call: &mut Call<'_>) -> Result<NodeId, Error> {
    call.require_float(call.operand(0, "data")?, "data")?;
    let along = Along::read(call, Empty::Refused)?;
    let left = along.left(call)?;
    log_of_sum(call, along.x, &along.axes, left)
}

/// The logarithm of the sum of `exp(x)` along `axes`, in the shape `left`.
fn log_of_sum(call: &mut Call<'_>, x: NodeId, axes: &[usize], left: Vec<usize>) -> Result<NodeId, Error> {
    let max = call.reduction(|axes| Op::ReduceMax { axes }, x, axes, Reduced::Kept)?;
    let below = call.binary(Op::Sub, x, max)?;
    let exp = call.unary(Op::Function { function: Function::Exp }, below)?;
    let sum = call.reduction(|axes| Op::ReduceSum { axes }, exp, axes, Reduced::Kept)?;
    let log = call.unary(Op::Function { function: Function::Log }, sum)?;
    let sum = call.binary(Op::Add, max, log)?;
    call.reshaped(sum, left)
}

/// `select_last_index` stands there from operator set 12; before, ties go to the first.
fn arg_max(call: &mut Call<'_>, x: NodeId) -> Result<Computed, Error> {
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
