//! What an integer graph costs as a circuit: the figure that the search for a precision minimizes.

use std::cell::Cell;

use crate::{
    elementary::{floor_log2, power_of_two},
    int::{Contraction, Graph, Interval, Node, NodeId, Op, Rounding},
};

/// Bits of a packed row of an embedding table.
const PACKED_BITS: u32 = 248;

/// Rows of gates for a unit, in the lean shape, about: a unit is a row, a block's last row may be padding, and small programs
/// have more of that.
const ROWS_PER_UNIT: f64 = 1.055;

/// Rows that no gate may use: blinding and its borders.
const RESERVED: f64 = 7.0;

/// Rows of gates and rows of tables that a graph takes in the lean shape, estimated. They stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rows {
    /// Rows of gates.
    pub gates: f64,
    /// Rows of lookup tables.
    pub tables: f64,
}

impl Rows {
    /// The rows of `graph` with limbs of `limb_bits`.
    pub fn of(graph: &Graph, limb_bits: u32) -> Self {
        let (units, narrow) = estimate(graph, limb_bits);
        Self { gates: units.iter().sum::<f64>() * ROWS_PER_UNIT, tables: table_rows(graph, limb_bits, narrow) }
    }

    fn longer(self) -> f64 {
        self.gates.max(self.tables) + RESERVED
    }

    /// What the search minimizes. The longer of the two decides `k`, which decides what a proof costs; within a `k` fewer
    /// rows are better, of the shorter an eighth, since in another shape it may be the longer one.
    pub fn cost(self) -> f64 {
        next_power_of_two(self.longer()) + self.longer() + self.gates.min(self.tables) / 8.0
    }

    /// The least `k` that has as many rows.
    pub fn log2(self) -> i32 {
        floor_log2(next_power_of_two(self.longer()))
    }

    /// Whether a few rows less, a sixth, would make for a smaller `k`.
    pub fn nearly_smaller(self) -> bool {
        self.longer() < 1.2 * power_of_two(floor_log2(self.longer()))
    }
}

/// The smallest power of two that is not less.
fn next_power_of_two(x: f64) -> f64 {
    let power = power_of_two(floor_log2(x));
    if power < x { 2.0 * power } else { power }
}

/// Rows of lookup tables, estimated: of the limbs, and of those narrower ones that `narrow` has bits for, two for each
/// segment of a function, and what embeddings take.
fn table_rows(graph: &Graph, limb_bits: u32, narrow: u64) -> f64 {
    let limbs = power_of_two(limb_bits as i32) + narrow as f64;
    let segments: usize = graph.piecewise.iter().map(|table| table.base.len()).sum();
    let embeddings = graph.nodes.iter().map(|node| match &node.op {
        Op::Gather { rows } => rows.len() * packs(rows, 1, limb_bits),
        Op::EmbeddingSum { rows, groups } => rows.len() * packs(rows, most_in_bag(groups), limb_bits),
        _ => 0,
    });
    limbs + (2 * segments + embeddings.sum::<usize>()) as f64
}

/// Units of the machine, estimated node by node from the costs that its gadgets state: a unit is two operands of an
/// equation, or one lookup. `limb_bits` is `b` of those formulas, 8 to 10 in practice.
///
/// | node | units |
/// |---|---|
/// | Input | `1 + ceil(bits/b)`, twice where the range is no power of two |
/// | Linear | half a unit a term of rows with more than one; other rows are part of what reads them |
/// | Shift | `ceil(S/b) + ceil(bits(y)/b) + 1`; before a Relu only `ceil(S/b)` |
/// | Relu | `2n + 1`, `n` limbs for value and sign; nothing where the sign is known |
/// | SumOfProducts | one a product, half of one for the sum |
/// | MatMul, Conv | with one fixed factor as Linear, else as SumOfProducts |
/// | Piecewise | `ceil(s/b) + ceil(o/b) + ceil(bits(y)/b) + 7`, the last quotient only with an output shift |
/// | Max, ArgMax | `n * (4 + ceil(bits/b))` a group of `n` |
/// | Divide | `2 * ceil(bits(m*d)/b) + ceil(bits(y)/b) + 6`, `m` 2 where halves are rounded up, else 1 |
/// | Step | `n + 1`, `n` limbs for value and sign, of what a shift before it reads, which then costs nothing |
/// | IsZero | 4, nothing where it is known |
/// | SquareRoot | `2 * ceil(bits(2y)/b) + 4` |
/// | Gather, EmbeddingSum | `packs` a token and `2 + W/b` a column, `W` bits a column, `248/W` columns a pack |
/// | outputs | half a unit for each element that is a sum |
pub fn units(graph: &Graph, limb_bits: u32) -> f64 {
    per_node(graph, limb_bits).iter().sum()
}

/// [`units`], node by node.
pub fn per_node(graph: &Graph, limb_bits: u32) -> Vec<f64> {
    estimate(graph, limb_bits).0
}

