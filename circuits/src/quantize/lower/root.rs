//! Sqrt, and operands that must be proven to be positive.

use super::{Error, Lowering, Value, arithmetic::operands};
use crate::{
    elementary,
    float::{self, layout},
    int::{Op, limits},
    quantize::{
        RealRange,
        fixed::{self, Fixed, power_of_two, round_to_scale, to_real},
        plan::Narrowing,
    },
};

/// Significant bits that a small positive constant has at the least, where it keeps a divisor or a root's argument from 0.
const EPSILON_BITS: i32 = 8;

/// The most bits by which the scale of what it is added to becomes finer for it.
const MOST_FINER: i32 = 30;

/// Bits that the argument of a root may take, with those that it is scaled by.
const ROOM: i32 = limits::VALUE_BITS as i32 - 1;

impl Lowering<'_> {
    pub(super) fn square_root(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [x] = operands(node)?;
        self.root(at, node, x)
    }

    pub(super) fn root(&mut self, at: float::NodeId, node: &float::Node, x: float::NodeId) -> Result<Value, Error> {
        let x = self.positive(x)?;
        self.root_of(at, node, &x)
    }

    /// `floor(sqrt(x * 2^shift))`: so many fraction bits that a root of ordinary size has as many as the plan says, and a small one as many
    /// significant ones.
    ///
    /// # Error
    /// Less than a step, as it is rounded down; and where `x` is off by `e`, at most `sqrt(e)`, and at most
    /// `e / (sqrt(x) + sqrt(x - e))`.
    pub(super) fn root_of(&mut self, at: float::NodeId, node: &float::Node, x: &Value) -> Result<Value, Error> {
        let own = self.frac_bits(x);
        let hull = self.hull(x);
        let real = RealRange { lo: to_real(hull.lo, own), hi: to_real(hull.hi, own) };
        if hull.lo < 0 {
            return Err(Error::OutsideDomain {
                node: node.name.clone(),
                operator: node.op.name(),
                what: "its argument",
                got: real,
                advice: "it must be proven to be at least 0: apply Relu or Clip before it",
            });
        }
        let least = if hull.lo > 0 { real.lo } else { real.hi };
        let small = if least > 0.0 { (-elementary::floor_log2(least)).max(0) / 2 } else { 0 };
        // x * 2^(2 * bits) takes no more bits than there are.
        let most = (ROOM - elementary::floor_log2(real.hi.max(power_of_two(-ROOM))) - 1).div_euclid(2);
        let bits = (self.planned_bits(at) + 1 + small).min(most);
        let x = self.narrow(x, 2 * bits)?;
        let mut shift = 2 * bits - self.frac_bits(&x);
        // An even number of fraction bits in all, and no more than a shift takes.
        while shift > limits::SHIFT_BITS as i32 {
            shift -= 2;
        }
        let root_bits = (self.frac_bits(&x) + shift) / 2;
        let shift = u32::try_from(shift).unwrap_or(0);
        let id = self.builder.push(
            format!("{}.root", node.name),
            Op::SquareRoot { shift },
            vec![x.node],
            node.shape.clone(),
            root_bits,
        )?;
        let error = |(element, error): (usize, &f64)| {
            let least = to_real(self.range(&x, element).lo, self.frac_bits(&x));
            let moved = error.sqrt();
            let slope = 1.0 / (least.sqrt() + (least - error).max(0.0).sqrt());
            let moved = if least > 0.0 { moved.min(error * slope) } else { moved };
            moved + power_of_two(-root_bits)
        };
        let errors = x.errors.iter().enumerate().map(error).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// The fraction bits that the plan gives the value of a node that rounds it itself.
    pub(super) fn planned_bits(&mut self, at: float::NodeId) -> i32 {
        self.sites.insert(at);
        match self.plan.narrowing_of(at) {
            Narrowing::Keep => self.plan.activation_bits,
            Narrowing::To(bits) => bits,
        }
    }

    /// An operand that must not be 0. If what keeps it from 0 is a constant that its scale is too coarse for (an epsilon that is added, the
    /// bound of a Clip), the constant is applied again at a scale that holds it.
    pub(super) fn positive(&mut self, id: float::NodeId) -> Result<Value, Error> {
        let value = self.value(id)?;
        let hull = self.hull(&value);
        if hull.lo > 0 || hull.hi < 0 {
            return Ok(value);
        }
        let node = self.float.node(id);
        let finer = match (&node.op, node.inputs.as_slice()) {
            (float::Op::Add, [a, b]) if self.constant(*b).is_some() => self.add_finely(node, *a, *b)?,
            (float::Op::Add, [a, b]) if self.constant(*a).is_some() => self.add_finely(node, *b, *a)?,
            (float::Op::Clip { min: Some(min), max }, [x]) if *min > 0.0 => self.clip_finely(node, *x, *min, *max)?,
            (float::Op::Max, [a, b]) => match [a, b].map(|id| self.constant(*id).map(<[f64]>::to_vec)) {
                [None, Some(bound)] => self.at_least(node, *a, &bound)?,
                [Some(bound), None] => self.at_least(node, *b, &bound)?,
                _ => None,
            },
            (float::Op::ReduceSum { .. }, _) if self.holds_one(id) => {
                let one = round_to_scale(1.0, self.frac_bits(&value)).filter(|one| *one > 0);
                one.map(|one| self.clamp(&value, self.frac_bits(&value), Some(one), None)).transpose()?
            }
            _ => None,
        };
        Ok(finer.unwrap_or(value))
    }

    /// A value, and by how many bits its scale is to be finer to hold `least`; `None` if it need not, or cannot be.
    fn finer_for(&mut self, x: float::NodeId, least: f64) -> Result<Option<(Value, i32)>, Error> {
        let x = self.value(x)?;
        let needed = EPSILON_BITS - elementary::floor_log2(least);
        let finer = needed - self.frac_bits(&x);
        let bits = 64 - self.hull(&x).max_abs().leading_zeros() as i32;
        let fits = (0..=MOST_FINER).contains(&finer) && bits + finer < ROOM - 1;
        Ok(fits.then_some((x, finer)))
    }

    fn add_finely(
        &mut self,
        node: &float::Node,
        x: float::NodeId,
        constant: float::NodeId,
    ) -> Result<Option<Value>, Error> {
        let real = self.constant(constant).unwrap_or_default().to_vec();
        let least = real.iter().copied().fold(f64::INFINITY, f64::min);
        if !(least > 0.0 && least.is_finite()) {
            return Ok(None);
        }
        let i = layout::broadcast_offsets(&self.float.node(x).shape, &node.shape);
        let j = layout::broadcast_offsets(&self.float.node(constant).shape, &node.shape);
        let Some((x, finer)) = self.finer_for(x, least)? else { return Ok(None) };
        let frac_bits = self.frac_bits(&x) + finer;
        let Fixed { values, errors: rounding, .. } = fixed::at_scale(&node.name, &real, frac_bits)?;
        let pairs: Vec<(usize, usize)> = i.zip(j).collect();
        let rows = pairs.iter().map(|(i, j)| (values[*j], vec![(x.node, *i, 1i64 << finer)])).collect();
        let id = self.linear(format!("{}.finer", node.name), node.shape.clone(), rows, frac_bits)?;
        let errors = pairs.iter().map(|(i, j)| x.errors[*i] + rounding[*j]).collect();
        Ok(Some(Value { node: id, errors, site: x.site }))
    }

    fn clip_finely(
        &mut self,
        node: &float::Node,
        x: float::NodeId,
        min: f64,
        max: Option<f64>,
    ) -> Result<Option<Value>, Error> {
        let Some((x, finer)) = self.finer_for(x, min)? else { return Ok(None) };
        let frac_bits = self.frac_bits(&x) + finer;
        let rows = (0..node.len()).map(|element| (0, vec![(x.node, element, 1i64 << finer)])).collect();
        let id = self.linear(format!("{}.finer", node.name), node.shape.clone(), rows, frac_bits)?;
        let x = Value { node: id, ..x };
        let mut rounding = 0.0f64;
        let mut on_grid = |bound: f64| {
            let rounded = round_to_scale(bound, frac_bits)?;
            rounding = rounding.max((to_real(rounded, frac_bits) - bound).abs());
            Some(rounded)
        };
        let (lo, hi) = (on_grid(min), max.and_then(on_grid));
        let clipped = self.clamp(&x, frac_bits, lo, hi)?;
        let errors = clipped.errors.iter().map(|error| error.max(rounding)).collect();
        Ok(Some(Value { errors, ..clipped }))
    }

    /// `max(x, bound)`, of bounds that are the same for all elements.
    fn at_least(&mut self, node: &float::Node, x: float::NodeId, bound: &[f64]) -> Result<Option<Value>, Error> {
        let same_shape = self.float.node(x).shape == node.shape;
        match bound {
            [bound, rest @ ..] if *bound > 0.0 && same_shape && rest.iter().all(|other| other == bound) => {
                self.clip_finely(node, x, *bound, None)
            }
            _ => Ok(None),
        }
    }

    /// `weight_a * a[i] + weight_b * b[j]` at the finer scale of both, for the pairs given: the node and its fraction bits.
    pub(super) fn combined(
        &mut self,
        name: String,
        shape: Vec<usize>,
        (a, weight_a): (&Value, i64),
        (b, weight_b): (&Value, i64),
        pairs: &[(usize, usize)],
    ) -> Result<(crate::int::NodeId, i32), Error> {
        let frac_bits = self.frac_bits(a).max(self.frac_bits(b));
        let [up_a, up_b] =
            [a, b].map(|value| 1i64.checked_shl((frac_bits - self.frac_bits(value)) as u32).unwrap_or(i64::MAX));
        let row = |(i, j): &(usize, usize)| {
            let terms = [(a.node, *i, weight_a.saturating_mul(up_a)), (b.node, *j, weight_b.saturating_mul(up_b))];
            (0, terms.to_vec())
        };
        let id = self.linear(name, shape, pairs.iter().map(row).collect(), frac_bits)?;
        Ok((id, frac_bits))
    }
}
