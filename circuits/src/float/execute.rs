//! The float executor: runs a [`Graph`] in double precision and keeps every intermediate tensor.
//!
//! It is what calibration reads ranges from and what the error report compares integers with. It computes in `f64`, so
//! it stands closer to the real function than any single-precision runtime; [`crate::onnx::Reference`] is the latter.

use super::{
    ElementType, Error, Graph, Node, NodeId, Op, Tensor, Values,
    ops::{Operand, compute},
};

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

/// A graph that has been checked once, to be run many times.
#[derive(Clone, Copy, Debug)]
pub struct Executor<'a> {
    graph: &'a Graph,
}

impl<'a> Executor<'a> {
    /// Checks `graph`.
    ///
    /// # Errors
    /// A graph that is inconsistent.
    pub fn new(graph: &'a Graph) -> Result<Self, Error> {
        graph.check()?;
        Ok(Self { graph })
    }

    /// Runs the graph on `inputs`: one tensor per [`Op::Input`], in their order, of exactly their shapes and of their types
    /// (integers for integer inputs). [`crate::tensors`] makes such tensors from files.
    ///
    /// # Errors
    /// Tensors that do not fit the inputs; an index outside of a table; values that leave what their type can hold.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Trace, Error> {
        let graph = self.graph;
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
}

/// Runs `graph` once; see [`Executor`].
///
/// # Errors
/// As [`Executor::new`] and [`Executor::run`].
pub fn execute(graph: &Graph, inputs: &[Tensor]) -> Result<Trace, Error> {
    Executor::new(graph)?.run(inputs)
}

/// Whether `tensor` has the shape and the type of the input `node`.
pub(crate) fn check_input(node: &Node, tensor: &Tensor) -> Result<(), Error> {
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
    let fits = |value: f64| match element.integers() {
        None => true,
        // Strictly: 2^53 itself is also what 2^53 + 1 rounds to.
        Some(range) => value.fract() == 0.0 && value.abs() < MAX_EXACT && range.contains(&(value as i64)),
    };
    match values.iter().find(|&&value| !fits(value)) {
        Some(&value) => Err(Error::Overflow { node: node.to_owned(), element, value }),
        None => Ok(()),
    }
}
