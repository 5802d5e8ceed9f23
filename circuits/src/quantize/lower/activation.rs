//! Relu, LeakyRelu, Clip, Sigmoid, Tanh.

use super::{Error, Lowering, Value, arithmetic::operands, index, is_exact, unsupported};
use crate::{
    elementary, float,
    int::{Op, Row, Source, Term, limits},
    quantize::{
        fixed::{self, power_of_two, round_to_scale, to_real},
        plan::Narrowing,
    },
};

/// Fraction bits of a table's argument that is not narrowed by the plan.
const MOST_ARGUMENT_BITS: i32 = 12;

/// A function with a horizontal asymptote on both sides, and what a table of it must know.
struct Saturating {
    name: &'static str,
    f: fn(f64) -> f64,
    /// Greatest slope.
    lipschitz: f64,
    /// Where `f` comes within `tail` of its asymptotes: for `|x|` from there on.
    reach: fn(tail: f64) -> f64,
}

const SIGMOID: Saturating =
    Saturating { name: "sigmoid", f: elementary::sigmoid, lipschitz: 0.25, reach: |tail| elementary::ln(1.0 / tail) };

/// `1 - tanh(x) < 2 exp(-2x)`.
const TANH: Saturating =
    Saturating { name: "tanh", f: elementary::tanh, lipschitz: 1.0, reach: |tail| elementary::ln(2.0 / tail) / 2.0 };

