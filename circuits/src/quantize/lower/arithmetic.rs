//! MatMul, Add, Sub, Mul, ReduceSum, ReduceMean.

use super::{Error, Lowering, Value, index, is_exact};
use crate::{
    float::{self, layout},
    int::{self, Op, Row, Source, Term},
    quantize::fixed::{self, Fixed, power_of_two, to_real},
};

/// Scales that are further apart are brought nearer by narrowing the finer one, so that alignment needs no huge weight.
const MOST_ALIGNMENT: i32 = 30;

/// An element of an integer node, with a weight.
type Scaled = (int::NodeId, usize, i64);

impl Lowering<'_> {
    /// `a * b` over the last two axes. A constant side makes a [`Op::Linear`], two computed sides a [`Op::SumOfProducts`].
    pub(super) fn matmul(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let pairs = matmul_pairs(&self.float.node(a).shape, &self.float.node(b).shape, &node.shape);
        match (self.constant(a).is_some(), self.constant(b).is_some()) {
            (false, true) => self.dense(at, node, a, b, pairs),
            (true, false) => {
                let swapped = pairs.into_iter().map(|row| row.into_iter().map(|(i, j)| (j, i)).collect()).collect();
                self.dense(at, node, b, a, swapped)
            }
            _ => self.products(at, node, a, b, pairs),
        }
    }

    pub(super) fn mul(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let offsets = |id| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        let pairs: Vec<Vec<(usize, usize)>> = offsets(a).zip(offsets(b)).map(|pair| vec![pair]).collect();
        match (self.constant(a).is_some(), self.constant(b).is_some()) {
            (false, true) => self.dense(at, node, a, b, pairs),
            (true, false) => self.dense(at, node, b, a, pairs.iter().map(|row| vec![(row[0].1, row[0].0)]).collect()),
            _ => self.products(at, node, a, b, pairs),
        }
    }

    /// `y[i] = sum over pairs[i] of x * weight`.
    fn dense(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        x: float::NodeId,
        weights: float::NodeId,
        pairs: Vec<Vec<(usize, usize)>>,
    ) -> Result<Value, Error> {
        let real = self.constant(weights).unwrap_or_default().to_vec();
        let exact = is_exact(node.element);
        let bits = if exact { 0 } else { self.plan.weight_bits_of(at) };
        self.weighted.insert(at);
        let fixed = fixed::weights(&node.name, &real, bits)?;
        let x = self.value(x)?;
        // A product with one term grows no accumulator: what reads it decides whether to narrow.
        let narrows = !exact && pairs.iter().any(|row| row.len() > 1);
        let x = if narrows { self.operand(&x)? } else { x };
        let (mut rows, mut errors) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for pairs in pairs {
            let mut terms = Vec::with_capacity(pairs.len());
            let mut error = 0.0;
            for (element, weight) in pairs {
                // |w' x' - w x| <= |w| |x' - x| + |w' - w| |x'|
                error += scaled_error(real[weight].abs(), x.errors[element]);
                error += fixed.errors[weight] * self.magnitude(&x, element);
                let weight = fixed.values[weight];
                if weight != 0 {
                    terms.push(Term { source: Source { input: 0, element: index(element) }, weight });
                }
            }
            rows.push(Row { bias: 0, terms });
            errors.push(error);
        }
        let frac_bits = self.frac_bits(&x) + fixed.frac_bits;
        let id = self.builder.push(&node.name, Op::Linear { rows }, vec![x.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    /// `y[i] = sum over pairs[i] of a * b`, both computed.
    fn products(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        a: float::NodeId,
        b: float::NodeId,
        pairs: Vec<Vec<(usize, usize)>>,
    ) -> Result<Value, Error> {
        let (a, b) = (self.value(a)?, self.value(b)?);
        let exact = is_exact(node.element);
        let [a, b] = if exact { [a, b] } else { [self.operand(&a)?, self.operand(&b)?] };
        let (mut rows, mut errors) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for pairs in pairs {
            let mut error = 0.0;
            let mut row = Vec::with_capacity(pairs.len());
            for (i, j) in pairs {
                // |a' b' - a b| <= |a'| |b' - b| + |b'| |a' - a| + |a' - a| |b' - b|
                let (ea, eb) = (a.errors[i], b.errors[j]);
                error += scaled_error(self.magnitude(&a, i), eb) + scaled_error(self.magnitude(&b, j) + eb, ea);
                row.push((Source { input: 0, element: index(i) }, Source { input: 1, element: index(j) }));
            }
            rows.push(row);
            errors.push(error);
        }
        let frac_bits = self.frac_bits(&a) + self.frac_bits(&b);
        let inputs = vec![a.node, b.node];
        let id = self.builder.push(&node.name, Op::SumOfProducts { rows }, inputs, node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    /// `a + sign * b` at the finer scale of the two, exact: the coarser one is multiplied by a power of two.
    pub(super) fn add(&mut self, at: float::NodeId, node: &float::Node, sign: i64) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        let offsets = |id| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        let (i, j): (Vec<usize>, Vec<usize>) = (offsets(a).collect(), offsets(b).collect());
        match (self.constant(a).is_some(), self.constant(b).is_some()) {
            (false, true) => self.add_constant(node, a, 1, b, sign, &i, &j),
            (true, false) => self.add_constant(node, b, sign, a, 1, &j, &i),
            _ => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let [a, b] = self.within_reach(a, b)?;
                let frac_bits = self.frac_bits(&a).max(self.frac_bits(&b));
                let [up_a, up_b] = [&a, &b].map(|value| 1i64 << (frac_bits - self.frac_bits(value)));
                let errors = i.iter().zip(&j).map(|(i, j)| a.errors[*i] + b.errors[*j]).collect();
                let rows = i.iter().zip(&j).map(|(i, j)| (0, vec![(a.node, *i, up_a), (b.node, *j, sign * up_b)]));
                let id = self.sums(node, rows.collect(), frac_bits)?;
                Ok(Value { node: id, errors, site: at })
            }
        }
    }

    /// `x_sign * x[i] + c_sign * constant[j]`, at the scale of `x` or, if that is coarser than the constants need, a finer one.
    #[expect(clippy::too_many_arguments, reason = "two operands, each with a sign and its broadcast")]
    fn add_constant(
        &mut self,
        node: &float::Node,
        x: float::NodeId,
        x_sign: i64,
        constant: float::NodeId,
        c_sign: i64,
        i: &[usize],
        j: &[usize],
    ) -> Result<Value, Error> {
        let real = self.constant(constant).unwrap_or_default().to_vec();
        let x = self.value(x)?;
        let own = self.frac_bits(&x);
        let most = if is_exact(node.element) { 0 } else { self.plan.activation_bits.max(self.plan.weight_bits) };
        let frac_bits = own.max(fixed::exact_bits(&real, most)).min(own + MOST_ALIGNMENT);
        let up = 1i64 << (frac_bits - own);
        let Fixed { values, errors: rounding, .. } = fixed::at_scale(&node.name, &real, frac_bits)?;
        let errors = i.iter().zip(j).map(|(i, j)| x.errors[*i] + rounding[*j]).collect();
        let rows = i.iter().zip(j).map(|(i, j)| (c_sign * values[*j], vec![(x.node, *i, x_sign * up)])).collect();
        let id = self.sums(node, rows, frac_bits)?;
        Ok(Value { node: id, errors, site: x.site })
    }

    pub(super) fn reduce_sum(&mut self, node: &float::Node, axes: &[usize]) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let value = self.value(x)?;
        self.sum_groups(node, x, value, axes, 1, 0, 0.0)
    }

    /// A sum and a factor. If the number of elements is a power of two, only the scale changes.
    pub(super) fn reduce_mean(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        axes: &[usize],
    ) -> Result<Value, Error> {
        let [x] = operands(node)?;
        let value = self.value(x)?;
        let count = layout::groups(&self.float.node(x).shape, axes).size();
        let log2 = count.checked_ilog2().unwrap_or(0) as i32;
        if count.is_power_of_two() {
            return self.sum_groups(node, x, value, axes, 1, log2, 0.0);
        }
        // weight = round(2^s / count): as many significant bits as weights have.
        self.weighted.insert(at);
        let bits = self.plan.weight_bits_of(at) + log2;
        let weight = (power_of_two(bits) / count as f64).round_ties_even();
        let rounding = (weight * power_of_two(-bits) - 1.0 / count as f64).abs();
        // Exact: an integer of at most MOST_BITS + 1 bits.
        let mean = self.sum_groups(node, x, value, axes, weight as i64, bits, rounding)?;
        Ok(Value { site: at, ..mean })
    }

    /// `y = weight * sum`, `extra_bits` fraction bits finer; `rounding` is the error of the weight.
    #[expect(clippy::too_many_arguments, reason = "sum and mean differ in all of the last three")]
    fn sum_groups(
        &mut self,
        node: &float::Node,
        x: float::NodeId,
        value: Value,
        axes: &[usize],
        weight: i64,
        extra_bits: i32,
        rounding: f64,
    ) -> Result<Value, Error> {
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        let factor = to_real(weight, extra_bits);
        for group in layout::groups(&self.float.node(x).shape, axes).iter() {
            let (mut terms, mut error) = (Vec::new(), 0.0);
            for element in group {
                terms.push(Term { source: Source { input: 0, element: index(element) }, weight });
                error += scaled_error(factor + rounding, value.errors[element]);
                error += rounding * self.magnitude(&value, element);
            }
            rows.push(Row { bias: 0, terms });
            errors.push(error);
        }
        let frac_bits = self.frac_bits(&value) + extra_bits;
        let id = self.builder.push(&node.name, Op::Linear { rows }, vec![value.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: value.site })
    }

    /// A [`Op::Linear`] whose rows `(bias, terms)` may name an element twice.
    pub(super) fn sums(
        &mut self,
        node: &float::Node,
        rows: Vec<(i64, Vec<Scaled>)>,
        frac_bits: i32,
    ) -> Result<int::NodeId, Error> {
        let mut inputs: Vec<int::NodeId> = rows.iter().flat_map(|row| row.1.iter().map(|term| term.0)).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let row = |(bias, mut scaled): (i64, Vec<Scaled>)| {
            scaled.sort_unstable();
            let mut terms: Vec<Term> = Vec::with_capacity(scaled.len());
            for (id, element, weight) in scaled {
                let input = index(inputs.binary_search(&id).unwrap_or_default());
                let source = Source { input, element: index(element) };
                match terms.last_mut() {
                    // Weights here are powers of two below 2^31, and two of them at most.
                    Some(last) if last.source == source => last.weight += weight,
                    _ => terms.push(Term { source, weight }),
                }
            }
            terms.retain(|term| term.weight != 0);
            Row { bias, terms }
        };
        let rows = rows.into_iter().map(row).collect();
        Ok(self.builder.push(&node.name, Op::Linear { rows }, inputs, node.shape.clone(), frac_bits)?)
    }

    /// Two values whose scales are near enough to be aligned.
    fn within_reach(&mut self, a: Value, b: Value) -> Result<[Value; 2], Error> {
        let reach = self.frac_bits(&a).min(self.frac_bits(&b)) + MOST_ALIGNMENT;
        Ok([self.narrow(&a, reach)?, self.narrow(&b, reach)?])
    }
}

/// `factor * error`, where 0 times an unknown error is 0.
fn scaled_error(factor: f64, error: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * error }
}

/// The operands, as many as the operator takes.
pub(super) fn operands<const N: usize>(node: &float::Node) -> Result<[float::NodeId; N], Error> {
    let wrong = |_| super::unsupported(node, "it has another number of operands: the graph is inconsistent");
    node.inputs.clone().try_into().map_err(wrong)
}

/// For each element of `a * b`, which elements of both are multiplied.
fn matmul_pairs(a: &[usize], b: &[usize], y: &[usize]) -> Vec<Vec<(usize, usize)>> {
    let (a_batch, a_last) = a.split_at(a.len() - 2);
    let (b_batch, b_last) = b.split_at(b.len() - 2);
    let (m, k, n) = (a_last[0], a_last[1], b_last[1]);
    let batch = &y[..y.len() - 2];
    let starts = layout::broadcast_offsets(a_batch, batch).zip(layout::broadcast_offsets(b_batch, batch));
    let mut pairs = Vec::with_capacity(y.iter().product());
    for (i, j) in starts {
        for row in 0..m {
            for column in 0..n {
                pairs.push((0..k).map(|t| (i * m * k + row * k + t, j * k * n + t * n + column)).collect());
            }
        }
    }
    pairs
}
