//! Div and FloorDiv.

use super::{
    Error, Lowering, Value,
    arithmetic::{operands, scaled_error},
    index, is_exact, unsupported,
};
use crate::{
    elementary,
    float::{self, layout},
    int::{self, Interval, Op, Row, Source, Term, limits},
    quantize::{
        RealRange,
        fixed::{self, Fixed, power_of_two, to_real},
        lower::activation::half_step,
    },
};

/// Bits of a dividend, with those that it is scaled by: one less than an accumulator may have, as it is doubled, and one for the divisor.
const ROOM: u32 = limits::VALUE_BITS - 2;

/// What is divided.
enum Dividend<'v> {
    Value(&'v Value),
    /// By element of its own.
    Constant(&'v [f64]),
}

impl Lowering<'_> {
    pub(super) fn div(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let pairs = self.broadcast(node, a, b);
        if self.constant(b).is_some() {
            return self.by_constant(at, node, a, b, &pairs);
        }
        let divisor = self.positive(b)?;
        match self.constant(a).map(<[f64]>::to_vec) {
            Some(constant) => self.quotient(at, node, Dividend::Constant(&constant), &divisor, &pairs, f64::INFINITY),
            None => {
                let most = self.most_of_norm(a, b);
                let a = self.value(a)?;
                let quotient = self.quotient(at, node, Dividend::Value(&a), &divisor, &pairs, most)?;
                self.within(quotient, most)
            }
        }
    }

    /// `x / (1 + |x|)`, which changes no faster than `x`.
    pub(super) fn softsign(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let x = self.value(x)?;
        let x = self.operand(&x)?;
        // Without errors of its own: what dividend and divisor are off by moves with both.
        let exact = Value { errors: vec![0.0; node.len()], ..x.clone() };
        let one = match self.frac_bits(&x) {
            bits @ 0.. => 1i64.checked_shl(bits.unsigned_abs()).unwrap_or(i64::MAX),
            _ => return Err(unsupported(node, "its argument is too large: declare narrower input ranges (--range)")),
        };
        // Of both it is seen that they are not negative.
        let above = self.relu_of(x.node)?;
        let negated = self.affine(x.node, "negated", -1, 0)?;
        let below = self.relu_of(negated)?;
        let rows = (0..node.len()).map(|element| (one, vec![(above, element, 1), (below, element, 1)])).collect();
        let name = format!("{}.divisor", node.name);
        let divisor = self.linear(name, node.shape.clone(), rows, self.frac_bits(&x))?;
        let divisor = Value { node: divisor, ..exact.clone() };
        let pairs: Vec<(usize, usize)> = (0..node.len()).map(|element| (element, element)).collect();
        let quotient = self.quotient(at, node, Dividend::Value(&exact), &divisor, &pairs, 1.0)?;
        let errors = quotient.errors.iter().zip(&x.errors).map(|(own, error)| own + error).collect();
        Ok(Value { errors, ..quotient })
    }

    /// `1 / b`.
    pub(super) fn reciprocal(&mut self, at: float::NodeId, node: &float::Node, b: &Value) -> Result<Value, Error> {
        let pairs: Vec<(usize, usize)> = (0..node.len()).map(|element| (0, element)).collect();
        self.quotient(at, node, Dividend::Constant(&[1.0]), b, &pairs, f64::INFINITY)
    }

    /// For each element, which elements of both operands it is made of.
    pub(super) fn broadcast(&self, node: &float::Node, a: float::NodeId, b: float::NodeId) -> Vec<(usize, usize)> {
        let offsets = |id| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        offsets(a).zip(offsets(b)).collect()
    }

    /// A product with reciprocals, of which the least has as many significant bits as the plan gives weights.
    fn by_constant(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        a: float::NodeId,
        b: float::NodeId,
        pairs: &[(usize, usize)],
    ) -> Result<Value, Error> {
        let divisors = self.constant(b).unwrap_or_default();
        let reciprocals: Vec<f64> = divisors.iter().map(|divisor| 1.0 / divisor).collect();
        if divisors.contains(&0.0) || reciprocals.iter().any(|weight| !weight.is_finite()) {
            return Err(unsupported(
                node,
                "its divisor holds 0, or a number too near to it: divide by another constant",
            ));
        }
        self.weighted.insert(at);
        let magnitudes = || reciprocals.iter().map(|weight| weight.abs());
        let exponent = |magnitude: f64| elementary::floor_log2(magnitude) + 1;
        let room = limits::WEIGHT_BITS as i32 - 1 - exponent(magnitudes().fold(0.0, f64::max));
        let small = -exponent(magnitudes().fold(f64::INFINITY, f64::min));
        let bits = (self.plan.weight_bits_of(at) + small.max(0)).min(room);
        let bits = if is_power_of_two(&reciprocals, room) { room } else { bits };
        let Fixed { values, frac_bits, errors: rounding } =
            fixed::at_scale(&node.name, &reciprocals, fixed::exact_bits(&reciprocals, bits))?;
        let x = self.value(a)?;
        let row = |(element, weight): &(usize, usize)| {
            let term = Term { source: Source { input: 0, element: index(*element) }, weight: values[*weight] };
            Row { bias: 0, terms: vec![term].into_iter().filter(|term| term.weight != 0).collect() }
        };
        let error = |(element, weight): &(usize, usize)| {
            scaled_error(reciprocals[*weight].abs(), x.errors[*element])
                + rounding[*weight] * self.magnitude(&x, *element)
        };
        let (rows, errors) = (pairs.iter().map(row).collect(), pairs.iter().map(error).collect());
        let frac_bits = self.frac_bits(&x) + frac_bits;
        let id = self.builder.push(&node.name, Op::Linear { rows }, vec![x.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    /// `a / b`, rounded half up, with as many fraction bits as the plan says, or as many significant ones where quotients are small.
    /// Neither operand is narrowed below what that needs. `most` bounds quotients, if it is known.
    ///
    /// # Error
    /// Half a step, and `|a' / b' - a / b| <= (|a' - a| + |a / b| |b' - b|) / |b'|`.
    fn quotient(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        a: Dividend<'_>,
        b: &Value,
        pairs: &[(usize, usize)],
        most: f64,
    ) -> Result<Value, Error> {
        let signs = self.signs(node, b)?;
        let least = |b: &Value, element: usize, bits: i32, lowering: &Self| {
            let range = lowering.range(b, element);
            to_real(range.lo, bits).abs().min(to_real(range.hi, bits).abs())
        };
        let elements = self.builder.node(b.node).len();
        let nearest = (0..elements).map(|j| least(b, j, self.frac_bits(b), self)).fold(f64::INFINITY, f64::min);
        let nearest_log2 = elementary::floor_log2(nearest);
        let planned = self.planned_bits(at);
        let b = self.narrow(b, planned + 3 - nearest_log2)?;
        let b_bits = self.frac_bits(&b);

        let greatest =
            |a: &Value, lowering: &Self| (0..a.errors.len()).map(|i| lowering.magnitude(a, i)).fold(0.0, f64::max);
        let magnitude = match &a {
            Dividend::Value(a) => greatest(a, self),
            Dividend::Constant(constant) => constant.iter().fold(0.0f64, |most, value| most.max(value.abs())),
        };
        let small = (-elementary::floor_log2((magnitude / nearest).min(most).max(power_of_two(-30)))).max(0);
        let wanted = planned + small;
        let a_bits = wanted + 2 - nearest_log2;
        let a = match a {
            Dividend::Value(a) => self.narrow(a, a_bits)?,
            Dividend::Constant(constant) => {
                let fixed = fixed::at_scale(&node.name, constant, fixed::exact_bits(constant, a_bits.max(1)))?;
                let (name, shape) = (format!("{}.dividend", node.name), vec![constant.len()]);
                let op = Op::Constant { values: fixed.values };
                let id = self.builder.push(name, op, vec![], shape, fixed.frac_bits)?;
                Value { node: id, errors: fixed.errors, site: at }
            }
        };
        let widest = self.hull(&a).max_abs();
        let room = ROOM.saturating_sub(u64::BITS - widest.leading_zeros());
        let shift =
            (wanted - self.frac_bits(&a) + b_bits).clamp(0, limits::SHIFT_BITS.min(room.saturating_sub(1)) as i32);
        let frac_bits = self.frac_bits(&a) - b_bits + shift;
        let shift = u32::try_from(shift).unwrap_or(0);
        let id = self.divide(node, &a, &b, pairs, &signs, (shift, int::Rounding::HalfUp), frac_bits)?;
        let error = |(i, j): &(usize, usize)| {
            let (ea, eb) = (a.errors[*i], b.errors[*j]);
            let near = least(&b, *j, b_bits, self);
            let ratio = ((self.magnitude(&a, *i) + ea) / (near - eb)).min(most);
            match eb < near {
                true => (ea + scaled_error(ratio, eb)) / near + half_step(frac_bits),
                false => f64::INFINITY,
            }
        };
        Ok(Value { node: id, errors: pairs.iter().map(error).collect(), site: at })
    }

    /// Of integers, towards minus infinity: exact.
    pub(super) fn floor_div(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        if !is_exact(node.element) {
            return Err(unsupported(node, "it divides integers: use Div and Floor for real numbers"));
        }
        let [a, b] = operands(node)?;
        let pairs = self.broadcast(node, a, b);
        let (a, b) = (self.value(a)?, self.value(b)?);
        let signs = self.signs(node, &b)?;
        let id = self.divide(node, &a, &b, &pairs, &signs, (0, int::Rounding::Floor), 0)?;
        let exact = |(i, j): &(usize, usize)| a.errors[*i] == 0.0 && b.errors[*j] == 0.0;
        let errors = pairs.iter().map(|pair| if exact(pair) { 0.0 } else { f64::INFINITY }).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// The sign of each divisor. None may be 0.
    fn signs(&self, node: &float::Node, b: &Value) -> Result<Vec<i64>, Error> {
        let bits = self.frac_bits(b);
        let sign = |element: usize| match self.range(b, element) {
            Interval { lo: 1.., .. } => Ok(1),
            Interval { hi: ..=-1, .. } => Ok(-1),
            Interval { lo, hi } => Err(Error::OutsideDomain {
                node: node.name.clone(),
                operator: node.op.name(),
                what: "its divisor",
                got: RealRange { lo: to_real(lo, bits), hi: to_real(hi, bits) },
                advice: match lo == 0 || hi == 0 {
                    true => {
                        "it must be proven not to be 0, also when it is rounded to fraction bits: apply Clip before it, or add a \
                         constant (an epsilon) that is not rounded to 0; with more fraction bits (--bits) a smaller one is not"
                    }
                    false => {
                        "it must be proven not to be 0: apply Clip before it, or declare narrower input ranges (--range)"
                    }
                },
            }),
        };
        (0..self.builder.node(b.node).len()).map(sign).collect()
    }

    /// [`Op::Divide`] of `sign * a` by `sign * b`.
    #[expect(clippy::too_many_arguments, reason = "two operands with their signs, and what the quotient is to be")]
    fn divide(
        &mut self,
        node: &float::Node,
        a: &Value,
        b: &Value,
        pairs: &[(usize, usize)],
        signs: &[i64],
        (shift, rounding): (u32, int::Rounding),
        frac_bits: i32,
    ) -> Result<int::NodeId, Error> {
        let as_is = signs.iter().all(|sign| *sign > 0);
        let in_order = pairs.iter().enumerate().all(|(at, (i, _))| at == *i) && a.errors.len() == pairs.len();
        let dividend = match as_is && in_order {
            true => a.node,
            false => {
                let rows = pairs.iter().map(|(i, j)| (0, vec![(a.node, *i, signs[*j])])).collect();
                self.linear(format!("{}.dividend", node.name), node.shape.clone(), rows, self.frac_bits(a))?
            }
        };
        let divisor = match as_is {
            true => b.node,
            false => {
                let rows = signs.iter().enumerate().map(|(j, sign)| (0, vec![(b.node, j, *sign)])).collect();
                let (name, shape) = self.form(b, "divisor");
                self.linear(name, shape, rows, self.frac_bits(b))?
            }
        };
        let op = Op::Divide { shift, divisor: pairs.iter().map(|(_, j)| index(*j)).collect(), rounding };
        Ok(self.builder.push(&node.name, op, vec![dividend, divisor], node.shape.clone(), frac_bits)?)
    }
}

/// Whether all are powers of two that so many fraction bits hold.
fn is_power_of_two(values: &[f64], most: i32) -> bool {
    let exact = |value: &f64| {
        let exponent = elementary::floor_log2(value.abs());
        value.abs() == power_of_two(exponent) && -exponent <= most
    };
    values.iter().all(exact)
}