/// Units node by node, and the narrower limbs that stand on top of full ones: bit `r` for `r` bits, which is also how many
/// rows their table has.
fn estimate(graph: &Graph, limb_bits: u32) -> (Vec<f64>, u64) {
    let limb_bits = limb_bits.max(1);
    let narrow = Cell::new(0);
    let mut readers = vec![0usize; graph.nodes.len()];
    let mut rectified = vec![false; graph.nodes.len()];
    let mut stepped = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        for id in &node.inputs {
            readers[id.0 as usize] += 1;
            rectified[id.0 as usize] |= matches!(node.op, Op::Relu);
            stepped[id.0 as usize] |= matches!(node.op, Op::Step);
        }
    }
    graph.outputs.iter().for_each(|output| readers[output.node.0 as usize] += 1);
    let mut units = Vec::with_capacity(graph.nodes.len());
    for (at, node) in graph.nodes.iter().enumerate() {
        let fused = match (readers[at], rectified[at], stepped[at]) {
            (1, true, _) => Fused::WithRelu,
            (1, _, true) => Fused::WithStep,
            _ => Fused::Alone,
        };
        units.push(Estimate { graph, node, limb_bits, narrow: &narrow }.units(fused));
    }
    for output in &graph.outputs {
        let node = graph.node(output.node);
        let is_sum = matches!(node.op, Op::Linear { .. } | Op::Rearrange { .. })
            || Contraction::of(&node.op).is_some_and(|contraction| !contraction.is_of_computed());
        if is_sum {
            units[output.node.0 as usize] += 0.5 * node.len() as f64;
        }
    }
    (units, narrow.get())
}

/// What a shift is computed together with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fused {
    Alone,
    /// With the rectifier that is its only reader.
    WithRelu,
    /// Not at all: its only reader is a step.
    WithStep,
}

struct Estimate<'a> {
    graph: &'a Graph,
    node: &'a Node,
    limb_bits: u32,
    narrow: &'a Cell<u64>,
}

impl Estimate<'_> {
    fn limbs(&self, bits: u32) -> f64 {
        let rest = bits % self.limb_bits;
        if rest > 0 {
            self.narrow.set(self.narrow.get() | 1 << rest.min(u64::BITS - 1));
        }
        f64::from(bits.div_ceil(self.limb_bits))
    }

    /// The sum over elements of a figure of an element's range.
    fn sum(&self, node: &Node, f: impl Fn(Interval) -> f64) -> f64 {
        match node.ranges.as_slice() {
            [one] => node.len() as f64 * f(*one),
            many => many.iter().map(|range| f(*range)).sum(),
        }
    }

    fn operand(&self) -> &Node {
        self.graph.node(self.node.inputs.first().copied().unwrap_or(NodeId(0)))
    }

    fn units(&self, fused: Fused) -> f64 {
        let node = self.node;
        match &node.op {
            Op::Input { .. } => self.sum(node, |range| {
                let values = i128::from(range.hi) - i128::from(range.lo) + 1;
                let passes = if values == 1i128 << range.bits() { 1.0 } else { 2.0 };
                passes * (1.0 + self.limbs(range.bits()))
            }),
            Op::Constant { .. } | Op::Rearrange { .. } => 0.0,
            Op::Linear { rows } => {
                let terms: usize = rows.iter().map(|row| row.terms.len()).filter(|terms| *terms > 1).sum();
                0.5 * terms as f64
            }
            Op::SumOfProducts { rows } => rows.iter().map(|row| row.len() as f64 + 0.5).sum(),
            Op::Shift { bits } if fused == Fused::WithRelu => node.len() as f64 * self.limbs(*bits),
            Op::Shift { .. } if fused == Fused::WithStep => 0.0,
            Op::Shift { bits } => self.sum(node, |y| self.limbs(*bits) + self.limbs(y.bits()) + 1.0),
            Op::Relu => self.sum(self.operand(), |z| {
                let magnitude = u64::BITS - z.max_abs().leading_zeros();
                if z.lo >= 0 || z.hi <= 0 { 0.0 } else { 2.0 * self.limbs(magnitude + 1) + 1.0 }
            }),
            Op::Piecewise { table } => {
                let Some(table) = self.graph.piecewise.get(*table as usize) else { return 0.0 };
                let shift = |y: Interval| match table.out_shift {
                    0 => 0.0,
                    bits => self.limbs(bits) + self.limbs(y.bits()),
                };
                self.sum(node, |y| self.limbs(table.segment_bits) + shift(y) + 7.0)
            }
            Op::Max { groups } | Op::ArgMax { groups } => {
                let operand = self.operand();
                let of_group = |group: &Vec<u32>| {
                    let hull = group.iter().map(|e| operand.range(*e as usize)).reduce(Interval::union);
                    group.len() as f64 * (4.0 + self.limbs(hull.map_or(0, Interval::bits)))
                };
                groups.iter().filter(|group| group.len() > 1).map(of_group).sum()
            }
            Op::Divide { divisor, rounding, .. } => {
                let sums = node.inputs.get(1).map(|id| self.graph.node(*id));
                let divisor_bits = |at: &u32| {
                    let multiple = u32::from(*rounding == Rounding::HalfUp);
                    sums.map_or(0, |sums| u64::BITS - sums.range(*at as usize).max_abs().leading_zeros() + multiple)
                };
                let quotients = self.sum(node, |y| self.limbs(y.bits()) + 6.0);
                quotients + divisor.iter().map(|at| 2.0 * self.limbs(divisor_bits(at))).sum::<f64>()
            }
            Op::Step => {
                let z = self.operand();
                let shifted = z.inputs.first().filter(|_| matches!(z.op, Op::Shift { .. }));
                // What is shifted has more bits; where the shift has other readers, a little less is taken.
                self.sum(shifted.map_or(z, |id| self.graph.node(*id)), |z| {
                    let magnitude = u64::BITS - z.max_abs().leading_zeros();
                    let limbs = f64::from((magnitude + 1).div_ceil(self.limb_bits));
                    if z.lo >= 0 || z.hi < 0 { 0.0 } else { limbs + 1.0 }
                })
            }
            Op::IsZero => self.sum(self.operand(), |x| if x.contains(0) && x.lo != x.hi { 4.0 } else { 0.0 }),
            Op::SquareRoot { .. } => self.sum(node, |y| {
                let remainder = u64::BITS - (2 * y.max_abs()).leading_zeros();
                // The limbs are full ones.
                if y.lo == y.hi { 0.0 } else { 2.0 * f64::from(remainder.div_ceil(self.limb_bits)) + 4.0 }
            }),
            Op::Gather { rows } => self.embedding(rows, self.operand().len(), 1, self.operand().len()),
            Op::EmbeddingSum { rows, groups } => {
                let tokens = groups.iter().map(Vec::len).sum();
                self.embedding(rows, tokens, most_in_bag(groups), groups.len())
            }
            Op::MatMul { .. } | Op::Conv { .. } => Contraction::of(&node.op).map_or(0.0, |of| contraction(&of)),
        }
    }

    fn embedding(&self, rows: &[Vec<i64>], tokens: usize, most_in_bag: usize, bags: usize) -> f64 {
        let width = rows.first().map_or(0, Vec::len);
        let packs = packs(rows, most_in_bag, self.limb_bits);
        let digits = self.limbs(digit_bits(rows, most_in_bag, self.limb_bits));
        (tokens * packs) as f64 + (bags * width) as f64 * (2.0 + digits)
    }
}

