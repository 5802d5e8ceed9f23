//! Normalizations, as they are evaluated: what is constant of them is folded.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::super::compose::Reduced;
use super::super::domain::Domain;
use super::{Error, Import, Registry};
use crate::float::{Function, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.compose("BatchNormalization", 5, batch);
    registry.add_in(Domain::Onnx, "LayerNormalization", 3, Import::Several(layer));
    registry.compose("RMSNormalization", 2, root_mean_square);
    registry.compose("InstanceNormalization", 3, instance);
    registry.compose("GroupNormalization", 3, group);
    registry.compose("LpNormalization", 1, lp);
    registry.compose("MeanVarianceNormalization", 1, mean_variance);
    registry.compose("LRN", 1, local_response);
}

fn float_operand(call: &Call<'_>) -> Result<NodeId, Error> {
    let x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    Ok(x)
}

fn epsilon(call: &mut Call<'_>) -> Result<f64, Error> {
    Ok(call.attributes.float("epsilon")?.unwrap_or(f64::from(1e-5f32)))
}

/// The precision of intermediate values, which are real numbers here.
fn stash_type(call: &mut Call<'_>) -> Result<(), Error> {
    call.attributes.int("stash_type").map(drop)
}

/// A vector of one number per channel, to be applied to a tensor of rank `rank` along axis 1.
fn channels(call: &mut Call<'_>, at: usize, role: &str, x: NodeId) -> Result<NodeId, Error> {
    let (vector, shape) = (call.operand(at, role)?, call.shape(x));
    if call.shape(vector) != [shape[1]] {
        return Err(call.refuse(format!(
            "operand `{role}` has shape {:?}, expected [{}]",
            call.shape(vector),
            shape[1]
        )));
    }
    let vector = call.retyped_as(vector, x)?;
    call.reshaped(vector, [vec![shape[1]], vec![1; shape.len() - 2]].concat())
}

fn require_channels(call: &Call<'_>, x: NodeId) -> Result<(), Error> {
    match call.shape(x).len() {
        2.. => Ok(()),
        rank => Err(call.refuse(format!("has X of rank {rank}, expected 2 or more"))),
    }
}

/// `x * w + (b - mean * w)`, where `w = scale / sqrt(var + epsilon)`: of constants a product and a sum.
fn batch(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    let epsilon = epsilon(call)?;
    call.attributes.float("momentum")?;
    if call.opset >= 14 && call.attributes.flag("training_mode", Flag::No)? == Flag::Yes {
        return Err(call.attributes.refuse("training_mode", "is 1: export the model for inference (model.eval())"));
    }
    if call.opset < 9 && call.attributes.flag("spatial", Flag::Yes)? == Flag::No {
        return Err(call.attributes.refuse("spatial", "is 0, which is not supported"));
    }
    let shape = call.shape(x);
    if shape.len() < 2 {
        return Err(call.refuse(format!("has X of shape {shape:?}, expected rank 2 or more")));
    }
    let (scale, bias) = (channels(call, 1, "scale", x)?, channels(call, 2, "B", x)?);
    let (mean, var) = (channels(call, 3, "input_mean", x)?, channels(call, 4, "input_var", x)?);
    let var = call.with_scalar(Op::Add, var, epsilon)?;
    let deviation = call.unary(Op::Sqrt, var)?;
    let weight = call.binary(Op::Div, scale, deviation)?;
    let shift = call.binary(Op::Mul, mean, weight)?;
    let shift = call.binary(Op::Sub, bias, shift)?;
    let scaled = call.binary(Op::Mul, x, weight)?;
    call.binary(Op::Add, scaled, shift)
}

/// What a normalization over axes yields.
struct Normalized {
    y: NodeId,
    mean: NodeId,
    deviation: NodeId,
}

/// `(x - mean) / sqrt(var + epsilon)` over `axes`.
fn normalized(call: &mut Call<'_>, x: NodeId, axes: &[usize], epsilon: f64) -> Result<Normalized, Error> {
    let mean = call.reduction(|axes| Op::ReduceMean { axes }, x, axes, Reduced::Kept)?;
    let centered = call.binary(Op::Sub, x, mean)?;
    let deviation = root_of_squares(call, centered, axes, epsilon)?;
    let y = call.binary(Op::Div, centered, deviation)?;
    Ok(Normalized { y, mean, deviation })
}

