//! How much there is room for, counted before it is built.
//!
//! A graph in a file says in a few bytes how many elements it has, and an equation of the machine takes hundreds of bytes
//! in memory. So what a graph takes at the least is counted first, in time and memory in proportion to the graph as it is
//! written; what the count lets pass is stopped while it is built ([`Builder::push`](super::builder::Builder::push)).

use super::{
    Error, MAX_K, Plan, Shape,
    builder::bits_of,
    gadgets::{embedding::num_packs, is_zero::is_open, square_root::remainder_bits, step::num_sign_limbs},
    layout::CONTEXT_INSTANCES,
    shape::{k_for, usable_rows},
};
use crate::int::{Graph, Interval, Node, Op};

/// Rows of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Rows that equations may use, and tables, and public values, each on its own.
    pub(crate) rows: usize,
    /// log2 of all rows.
    pub(crate) k: u32,
    /// Units of a row.
    pub(crate) width: usize,
}

impl Room {
    /// The widest machine that is planned for.
    pub(crate) const LARGEST: Self = Self { rows: usable_rows(MAX_K), k: MAX_K, width: Shape::Wide.units() };

    /// The machine of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let k = plan.k.min(MAX_K);
        Self { rows: usable_rows(k), k, width: plan.shape.units() }
    }

    /// Whether there are so many rows.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn check(self, rows: usize) -> Result<(), Error> {
        if rows <= self.rows { Ok(()) } else { Err(Error::TooLarge { k: k_for(rows), max: self.k }) }
    }

    /// Whether there is room for what `graph` takes at the least, whatever its ranges. The graph need not be well formed.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn check_graph(self, graph: &Graph) -> Result<(), Error> {
        let inputs = graph.inputs().map(|(_, node)| node);
        let outputs = graph.outputs.iter().filter_map(|output| graph.nodes.get(output.node.0 as usize));
        self.check_public(inputs.chain(outputs).map(|node| node.shape.as_slice()))?;
        let mut rows = 0usize;
        for node in &graph.nodes {
            rows = rows.saturating_add(self.least_rows(node));
            self.check(rows)?;
        }
        Ok(())
    }

    /// Whether there is room for inputs and outputs of these shapes.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn check_public<'s>(self, shapes: impl Iterator<Item = &'s [usize]>) -> Result<(), Error> {
        self.check(shapes.map(elements).fold(CONTEXT_INSTANCES, usize::saturating_add))
    }

    /// As [`Self::check_graph`], with what the ranges of a validated graph add. Limbs have `limb_bits`.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn check_ranges(self, graph: &Graph, limb_bits: u32) -> Result<(), Error> {
        let mut rows = 0usize;
        for node in &graph.nodes {
            rows = rows.saturating_add(self.rows_by_ranges(graph, node, limb_bits));
            self.check(rows)?;
        }
        Ok(())
    }

    /// Rows that the equations of `node` take at the least, given its operands' ranges.
    pub(crate) fn rows_by_ranges(self, graph: &Graph, node: &Node, limb_bits: u32) -> usize {
        let limbs = |bits: u32| bits.div_ceil(limb_bits) as usize;
        match &node.op {
            Op::Input { .. } => each(node, |range| {
                let width = i128::from(range.hi) - i128::from(range.lo);
                let passes = if width + 1 == 1 << bits_of(width) { 1 } else { 2 };
                passes * self.block(limbs(bits_of(width)) + 1)
            }),
            Op::Relu => node.inputs.first().map_or(0, |operand| {
                each(graph.node(*operand), |z| {
                    let limbs = limbs(bits_of(i128::from(z.hi).max(-i128::from(z.lo) - 1)) + 1);
                    // The operand beside its limbs; then a product a limb, and the result.
                    if z.lo >= 0 || z.hi <= 0 { 0 } else { 2 * self.block(limbs + 1) }
                })
            }),
            Op::Step => node.inputs.first().map_or(0, |operand| {
                each(graph.node(*operand), |z| num_sign_limbs(z, limb_bits).map_or(0, |limbs| self.block(limbs + 1)))
            }),
            Op::IsZero => node.inputs.first().map_or(0, |operand| {
                each(graph.node(*operand), |x| if is_open(x) { self.block(2) + 2 * self.block(1) } else { 0 })
            }),
            Op::SquareRoot { .. } => {
                each(node, |y| if y.lo == y.hi { 0 } else { 2 * self.block(limbs(remainder_bits(y)) + 2) })
            }
            _ => self.least_rows(node),
        }
    }

    /// Rows that the equations of `node` take at the least, whatever it reads.
    pub(crate) fn least_rows(self, node: &Node) -> usize {
        let each = |rows: usize| elements(&node.shape).saturating_mul(rows);
        match &node.op {
            Op::Input { .. } => each(1),
            // Where they are computed at all, they may be part of what reads them.
            Op::Constant { .. } | Op::Rearrange { .. } | Op::Linear { .. } | Op::Shift { .. } | Op::Relu => 0,
            // Nor are they where their ranges say enough.
            Op::Step | Op::SquareRoot { .. } | Op::IsZero => 0,
            Op::SumOfProducts { rows } => rows.iter().map(|row| self.block(row.len() + 1)).sum(),
            Op::Piecewise { .. } => each(2),
            Op::Max { groups } | Op::ArgMax { groups } => {
                let several = groups.iter().map(Vec::len).filter(|len| *len > 1);
                // A product for each, and the sum; then an equation for each.
                several.map(|len| self.block(len + 1) + len * self.block(2)).sum()
            }
            Op::Divide { .. } => each(4),
            Op::Gather { rows } => {
                let width = rows.first().map_or(0, Vec::len);
                let tokens = elements(&node.shape) / width.max(1);
                tokens.saturating_mul(num_packs(rows, 1)).saturating_add(each(self.block(2)))
            }
            Op::EmbeddingSum { rows, groups } => {
                let packs = num_packs(rows, groups.iter().map(Vec::len).max().unwrap_or(0));
                let tokens = groups.iter().map(|group| self.block(group.len().max(1)));
                tokens.fold(0, usize::saturating_add).saturating_mul(packs).saturating_add(each(self.block(2)))
            }
            // As sums are where a factor is fixed.
            Op::MatMul { left: a, right: b } | Op::Conv { data: a, kernel: b, .. }
                if a.values().is_some() || b.values().is_some() =>
            {
                0
            }
            Op::MatMul { left, .. } => {
                let inner = left.shape().last().copied().unwrap_or(0);
                each(self.block(inner.saturating_add(1)))
            }
            // Where all is padding, there is nothing but the output.
            Op::Conv { .. } => each(1),
        }
    }

    /// Rows of an equation of so many units.
    pub(crate) fn block(self, units: usize) -> usize {
        units.div_ceil(self.width)
    }
}

/// The elements of a shape that may come from anywhere.
fn elements(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, dim| product.saturating_mul(*dim))
}

/// The sum over the elements of a node of a figure of their ranges.
fn each(node: &Node, f: impl Fn(Interval) -> usize) -> usize {
    match node.ranges.as_slice() {
        [one] => elements(&node.shape).saturating_mul(f(*one)),
        many => many.iter().map(|range| f(*range)).fold(0, usize::saturating_add),
    }
}
