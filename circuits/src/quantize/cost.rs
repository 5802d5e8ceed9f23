//! What an integer graph costs as a circuit: the figure that the search for a precision minimizes.

use crate::{
    elementary::{floor_log2, power_of_two},
    int::Graph,
    machine::{Estimate, RESERVED_ROWS, estimate},
};

/// Rows of gates for a unit, in the lean shape, about: a unit is a row, a block's last row may be padding, and small programs
/// have more of that.
const ROWS_PER_UNIT: f64 = 1.055;

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
        let Estimate { units, narrow, table_rows } = estimate(graph, limb_bits);
        // Those of the limbs, of narrower ones on top of them, and of what nodes bring along.
        let tables = power_of_two(limb_bits as i32) + narrow as f64 + table_rows as f64;
        Self { gates: units.iter().sum::<f64>() * ROWS_PER_UNIT, tables }
    }

    fn longer(self) -> f64 {
        self.gates.max(self.tables) + RESERVED_ROWS as f64
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

/// Units of the machine that `graph` takes with limbs of `limb_bits`, estimated.
pub fn units(graph: &Graph, limb_bits: u32) -> f64 {
    per_node(graph, limb_bits).iter().sum()
}

/// [`units`], node by node.
pub fn per_node(graph: &Graph, limb_bits: u32) -> Vec<f64> {
    estimate(graph, limb_bits).units
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
