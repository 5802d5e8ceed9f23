//! Activations: what stands between layers, element by element, and Softmax with its kin.

use super::super::call::{Call, Computed};
use super::super::compose::Reduced;
use super::{Error, Registry};
use crate::float::{ElementType, Function, NodeId, Op, Ties};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Relu", 1, relu);
    registry.add("LeakyRelu", 1, leaky_relu);
    registry.compose("Clip", 3, clip);
    registry.add("Sigmoid", 1, |call| float_unary(call, Op::Sigmoid));
    registry.add("Tanh", 1, |call| float_unary(call, Op::Tanh));
    registry.add("Softmax", 1, softmax);
    registry.compose("LogSoftmax", 1, |call| along_axis(call, log_softmax));
    registry.compose("Hardmax", 1, |call| along_axis(call, hardmax));
    registry.compose("PRelu", 2, prelu);
    registry.compose("Elu", 1, |call| {
        let alpha = call.attributes.float("alpha")?.unwrap_or(1.0);
        function(call, Function::Elu { alpha, width: 1.0 })
    });
    registry.compose("Celu", 1, |call| {
        let alpha = call.attributes.float("alpha")?.unwrap_or(1.0);
        function(call, Function::Elu { alpha, width: alpha })
    });
    registry.compose("Selu", 1, selu);
    registry.compose("Gelu", 1, |call| match call.attributes.string("approximate")? {
        None | Some("none") => function(call, Function::Gelu),
        Some("tanh") => function(call, Function::GeluTanh),
        Some(_) => Err(call.attributes.refuse("approximate", "is neither `none` nor `tanh`")),
    });
    registry.compose("HardSigmoid", 1, |call| {
        let alpha = call.attributes.float("alpha")?.unwrap_or(f64::from(0.2f32));
        let beta = call.attributes.float("beta")?.unwrap_or(0.5);
        let x = float_operand(call)?;
        call.hard_sigmoid(x, alpha, beta)
    });
    registry.compose("HardSwish", 1, |call| {
        let x = float_operand(call)?;
        let gate = call.hard_sigmoid(x, 1.0 / 6.0, 0.5)?;
        call.binary(Op::Mul, x, gate)
    });
    registry.compose("Swish", 1, swish);
    registry.compose("Mish", 1, |call| function(call, Function::Mish));
    registry.compose("Softplus", 1, |call| function(call, Function::Softplus));
    registry.compose("Softsign", 1, |call| function(call, Function::Softsign));
    registry.compose("ThresholdedRelu", 1, |call| {
        let alpha = call.attributes.float("alpha")?.unwrap_or(1.0);
        let x = float_operand(call)?;
        call.thresholded(x, alpha)
    });
    registry.compose("Shrink", 1, shrink);
}

fn float_operand(call: &Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    Ok(x)
}

fn function(call: &mut Call<'_>, function: Function) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    call.unary(Op::Function { function }, x)
}

/// `x` if it is not negative, else `slope * x`: `relu(x) + slope * (x - relu(x))`. The slope broadcasts to `x`.
fn prelu(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let (x, slope) = (float_operand(call)?, call.operand(1, "slope")?);
    call.require_same_type(x, slope)?;
    if call.broadcast_shape(&[x, slope])? != call.shape(x) {
        let (slope, x) = (call.shape(slope), call.shape(x));
        return Err(call.refuse(format!("operand `slope` has shape {slope:?}, which does not broadcast to {x:?}")));
    }
    if let Some([alpha, rest @ ..]) = call.constant(slope)
        && rest.iter().all(|other| other == alpha)
    {
        let alpha = *alpha;
        return call.unary(Op::LeakyRelu { alpha }, x);
    }
    let positive = call.unary(Op::Relu, x)?;
    let negative = call.binary(Op::Sub, x, positive)?;
    let scaled = call.binary(Op::Mul, negative, slope)?;
    call.binary(Op::Add, positive, scaled)
}

