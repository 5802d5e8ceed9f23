//! The integer reference executor.

use super::ops::{
    contraction, data, divide, elementwise, embedding, greatest, is_zero, linear, piecewise, products, square_root,
    step,
};
use super::{Error, Graph, Interval, Node, Op, Source, structure};

/// Every value of one run: `values[node][element]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Indexed by node, then by element.
    pub values: Vec<Vec<i64>>,
}

impl Trace {
    /// The values of the outputs, in their order.
    pub fn outputs<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = &'a [i64]> {
        graph.outputs.iter().map(|output| self.values[output.node.0 as usize].as_slice())
    }
}

/// A graph whose structure has been checked once, to be run many times.
#[derive(Clone, Copy, Debug)]
pub struct Executor<'a> {
    graph: &'a Graph,
}

impl<'a> Executor<'a> {
    /// Checks indices, lengths and order of `graph`. Ranges are checked value by value during each run.
    ///
    /// # Errors
    /// If the graph is not well formed.
    pub fn new(graph: &'a Graph) -> Result<Self, Error> {
        structure::check_graph(graph)?;
        graph.nodes.iter().try_for_each(structure::check_declared_ranges)?;
        Ok(Self { graph })
    }

    /// As [`Self::new`], for a graph that [`super::Builder`] has just made: it is well formed.
    pub(crate) fn of_built(graph: &'a Graph) -> Self {
        Self { graph }
    }

    /// Runs the graph on `inputs`, one flat row-major tensor per [`Op::Input`], in their order.
    ///
    /// # Errors
    /// If the inputs have the wrong count, lengths or a value out of its declared range; or, for a graph that has not
    /// been [validated](Graph::validate), if a value leaves its node's declared range or an operator's domain.
    pub fn run(&self, inputs: &[Vec<i64>]) -> Result<Trace, Error> {
        let expected = self.graph.inputs().count();
        if inputs.len() != expected {
            return Err(Error::InputCount { expected, got: inputs.len() });
        }
        let mut inputs = inputs.iter();
        let mut values: Vec<Vec<i64>> = Vec::with_capacity(self.graph.nodes.len());
        for node in &self.graph.nodes {
            let output = match &node.op {
                Op::Input { name } => {
                    let input = inputs.next().map_or(&[][..], Vec::as_slice);
                    check_input(node, name, input)?;
                    input.to_vec()
                }
                _ => {
                    let operands = node.inputs.iter().map(|id| values[id.0 as usize].as_slice()).collect();
                    let run = Run { graph: self.graph, node, operands };
                    let output = run.output()?;
                    check_ranges(node, &output)?
                }
            };
            values.push(output);
        }
        Ok(Trace { values })
    }
}

/// Runs `graph` once; see [`Executor`].
///
/// # Errors
/// As [`Executor::new`] and [`Executor::run`].
pub fn execute(graph: &Graph, inputs: &[Vec<i64>]) -> Result<Trace, Error> {
    Executor::new(graph)?.run(inputs)
}

fn check_input(node: &Node, name: &str, input: &[i64]) -> Result<(), Error> {
    let name = || name.to_owned();
    if input.len() != node.len() {
        return Err(Error::InputLength { name: name(), expected: node.len(), got: input.len() });
    }
    let outside = |(element, value): (usize, &i64)| !node.range(element).contains(*value);
    match input.iter().enumerate().find(|pair| outside(*pair)) {
        Some((element, value)) => {
            Err(Error::InputOutOfRange { name: name(), element, value: *value, allowed: node.range(element) })
        }
        None => Ok(()),
    }
}

/// Narrows to `i64`, once each value is known to stand in its declared range.
fn check_ranges(node: &Node, output: &[i128]) -> Result<Vec<i64>, Error> {
    let narrow = |(element, value): (usize, &i128)| {
        let declared = node.range(element);
        match i64::try_from(*value) {
            Ok(value) if declared.contains(value) => Ok(value),
            _ => Err(Error::ValueOutOfRange { node: node.name.clone(), element, value: *value, declared }),
        }
    };
    output.iter().enumerate().map(narrow).collect()
}

/// What an operator's execution reads.
pub(super) struct Run<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    /// The values of each operand.
    pub(super) operands: Vec<&'a [i64]>,
}

impl Run<'_> {
    fn output(&self) -> Result<Vec<i128>, Error> {
        Ok(match &self.node.op {
            // Handled by the caller, who has the inputs.
            Op::Input { .. } => Vec::new(),
            Op::Constant { values } => data::run_constant(values),
            Op::Rearrange { sources } => data::run_rearrange(self, sources),
            Op::Linear { rows } => linear::run(self, rows),
            Op::SumOfProducts { rows } => products::run(self, rows),
            Op::Shift { bits } => elementwise::run_shift(self, *bits),
            Op::Relu => elementwise::run_relu(self),
            Op::Piecewise { table } => piecewise::run(self, *table)?,
            Op::Max { groups } => greatest::run_max(self, groups),
            Op::ArgMax { groups } => greatest::run_arg_max(self, groups),
            Op::Divide { shift, divisor, rounding } => divide::run(self, *shift, divisor, *rounding)?,
            Op::Gather { rows } => embedding::run_gather(self, rows)?,
            Op::EmbeddingSum { rows, groups } => embedding::run_sum(self, rows, groups)?,
            Op::MatMul { .. } | Op::Conv { .. } => contraction::run(self)?,
            Op::Step => step::run(self),
            Op::IsZero => is_zero::run(self),
            Op::SquareRoot { shift } => square_root::run(self, *shift)?,
        })
    }

    /// The values of operand 0; none if there is no such operand.
    pub(super) fn first(&self) -> &[i64] {
        self.operands.first().copied().unwrap_or(&[])
    }

    pub(super) fn source(&self, source: Source) -> i128 {
        self.operands[source.input as usize][source.element as usize].into()
    }

    pub(super) fn outside(&self, element: usize, what: &'static str, got: i64, allowed: Interval) -> Error {
        let advice = "the graph was not validated";
        let node = self.node.name.clone();
        Error::OutsideDomain { node, element, what, got: Interval::point(got), allowed, advice }
    }
}
