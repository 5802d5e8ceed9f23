//! The integer reference executor.

use super::analyze::quotient;
use super::ops::{square_root, step};
use super::piecewise::shift_rounding_half_up;
use super::{Error, Graph, Interval, Node, Op, Source, Term, limits, structure};

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

struct Run<'a> {
    graph: &'a Graph,
    node: &'a Node,
    operands: Vec<&'a [i64]>,
}

impl Run<'_> {
    fn source(&self, source: Source) -> i128 {
        self.operands[source.input as usize][source.element as usize].into()
    }

    fn output(&self) -> Result<Vec<i128>, Error> {
        let x = self.operands.first().copied().unwrap_or(&[]);
        Ok(match &self.node.op {
            // Handled by the caller, who has the inputs.
            Op::Input { .. } => Vec::new(),
            Op::Constant { values } => widen(values),
            Op::Rearrange { sources } => sources.iter().map(|source| self.source(*source)).collect(),
            Op::Linear { rows } => rows
                .iter()
                .map(|row| {
                    let narrow = |sum: i64, term: &Term| {
                        let x = self.operands[term.source.input as usize][term.source.element as usize];
                        sum.checked_add(term.weight.checked_mul(x)?)
                    };
                    let wide = || {
                        let terms = row.terms.iter().map(|term| i128::from(term.weight) * self.source(term.source));
                        terms.fold(i128::from(row.bias), i128::saturating_add)
                    };
                    // A sum within analyzed ranges fits 64 bits; any other is still exact, and refused as it is.
                    row.terms.iter().try_fold(row.bias, narrow).map_or_else(wide, i128::from)
                })
                .collect(),
            Op::SumOfProducts { rows } => rows
                .iter()
                .map(|row| {
                    let products = row.iter().map(|(first, second)| self.source(*first) * self.source(*second));
                    products.fold(0, i128::saturating_add)
                })
                .collect(),
            Op::Shift { bits } => x.iter().map(|x| shift_rounding_half_up(*x, *bits).into()).collect(),
            Op::Relu => x.iter().map(|x| i128::from(*x.max(&0))).collect(),
            Op::Piecewise { table } => {
                let table = &self.graph.piecewise[*table as usize];
                let eval = |(element, x): (usize, &i64)| {
                    table
                        .eval(*x)
                        .map(i128::from)
                        .ok_or_else(|| self.outside(element, "the argument of the table", *x, table.domain()))
                };
                x.iter().enumerate().map(eval).collect::<Result<_, _>>()?
            }
            Op::Max { groups } => groups.iter().map(|group| greatest(x, group).1.into()).collect(),
            Op::ArgMax { groups } => groups.iter().map(|group| greatest(x, group).0 as i128).collect(),
            Op::Divide { shift, divisor } => (x.iter().zip(divisor).enumerate())
                .map(|(element, (a, divisor))| {
                    let b = self.operands[1][*divisor as usize];
                    let greatest = limits::magnitude(limits::VALUE_BITS).hi;
                    let (positive, not_negative) = (Interval::new(1, greatest), Interval::new(0, greatest));
                    if !positive.contains(b) {
                        return Err(self.outside(element, "the divisor", b, positive));
                    }
                    if !not_negative.contains(*a) {
                        return Err(self.outside(element, "the dividend", *a, not_negative));
                    }
                    Ok(quotient(*a, b, *shift))
                })
                .collect::<Result<_, _>>()?,
            Op::Gather { rows } => {
                let mut output = Vec::with_capacity(self.node.len());
                for (element, index) in x.iter().enumerate() {
                    output.extend(widen(self.table_row(rows, element, *index)?));
                }
                output
            }
            Op::EmbeddingSum { rows, groups } => {
                let width = rows[0].len();
                let mut output = vec![0i128; groups.len() * width];
                for (bag, group) in output.chunks_exact_mut(width.max(1)).zip(groups) {
                    for member in group {
                        let row = self.table_row(rows, *member as usize, x[*member as usize])?;
                        bag.iter_mut().zip(row).for_each(|(sum, value)| *sum += i128::from(*value));
                    }
                }
                output
            }
            Op::Step => x.iter().map(|x| step::value(*x).into()).collect(),
            Op::SquareRoot { shift } => {
                let root = |(element, x): (usize, &i64)| {
                    let root = square_root::value(*x, *shift).map(i128::from);
                    root.ok_or_else(|| self.outside(element, square_root::ARGUMENT, *x, square_root::domain(*shift)))
                };
                x.iter().enumerate().map(root).collect::<Result<_, _>>()?
            }
        })
    }

    fn table_row<'t>(&self, rows: &'t [Vec<i64>], element: usize, index: i64) -> Result<&'t [i64], Error> {
        let row = usize::try_from(index).ok().and_then(|index| rows.get(index));
        row.map(Vec::as_slice).ok_or_else(|| {
            self.outside(element, "the index into the table", index, Interval::new(0, rows.len() as i64 - 1))
        })
    }

    fn outside(&self, element: usize, what: &'static str, got: i64, allowed: Interval) -> Error {
        let advice = "the graph was not validated";
        let node = self.node.name.clone();
        Error::OutsideDomain { node, element, what, got: Interval::point(got), allowed, advice }
    }
}

/// Position and value of the first greatest element.
fn greatest(x: &[i64], group: &[u32]) -> (usize, i64) {
    let mut best = (0, i64::MIN);
    for (position, member) in group.iter().enumerate() {
        let value = x[*member as usize];
        if value > best.1 {
            best = (position, value);
        }
    }
    best
}

fn widen(values: &[i64]) -> Vec<i128> {
    values.iter().map(|value| i128::from(*value)).collect()
}