impl Lowering<'_> {
    /// The shift of an accumulator stands directly before the rectifier, so that the circuit proves both with one set of limbs.
    pub(super) fn relu(&mut self, node: &float::Node) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let x = if is_exact(node.element) { x } else { self.operand(&x)? };
        let frac_bits = self.frac_bits(&x);
        let id = self.builder.push(&node.name, Op::Relu, vec![x.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, ..x })
    }

    /// `alpha * x + (1 - alpha) * relu(x)`, with `alpha` rounded: exactly `x` where `x >= 0`.
    pub(super) fn leaky_relu(&mut self, at: float::NodeId, node: &float::Node, alpha: f64) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let x = self.operand(&x)?;
        self.weighted.insert(at);
        let slope = fixed::weights(&node.name, &[alpha], self.plan.weight_bits_of(at))?;
        // 1 is a weight too, at the same scale.
        let bits = slope.frac_bits.clamp(0, limits::WEIGHT_BITS as i32 - 2);
        let slope = if bits == slope.frac_bits { slope } else { fixed::at_scale(&node.name, &[alpha], bits)? };
        let (bits, rounding) = (slope.frac_bits, slope.errors.first().copied().unwrap_or(0.0));
        let alpha_scaled = slope.values.first().copied().unwrap_or(0);
        let rest = (1i64 << bits) - alpha_scaled;
        let frac_bits = self.frac_bits(&x);
        let name = format!("{}.relu", node.name);
        let relu = self.builder.push(name, Op::Relu, vec![x.node], node.shape.clone(), frac_bits)?;
        let row = |element| {
            let both = [(0, alpha_scaled), (1, rest)].into_iter().filter(|(_, weight)| *weight != 0);
            let terms = both.map(|(input, weight)| Term { source: Source { input, element }, weight }).collect();
            Row { bias: 0, terms }
        };
        let op = Op::Linear { rows: (0..index(node.len())).map(row).collect() };
        let id = self.builder.push(&node.name, op, vec![x.node, relu], node.shape.clone(), frac_bits + bits)?;
        let errors = (0..node.len()).map(|element| {
            let below = to_real(self.range(&x, element).lo.min(0), frac_bits).abs();
            alpha.abs().max(1.0) * x.errors[element] + rounding * below
        });
        Ok(Value { node: id, errors: errors.collect(), site: at })
    }

    /// Bounds are rounded half to even to the scale of the operand; a bound that cannot bind costs nothing.
    pub(super) fn clip(&mut self, node: &float::Node, min: Option<f64>, max: Option<f64>) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let frac_bits = match is_exact(node.element) {
            true => self.frac_bits(&x),
            false => {
                self.sites.insert(x.site);
                self.planned(&x).map_or(self.frac_bits(&x), |bits| bits.min(self.frac_bits(&x)))
            }
        };
        let mut rounding = 0.0f64;
        // A bound too large to be written cannot bind.
        let mut on_grid = |bound: Option<f64>| {
            let rounded = round_to_scale(bound?, frac_bits)?;
            rounding = rounding.max((to_real(rounded, frac_bits) - bound?).abs());
            Some(rounded)
        };
        let (lo, hi) = (on_grid(min), on_grid(max));
        let clipped = self.clamp(&x, frac_bits, lo, hi)?;
        // Clipping to moved bounds moves the result by no more than the bounds, and it is not expansive.
        let errors = clipped.errors.iter().map(|error| error.max(rounding)).collect();
        Ok(Value { errors, ..clipped })
    }

    /// `min(max(x, lo), hi)` of `x` at the scale `frac_bits`, the bounds in integers of that scale:
    /// `hi - relu(hi - lo - relu(x - lo))`, of which interval analysis sees that it lies in `[lo, hi]`.
    pub(super) fn clamp(
        &mut self,
        x: &Value,
        frac_bits: i32,
        lo: Option<i64>,
        hi: Option<i64>,
    ) -> Result<Value, Error> {
        let excess = (self.frac_bits(x) - frac_bits).max(0);
        let hull = self.hull(x);
        let scaled = |bound: i64| i128::from(bound) << excess;
        let lo = lo.filter(|lo| i128::from(hull.lo) < scaled(*lo));
        let hi = hi.filter(|hi| i128::from(hull.hi) > scaled(*hi));
        let narrow = self.narrow(x, frac_bits)?;
        let node = match (lo, hi) {
            (None, None) => return Ok(narrow),
            (Some(lo), hi) => {
                let above = self.rectified(x, frac_bits, 1, lo)?;
                match hi {
                    None => self.affine(above, "clip", 1, lo)?,
                    Some(hi) => {
                        let room = self.affine(above, "room", -1, hi - lo)?;
                        let room = self.relu_of(room)?;
                        self.affine(room, "clip", -1, hi)?
                    }
                }
            }
            (None, Some(hi)) => {
                let room = self.rectified(x, frac_bits, -1, hi)?;
                self.affine(room, "clip", -1, hi)?
            }
        };
        Ok(Value { node, ..narrow })
    }

    /// `relu(sign * (x - bound))` at the scale `frac_bits`, with `x` rounded half up, as [`Self::narrow`] does it, whatever the
    /// sign. The bound is taken off before the shift, which commutes with it, so that shift and rectifier share their limbs.
    /// A change of sign commutes but for ties: with `h = 2^(s-1)`, `-floor((x + h) / 2^s) = floor((-x - 1 + h) / 2^s)`.
    fn rectified(&mut self, x: &Value, frac_bits: i32, sign: i64, bound: i64) -> Result<crate::int::NodeId, Error> {
        let excess = (self.frac_bits(x) - frac_bits).max(0);
        let at_own_scale = bound.checked_mul(1i64.checked_shl(excess as u32).unwrap_or(i64::MAX));
        // One shift: a second one would round what the first has rounded.
        let one_shift = excess <= limits::SHIFT_BITS as i32;
        let (from, bound) = match at_own_scale.filter(|bound| one_shift && bound.unsigned_abs() < 1 << 61) {
            Some(bound) => (x.clone(), bound),
            None => (self.narrow(x, frac_bits)?, bound),
        };
        let ties = i64::from(sign < 0 && self.frac_bits(&from) > frac_bits);
        let moved = self.affine(from.node, "bound", sign, -sign * bound - ties)?;
        let moved = self.narrow(&Value { node: moved, ..from }, frac_bits)?;
        self.relu_of(moved.node)
    }

    pub(super) fn relu_of(&mut self, x: crate::int::NodeId) -> Result<crate::int::NodeId, Error> {
        let node = self.builder.node(x);
        let (name, shape, frac_bits) = (format!("{}.relu", node.name), node.shape.clone(), node.frac_bits);
        Ok(self.builder.push(name, Op::Relu, vec![x], shape, frac_bits)?)
    }

    pub(super) fn sigmoid(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        self.saturating(at, node, &SIGMOID)
    }

    pub(super) fn tanh(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        self.saturating(at, node, &TANH)
    }

    /// A table over the part of the argument's range where the function is not yet flat; beyond, it is clamped.
    fn saturating(&mut self, at: float::NodeId, node: &float::Node, kind: &Saturating) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let arg_bits = self.argument_bits(&x);
        let reach = (kind.reach)(self.plan.table_error / 2.0);
        // An eighth is a whole number of segments of every table that is long enough to need it.
        let reach = (reach * 8.0).ceil() / 8.0;
        let end =
            round_to_scale(reach, arg_bits).ok_or_else(|| unsupported(node, "its argument's scale is too fine"))?;
        let clamped = self.clamp(&x, arg_bits, Some(-end), Some(end - 1))?;
        let hull = self.hull(&clamped);
        let fit = self.tables.fit(kind.name, kind.f, self.frac_bits(&clamped), hull, self.plan.table_error)?;
        let free = self.narrow(&x, arg_bits)?;
        // Beyond the ends the table stays where it is; the function goes on to its asymptote.
        let tail = if self.hull(&free) == hull { 0.0 } else { 1.0 - (kind.f)(to_real(end - 1, arg_bits)) };
        let table = self.builder.table(fit.table.clone())?;
        let id = self.builder.push(
            &node.name,
            Op::Piecewise { table },
            vec![clamped.node],
            node.shape.clone(),
            fit.frac_bits,
        )?;
        let errors = clamped.errors.iter().map(|error| kind.lipschitz * error + fit.error + tail);
        Ok(Value { node: id, errors: errors.collect(), site: at })
    }

    /// Fraction bits at which a table reads `x`: the plan's, and not more than a table can be tried out on.
    pub(super) fn argument_bits(&mut self, x: &Value) -> i32 {
        self.sites.insert(x.site);
        let planned = match self.plan.narrowing_of(x.site) {
            Narrowing::Keep => MOST_ARGUMENT_BITS,
            Narrowing::To(bits) => bits,
        };
        planned.min(MOST_ARGUMENT_BITS).min(self.frac_bits(x))
    }
}

/// Half a step of a scale.
pub(super) fn half_step(frac_bits: i32) -> f64 {
    power_of_two(-frac_bits - 1)
}