fn contraction(contraction: &Contraction<'_>) -> f64 {
    let of_output = |output: usize| {
        let mut terms = 0u32;
        if contraction.is_of_computed() {
            contraction.each(output, &mut |_, _| terms += 1);
            f64::from(terms) + 0.5
        } else {
            contraction.each_term(output, &mut |_, _| terms += 1);
            if terms > 1 { 0.5 * f64::from(terms) } else { 0.0 }
        }
    };
    (0..contraction.len()).map(of_output).sum()
}

fn most_in_bag(groups: &[Vec<u32>]) -> usize {
    groups.iter().map(Vec::len).max().unwrap_or(0)
}

/// Bits that a column of an embedding takes in a packed row, sums of a whole bag included.
fn digit_bits(rows: &[Vec<i64>], most_in_bag: usize, limb_bits: u32) -> u32 {
    let values = || rows.iter().flatten().copied();
    let spread = values().max().unwrap_or(0).abs_diff(values().min().unwrap_or(0));
    let greatest = u128::from(spread) * most_in_bag as u128;
    (u128::BITS - greatest.leading_zeros()).max(1).next_multiple_of(limb_bits)
}

/// Packed rows that a row of an embedding table becomes.
fn packs(rows: &[Vec<i64>], most_in_bag: usize, limb_bits: u32) -> usize {
    let width = rows.first().map_or(0, Vec::len);
    width.div_ceil((PACKED_BITS / digit_bits(rows, most_in_bag, limb_bits)).max(1) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        machine::{Objective, plan},
        synthetic,
    };

    #[test]
    fn rows_are_near_those_that_are_laid_out() {
        for (width, depth) in [(2, 1), (8, 1), (16, 2), (32, 1), (32, 3), (64, 2)] {
            let graph = synthetic::dense(&vec![width; depth + 1]).expect("values stay in range");
            let (plan, layout) = plan(&graph, Objective::Gas).expect("it fits");
            let estimate = Rows::of(&graph, plan.limb_bits);
            let (gates, tables) = (layout.rows() as f64, layout.table_rows() as f64);
            let what = format!("{depth} layers of {width}");
            let near = (estimate.gates - gates).abs() <= 8.0 + gates / 16.0;
            assert!(near, "{what}: {} rows of gates estimated, {gates} laid out", estimate.gates);
            // Narrower limbs of different layers may share a table in the end: the estimate is on the safe side.
            let safe = (0.5 * estimate.tables..=estimate.tables + 4.0).contains(&tables);
            assert!(safe, "{what}: {} rows of tables estimated, {tables} laid out", estimate.tables);
        }
    }
}
