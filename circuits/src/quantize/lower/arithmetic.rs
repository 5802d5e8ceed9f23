//! MatMul, Add, Sub, Mul, ReduceSum, ReduceMean.

use super::{Error, Lowering, Value, index, is_exact, scales::ALIGNED_BITS};
use crate::{
    float::{self, layout},
    int::{self, Contraction, Factor, Op, Row, Source, Term, limits},
    quantize::fixed::{self, Fixed, power_of_two, to_real},
};

/// Scales that are further apart are brought nearer by narrowing the finer one, so that alignment needs no huge weight.
const MOST_ALIGNMENT: i32 = 30;

/// An element of an integer node, with a weight.
pub(super) type Scaled = (int::NodeId, usize, i64);

impl Lowering<'_> {
    /// `a * b` over the last two axes.
    pub(super) fn matmul(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        let [a, b] = operands(node)?;
        self.contract(at, node, [a, b], |[left, right]| Op::MatMul { left, right })
    }

    /// Sums of products of two tensors. A constant one becomes weights of `op`; of two, both are computed.
    pub(super) fn contract(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        operands: [float::NodeId; 2],
        op: impl FnOnce([Factor; 2]) -> Op,
    ) -> Result<Value, Error> {
        let computed = operands.map(|id| Factor::Computed { shape: self.float.node(id).shape.clone() });
        match operands.map(|id| self.constant(id).is_some()) {
            [false, true] => self.contract_with_weights(at, node, operands, 1, computed, op),
            [true, false] => self.contract_with_weights(at, node, operands, 0, computed, op),
            _ => self.contract_computed(at, node, operands, op(computed)),
        }
    }

    /// The operand at `fixed` is constant.
    fn contract_with_weights(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        operands: [float::NodeId; 2],
        fixed: usize,
        mut factors: [Factor; 2],
        op: impl FnOnce([Factor; 2]) -> Op,
    ) -> Result<Value, Error> {
        let real = self.constant(operands[fixed]).unwrap_or_default().to_vec();
        let exact = is_exact(node.element);
        let bits = if exact { 0 } else { self.plan.weight_bits_of(at) };
        self.weighted.insert(at);
        let x = if exact { self.value(operands[1 - fixed])? } else { self.scaled(operands[1 - fixed])? };
        let Fixed { values, frac_bits, errors: rounding } = match exact {
            true => fixed::at_scale(&node.name, &real, 0)?,
            false => fixed::weights(&node.name, &real, bits)?,
        };
        factors[fixed] = Factor::Fixed { shape: factors[fixed].shape().to_vec(), values };
        let op = op(factors);
        let contraction = Contraction::of(&op).ok_or_else(|| inconsistent(node))?;
        // A product with one term grows no accumulator: what reads it decides whether to narrow.
        let x = if !exact && contraction.depth() > 1 { self.operand(&x)? } else { x };
        if self.is_scaled(&x) {
            // A weight that meets elements of different scales is another integer for each: there the terms are listed.
            let mut pairs = vec![Vec::with_capacity(contraction.depth()); contraction.len()];
            for (output, pairs) in pairs.iter_mut().enumerate() {
                contraction.each(output, &mut |a, b| pairs.push(if fixed == 1 { (a, b) } else { (b, a) }));
            }
            return self.scaled_dense(at, node, &x, &real, &pairs, bits);
        }
        let magnitudes: Vec<f64> = (0..x.errors.len()).map(|element| self.magnitude(&x, element)).collect();
        let mut errors = vec![0.0; contraction.len()];
        for (output, error) in errors.iter_mut().enumerate() {
            contraction.each(output, &mut |a, b| {
                let (element, weight) = if fixed == 1 { (a, b) } else { (b, a) };
                // |w' x' - w x| <= |w| |x' - x| + |w' - w| |x'|
                *error += scaled_error(real[weight].abs(), x.errors[element]);
                *error += rounding[weight] * magnitudes[element];
            });
        }
        let frac_bits = self.frac_bits(&x) + frac_bits;
        let id = self.builder.push(&node.name, op, vec![x.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    fn contract_computed(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        operands: [float::NodeId; 2],
        op: Op,
    ) -> Result<Value, Error> {
        let contraction = Contraction::of(&op).ok_or_else(|| inconsistent(node))?;
        let operands = [self.value(operands[0])?, self.value(operands[1])?];
        let [a, b] = if is_exact(node.element) { operands } else { self.factors(operands, contraction.depth())? };
        let magnitudes = |value: &Value| -> Vec<f64> {
            (0..value.errors.len()).map(|element| self.magnitude(value, element)).collect()
        };
        let (of_a, of_b) = (magnitudes(&a), magnitudes(&b));
        let mut errors = vec![0.0; contraction.len()];
        for (output, error) in errors.iter_mut().enumerate() {
            contraction.each(output, &mut |i, j| *error += product_error(of_a[i], a.errors[i], of_b[j], b.errors[j]));
        }
        let frac_bits = self.frac_bits(&a) + self.frac_bits(&b);
        let id = self.builder.push(&node.name, op, vec![a.node, b.node], node.shape.clone(), frac_bits)?;
        Ok(Value { node: id, errors, site: at })
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
    pub(super) fn dense(
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
        let x = if exact { self.value(x)? } else { self.scaled(x)? };
        // A product with one term grows no accumulator: what reads it decides whether to narrow.
        let narrows = !exact && pairs.iter().any(|row| row.len() > 1);
        let x = if narrows { self.operand(&x)? } else { x };
        if !exact && self.needs_scales(&x, &real, &pairs) {
            return self.scaled_dense(at, node, &x, &real, &pairs, bits);
        }
        let fixed = match exact {
            true => fixed::at_scale(&node.name, &real, 0)?,
            false => fixed::weights(&node.name, &real, bits)?,
        };
        let magnitudes: Vec<f64> = (0..x.errors.len()).map(|element| self.magnitude(&x, element)).collect();
        let (mut rows, mut errors) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for pairs in pairs {
            let mut terms = Vec::with_capacity(pairs.len());
            let mut error = 0.0;
            for (element, weight) in pairs {
                // |w' x' - w x| <= |w| |x' - x| + |w' - w| |x'|
                error += scaled_error(real[weight].abs(), x.errors[element]);
                error += fixed.errors[weight] * magnitudes[element];
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

    /// As [`Self::dense`], for elements with scales of their own, of the operand or of the product.
    fn scaled_dense(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        x: &Value,
        real: &[f64],
        pairs: &[Vec<(usize, usize)>],
        bits: i32,
    ) -> Result<Value, Error> {
        let weights = self.weights_by_scale(x, real, pairs, bits);
        let (mut rows, mut errors) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for ((pairs, values), rounding) in pairs.iter().zip(&weights.rows).zip(&weights.errors) {
            let mut terms = Vec::with_capacity(pairs.len());
            let mut error = 0.0;
            for (((element, weight), value), rounding) in pairs.iter().zip(values).zip(rounding) {
                error += scaled_error(real[*weight].abs(), x.errors[*element]);
                error += rounding * self.magnitude(x, *element);
                if *value != 0 {
                    terms.push(Term { source: Source { input: 0, element: index(*element) }, weight: *value });
                }
            }
            rows.push(Row { bias: 0, terms });
            errors.push(error);
        }
        let op = Op::Linear { rows };
        let id = self.builder.push(&node.name, op, vec![x.node], node.shape.clone(), weights.frac_bits)?;
        self.builder.rescale(id, weights.element_bits)?;
        Ok(Value { node: id, errors, site: at })
    }

    /// `y[i] = sum over pairs[i] of a * b`, both computed.
    pub(super) fn products(
        &mut self,
        at: float::NodeId,
        node: &float::Node,
        a: float::NodeId,
        b: float::NodeId,
        pairs: Vec<Vec<(usize, usize)>>,
    ) -> Result<Value, Error> {
        let terms = pairs.iter().map(Vec::len).max().unwrap_or(1);
        let operands = [self.value(a)?, self.value(b)?];
        let [a, b] = if is_exact(node.element) { operands } else { self.factors(operands, terms)? };
        let (mut rows, mut errors) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
        for pairs in pairs {
            let mut error = 0.0;
            let mut row = Vec::with_capacity(pairs.len());
            for (i, j) in pairs {
                error += product_error(self.magnitude(&a, i), a.errors[i], self.magnitude(&b, j), b.errors[j]);
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

    /// Both operands of a product with so many terms, with the fraction bits that the plan gives them, or fewer, where the product would have
    /// no room: an element of 1000 brought to the scale of one of 1e-6 has many more bits than it has that count.
    fn factors(&mut self, operands: [Value; 2], terms: usize) -> Result<[Value; 2], Error> {
        let [a, b] = &operands;
        let [a, b] = [self.operand(a)?, self.operand(b)?];
        let bits = |value: &Value| self.hull(value).bits() as i32;
        let (of_a, of_b) = (bits(&a), bits(&b));
        let of_terms = terms.next_power_of_two().ilog2() as i32;
        if of_a + of_b + of_terms < limits::VALUE_BITS as i32 {
            return Ok([a, b]);
        }
        let left = ALIGNED_BITS - of_terms;
        let most = (left / 2).max(left - of_a.min(of_b));
        let narrowed = |of: i32, value: &Value| self.frac_bits(value) - (of - most).max(0);
        let (for_a, for_b) = (narrowed(of_a, &a), narrowed(of_b, &b));
        Ok([self.narrow(&a, for_a)?, self.narrow(&b, for_b)?])
    }

    /// `a + sign * b` at the finer scale of the two, exact: the coarser one is multiplied by a power of two.
    pub(super) fn add(&mut self, at: float::NodeId, node: &float::Node, sign: i64) -> Result<Value, Error> {
        let [a, b] = match self.log_share(node) {
            Some(operands) => operands,
            None => operands(node)?,
        };
        let offsets = |id| layout::broadcast_offsets(&self.float.node(id).shape, &node.shape);
        let (i, j): (Vec<usize>, Vec<usize>) = (offsets(a).collect(), offsets(b).collect());
        match (self.constant(a).is_some(), self.constant(b).is_some()) {
            (false, true) => self.add_constant(node, a, 1, b, sign, &i, &j),
            (true, false) => self.add_constant(node, b, sign, a, 1, &j, &i),
            _ => {
                // The greatest of the integers that it is subtracted from: only then is the difference known not to be above 0.
                let same = sign < 0 && self.is_greatest_of(b, a);
                let a = if same { self.narrowed_operand(a)? } else { self.value(a)? };
                let b = self.value(b)?;
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
        let x = self.scaled(x)?;
        let own = self.frac_bits(&x);
        if self.is_scaled(&x) {
            return self.add_scaled(node, &x, x_sign, &real, c_sign, i, j);
        }
        let most = match is_exact(node.element) {
            true => 0,
            false => {
                let hull = self.hull(&x);
                let magnitude = to_real(hull.lo, own).abs().max(to_real(hull.hi, own).abs());
                self.added_bits(fixed::greatest(real.iter().copied()).max(magnitude))
            }
        };
        let frac_bits = own.max(fixed::exact_bits(&real, most)).min(own + MOST_ALIGNMENT);
        let up = 1i64 << (frac_bits - own);
        let Fixed { values, errors: rounding, .. } = fixed::at_scale(&node.name, &real, frac_bits)?;
        let errors = i.iter().zip(j).map(|(i, j)| x.errors[*i] + rounding[*j]).collect();
        let rows = i.iter().zip(j).map(|(i, j)| (c_sign * values[*j], vec![(x.node, *i, x_sign * up)])).collect();
        let id = self.sums(node, rows, frac_bits)?;
        Ok(Value { node: id, errors, site: x.site })
    }

    /// As [`Self::add_constant`], element by element at the element's own scale, or as much finer for all as an ordinary value's.
    #[expect(clippy::too_many_arguments, reason = "two operands, each with a sign and its broadcast")]
    fn add_scaled(
        &mut self,
        node: &float::Node,
        x: &Value,
        x_sign: i64,
        real: &[f64],
        c_sign: i64,
        i: &[usize],
        j: &[usize],
    ) -> Result<Value, Error> {
        let own = self.frac_bits(x);
        let nominal = |(i, j): (&usize, &usize)| real[*j] * power_of_two(self.frac_bits_of(x, *i) - own);
        let constants: Vec<f64> = i.iter().zip(j).map(nominal).collect();
        let most = self.plan.activation_bits.max(self.plan.weight_bits);
        let finer = (fixed::exact_bits(&constants, most) - own).clamp(0, MOST_ALIGNMENT);
        let (mut rows, mut errors, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (i, j) in i.iter().zip(j) {
            let scale = self.frac_bits_of(x, *i) + finer;
            let Fixed { values, errors: rounding, .. } = fixed::at_scale(&node.name, &real[*j..=*j], scale)?;
            rows.push((c_sign * values[0], vec![(x.node, *i, x_sign << finer)]));
            errors.push(x.errors[*i] + rounding[0]);
            scales.push(scale);
        }
        let id = self.sums(node, rows, own + finer)?;
        self.builder.rescale(id, scales)?;
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
        self.linear(node.name.clone(), node.shape.clone(), rows, frac_bits)
    }

    /// As [`Self::sums`], for a part of a node.
    pub(super) fn linear(
        &mut self,
        name: String,
        shape: Vec<usize>,
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
        Ok(self.builder.push(name, Op::Linear { rows }, inputs, shape, frac_bits)?)
    }

    /// Two values whose scales are near enough to be aligned.
    pub(super) fn within_reach(&mut self, a: Value, b: Value) -> Result<[Value; 2], Error> {
        let reach = self.frac_bits(&a).min(self.frac_bits(&b)) + MOST_ALIGNMENT;
        Ok([self.narrow(&a, reach)?, self.narrow(&b, reach)?])
    }
}

/// `factor * error`, where 0 times an unknown error is 0.
pub(super) fn scaled_error(factor: f64, error: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * error }
}

/// By how much a product is off whose factors, of these magnitudes, are off by so much:
/// `|a' b' - a b| <= |a'| |b' - b| + |b'| |a' - a| + |a' - a| |b' - b|`.
fn product_error(a: f64, a_error: f64, b: f64, b_error: f64) -> f64 {
    scaled_error(a, b_error) + scaled_error(b + b_error, a_error)
}

/// Shapes of a graph that was not checked.
fn inconsistent(node: &float::Node) -> Error {
    super::unsupported(node, "the shapes of its operands do not fit: the graph is inconsistent")
}

/// The operands, as many as the operator takes.
pub(super) fn operands<const N: usize>(node: &float::Node) -> Result<[float::NodeId; N], Error> {
    let wrong = |_| super::unsupported(node, "it has another number of operands: the graph is inconsistent");
    node.inputs.clone().try_into().map_err(wrong)
}
