//! Gemm and MatMul.

use super::super::attributes::Flag;
use super::super::call::{Call, Computed};
use super::{Error, Registry, movement};
use crate::float::{NodeId, Op, layout, matmul_shape};

pub(super) fn register(registry: &mut Registry) {
    registry.add("Gemm", 3, gemm);
    registry.add("MatMul", 2, matmul);
}

/// `alpha * A' * B' + beta * C`. Transposes, and `alpha` and `beta` on constants, are folded into the constants.
fn gemm(call: &mut Call<'_>) -> Result<Computed, Error> {
    let (mut a, mut b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    let alpha = call.attributes.float("alpha")?.unwrap_or(1.0);
    let beta = call.attributes.float("beta")?.unwrap_or(1.0);
    let c = match call.optional(2) {
        None if call.opset < 11 => {
            return Err(call.refuse("operand 2 (`C`) is missing; it is optional from operator set 11"));
        }
        // By definition 0 * C, which adds nothing; but it must still have a fitting shape.
        c => c,
    };
    for (operand, role, flag) in [(&mut a, "A", "transA"), (&mut b, "B", "transB")] {
        call.require_float(*operand, role)?;
        let shape = call.shape(*operand);
        if shape.len() != 2 {
            return Err(call.refuse(format!("operand `{role}` has shape {shape:?}, expected rank 2")));
        }
        if call.attributes.flag(flag, Flag::No)? == Flag::Yes {
            let transposed = movement::transposed(call, *operand, &[1, 0])?;
            *operand = call.part(flag, transposed)?;
        }
    }
    call.require_same_type(a, b)?;
    let element = call.element(a);
    // alpha * (A B) = A (alpha B) = (alpha A) B: on the constant operand it costs nothing.
    let mut product_scale = None;
    if alpha != 1.0 {
        match (call.constant(a).is_some(), call.constant(b).is_some()) {
            (_, true) => b = scale(call, b, "alpha", alpha)?,
            (true, false) => a = scale(call, a, "alpha", alpha)?,
            (false, false) => product_scale = Some(alpha),
        }
    }
    let shape = matmul_shape(&call.shape(a), &call.shape(b)).map_err(|reason| call.refuse(reason))?;
    let product = Computed { op: Op::MatMul, inputs: vec![a, b], shape: shape.clone(), element };
    let Some(c) = c else {
        return match product_scale {
            None => Ok(product),
            Some(alpha) => {
                let product = call.part("matmul", product)?;
                multiply(call, product, "alpha", alpha)
            }
        };
    };
    call.require_same_type(a, c)?;
    if layout::broadcast(&call.shape(c), &shape).as_ref() != Some(&shape) {
        return Err(
            call.refuse(format!("operand `C` has shape {:?}, which does not broadcast to {shape:?}", call.shape(c)))
        );
    }
    let mut product = call.part("matmul", product)?;
    if let Some(alpha) = product_scale {
        product = scale(call, product, "alpha", alpha)?;
    }
    let c = if beta == 1.0 { c } else { scale(call, c, "beta", beta)? };
    Ok(Computed { op: Op::Add, inputs: vec![product, c], shape, element })
}

fn multiply(call: &mut Call<'_>, x: NodeId, name: &str, factor: f64) -> Result<Computed, Error> {
    let (shape, element) = (call.shape(x), call.element(x));
    let factor = call.scalar(name, factor, element)?;
    Ok(Computed { op: Op::Mul, inputs: vec![x, factor], shape, element })
}

fn scale(call: &mut Call<'_>, x: NodeId, name: &str, factor: f64) -> Result<NodeId, Error> {
    let scaled = multiply(call, x, name, factor)?;
    call.part(&format!("{name}.scaled"), scaled)
}

/// NumPy's `matmul`: an operand of rank 1 is a row on the left, a column on the right, and leaves no axis behind.
fn matmul(call: &mut Call<'_>) -> Result<Computed, Error> {
    let (mut a, mut b) = (call.operand(0, "A")?, call.operand(1, "B")?);
    call.require_number(a, "A")?;
    call.require_same_type(a, b)?;
    let element = call.element(a);
    let (a_shape, b_shape) = (call.shape(a), call.shape(b));
    if let [k] = a_shape[..] {
        let row = call.copy(a, vec![1, k])?;
        a = call.part("row", row)?;
    }
    if let [k] = b_shape[..] {
        let column = call.copy(b, vec![k, 1])?;
        b = call.part("column", column)?;
    }
    let shape = matmul_shape(&call.shape(a), &call.shape(b)).map_err(|reason| call.refuse(reason))?;
    let product = Computed { op: Op::MatMul, inputs: vec![a, b], shape: shape.clone(), element };
    if a_shape.len() > 1 && b_shape.len() > 1 {
        return Ok(product);
    }
    let mut left = shape;
    let columns = left.pop().filter(|_| b_shape.len() > 1);
    let rows = left.pop().filter(|_| a_shape.len() > 1);
    left.extend(rows.into_iter().chain(columns));
    let product = call.part("matmul", product)?;
    call.copy(product, left)
}