/// `sqrt(mean of x^2 + epsilon)` over `axes`.
fn root_of_squares(call: &mut Call<'_>, x: NodeId, axes: &[usize], epsilon: f64) -> Result<NodeId, Error> {
    let squares = call.squared(x)?;
    let mean = call.reduction(|axes| Op::ReduceMean { axes }, squares, axes, Reduced::Kept)?;
    let padded = call.with_scalar(Op::Add, mean, epsilon)?;
    call.unary(Op::Sqrt, padded)
}

/// `x * scale + bias`, as far as there are such operands; they broadcast to `x`.
fn affine(call: &mut Call<'_>, x: NodeId, scale: Option<NodeId>, bias: Option<NodeId>) -> Result<NodeId, Error> {
    let mut y = x;
    for (operand, op) in [(scale, Op::Mul), (bias, Op::Add)] {
        let Some(operand) = operand else { continue };
        let operand = call.retyped_as(operand, x)?;
        y = call.binary(op, y, operand)?;
        if call.shape(y) != call.shape(x) {
            return Err(call.refuse(format!(
                "has a scale or bias of shape {:?}, which does not broadcast to {:?}",
                call.shape(operand),
                call.shape(x)
            )));
        }
    }
    Ok(y)
}

fn axes_from(call: &mut Call<'_>, x: NodeId) -> Result<Vec<usize>, Error> {
    let rank = call.shape(x).len();
    let axis = call.attributes.int("axis")?.unwrap_or(-1);
    Ok((call.axis(axis, rank)?..rank).collect())
}

fn layer(call: &mut Call<'_>) -> Result<Vec<NodeId>, Error> {
    let x = float_operand(call)?;
    let axes = axes_from(call, x)?;
    let epsilon = epsilon(call)?;
    stash_type(call)?;
    let normalized = normalized(call, x, &axes, epsilon)?;
    let scale = call.operand(1, "Scale")?;
    let y = affine(call, normalized.y, Some(scale), call.optional(2))?;
    let mut outputs = vec![y, normalized.mean];
    if call.wants(2) {
        outputs.push(call.reciprocal(normalized.deviation)?);
    }
    Ok(outputs)
}

fn root_mean_square(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    let axes = axes_from(call, x)?;
    let epsilon = epsilon(call)?;
    stash_type(call)?;
    let root = root_of_squares(call, x, &axes, epsilon)?;
    let y = call.binary(Op::Div, x, root)?;
    let scale = call.operand(1, "scale")?;
    affine(call, y, Some(scale), None)
}

fn instance(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    require_channels(call, x)?;
    let epsilon = epsilon(call)?;
    let axes: Vec<usize> = (2..call.shape(x).len()).collect();
    if axes.is_empty() {
        return Err(call.refuse("has X of rank 2, expected 3 or more"));
    }
    let y = normalized(call, x, &axes, epsilon)?.y;
    let (scale, bias) = (channels(call, 1, "scale", x)?, channels(call, 2, "B", x)?);
    affine(call, y, Some(scale), Some(bias))
}

/// Scale and bias are one per group before operator set 21, then one per channel.
fn group(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    require_channels(call, x)?;
    let epsilon = epsilon(call)?;
    if call.opset >= 21 {
        stash_type(call)?;
    }
    let shape = call.shape(x);
    let groups = call.attributes.int("num_groups")?.and_then(|groups| usize::try_from(groups).ok());
    let Some(groups) = groups.filter(|&groups| groups > 0 && shape[1].is_multiple_of(groups)) else {
        return Err(call.attributes.refuse("num_groups", format!("does not divide {} channels", shape[1])));
    };
    let size: usize = shape[2..].iter().product();
    let members = shape[1] / groups;
    let grouped = call.reshaped(x, vec![shape[0], groups, members * size])?;
    let y = normalized(call, grouped, &[2], epsilon)?.y;
    if call.opset < 21 {
        let (scale, bias) = (channels(call, 1, "scale", grouped)?, channels(call, 2, "bias", grouped)?);
        let y = affine(call, y, Some(scale), Some(bias))?;
        return call.reshaped(y, shape);
    }
    let y = call.reshaped(y, shape)?;
    let (scale, bias) = (channels(call, 1, "scale", x)?, channels(call, 2, "bias", x)?);
    affine(call, y, Some(scale), Some(bias))
}

