//! The operators, one file per family: for each, the shape that its operands make, and what it computes.
//!
//! `check` functions get shapes and say what does not fit; `compute` functions rely on their having passed.

mod conv;
mod elementwise;
mod gather;
mod matmul;
mod movement;
mod reduce;
mod softmax;
#[cfg(test)]
mod tests;

use conv::conv_shape;
pub(crate) use matmul::matmul_shape;
pub(crate) use reduce::reduced;

use super::{Error, Node, Op};

/// One operand: its shape and values.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) values: &'a [f64],
}

/// The greatest rank: NumPy's of old. Work per tensor grows with it, so what comes from outside must not choose it.
pub(crate) const MAX_RANK: usize = 32;

/// How many elements a shape has, if `usize` can say.
pub(crate) fn checked_len(shape: &[usize]) -> Option<usize> {
    // A dimension of 0 must not hide that the others overflow: strides are products of them.
    shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim.max(1)))?;
    Some(shape.iter().product())
}

/// Checks one node against the shapes of its operands.
pub(crate) fn check_node(node: &Node, operands: &[&[usize]]) -> Result<(), String> {
    if node.shape.len() > MAX_RANK {
        return Err(format!("its rank is {}, more than {MAX_RANK}", node.shape.len()));
    }
    let len = checked_len(&node.shape).ok_or_else(|| format!("shape {:?} is too large", node.shape))?;
    match (&node.op, operands) {
        (Op::Input, []) => Ok(()),
        (Op::Constant { values }, []) => match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(format!("holds {value}")),
            None if values.len() != len => Err(format!("{} values for shape {:?}", values.len(), node.shape)),
            None => Ok(()),
        },
        (Op::MatMul, [a, b]) => expect(node, &matmul_shape(a, b)?),
        (Op::Conv { window }, [x, kernel]) => expect(node, &conv_shape(x, kernel, window)?),
        (op, operands) if elementwise::is_member(op) => elementwise::check(node, operands),
        (Op::Softmax { axis }, [x]) => reduced(x, &[*axis]).and_then(|_| expect(node, x)),
        (Op::ArgMax { axis, .. }, [x]) => reduce::check(node, x, &[*axis]),
        (Op::ReduceSum { axes } | Op::ReduceMean { axes } | Op::ReduceMax { axes }, [x]) => {
            reduce::check(node, x, axes)
        }
        (Op::Gather, [table, x]) => gather::check(node, table, x),
        (Op::Rearrange { sources }, [_, ..]) => movement::check(node, sources, operands, len),
        (op, _) => Err(format!("{} with {} operands", op.name(), operands.len())),
    }
}

/// Whether the node has the shape that its operands make.
fn expect(node: &Node, shape: &[usize]) -> Result<(), String> {
    match node.shape == shape {
        true => Ok(()),
        false => Err(format!("its shape is {:?}, but its operands make {shape:?}", node.shape)),
    }
}

/// Runs one operator. Operands and `shape` have passed [`check_node`].
pub(crate) fn compute(name: &str, op: &Op, operands: &[Operand<'_>], shape: &[usize]) -> Result<Vec<f64>, Error> {
    Ok(match (op, operands) {
        (Op::Constant { values }, _) => values.clone(),
        (Op::MatMul, [a, b]) => matmul::compute(*a, *b, shape),
        (Op::Conv { window }, [x, kernel]) => conv::compute(*x, *kernel, window, shape),
        (Op::Softmax { axis }, [x]) => softmax::compute(*x, *axis),
        (Op::ArgMax { axis, ties }, [x]) => reduce::argmax(*x, *axis, *ties),
        (Op::ReduceSum { axes }, [x]) => reduce::compute(*x, axes, |group| group.sum()),
        (Op::ReduceMean { axes }, [x]) => reduce::compute(*x, axes, reduce::mean),
        (Op::ReduceMax { axes }, [x]) => reduce::compute(*x, axes, |group| group.fold(f64::NEG_INFINITY, f64::max)),
        (Op::Gather, [table, x]) => gather::compute(name, *table, *x)?,
        (Op::Rearrange { sources }, _) => movement::compute(sources, operands),
        (op, operands) => match elementwise::compute(op, operands, shape) {
            Some(values) => values,
            None => {
                let reason = format!("{} with {} operands", op.name(), operands.len());
                return Err(Error::Malformed { node: name.to_owned(), reason });
            }
        },
    })
}
