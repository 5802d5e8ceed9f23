//! Round: a real number to an integer. Exact on the grid that the number stands on.

use super::{Error, Lowering, Value, arithmetic::operands};
use crate::{
    float::{self, Rounding},
    int::{self, Op, limits},
};

/// Most fraction bits that are rounded at once: half to even takes a shift, and a weight, of one more.
const MOST_BITS: i32 = limits::SHIFT_BITS as i32 - 2;

impl Lowering<'_> {
    /// With `f` fraction bits and `h = 2^(f-1)`:
    ///
    /// | rounding | is |
    /// |---|---|
    /// | `Floor` | `floor(x / 2^f)`, a shift of `x - h` |
    /// | `Ceil` | `-floor(-x / 2^f)` |
    /// | `Truncate` | the one or the other where the sign is known, else `floor(relu(x) / 2^f) - floor(relu(-x) / 2^f)` |
    /// | `HalfEven` | `2k + step(x - 2^(f+1) k - h - 1)`, where `k = floor((x + h) / 2^(f+1))` is a shift of `x - h` by `f + 1` |
    ///
    /// # Error
    /// None if `x` has none. If it is off by `e`, at most `e + 1`.
    pub(super) fn round(&mut self, at: float::NodeId, node: &float::Node, rounding: Rounding) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let x = self.narrow(&x, MOST_BITS)?;
        let hull = self.hull(&x);
        let id = match u32::try_from(self.frac_bits(&x)) {
            Ok(bits @ 1..) => match rounding {
                Rounding::Floor => self.floor(x.node, bits)?,
                Rounding::Ceil => self.ceil(x.node, bits)?,
                Rounding::Truncate if hull.lo >= 0 => self.floor(x.node, bits)?,
                Rounding::Truncate if hull.hi <= 0 => self.ceil(x.node, bits)?,
                Rounding::Truncate => self.truncate(node, x.node, bits)?,
                Rounding::HalfEven => self.half_even(node, x.node, bits)?,
            },
            // Integers, perhaps in steps of more than one.
            _ => {
                let up = 1i64.checked_shl(self.frac_bits(&x).unsigned_abs()).unwrap_or(i64::MAX);
                let rows = (0..node.len()).map(|element| (0, vec![(x.node, element, up)])).collect();
                self.sums(node, rows, 0)?
            }
        };
        let error = |error: &f64| if *error == 0.0 { 0.0 } else { error + 1.0 };
        Ok(Value { node: id, errors: x.errors.iter().map(error).collect(), site: at })
    }

    fn floor(&mut self, x: int::NodeId, bits: u32) -> Result<int::NodeId, Error> {
        let moved = self.affine(x, "less_half", 1, -(1 << (bits - 1)))?;
        self.shifted(moved, bits)
    }

    fn ceil(&mut self, x: int::NodeId, bits: u32) -> Result<int::NodeId, Error> {
        // One step for `-x`, and half for the shift.
        let negated = self.affine(x, "negated", -1, -(1 << (bits - 1)))?;
        let floor = self.shifted(negated, bits)?;
        self.affine(floor, "ceil", -1, 0)
    }

    fn truncate(&mut self, node: &float::Node, x: int::NodeId, bits: u32) -> Result<int::NodeId, Error> {
        let above = self.relu_of(x)?;
        let negated = self.affine(x, "negated", -1, 0)?;
        let below = self.relu_of(negated)?;
        let (above, below) = (self.floor(above, bits)?, self.floor(below, bits)?);
        let rows = (0..node.len()).map(|element| (0, vec![(above, element, 1), (below, element, -1)])).collect();
        self.sums(node, rows, 0)
    }

    fn half_even(&mut self, node: &float::Node, x: int::NodeId, bits: u32) -> Result<int::NodeId, Error> {
        let half = 1i64 << (bits - 1);
        let moved = self.affine(x, "less_half", 1, -half)?;
        let pairs = self.shifted(moved, bits + 1)?;
        let rest = (0..node.len())
            .map(|element| (-half - 1, vec![(x, element, 1), (pairs, element, -(2i64 << bits))]))
            .collect();
        let part = |part: &str| (format!("{}.{part}", node.name), node.shape.clone());
        let (name, shape) = part("rest");
        let rest = self.linear(name, shape, rest, bits as i32)?;
        let (name, shape) = part("odd");
        let odd = self.builder.push(name, Op::Step, vec![rest], shape, 0)?;
        let rows = (0..node.len()).map(|element| (0, vec![(pairs, element, 2), (odd, element, 1)])).collect();
        self.sums(node, rows, 0)
    }

    fn shifted(&mut self, x: int::NodeId, bits: u32) -> Result<int::NodeId, Error> {
        let node = self.builder.node(x);
        let (name, shape) = (format!("{}.shift", node.name), node.shape.clone());
        Ok(self.builder.push(name, Op::Shift { bits }, vec![x], shape, 0)?)
    }
}
