//! Which shape, which limbs, which `k`.

use serde::{Deserialize, Serialize};

use super::{Error, Layout, Shape, lower::lower_within, room::Room};
use crate::int::Graph;

/// What a plan is chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Objective {
    /// The cheapest verification on an EVM: the lean shape, whatever proving costs.
    #[default]
    Gas,
    /// The fastest proof.
    Latency,
    /// The smallest peak memory of the prover.
    Memory,
}

/// How a graph is laid out. Together with the graph it determines every fixed cell and every copy constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Columns and gates.
    pub shape: Shape,
    /// Bits of a limb in range checks: the largest range table has `2^limb_bits` rows.
    pub limb_bits: u32,
    /// log2 of the number of rows.
    pub k: u32,
}

/// The widest limbs that are tried.
pub(crate) const MAX_LIMB_BITS: u32 = 14;

/// Widths of limbs that are tried.
const LIMB_BITS: std::ops::RangeInclusive<u32> = 4..=MAX_LIMB_BITS;

/// The largest `k` that is planned for: beyond it a proof takes many minutes and gigabytes on any machine at hand.
pub const MAX_K: u32 = 20;

impl Plan {
    /// Commitments that a proof of this shape makes, each to a column of `2^k` rows: lanes, running sum,
    /// multiplicities, lookups, permutation products, the random polynomial, the quotient's pieces.
    pub fn num_commitments(shape: Shape) -> usize {
        const QUOTIENT_PIECES: usize = 4;
        const COLUMNS_PER_PRODUCT: usize = 3;
        let permuted = shape.lanes() + 1;
        shape.lanes() + 2 + shape.units() + permuted.div_ceil(COLUMNS_PER_PRODUCT) + 1 + QUOTIENT_PIECES
    }

    /// What a proof costs, in rows committed to: time follows it closely, since a proof is mostly commitments and
    /// transforms of the same columns. Transforms weigh more as `k` grows.
    fn proving_cost(&self) -> f64 {
        let columns = Self::num_commitments(self.shape) as f64;
        columns * 2f64.powi(self.k as i32) * (1.0 + f64::from(self.k) / 64.0)
    }

    /// Field elements that a prover holds at once, roughly: every column in three forms and the extended domain.
    fn memory_cost(&self) -> f64 {
        let columns = Self::num_commitments(self.shape) as f64 + self.shape.lanes() as f64 * 2.0;
        columns * 2f64.powi(self.k as i32)
    }

    fn cost(&self, objective: Objective) -> f64 {
        match objective {
            Objective::Gas => self.proving_cost() * if self.shape == Shape::Lean { 1.0 } else { 1e6 },
            Objective::Latency => self.proving_cost(),
            Objective::Memory => self.memory_cost(),
        }
    }
}

/// Chooses the plan that suits `objective` best, among all shapes and widths of limbs.
///
/// # Errors
/// [`Error::TooLarge`] if no plan stays within [`MAX_K`]; what lowering refuses.
pub fn plan(graph: &Graph, objective: Objective) -> Result<(Plan, Layout), Error> {
    Room::LARGEST.check_graph(graph)?;
    graph.validate().map_err(Error::Graph)?;
    let mut best: Option<(f64, usize, Plan)> = None;
    let mut smallest: Option<u32> = None;
    let mut refused: Option<Error> = None;
    for limb_bits in LIMB_BITS {
        // A sum may be too wide when rounded up to whole limbs of one width, and fit those of another.
        let equations = match lower_within(graph, limb_bits, Room::LARGEST) {
            Ok(equations) => equations,
            Err(Error::TooLarge { k, .. }) => {
                smallest = Some(smallest.map_or(k, |s| s.min(k)));
                continue;
            }
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        for shape in Shape::ALL {
            let (rows, k) = Layout::size(&equations, shape);
            smallest = Some(smallest.map_or(k, |s| s.min(k)));
            let plan = Plan { shape, limb_bits, k };
            let cost = plan.cost(objective);
            let better = best.as_ref().is_none_or(|(c, r, _)| (cost, rows) < (*c, *r));
            if k <= MAX_K && better {
                best = Some((cost, rows, plan));
            }
        }
    }
    let Some((_, _, plan)) = best else {
        let too_large = |k| Error::TooLarge { k, max: MAX_K };
        return Err(smallest.map(too_large).or(refused).unwrap_or(too_large(MAX_K + 1)));
    };
    // Equations of one width of limbs at a time is all that memory has to hold.
    let equations = lower_within(graph, plan.limb_bits, Room::of(&plan))?;
    Ok((plan, Layout::new(equations, plan.shape)?))
}

impl Plan {
    /// Lays `graph` out as this plan says, after checking it: a graph may come from anywhere.
    ///
    /// # Errors
    /// [`Error::PlanMismatch`] if the graph needs another `k`, [`Error::TooLarge`] if that is beyond [`MAX_K`];
    /// [`Error::Graph`]; what lowering refuses.
    pub fn lay_out(&self, graph: &Graph) -> Result<Layout, Error> {
        if !LIMB_BITS.contains(&self.limb_bits) {
            return Err(Error::LimbBits { got: self.limb_bits, min: *LIMB_BITS.start(), max: *LIMB_BITS.end() });
        }
        if self.k > MAX_K {
            return Err(Error::TooLarge { k: self.k, max: MAX_K });
        }
        // In the largest machine first: what is too large for any is not a matter of the plan.
        Room::LARGEST.check_graph(graph)?;
        graph.validate().map_err(Error::Graph)?;
        Room::LARGEST.check_ranges(graph, self.limb_bits)?;
        let mismatch = |got| Error::PlanMismatch { expected: self.k, got };
        let equations = match lower_within(graph, self.limb_bits, Room::of(self)) {
            Err(Error::TooLarge { k, .. }) if k <= MAX_K => return Err(mismatch(k)),
            other => other?,
        };
        let (_, k) = Layout::size(&equations, self.shape);
        if k == self.k { Layout::new(equations, self.shape) } else { Err(mismatch(k)) }
    }
}