fn selu(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let alpha = call.attributes.float("alpha")?.unwrap_or(f64::from(1.673_263_2_f32));
    let gamma = call.attributes.float("gamma")?.unwrap_or(f64::from(1.050_701_f32));
    let bent = function(call, Function::Elu { alpha, width: 1.0 })?;
    call.with_scalar(Op::Mul, bent, gamma)
}

/// `x * sigmoid(alpha * x)`, of `alpha * x` divided by `alpha` again.
fn swish(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let alpha = call.attributes.float("alpha")?.unwrap_or(1.0);
    let x = float_operand(call)?;
    let silu = Op::Function { function: Function::Silu };
    if alpha == 1.0 {
        return call.unary(silu, x);
    }
    if alpha == 0.0 {
        return call.with_scalar(Op::Mul, x, 0.5);
    }
    let scaled = call.with_scalar(Op::Mul, x, alpha)?;
    let silu = call.unary(silu, scaled)?;
    call.with_scalar(Op::Mul, silu, 1.0 / alpha)
}

/// Nearer to 0 by `bias`, and 0 between `-lambd` and `lambd`.
fn shrink(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let bias = call.attributes.float("bias")?.unwrap_or(0.0);
    let lambd = call.attributes.float("lambd")?.unwrap_or(0.5);
    let x = float_operand(call)?;
    let element = call.element(x);
    let (low, high) = (call.scalar("low", -lambd, element)?, call.scalar("high", lambd, element)?);
    let zero = call.scalar("zero", 0.0, element)?;
    let (is_low, is_high) = (call.less(x, low)?, call.less(high, x)?);
    let raised = call.with_scalar(Op::Add, x, bias)?;
    let lowered = call.with_scalar(Op::Sub, x, bias)?;
    let upper = call.elementwise(Op::Where, &[is_high, lowered, zero], element)?;
    call.elementwise(Op::Where, &[is_low, raised, upper], element)
}

/// `of` along one axis from operator set 13; before, over all axes from `axis` on together.
fn along_axis(
    call: &mut Call<'_>,
    of: fn(&mut Call<'_>, NodeId, usize) -> Result<NodeId, Error>,
) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    let shape = call.shape(x);
    let default = if call.opset < 13 { 1 } else { -1 };
    let axis = call.attributes.int("axis")?.unwrap_or(default);
    let axis = call.axis(axis, shape.len())?;
    if call.opset >= 13 {
        return of(call, x, axis);
    }
    let (outer, inner) = shape.split_at(axis);
    let flat = call.reshaped(x, vec![outer.iter().product(), inner.iter().product()])?;
    let y = of(call, flat, 1)?;
    call.reshaped(y, shape)
}

/// `x - max - log(sum(exp(x - max)))`.
fn log_softmax(call: &mut Call<'_>, x: NodeId, axis: usize) -> Result<NodeId, Error> {
    let max = call.reduction(|axes| Op::ReduceMax { axes }, x, &[axis], Reduced::Kept)?;
    let below = call.binary(Op::Sub, x, max)?;
    let exp = call.unary(Op::Function { function: Function::Exp }, below)?;
    let sum = call.reduction(|axes| Op::ReduceSum { axes }, exp, &[axis], Reduced::Kept)?;
    let log = call.unary(Op::Function { function: Function::Log }, sum)?;
    call.binary(Op::Sub, below, log)
}

/// 1 at the first of the greatest, else 0.
fn hardmax(call: &mut Call<'_>, x: NodeId, axis: usize) -> Result<NodeId, Error> {
    let (mut kept, rank) = (call.shape(x), call.shape(x).len());
    let len = std::mem::replace(&mut kept[axis], 1);
    let op = Op::ArgMax { axis, ties: Ties::First };
    let first = call.part("ArgMax", Computed { op, inputs: vec![x], shape: kept, element: ElementType::I64 })?;
    let mut along = vec![1; rank];
    along[axis] = len;
    let positions = (0..len).map(|at| at as f64).collect();
    let positions = call.constant_tensor("positions", along, positions, ElementType::I64)?;
    let hot = call.equal(first, positions)?;
    call.retyped(hot, call.element(x))
}

