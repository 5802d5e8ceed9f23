//! Max, Min, ReduceMax; Less, Equal; Where.
//!
//! Comparisons are exact on the grid: two values are compared at the finer of their scales. A constant is brought to the grid of the
//! value that it is compared with, half to even, as inputs are, so that an input that equals it does so in integers too; if that value is
//! exact, the constant is not rounded.

use super::{
    Error, Lowering, Value,
    arithmetic::{Scaled, operands},
    index,
};
use crate::{
    float::{self, layout},
    int::{self, Op, Source},
    quantize::fixed::{power_of_two, to_real},
};

/// Which of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    Greatest,
    Least,
}

/// What a value is compared with: integers on its own grid, or half a step above them.
enum Threshold {
    At(i64),
    Above(i64),
}

impl Lowering<'_> {
    /// `max(a, b) = a + relu(b - a)`, `min(a, b) = a - relu(a - b)`. A constant is `a`, so that interval analysis sees the bound.
    pub(super) fn extreme(&mut self, at: float::NodeId, node: &float::Node, extreme: Extreme) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let (base, other) = if self.constant(b).is_some() { (b, a) } else { (a, b) };
        let pairs = self.broadcast(node, base, other);
        let [base, other] = [base, other].map(|id| self.narrowed_operand(id));
        let [base, other] = self.within_reach(base?, other?)?;
        let sign = if extreme == Extreme::Greatest { 1 } else { -1 };
        let name = format!("{}.excess", node.name);
        let (excess, frac_bits) =
            self.combined(name, node.shape.clone(), (&other, sign), (&base, -sign), &swapped(&pairs))?;
        let excess = self.relu_of(excess)?;
        let up = 1i64 << (frac_bits - self.frac_bits(&base));
        let row = |(element, (i, _)): (usize, &(usize, usize))| (0, vec![(base.node, *i, up), (excess, element, sign)]);
        let rows = pairs.iter().enumerate().map(row).collect();
        let id = self.sums(node, rows, frac_bits)?;
        let errors = pairs.iter().map(|(i, j)| base.errors[*i].max(other.errors[*j])).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// An operand as the plan narrows it; a constant as it is.
    pub(super) fn narrowed_operand(&mut self, id: float::NodeId) -> Result<Value, Error> {
        let value = self.value(id)?;
        let narrows = self.constant(id).is_none() && self.float.node(id).element.is_float();
        if narrows { self.operand(&value) } else { Ok(value) }
    }

    pub(super) fn reduce_max(&mut self, node: &float::Node, axes: &[usize]) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let shape = &self.float.node(x).shape;
        let groups: Vec<Vec<u32>> =
            layout::groups(shape, axes).iter().map(|group| group.map(index).collect()).collect();
        let x = self.narrowed_operand(x)?;
        let worst = |group: &Vec<u32>| group.iter().map(|element| x.errors[*element as usize]).fold(0.0, f64::max);
        let errors = groups.iter().map(worst).collect();
        let frac_bits = self.frac_bits(&x);
        let id = self.builder.push(&node.name, Op::Max { groups }, vec![x.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: x.site })
    }

    /// `a < b` is `step(b - a - 1)`.
    pub(super) fn less(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let pairs = self.broadcast(node, a, b);
        let (rows, frac_bits, errors) = match (self.constant(a), self.constant(b)) {
            (None, Some(bounds)) => {
                let bounds = bounds.to_vec();
                let x = self.value(a)?;
                let row = |(i, j): &(usize, usize)| match self.threshold(&x, *i, bounds[*j]) {
                    Threshold::At(at) => (at - 1, vec![(x.node, *i, -1)]),
                    Threshold::Above(at) => (at, vec![(x.node, *i, -1)]),
                };
                let rows: Vec<_> = pairs.iter().map(row).collect();
                (rows, self.frac_bits(&x), pairs.iter().map(|(i, _)| x.errors[*i]).collect::<Vec<_>>())
            }
            (Some(bounds), None) => {
                let bounds = bounds.to_vec();
                let x = self.value(b)?;
                let row = |(i, j): &(usize, usize)| match self.threshold(&x, *j, bounds[*i]) {
                    Threshold::At(at) | Threshold::Above(at) => (-at - 1, vec![(x.node, *j, 1)]),
                };
                let rows: Vec<_> = pairs.iter().map(row).collect();
                (rows, self.frac_bits(&x), pairs.iter().map(|(_, j)| x.errors[*j]).collect())
            }
            _ => self.differences(a, b, &pairs, -1)?,
        };
        self.decided(at, node, Op::Step, rows, frac_bits, &errors)
    }

    pub(super) fn equal(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let (a, b) = if self.constant(a).is_some() { (b, a) } else { (a, b) };
        let pairs = self.broadcast(node, a, b);
        let (rows, frac_bits, errors) = match (self.constant(a), self.constant(b)) {
            (None, Some(bounds)) => {
                let bounds = bounds.to_vec();
                let x = self.value(a)?;
                let row = |(i, j): &(usize, usize)| match self.threshold(&x, *i, bounds[*j]) {
                    Threshold::At(at) => (-at, vec![(x.node, *i, 1)]),
                    // Between two integers there is none.
                    Threshold::Above(_) => (1, vec![]),
                };
                let rows: Vec<_> = pairs.iter().map(row).collect();
                (rows, self.frac_bits(&x), pairs.iter().map(|(i, _)| x.errors[*i]).collect::<Vec<_>>())
            }
            _ => self.differences(a, b, &pairs, 0)?,
        };
        self.decided(at, node, Op::IsZero, rows, frac_bits, &errors)
    }

    /// `b - a + bias` at the finer scale of both.
    #[expect(clippy::type_complexity, reason = "rows, their scale, and errors by element")]
    fn differences(
        &mut self,
        a: float::NodeId,
        b: float::NodeId,
        pairs: &[(usize, usize)],
        bias: i64,
    ) -> Result<(Vec<(i64, Vec<Scaled>)>, i32, Vec<f64>), Error> {
        let (a, b) = (self.value(a)?, self.value(b)?);
        let [a, b] = self.within_reach(a, b)?;
        let frac_bits = self.frac_bits(&a).max(self.frac_bits(&b));
        let [up_a, up_b] = [&a, &b].map(|value| 1i64 << (frac_bits - self.frac_bits(value)));
        let rows = pairs.iter().map(|(i, j)| (bias, vec![(b.node, *j, up_b), (a.node, *i, -up_a)])).collect();
        Ok((rows, frac_bits, pairs.iter().map(|(i, j)| a.errors[*i] + b.errors[*j]).collect()))
    }

    /// A truth value by the sign of sums. Exact if its operands are; else it may be the other one.
    fn decided(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        op: Op,
        rows: Vec<(i64, Vec<Scaled>)>,
        frac_bits: i32,
        errors: &[f64],
    ) -> Result<Value, Error> {
        let difference = self.linear(format!("{}.difference", node.name), node.shape.clone(), rows, frac_bits)?;
        let id = self.builder.push(&node.name, op, vec![difference], node.shape.clone(), 0)?;
        let errors = errors.iter().map(|error| if *error == 0.0 { 0.0 } else { 1.0 }).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// Where a real number stands on the grid of an element.
    fn threshold(&self, x: &Value, element: usize, real: f64) -> Threshold {
        let scaled = real * power_of_two(self.frac_bits(x));
        let range = self.range(x, element);
        // Farther out it makes no difference, and sums stay small.
        let near = |value: f64| (value as i64).clamp(range.lo.saturating_sub(2), range.hi.saturating_add(2));
        match scaled.fract() == 0.0 || x.errors[element] != 0.0 {
            true => Threshold::At(near(scaled.round_ties_even())),
            false => Threshold::Above(near(scaled.floor())),
        }
    }

    /// `b + condition * (a - b)`; a constant condition picks elements, and of two constant branches it is a sum.
    pub(super) fn select(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [condition, a, b] = operands(node)?;
        let offsets = |id| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        let picks: Vec<usize> = offsets(condition).collect();
        let pairs = self.broadcast(node, a, b);
        if let Some(condition) = self.constant(condition) {
            let first: Vec<bool> = picks.iter().map(|pick| condition[*pick] != 0.0).collect();
            return self.picked(at, node, a, b, &first, &pairs);
        }
        let condition = self.value(condition)?;
        let branches = (self.constant(a).map(<[f64]>::to_vec), self.constant(b).is_some());
        // What is multiplied by the condition, or by what it is not, is so chosen that interval analysis sees the ranges of both branches.
        let not = branches.0.is_some() && !branches.1;
        let [a, b] = [a, b].map(|id| self.narrowed_operand(id));
        let [a, b] = self.within_reach(a?, b?)?;
        let (base, other, pairs_of) = if not { (&a, &b, pairs.clone()) } else { (&b, &a, swapped(&pairs)) };
        // Pairs of base and other.
        let name = |part: &str| format!("{}.{part}", node.name);
        let (change, frac_bits) =
            self.combined(name("change"), node.shape.clone(), (other, 1), (base, -1), &swapped(&pairs_of))?;
        let bit = match not {
            true => self.affine(condition.node, "not", -1, 1)?,
            false => condition.node,
        };
        let constant = branches.0.is_some() && branches.1;
        let up = 1i64.checked_shl((frac_bits - self.frac_bits(base)) as u32).unwrap_or(i64::MAX);
        let id = if constant {
            // The change is a constant too, and so a weight.
            let weights: Vec<i64> =
                (0..node.len()).map(|element| self.builder.node(change).range(element).lo).collect();
            let row = |(element, (i, _)): (usize, &(usize, usize))| {
                (0, vec![(base.node, *i, up), (bit, picks[element], weights[element])])
            };
            let rows = pairs_of.iter().enumerate().map(row).collect();
            self.sums(node, rows, frac_bits)?
        } else {
            let source = |input, element| Source { input, element: index(element) };
            let rows = picks.iter().enumerate().map(|(element, pick)| vec![(source(0, *pick), source(1, element))]);
            let op = Op::SumOfProducts { rows: rows.collect() };
            let product = self.builder.push(name("chosen"), op, vec![bit, change], node.shape.clone(), frac_bits)?;
            let row =
                |(element, (i, _)): (usize, &(usize, usize))| (0, vec![(base.node, *i, up), (product, element, 1)]);
            let rows = pairs_of.iter().enumerate().map(row).collect();
            self.sums(node, rows, frac_bits)?
        };
        let error = |(pick, (i, j)): (&usize, &(usize, usize))| {
            let own = a.errors[*i].max(b.errors[*j]);
            match condition.errors[*pick] == 0.0 {
                true => own,
                // The other branch may be taken.
                false => own + self.distance(&a, *i, &b, *j),
            }
        };
        let errors = picks.iter().zip(&pairs).map(error).collect();
        Ok(Value { node: id, errors, site: at })
    }

    /// The most that two elements are apart.
    fn distance(&self, a: &Value, i: usize, b: &Value, j: usize) -> f64 {
        let (ra, rb) = (self.range(a, i), self.range(b, j));
        let ends = |value: &Value, range: int::Interval| {
            [to_real(range.lo, self.frac_bits(value)), to_real(range.hi, self.frac_bits(value))]
        };
        let ([a_lo, a_hi], [b_lo, b_hi]) = (ends(a, ra), ends(b, rb));
        (a_hi - b_lo).abs().max((b_hi - a_lo).abs())
    }

    /// By element, the first of its pair or the second.
    fn picked(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        a: float::NodeId,
        b: float::NodeId,
        first: &[bool],
        pairs: &[(usize, usize)],
    ) -> Result<Value, Error> {
        let [a, b] = [a, b].map(|id| self.narrowed_operand(id));
        let [a, b] = self.within_reach(a?, b?)?;
        let frac_bits = self.frac_bits(&a).max(self.frac_bits(&b));
        let [up_a, up_b] = [&a, &b].map(|value| 1i64 << (frac_bits - self.frac_bits(value)));
        let place = |(first, (i, j)): (&bool, &(usize, usize))| match first {
            true => (0, vec![(a.node, *i, up_a)]),
            false => (0, vec![(b.node, *j, up_b)]),
        };
        let error = |(first, (i, j)): (&bool, &(usize, usize))| if *first { a.errors[*i] } else { b.errors[*j] };
        let errors = first.iter().zip(pairs).map(error).collect();
        let rows = first.iter().zip(pairs).map(place).collect();
        let id = self.sums(node, rows, frac_bits)?;
        Ok(Value { node: id, errors, site: at })
    }
}

fn swapped(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    pairs.iter().map(|(i, j)| (*j, *i)).collect()
}
