//! Whether a graph is consistent: the rules that [`Op`] states, as the executor relies on them.

use super::{Error, Graph, Node, Op, Output, layout};

impl Graph {
    /// Checks that nodes read only nodes before them, that shapes follow from operands and attributes, that constants
    /// are finite and that outputs exist. What [`crate::onnx::import`] makes passes.
    ///
    /// # Errors
    /// [`Error::Malformed`], naming the first node that does not fit.
    pub fn check(&self) -> Result<(), Error> {
        for (at, node) in self.nodes.iter().enumerate() {
            let malformed = |reason: String| Error::Malformed { node: node.name.clone(), reason };
            let mut shapes = Vec::with_capacity(node.inputs.len());
            for input in &node.inputs {
                let operand = self.nodes[..at].get(input.0 as usize);
                let operand =
                    operand.ok_or_else(|| malformed(format!("operand {} does not stand before it", input.0)))?;
                shapes.push(operand.shape.as_slice());
            }
            check_node(node, &shapes).map_err(malformed)?;
            if matches!(node.op, Op::Gather) && self.node(node.inputs[0]).constant().is_none() {
                return Err(malformed("its table is not a constant".into()));
            }
        }
        for Output { name, node } in &self.outputs {
            if node.0 as usize >= self.nodes.len() {
                return Err(Error::Malformed { node: name.clone(), reason: "no node computes this output".into() });
            }
        }
        Ok(())
    }
}

/// The greatest rank: NumPy's of old. Work per tensor grows with it, so what comes from outside must not choose it.
pub(crate) const MAX_RANK: usize = 32;

/// Checks one node against the shapes of its operands.
pub(crate) fn check_node(node: &Node, operands: &[&[usize]]) -> Result<(), String> {
    if node.shape.len() > MAX_RANK {
        return Err(format!("its rank is {}, more than {MAX_RANK}", node.shape.len()));
    }
    let len = checked_len(&node.shape).ok_or_else(|| format!("shape {:?} is too large", node.shape))?;
    let expect = |shape: &[usize]| match node.shape == shape {
        true => Ok(()),
        false => Err(format!("its shape is {:?}, but its operands make {shape:?}", node.shape)),
    };
    match (&node.op, operands) {
        (Op::Input, []) => Ok(()),
        (Op::Constant { values }, []) => match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(format!("holds {value}")),
            None if values.len() != len => Err(format!("{} values for shape {:?}", values.len(), node.shape)),
            None => Ok(()),
        },
        (Op::MatMul, [a, b]) => expect(&matmul_shape(a, b)?),
        (Op::Add | Op::Sub | Op::Mul, [a, b]) => {
            expect(&layout::broadcast(a, b).ok_or_else(|| format!("{a:?} and {b:?} do not broadcast"))?)
        }
        (Op::Relu | Op::Sigmoid | Op::Tanh, [x]) => expect(x),
        (Op::LeakyRelu { alpha }, [x]) => match alpha.is_finite() {
            true => expect(x),
            false => Err(format!("alpha is {alpha}")),
        },
        (Op::Clip { min, max }, [x]) => {
            let finite = [min, max].into_iter().flatten().all(|bound| bound.is_finite());
            match finite && min.zip(*max).is_none_or(|(min, max)| min <= max) {
                true => expect(x),
                false => Err(format!("clips to {min:?}..{max:?}")),
            }
        }
        (Op::Softmax { axis }, [x]) => reduced(x, &[*axis]).and_then(|_| expect(x)),
        (Op::ArgMax { axis, .. }, [x]) => check_reduced(node, x, &[*axis]),
        (Op::ReduceSum { axes } | Op::ReduceMean { axes }, [x]) => check_reduced(node, x, axes),
        (Op::Gather, [table, x]) => match table {
            [] | [0, ..] => Err(format!("its table has shape {table:?}, so no rows")),
            [_, width @ ..] => expect(&[x, width].concat()),
        },
        (Op::Rearrange { sources }, [_, ..]) => {
            let lens: Vec<usize> = operands.iter().map(|shape| shape.iter().product()).collect();
            let exists = |s: &super::Source| lens.get(s.input as usize).is_some_and(|&len| (s.element as usize) < len);
            match sources.iter().all(exists) {
                true if sources.len() == len => Ok(()),
                true => Err(format!("{} sources for shape {:?}", sources.len(), node.shape)),
                false => Err("a source lies outside of its operand".into()),
            }
        }
        (op, _) => Err(format!("{} with {} operands", op.name(), operands.len())),
    }
}

/// How many elements a shape has, if `usize` can say.
pub(crate) fn checked_len(shape: &[usize]) -> Option<usize> {
    // A dimension of 0 must not hide that the others overflow: strides are products of them.
    shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim.max(1)))?;
    Some(shape.iter().product())
}

/// The shape of a product of two tensors of rank 2 or more.
pub(crate) fn matmul_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let (Some((a_batch, &[m, k])), Some((b_batch, &[l, n]))) = (a.split_last_chunk::<2>(), b.split_last_chunk::<2>())
    else {
        return Err(format!("{a:?} and {b:?}: both need rank 2 or more"));
    };
    if k != l {
        return Err(format!("{a:?} times {b:?}: the inner dimensions {k} and {l} differ"));
    }
    let mut shape = layout::broadcast(a_batch, b_batch).ok_or_else(|| format!("{a:?} and {b:?} do not broadcast"))?;
    shape.extend([m, n]);
    Ok(shape)
}

/// The shape that is left of `x` when `axes` are taken out.
pub(crate) fn reduced(x: &[usize], axes: &[usize]) -> Result<Vec<usize>, String> {
    let ascending = axes.windows(2).all(|pair| pair[0] < pair[1]);
    if axes.is_empty() || !ascending || axes.iter().any(|&axis| axis >= x.len()) {
        return Err(format!("axes {axes:?} of a tensor of shape {x:?}"));
    }
    if axes.iter().any(|&axis| x[axis] == 0) {
        return Err(format!("axes {axes:?} of shape {x:?} hold no elements"));
    }
    Ok((0..x.len()).filter(|axis| !axes.contains(axis)).map(|axis| x[axis]).collect())
}

fn check_reduced(node: &Node, x: &[usize], axes: &[usize]) -> Result<(), String> {
    let dropped = reduced(x, axes)?;
    let kept: Vec<usize> = (0..x.len()).map(|axis| if axes.contains(&axis) { 1 } else { x[axis] }).collect();
    match node.shape == dropped || node.shape == kept {
        true => Ok(()),
        false => Err(format!("its shape is {:?}, but its operand makes {kept:?} or {dropped:?}", node.shape)),
    }
}