impl Call<'_> {
    /// `min(max(alpha * x + beta, 0), 1)`.
    pub(super) fn hard_sigmoid(&mut self, x: NodeId, alpha: f64, beta: f64) -> Result<NodeId, Error> {
        let line = self.with_scalar(Op::Mul, x, alpha)?;
        let line = self.with_scalar(Op::Add, line, beta)?;
        self.unary(Op::Clip { min: Some(0.0), max: Some(1.0) }, line)
    }

    /// `x` if it is greater than `alpha`, else 0.
    pub(super) fn thresholded(&mut self, x: NodeId, alpha: f64) -> Result<NodeId, Error> {
        let element = self.element(x);
        let threshold = self.scalar("alpha", alpha, element)?;
        let zero = self.scalar("zero", 0.0, element)?;
        let above = self.less(threshold, x)?;
        self.elementwise(Op::Where, &[above, x, zero], element)
    }
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
/// not bind. Of an empty interval the upper bound is what counts, as operator set 13 says.
fn clip(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "input")?;
    call.require_number(x, "input")?;
    let greatest = |bound: f64| bound == f64::from(f32::MAX) || bound == f64::MAX;
    let fixed = |call: &mut Call<'_>, min: Option<f64>, max: Option<f64>| {
        let (mut min, max) = (min.filter(|&min| !greatest(-min)), max.filter(|&max| !greatest(max)));
        if let (Some(low), Some(high)) = (min, max)
            && low > high
        {
            if call.opset < 13 {
                return Err(call.refuse(format!("clips to [{low}, {high}], which is empty")));
            }
            min = max;
        }
        call.unary(Op::Clip { min, max }, x)
    };
    if call.opset < 11 {
        if call.operand_count() > 1 {
            return Err(call.refuse("bounds are operands only from operator set 11"));
        }
        let (min, max) = (call.attributes.float("min")?, call.attributes.float("max")?);
        return fixed(call, min, max);
    }
    let (min, max) = (bound(call, 1, "min")?, bound(call, 2, "max")?);
    let value = |bound: Option<NodeId>| bound.map(|id| call.constant(id).and_then(|values| values.first().copied()));
    match (value(min), value(max)) {
        (Some(None), _) | (_, Some(None)) => {
            let mut y = x;
            for (bound, op) in [(min, Op::Max), (max, Op::Min)] {
                if let Some(bound) = bound {
                    let bound = call.reshaped(bound, vec![])?;
                    y = call.binary(op, y, bound)?;
                }
            }
            Ok(y)
        }
        (min, max) => fixed(call, min.flatten(), max.flatten()),
    }
}

fn bound(call: &Call<'_>, at: usize, role: &str) -> Result<Option<NodeId>, Error> {
    let Some(id) = call.optional(at) else { return Ok(None) };
    call.require_same_type(call.operand(0, "input")?, id)?;
    match call.shape(id).iter().product() {
        1 if is_out_of_reach(call, id, role) => Ok(None),
        1 => Ok(Some(id)),
        count => Err(call.refuse(format!("operand `{role}` has {count} elements, expected 1"))),
    }
}

/// Whether a bound is an integer beyond all that are computed with, as the greatest of its type: it does not bind.
fn is_out_of_reach(call: &Call<'_>, id: NodeId, role: &str) -> bool {
    let integers = call.builder.constant_ints(id).filter(|_| call.element(id).is_integer());
    let Some(&[value]) = integers.as_deref() else { return false };
    value.unsigned_abs() >= 1 << 53 && (value < 0) == (role == "min")
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
