//! The float executor: runs a [`Graph`] in double precision and keeps every intermediate tensor.
//!
//! It is what calibration reads ranges from and what the error report compares integers with. It computes in `f64`, so
//! it stands closer to the real function than any single-precision runtime; [`super::Reference`] is the latter.

use super::{ElementType, Error, Graph, Node, NodeId, Op, Tensor, Ties, Values, layout};
use crate::elementary;

/// Integers up to here are exact in `f64`, and so are their comparisons.
pub(crate) const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Every value of one run: `values[node][element]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Indexed by node, then by element, row-major.
    pub values: Vec<Vec<f64>>,
}

impl Trace {
    /// What one node yielded.
    ///
    /// # Panics
    /// If the traced graph has no such node.
    pub fn of(&self, node: NodeId) -> &[f64] {
        &self.values[node.0 as usize]
    }
}

/// One operand: its shape and values.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) values: &'a [f64],
}

/// Runs `graph` on `inputs`: one tensor per [`Op::Input`], in their order, of exactly their shapes and of their types
/// (integers for integer inputs). [`crate::tensors`] makes such tensors from files.
///
/// # Errors
/// Tensors that do not fit the inputs; an index outside of a table; values that leave what their type can hold; a graph
/// that is inconsistent.
pub fn execute(graph: &Graph, inputs: &[Tensor]) -> Result<Trace, Error> {
    graph.check()?;
    let expected = graph.inputs().count();
    if expected != inputs.len() {
        return Err(Error::InputCount { expected, got: inputs.len() });
    }
    let mut inputs = inputs;
    let mut values: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let computed = match (&node.op, inputs) {
            (Op::Input, [tensor, rest @ ..]) => {
                inputs = rest;
                read_input(node, tensor)?
            }
            (op, _) => {
                let operands: Vec<Operand<'_>> = node
                    .inputs
                    .iter()
                    .map(|id| Operand { shape: &graph.node(*id).shape, values: &values[id.0 as usize] })
                    .collect();
                compute(&node.name, op, &operands, &node.shape)?
            }
        };
        check_values(&node.name, node.element, &computed)?;
        values.push(computed);
    }
    Ok(Trace { values })
}

/// Whether `tensor` has the shape and the type of the input `node`.
pub(super) fn check_input(node: &Node, tensor: &Tensor) -> Result<(), Error> {
    if tensor.shape != node.shape || tensor.values.len() != node.len() {
        return Err(Error::InputShape {
            input: node.tensor.clone(),
            expected: node.shape.clone(),
            got: tensor.shape.clone(),
            values: tensor.values.len(),
        });
    }
    let fits = match &tensor.values {
        Values::Float(_) => node.element.is_float(),
        Values::Int(_) => node.element.is_integer(),
        Values::Bool(_) => node.element == ElementType::Bool,
    };
    match fits {
        true => Ok(()),
        false => {
            let got = tensor.values.kind();
            Err(Error::InputType { input: node.tensor.clone(), expected: node.element, got })
        }
    }
}

fn read_input(node: &Node, tensor: &Tensor) -> Result<Vec<f64>, Error> {
    check_input(node, tensor)?;
    Ok(match &tensor.values {
        Values::Float(values) => values.clone(),
        // Beyond 2^53 the conversion rounds, but never to less than 2^53, and the check that follows refuses it.
        Values::Int(values) => values.iter().map(|&value| value as f64).collect(),
        Values::Bool(values) => values.iter().map(|&value| f64::from(u8::from(value))).collect(),
    })
}

/// Whether `values` are what a tensor of this type may hold.
pub(crate) fn check_values(node: &str, element: ElementType, values: &[f64]) -> Result<(), Error> {
    if let Some((at, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(Error::NonFinite { node: node.to_owned(), element: at, value });
    }
    let fits = |value: f64| match element {
        ElementType::F32 | ElementType::F64 => true,
        // Strictly: 2^53 itself is also what 2^53 + 1 rounds to.
        ElementType::I64 => value.abs() < MAX_EXACT,
        ElementType::I32 => f64::from(i32::MIN) <= value && value <= f64::from(i32::MAX),
        ElementType::Bool => value == 0.0 || value == 1.0,
    };
    match values.iter().find(|&&value| !fits(value)) {
        Some(&value) => Err(Error::Overflow { node: node.to_owned(), element, value }),
        None => Ok(()),
    }
}

/// Runs one operator. Operands and `shape` have passed [`super::check::check_node`].
pub(crate) fn compute(name: &str, op: &Op, operands: &[Operand<'_>], shape: &[usize]) -> Result<Vec<f64>, Error> {
    Ok(match (op, operands) {
        (Op::Constant { values }, _) => values.clone(),
        (Op::MatMul, [a, b]) => matmul(*a, *b, shape),
        (Op::Add, [a, b]) => binary(*a, *b, shape, |a, b| a + b),
        (Op::Sub, [a, b]) => binary(*a, *b, shape, |a, b| a - b),
        (Op::Mul, [a, b]) => binary(*a, *b, shape, |a, b| a * b),
        (Op::Relu, [x]) => unary(*x, |x| x.max(0.0)),
        (Op::LeakyRelu { alpha }, [x]) => unary(*x, |x| if x < 0.0 { alpha * x } else { x }),
        (Op::Clip { min, max }, [x]) => {
            let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
            unary(*x, |x| x.max(min).min(max))
        }
        (Op::Sigmoid, [x]) => unary(*x, elementary::sigmoid),
        (Op::Tanh, [x]) => unary(*x, elementary::tanh),
        (Op::Softmax { axis }, [x]) => softmax(*x, *axis),
        (Op::ArgMax { axis, ties }, [x]) => argmax(*x, *axis, *ties),
        (Op::ReduceSum { axes }, [x]) => reduce(*x, axes, |sum, _| sum),
        (Op::ReduceMean { axes }, [x]) => reduce(*x, axes, |sum, count| sum / count),
        (Op::Gather, [table, x]) => gather(name, *table, *x)?,
        (Op::Rearrange { sources }, _) => {
            sources.iter().map(|s| operands[s.input as usize].values[s.element as usize]).collect()
        }
        (op, _) => {
            let reason = format!("{} with {} operands", op.name(), operands.len());
            return Err(Error::Malformed { node: name.to_owned(), reason });
        }
    })
}

fn unary(x: Operand<'_>, f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.values.iter().map(|&x| f(x)).collect()
}

fn binary(a: Operand<'_>, b: Operand<'_>, shape: &[usize], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = layout::broadcast_offsets(a.shape, shape).zip(layout::broadcast_offsets(b.shape, shape));
    pairs.map(|(i, j)| f(a.values[i], b.values[j])).collect()
}

fn matmul(a: Operand<'_>, b: Operand<'_>, shape: &[usize]) -> Vec<f64> {
    let (a_batch, a_last) = a.shape.split_at(a.shape.len() - 2);
    let (b_batch, b_last) = b.shape.split_at(b.shape.len() - 2);
    let (m, k, n) = (a_last[0], a_last[1], b_last[1]);
    let batch = &shape[..shape.len() - 2];
    let mut y = vec![0.0; shape.iter().product()];
    if y.is_empty() || k == 0 {
        return y;
    }
    let pairs = layout::broadcast_offsets(a_batch, batch).zip(layout::broadcast_offsets(b_batch, batch));
    for ((i, j), y) in pairs.zip(y.chunks_exact_mut(m * n)) {
        let a = &a.values[i * m * k..][..m * k];
        let b = &b.values[j * k * n..][..k * n];
        for (a, y) in a.chunks_exact(k).zip(y.chunks_exact_mut(n)) {
            for (a, b) in a.iter().zip(b.chunks_exact(n)) {
                y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
            }
        }
    }
    y
}

fn softmax(x: Operand<'_>, axis: usize) -> Vec<f64> {
    let mut y = vec![0.0; x.values.len()];
    for group in layout::groups(x.shape, &[axis]).iter() {
        let group: Vec<usize> = group.collect();
        let max = group.iter().map(|&i| x.values[i]).fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for &i in &group {
            y[i] = elementary::exp(x.values[i] - max);
            sum += y[i];
        }
        group.iter().for_each(|&i| y[i] /= sum);
    }
    y
}

fn argmax(x: Operand<'_>, axis: usize, ties: Ties) -> Vec<f64> {
    let best = |group: &mut dyn Iterator<Item = usize>| {
        let mut best = (0, f64::NEG_INFINITY);
        for (position, i) in group.enumerate() {
            let value = x.values[i];
            if value > best.1 || (ties == Ties::Last && value == best.1) {
                best = (position, value);
            }
        }
        best.0 as f64
    };
    layout::groups(x.shape, &[axis]).iter().map(|mut group| best(&mut group)).collect()
}

fn reduce(x: Operand<'_>, axes: &[usize], finish: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let groups = layout::groups(x.shape, axes);
    let count = groups.size() as f64;
    groups.iter().map(|group| finish(group.map(|i| x.values[i]).sum(), count)).collect()
}

fn gather(name: &str, table: Operand<'_>, x: Operand<'_>) -> Result<Vec<f64>, Error> {
    let rows = table.shape[0];
    let width: usize = table.shape[1..].iter().product();
    let mut y = Vec::with_capacity(x.values.len() * width);
    for &index in x.values {
        let row = if index < 0.0 { index + rows as f64 } else { index };
        if !(0.0..rows as f64).contains(&row) {
            return Err(Error::Index { node: name.to_owned(), index, rows });
        }
        // Exact: an integer in [0, rows).
        y.extend_from_slice(&table.values[row as usize * width..][..width]);
    }
    Ok(y)
}
