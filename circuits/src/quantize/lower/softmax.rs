//! Softmax, ArgMax.

use super::{Error, Lowering, Value, activation::half_step, arithmetic::operands, index, mask};
use crate::{
    elementary,
    float::{self, Ties, layout},
    int::{self, Op, Rounding, Row, Source, Term},
    quantize::fixed::{power_of_two, to_real},
};

/// Fraction bits of a probability.
pub(super) const PROBABILITY_BITS: u32 = 18;

/// The longest domain of the exponential's table: 256 segments of a sixteenth.
const LONGEST_REACH: f64 = 16.0;

impl Lowering<'_> {
    /// With `d = max(x) - x` along the axis: `exp(-d) / sum(exp(-d))`. `d` is clamped where `exp(-d)` no longer counts.
    ///
    /// # Error
    /// Logits that are off by `e` move a probability by at most `tanh(e/2)`. Let every `exp(-d)` be off by at most
    /// `r * exp(-d) + t`, with `n` of them in a sum `S >= 1`: a probability `p` then moves by at most
    /// `(2 r p (1-p) S + (n+1) t) / (S (1 - r) - n t)`, so by `(r/2 + (n+1) t) / (1 - r - n t)`. Rounding adds half a step.
    pub(super) fn softmax(&mut self, at: float::NodeId, node: &float::Node, axis: usize) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let groups: Vec<Vec<usize>> = layout::groups(&node.shape, &[axis]).iter().map(Iterator::collect).collect();
        if let Some(mask) = mask::of(self.float, x) {
            return self.masked_softmax(at, node, &groups, &mask);
        }
        let x = self.value(x)?;
        let arg_bits = self.argument_bits(&x);
        let x = self.narrow(&x, arg_bits)?;
        self.shares(at, node, &x, &groups, None)
    }

    /// The softmax of each of the `groups` of elements of `x`, which has its final scale. Of the node `weights`, which has an element for
    /// each of `x`, `exp(-d)` is multiplied by before it is summed; integers of `[0, 2]`, not all 0 in a group.
    pub(super) fn shares(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        x: &Value,
        groups: &[Vec<usize>],
        weights: Option<int::NodeId>,
    ) -> Result<Value, Error> {
        let len = x.errors.len();
        let shape = self.builder.node(x.node).shape.clone();
        let frac_bits = self.frac_bits(x);
        let mut group_of = vec![0u32; len];
        for (at, group) in (0u32..).zip(groups) {
            group.iter().for_each(|element| group_of[*element] = at);
        }
        let name = |part: &str| format!("{}.{part}", node.name);
        let per_group = vec![groups.len()];
        let members = groups.iter().map(|group| group.iter().map(|e| index(*e)).collect()).collect();
        let max =
            self.builder.push(name("max"), Op::Max { groups: members }, vec![x.node], per_group.clone(), frac_bits)?;
        let distance = |element: usize| {
            let term = |input, element, weight| Term { source: Source { input, element }, weight };
            Row { bias: 0, terms: vec![term(0, group_of[element], 1), term(1, index(element), -1)] }
        };
        let op = Op::Linear { rows: (0..len).map(distance).collect() };
        let distance = self.builder.push(name("distance"), op, vec![max, x.node], shape.clone(), frac_bits)?;
        let distance = Value { node: distance, errors: vec![0.0; len], site: at };

        let n = groups.iter().map(Vec::len).max().unwrap_or(1);
        let reach = elementary::ln(4.0 * n as f64 / self.plan.table_error).clamp(1.0, LONGEST_REACH);
        // Exact: at most 16 * 2^14.
        let end = (reach * power_of_two(frac_bits.max(0))).ceil() as i64;
        let clamped = self.clamp(&distance, frac_bits, None, Some(end))?;
        let domain = self.hull(&clamped);
        let exp = self.tables.exponential(frac_bits, domain, self.plan.table_error)?;
        // Beyond the end of the domain the function lies between its value there and 0.
        let tail = match self.hull(&distance) == domain {
            true => 0.0,
            false => elementary::exp(-to_real(domain.hi, frac_bits)) * (1.0 + exp.relative),
        };
        let (relative, absolute) = (exp.relative, exp.absolute + tail);
        let table = self.builder.table(exp.table.clone())?;
        let op = Op::Piecewise { table };
        let mut powers = self.builder.push(name("exp"), op, vec![clamped.node], shape.clone(), exp.frac_bits)?;
        if let Some(weights) = weights {
            let source = |input, element| Source { input, element };
            let rows = (0..index(len)).map(|element| vec![(source(0, element), source(1, element))]).collect();
            let op = Op::SumOfProducts { rows };
            powers = self.builder.push(name("kept"), op, vec![powers, weights], shape.clone(), exp.frac_bits)?;
        }
        // One step, which proves that a sum is not 0 where interval analysis does not see it.
        let step = i64::from(weights.is_some());
        let sum = |group: &Vec<usize>| {
            let term = |e: &usize| Term { source: Source { input: 0, element: index(*e) }, weight: 1 };
            Row { bias: step, terms: group.iter().map(term).collect() }
        };
        let op = Op::Linear { rows: groups.iter().map(sum).collect() };
        let sums = self.builder.push(name("sum"), op, vec![powers], per_group, exp.frac_bits)?;
        let op = Op::Divide { shift: PROBABILITY_BITS, divisor: group_of, rounding: Rounding::HalfUp };
        let probability_bits = PROBABILITY_BITS as i32;
        let id = self.builder.push(&node.name, op, vec![powers, sums], shape.clone(), probability_bits)?;

        let n = n as f64;
        let left = 1.0 - relative - n * absolute;
        let own = if left > 0.0 { (relative / 2.0 + (n + 1.0) * absolute) / left } else { f64::INFINITY };
        let mut errors = vec![0.0; len];
        let own = if weights.is_some() { own + power_of_two(-exp.frac_bits) } else { own };
        for group in groups {
            let logits = group.iter().map(|element| x.errors[*element]).fold(0.0, f64::max);
            let error = elementary::tanh(logits / 2.0) + own + half_step(probability_bits);
            group.iter().for_each(|element| errors[*element] = error.min(1.0));
        }
        Ok(Value { node: id, errors, site: at })
    }

    /// The position of the first greatest element. For the last one, groups are read backwards.
    ///
    /// There is no static bound: a value that moves by less than its error can move the position by any distance.
    pub(super) fn arg_max(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        axis: usize,
        ties: Ties,
    ) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let shape = self.float.node(x).shape.clone();
        let x = self.value(x)?;
        let mut groups: Vec<Vec<u32>> =
            layout::groups(&shape, &[axis]).iter().map(|group| group.map(index).collect()).collect();
        let exact = x.errors.iter().all(|error| *error == 0.0);
        let last = groups.first().map_or(0, Vec::len).saturating_sub(1);
        if ties == Ties::Last {
            groups.iter_mut().for_each(|group| group.reverse());
        }
        let mut id = self.builder.push(&node.name, Op::ArgMax { groups }, vec![x.node], node.shape.clone(), 0)?;
        if ties == Ties::Last {
            id = self.affine(id, "from_end", -1, i64::try_from(last).unwrap_or(i64::MAX))?;
        }
        let error = if exact { 0.0 } else { f64::INFINITY };
        Ok(Value { node: id, errors: vec![error; node.len()], site: at })
    }
}
