//! Interval analysis: what every element of every node can be, given the declared ranges of the inputs.
//!
//! Each operator's rule is exact for independent operands. Two rules know more, because softmax needs them:
//! `max(g) - x[e]` is not negative if `e` is in `g`, and a term of a sum of non-negative terms is at most the sum.
//!
//! # Time
//! Whatever a graph says, analysis takes time in proportion to its length, but for logarithms: what several rows or elements
//! ask for again ([`Known`]) is found out once.

use std::collections::{HashMap, HashSet};

use super::bounds::entry;
use super::extremes::Extremes;
use super::interval::collapse;
use super::ops::{
    contraction, data, divide, elementwise, embedding, greatest, is_zero, linear, piecewise, products, square_root,
    step,
};
use super::{Error, Graph, Interval, Node, NodeId, Op, Source, structure};

/// An element of a node that is not just moved data.
pub(super) type Origin = (NodeId, u32);

/// What analysis has found out of a graph's nodes so far, beside their ranges.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// By node: where the elements of a [`Op::Rearrange`] come from. Empty for all others.
    pub(super) origins: Vec<Vec<Origin>>,
    /// Which values a [`Op::Max`] is the greatest of, by its node and element.
    pub(super) members: HashMap<(NodeId, u32), HashSet<Origin>>,
    /// The terms of a row of a [`Op::Linear`], by its node and position, if it is a sum of terms that are not negative.
    pub(super) summands: HashMap<(NodeId, u32), Option<HashSet<Origin>>>,
    /// Of the segments of each [`super::Piecewise`] that was asked for.
    pub(super) segments: HashMap<u32, Extremes>,
}

impl Known {
    /// Where a value comes from, before data was moved.
    pub(super) fn origin(&self, id: NodeId, element: u32) -> Origin {
        let moved = self.origins.get(id.0 as usize).and_then(|origins| origins.get(element as usize));
        moved.copied().unwrap_or((id, element))
    }

    /// Where the elements of `node` come from, whose operands are known; empty if it computes them.
    fn origins_of(&self, node: &Node) -> Vec<Origin> {
        let Op::Rearrange { sources } = &node.op else { return Vec::new() };
        sources.iter().map(|source| self.origin(node.inputs[source.input as usize], source.element)).collect()
    }
}

impl Graph {
    /// The range of every element of every node, indexed by node, in the form of [`Node::ranges`].
    ///
    /// Only the declared ranges of the inputs are used; those of other nodes are not read.
    ///
    /// # Errors
    /// If the graph is not well formed, if a sum of magnitudes can reach `2^62`, or if an argument can leave
    /// the domain of its operator.
    pub fn analyze(&self) -> Result<Vec<Vec<Interval>>, Error> {
        structure::check_graph(self)?;
        let mut found: Vec<Vec<Interval>> = Vec::with_capacity(self.nodes.len());
        let mut known = Known::default();
        for node in &self.nodes {
            let ranges = infer(self, node, &|id: NodeId| found[id.0 as usize].as_slice(), &mut known)?;
            found.push(ranges);
        }
        Ok(found)
    }

    /// Checks a graph that comes from outside: indices, lengths, shapes, order, constants, and that every declared
    /// range encloses what the node can produce. A graph that passes can be [executed](super::execute) on every input
    /// in its declared ranges without an error.
    ///
    /// # Errors
    /// The first defect found.
    pub fn validate(&self) -> Result<(), Error> {
        let computed = self.analyze()?;
        for (node, computed) in self.nodes.iter().zip(&computed) {
            structure::check_declared_ranges(node)?;
            // One entry stands for all, so the longer of the two lists has every pair that differs.
            for element in 0..node.ranges.len().max(computed.len()) {
                let (declared, computed) = (entry(&node.ranges, element), entry(computed, element));
                if !declared.encloses(computed) {
                    return Err(Error::RangeTooNarrow { node: node.name.clone(), element, declared, computed });
                }
            }
        }
        Ok(())
    }
}

/// The ranges of `node`, whose operands are nodes of `graph` with the ranges that `found` gives.
/// `node` must have passed [`structure::check_node`]; it need not be in the graph yet. `known` is of the nodes before it, each
/// of which has been inferred, and then of this one too.
pub(super) fn infer<'r>(
    graph: &Graph,
    node: &Node,
    found: &dyn Fn(NodeId) -> &'r [Interval],
    known: &mut Known,
) -> Result<Vec<Interval>, Error> {
    let ranges = node.inputs.iter().map(|id| found(*id)).collect();
    let mut operands = Operands { graph, node, found, known: &mut *known, ranges };
    let operands = &mut operands;
    let ranges = match &node.op {
        Op::Input { .. } => node.ranges.clone(),
        Op::Constant { values } => data::constant_ranges(values),
        Op::Rearrange { sources } => data::rearrange_ranges(operands, sources),
        Op::Linear { rows } => linear::ranges(operands, rows)?,
        Op::SumOfProducts { rows } => products::ranges(operands, rows)?,
        Op::Shift { bits } => elementwise::shift_ranges(operands, *bits),
        Op::Relu => elementwise::relu_ranges(operands),
        Op::Piecewise { table } => piecewise::ranges(operands, *table)?,
        Op::Max { groups } => greatest::max_ranges(operands, groups),
        Op::ArgMax { groups } => greatest::arg_max_ranges(groups),
        Op::Divide { shift, divisor, rounding } => divide::ranges(operands, *shift, divisor, *rounding)?,
        Op::Gather { rows } => embedding::gather_ranges(operands, rows)?,
        Op::EmbeddingSum { rows, groups } => embedding::sum_ranges(operands, rows, groups)?,
        Op::MatMul { .. } | Op::Conv { .. } => contraction::ranges(operands)?,
        Op::Step => step::ranges(operands),
        Op::IsZero => is_zero::ranges(operands),
        Op::SquareRoot { shift } => square_root::ranges(operands, *shift)?,
    };
    let origins = known.origins_of(node);
    known.origins.push(origins);
    Ok(collapse(ranges))
}

/// What an operator's analysis reads.
pub(super) struct Operands<'a, 'r> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    pub(super) found: &'a dyn Fn(NodeId) -> &'r [Interval],
    pub(super) known: &'a mut Known,
    /// Of each operand, in the form of [`Node::ranges`].
    pub(super) ranges: Vec<&'r [Interval]>,
}

impl Operands<'_, '_> {
    pub(super) fn at(&self, input: usize, element: usize) -> Interval {
        entry(self.ranges[input], element)
    }

    pub(super) fn source(&self, source: Source) -> Interval {
        self.at(source.input as usize, source.element as usize)
    }

    /// Applies `f` to each range of operand 0: once if one stands for all.
    pub(super) fn each(&self, f: impl Fn(Interval) -> Interval) -> Vec<Interval> {
        self.ranges[0].iter().map(|range| f(*range)).collect()
    }

    /// Where an element of an operand comes from.
    pub(super) fn origin(&self, source: Source) -> Origin {
        self.known.origin(self.node.inputs[source.input as usize], source.element)
    }
}
