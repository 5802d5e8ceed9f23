//! What each node takes of the machine, estimated from its ranges before anything is laid out.
//!
//! A *unit* is two operands of an equation, or one lookup. The formulas stand in the gadgets, each beside the equations that it counts.

use std::cell::Cell;

use super::gadgets::{
    argmax, contraction, divide, embedding, inputs, is_zero, piecewise, products, rectify, square_root, step,
};
use crate::int::{Contraction, Graph, Interval, Node, NodeId, Op};

/// What the nodes of a graph take.
pub(crate) struct Estimate {
    /// Units, in the order of the nodes.
    pub(crate) units: Vec<f64>,
    /// Narrower limbs that stand on top of full ones: bit `r` for `r` bits, which is also how many rows their table has.
    pub(crate) narrow: u64,
    /// Rows of the tables that nodes bring along: those of functions and of embeddings.
    pub(crate) table_rows: usize,
}

/// Estimates `graph` with limbs of `limb_bits`: `b` of the gadgets' formulas, 8 to 10 in practice.
///
/// A weighted sum takes half a unit a term, where it has more than one; other sums are part of what reads them. So does each element of
/// an output that is a sum.
pub(crate) fn estimate(graph: &Graph, limb_bits: u32) -> Estimate {
    let limb_bits = limb_bits.max(1);
    let narrow = Cell::new(0);
    let fused = fused(graph);
    let count = |(node, fused)| Count { graph, node, fused, limb_bits, narrow: &narrow }.units();
    let mut units: Vec<f64> = graph.nodes.iter().zip(fused).map(count).collect();
    for output in &graph.outputs {
        let node = graph.node(output.node);
        let is_sum = matches!(node.op, Op::Linear { .. } | Op::Rearrange { .. })
            || Contraction::of(&node.op).is_some_and(|contraction| !contraction.is_of_computed());
        if is_sum {
            units[output.node.0 as usize] += 0.5 * node.len() as f64;
        }
    }
    let functions: usize = graph.piecewise.iter().map(piecewise::table_rows).sum();
    let embeddings: usize = graph.nodes.iter().map(|node| embedding::table_rows(&node.op)).sum();
    Estimate { units, narrow: narrow.get(), table_rows: functions + embeddings }
}

/// What a shift is computed together with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fused {
    Alone,
    /// With the rectifier that is its only reader.
    WithRelu,
    /// Not at all: its only reader is a step.
    WithStep,
}

fn fused(graph: &Graph) -> Vec<Fused> {
    let mut readers = vec![0usize; graph.nodes.len()];
    let mut fused = vec![Fused::Alone; graph.nodes.len()];
    for node in &graph.nodes {
        for id in &node.inputs {
            readers[id.0 as usize] += 1;
            match node.op {
                Op::Relu => fused[id.0 as usize] = Fused::WithRelu,
                Op::Step => fused[id.0 as usize] = Fused::WithStep,
                _ => {}
            }
        }
    }
    graph.outputs.iter().for_each(|output| readers[output.node.0 as usize] += 1);
    for (fused, readers) in fused.iter_mut().zip(readers) {
        if readers != 1 {
            *fused = Fused::Alone;
        }
    }
    fused
}

/// A node whose units are counted.
pub(super) struct Count<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
    pub(super) fused: Fused,
    limb_bits: u32,
    narrow: &'a Cell<u64>,
}

impl Count<'_> {
    /// Limbs that hold `bits`, the last of them no wider than need be.
    pub(super) fn limbs(&self, bits: u32) -> f64 {
        let rest = bits % self.limb_bits;
        if rest > 0 {
            self.narrow.set(self.narrow.get() | 1 << rest.min(u64::BITS - 1));
        }
        self.full_limbs(bits)
    }

    /// Limbs that hold `bits`, all of them full ones.
    pub(super) fn full_limbs(&self, bits: u32) -> f64 {
        f64::from(bits.div_ceil(self.limb_bits))
    }

    /// The sum over the elements of `node` of a figure of an element's range.
    pub(super) fn sum(&self, node: &Node, f: impl Fn(Interval) -> f64) -> f64 {
        match node.ranges.as_slice() {
            [one] => node.len() as f64 * f(*one),
            many => many.iter().map(|range| f(*range)).sum(),
        }
    }

    /// What the node reads first.
    pub(super) fn operand(&self) -> &Node {
        self.graph.node(self.node.inputs.first().copied().unwrap_or(NodeId(0)))
    }

    fn units(&self) -> f64 {
        match &self.node.op {
            Op::Constant { .. } | Op::Rearrange { .. } => 0.0,
            Op::Linear { rows } => {
                let terms: usize = rows.iter().map(|row| row.terms.len()).filter(|terms| *terms > 1).sum();
                0.5 * terms as f64
            }
            Op::Input { .. } => inputs::units(self),
            Op::SumOfProducts { rows } => products::units(rows),
            Op::Shift { bits } => rectify::units_of_shift(self, *bits),
            Op::Relu => rectify::units_of_relu(self),
            Op::Piecewise { table } => piecewise::units(self, *table),
            Op::Max { groups } | Op::ArgMax { groups } => argmax::units(self, groups),
            Op::Divide { divisor, rounding, .. } => divide::units(self, divisor, *rounding),
            Op::Step => step::units(self),
            Op::IsZero => is_zero::units(self),
            Op::SquareRoot { .. } => square_root::units(self),
            Op::Gather { rows } => embedding::units(self, rows, (0..self.operand().len()).map(|_| 1)),
            Op::EmbeddingSum { rows, groups } => embedding::units(self, rows, groups.iter().map(Vec::len)),
            Op::MatMul { .. } | Op::Conv { .. } => {
                Contraction::of(&self.node.op).map_or(0.0, |of| contraction::units(&of))
            }
        }
    }
}