/// Divided by the sum of magnitudes (`p` = 1) or the root of the sum of squares (`p` = 2), which is not 0.
fn lp(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    let axis = call.attributes.int("axis")?.unwrap_or(-1);
    let axis = call.axis(axis, call.shape(x).len())?;
    let norm = match call.attributes.int("p")?.unwrap_or(2) {
        1 => {
            let sizes = call.absolute(x)?;
            call.reduction(|axes| Op::ReduceSum { axes }, sizes, &[axis], Reduced::Kept)?
        }
        2 => {
            let squares = call.squared(x)?;
            let sum = call.reduction(|axes| Op::ReduceSum { axes }, squares, &[axis], Reduced::Kept)?;
            call.unary(Op::Sqrt, sum)?
        }
        p => return Err(call.attributes.refuse("p", format!("is {p}, expected 1 or 2"))),
    };
    call.binary(Op::Div, x, norm)
}

/// `(x - mean) / (sqrt(var) + 1e-9)`.
fn mean_variance(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    let axes = call.attributes.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = call.axes(axes, call.shape(x).len())?;
    let mean = call.reduction(|axes| Op::ReduceMean { axes }, x, &axes, Reduced::Kept)?;
    let centered = call.binary(Op::Sub, x, mean)?;
    let squares = call.squared(centered)?;
    let var = call.reduction(|axes| Op::ReduceMean { axes }, squares, &axes, Reduced::Kept)?;
    let deviation = call.unary(Op::Sqrt, var)?;
    let deviation = call.with_scalar(Op::Add, deviation, 1e-9)?;
    call.binary(Op::Div, centered, deviation)
}

/// `x / (bias + alpha / size * s)^beta`, where `s` is the sum of squares of `size` channels around.
fn local_response(call: &mut Call<'_>) -> Result<NodeId, Error> {
    let x = float_operand(call)?;
    require_channels(call, x)?;
    let alpha = call.attributes.float("alpha")?.unwrap_or(f64::from(1e-4f32));
    let beta = call.attributes.float("beta")?.unwrap_or(0.75);
    let bias = call.attributes.float("bias")?.unwrap_or(1.0);
    let size = call.attributes.int("size")?.and_then(|size| u32::try_from(size).ok()).filter(|&size| size > 0);
    let size = size.ok_or_else(|| call.attributes.refuse("size", "is missing, or not positive"))? as usize;
    let shape = call.shape(x);
    let count = shape[1];
    call.builder.check_room(&[count, count])?;
    let near = |c: usize, other: usize| other + (size - 1) / 2 >= c && other <= c + size / 2;
    let weights = (0..count * count).map(|at| f64::from(u8::from(near(at / count, at % count)))).collect();
    let weights = call.constant_tensor("near", vec![count, count], weights, call.element(x))?;
    let squares = call.squared(x)?;
    let squares = call.reshaped(squares, vec![shape[0], count, shape[2..].iter().product()])?;
    let sums = call.matmul(weights, squares)?;
    let sums = call.reshaped(sums, shape)?;
    let scaled = call.with_scalar(Op::Mul, sums, alpha / size as f64)?;
    let scaled = call.with_scalar(Op::Add, scaled, bias)?;
    let factor = match beta == 0.0 {
        true => return Ok(x),
        false => call.unary(Op::Function { function: Function::Power { exponent: -beta } }, scaled)?,
    };
    call.binary(Op::Mul, x, factor)
}

impl Call<'_> {
    /// A float operand in the type of `like`: both are real numbers here.
    pub(super) fn retyped_as(&mut self, x: NodeId, like: NodeId) -> Result<NodeId, Error> {
        let (from, to) = (self.element(x), self.element(like));
        match from.is_float() && to.is_float() && from != to {
            true => self.retyped(x, to),
            false => Ok(x),
        }
    }
}
