//! From the float graph and a plan to the integer graph, one float node after the other.
//!
//! A value carries a bound of its error against the float graph in real arithmetic, element by element. Fraction bits grow
//! with every product and are shed where a consumer wants narrow operands and the plan says so. `value` gives a value one scale;
//! who can read elements with scales of their own asks for it with `scaled`.

mod activation;
mod arithmetic;
mod convolution;
mod division;
mod function;
mod mask;
mod moments;
mod movement;
mod root;
mod rounding;
mod scales;
mod selection;
mod softmax;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use selection::Extreme;

use super::{
    Error,
    fixed::{self, power_of_two, to_real},
    plan::{Narrowing, Plan},
    ranges::InputRange,
    table::Tables,
};
use crate::{
    float::{self, ElementType},
    int::{self, Builder, Interval, Op, Row, Source, Term, limits},
    machine::{Error as MachineError, MAX_K, MAX_LIMB_BITS, room::Room},
};

/// An integer output wider than this is narrowed: what is published shall fit where people handle it.
const OUTPUT_BITS: u32 = 40;

/// Exponents that magnitudes of operands may have without more or fewer fraction bits than the plan says. What is proven of a value
/// is often far above what it is: only what is very large has fewer.
const OPERANDS: RangeInclusive<i32> = -4..=20;

/// A float node's value in the integer graph.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) node: int::NodeId,
    /// Greatest `|integer * 2^-frac_bits - real|` of each element; infinite if there is no bound.
    pub(super) errors: Vec<f64>,
    /// The float node that decides how it is narrowed.
    site: float::NodeId,
}

/// What lowering yields.
pub(super) struct Lowered {
    pub(super) graph: int::Graph,
    /// By float node; `None` for constants that were folded into their readers.
    pub(super) nodes: Vec<Option<int::NodeId>>,
    /// Static bound of each output's error, if there is one.
    pub(super) bounds: Vec<Option<f64>>,
    /// Where the plan's narrowing was asked for.
    pub(super) sites: BTreeSet<float::NodeId>,
    /// Where the plan's weight bits were asked for.
    pub(super) weighted: BTreeSet<float::NodeId>,
}

/// Lowers `graph` by `plan`. The graph has been checked.
pub(super) fn lower(
    graph: &float::Graph,
    plan: &Plan,
    inputs: &BTreeMap<float::NodeId, InputRange>,
    saturate: &BTreeSet<String>,
    tables: &Tables,
) -> Result<Lowered, Error> {
    let mut lowering = Lowering {
        float: graph,
        plan,
        saturate,
        tables,
        builder: Builder::new(),
        values: vec![None; graph.nodes.len()],
        narrowed: HashMap::new(),
        aligned: HashMap::new(),
        sites: BTreeSet::new(),
        weighted: BTreeSet::new(),
        counted: 0,
        rows: 0,
    };
    let masks = mask::looked_through(graph);
    for (at, node) in (0u32..).map(float::NodeId).zip(&graph.nodes) {
        let value = match (&node.op, inputs.get(&at)) {
            (float::Op::Constant { .. }, _) => None,
            _ if masks.contains(&at) => None,
            (float::Op::Input, Some(range)) => Some(lowering.input(at, node, range)?),
            _ => {
                lowering.check_size(node)?;
                let value = lowering.node(at, node)?;
                let value = if is_exact(node.element) { lowering.whole(value)? } else { value };
                lowering.check_type(node, &value)?;
                Some(value)
            }
        };
        lowering.count()?;
        if let Some(slot) = lowering.values.get_mut(at.0 as usize) {
            *slot = value;
        }
    }
    lowering.finish()
}

pub(super) struct Lowering<'a> {
    float: &'a float::Graph,
    plan: &'a Plan,
    saturate: &'a BTreeSet<String>,
    tables: &'a Tables,
    builder: Builder,
    values: Vec<Option<Value>>,
    narrowed: HashMap<(int::NodeId, i32), int::NodeId>,
    aligned: HashMap<int::NodeId, Value>,
    sites: BTreeSet<float::NodeId>,
    weighted: BTreeSet<float::NodeId>,
    /// Nodes of the integer graph whose rows are counted.
    counted: usize,
    /// Rows that they take in a circuit at the least.
    rows: usize,
}

impl Lowering<'_> {
    /// Refuses a node before it is built, if no circuit has its elements or the terms of its sums.
    fn check_size(&self, node: &float::Node) -> Result<(), Error> {
        let product = |shape: &[usize]| shape.iter().fold(1usize, |product, dim| product.saturating_mul(*dim));
        let (elements, operands) = (product(&node.shape), node.inputs.iter().map(|id| &self.float.node(*id).shape));
        let terms = match (&node.op, operands.clone().next().and_then(|shape| shape.last())) {
            (float::Op::MatMul, Some(inner)) => elements.saturating_mul(*inner),
            (float::Op::Conv { .. }, _) => {
                let kernel = operands.clone().nth(1).map_or(1, |kernel| product(kernel.get(1..).unwrap_or_default()));
                elements.saturating_mul(kernel)
            }
            // Rows of a table are no terms.
            (float::Op::Gather, _) => elements,
            _ => operands.map(|shape| product(shape)).fold(elements, usize::max),
        };
        if elements > limits::TOTAL_ELEMENTS || terms > limits::TERMS {
            return Err(MachineError::TooLarge { k: MAX_K + 1, max: MAX_K }.into());
        }
        // Equations that there are for each element, whatever its range: of a table, of a maximum, of a division.
        let rows = match node.op {
            float::Op::Sigmoid | float::Op::Tanh => 2,
            float::Op::Softmax { .. } => 2 + 1 + 4,
            float::Op::ArgMax { .. } | float::Op::ReduceMax { .. } => 1,
            float::Op::Function { function: float::Function::Power { exponent: 0.5 } } => 0,
            float::Op::Function { .. } => 2,
            float::Op::FloorDiv => 4,
            float::Op::Div if node.inputs.get(1).is_some_and(|id| self.constant(*id).is_none()) => 4,
            _ => 0,
        };
        let operand = node.inputs.first().map_or(0, |id| product(&self.float.node(*id).shape));
        Ok(Room::LARGEST.check(self.rows.saturating_add(operand.saturating_mul(rows)))?)
    }

    /// Refuses what is computed in a type of few bits or without sign, and is not proven to stay in it: circuits do not wrap around. To
    /// leave int32 or int64 is taken for an error of the model's.
    fn check_type(&self, node: &float::Node, value: &Value) -> Result<(), Error> {
        use float::{ElementType, Op};
        let computes = matches!(
            node.op,
            Op::Add | Op::Sub | Op::Mul | Op::MatMul | Op::ReduceSum { .. } | Op::Clip { .. } | Op::FloorDiv
        );
        let wide = matches!(node.element, ElementType::I32 | ElementType::I64 | ElementType::Bool);
        let Some(held) = node.element.integers().filter(|_| computes && !wide) else { return Ok(()) };
        let hull = self.hull(value);
        if held.contains(&hull.lo) && held.contains(&hull.hi) {
            return Ok(());
        }
        Err(Error::OutsideDomain {
            node: node.name.clone(),
            operator: node.op.name(),
            what: "its result",
            got: super::RealRange { lo: hull.lo as f64, hi: hull.hi as f64 },
            advice: "it must be proven to stay in its type, where circuits do not wrap around: Cast to int32 before it, or declare \
                     narrower input ranges (--range)",
        })
    }

    /// Counts what the last nodes take of a circuit, so that one that is too large is not built to the end. Rows of tables and
    /// sums are left out: they may become less when the graph is simplified.
    fn count(&mut self) -> Result<(), Error> {
        let graph = self.builder.graph();
        for node in &graph.nodes[self.counted..] {
            if !matches!(node.op, Op::Gather { .. } | Op::SumOfProducts { .. }) {
                self.rows = self.rows.saturating_add(Room::LARGEST.rows_by_ranges(graph, node, MAX_LIMB_BITS));
            }
        }
        self.counted = graph.nodes.len();
        Ok(Room::LARGEST.check(self.rows)?)
    }

    fn input(&mut self, at: float::NodeId, node: &float::Node, range: &InputRange) -> Result<Value, Error> {
        let real = node.element.is_float();
        let planned = self.plan.input_bits_of(at);
        let scales = if real { range.scales(planned) } else { vec![0] };
        let ranges = range.at_scales(&node.tensor, &scales)?;
        let (frac_bits, element_bits) = match scales.as_slice() {
            [one] => (*one, Vec::new()),
            _ => (planned, scales),
        };
        let saturates = self.saturate.contains(&node.tensor);
        let taken = if saturates { InputRange::widened(&ranges) } else { ranges.clone() };
        let mut id = self.builder.input(&node.tensor, node.shape.clone(), frac_bits, taken)?;
        self.builder.rescale(id, element_bits.clone())?;
        if saturates {
            id = self.saturated(id, &ranges)?;
            self.builder.rescale(id, element_bits)?;
        }
        let input = self.builder.node(id);
        let error = |element| if real { power_of_two(-input.frac_bits_of(element) - 1) } else { 0.0 };
        Ok(Value { node: id, errors: (0..node.len()).map(error).collect(), site: at })
    }

    /// `min(max(x, lo), hi)`, each element by its own range: `hi - relu(hi - lo - relu(x - lo))`.
    fn saturated(&mut self, x: int::NodeId, ranges: &[Interval]) -> Result<int::NodeId, Error> {
        let above = self.relu_of_each(x, ranges, "above", 1, |range| -range.lo)?;
        let room = self.relu_of_each(above, ranges, "room", -1, |range| range.hi - range.lo)?;
        self.affine_each(room, ranges, "saturated", -1, |range| range.hi)
    }

    fn relu_of_each(
        &mut self,
        x: int::NodeId,
        ranges: &[Interval],
        suffix: &str,
        weight: i64,
        bias: impl Fn(Interval) -> i64,
    ) -> Result<int::NodeId, Error> {
        let moved = self.affine_each(x, ranges, suffix, weight, bias)?;
        self.relu_of(moved)
    }

    /// `y[i] = bias + weight * x[i]`, in integers, the bias by the range of each element.
    fn affine_each(
        &mut self,
        x: int::NodeId,
        ranges: &[Interval],
        suffix: &str,
        weight: i64,
        bias: impl Fn(Interval) -> i64,
    ) -> Result<int::NodeId, Error> {
        let node = self.builder.node(x);
        let (name, shape, frac_bits) = (format!("{}.{suffix}", node.name), node.shape.clone(), node.frac_bits);
        let row = |element: usize| {
            let range = ranges.get(element).or(ranges.first()).copied().unwrap_or(Interval::point(0));
            Row {
                bias: bias(range),
                terms: vec![Term { source: Source { input: 0, element: index(element) }, weight }],
            }
        };
        let rows = (0..node.len()).map(row).collect();
        Ok(self.builder.push(name, Op::Linear { rows }, vec![x], shape, frac_bits)?)
    }

    fn node(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        match &node.op {
            float::Op::MatMul => self.matmul(at, node),
            float::Op::Add => self.add(at, node, 1),
            float::Op::Sub => {
                let difference = self.add(at, node, -1)?;
                if self.variance(at).is_some() { self.not_negative(difference) } else { Ok(difference) }
            }
            float::Op::Mul => self.mul(at, node),
            float::Op::Relu => self.relu(node),
            float::Op::LeakyRelu { alpha } => self.leaky_relu(at, node, *alpha),
            float::Op::Clip { min, max } => self.clip(node, *min, *max),
            float::Op::Sigmoid => self.sigmoid(at, node),
            float::Op::Tanh => self.tanh(at, node),
            float::Op::Softmax { axis } => self.softmax(at, node, *axis),
            float::Op::ArgMax { axis, ties } => self.arg_max(at, node, *axis, *ties),
            float::Op::Gather => self.gather(at, node),
            float::Op::ReduceSum { axes } => self.reduce_sum(node, axes),
            float::Op::ReduceMean { axes } => self.reduce_mean(at, node, axes),
            float::Op::Rearrange { sources } => self.rearrange(at, node, sources),
            float::Op::Input | float::Op::Constant { .. } => {
                Err(unsupported(node, "it cannot stand here: the graph is inconsistent"))
            }
            float::Op::Function { function } => self.function(at, node, *function),
            float::Op::Sqrt => self.square_root(at, node),
            float::Op::Div => self.div(at, node),
            float::Op::FloorDiv => self.floor_div(at, node),
            float::Op::Max => self.extreme(at, node, Extreme::Greatest),
            float::Op::Min => self.extreme(at, node, Extreme::Least),
            float::Op::ReduceMax { axes } => self.reduce_max(node, axes),
            float::Op::Less => self.less(at, node),
            float::Op::Equal => self.equal(at, node),
            float::Op::Where => self.select(at, node),
            float::Op::Round { rounding } => self.round(at, node, *rounding),
            float::Op::Conv { window } => self.conv(at, node, window),
        }
    }

    fn finish(mut self) -> Result<Lowered, Error> {
        let mut outputs = Vec::with_capacity(self.float.outputs.len());
        let mut bounds = Vec::with_capacity(self.float.outputs.len());
        for output in &self.float.outputs {
            let value = self.value(output.node)?;
            let excess = i32::try_from(self.hull(&value).bits().saturating_sub(OUTPUT_BITS)).unwrap_or(0);
            let frac_bits = self.frac_bits(&value);
            let exact = !self.float.node(output.node).element.is_float();
            let value = if excess > 0 && !exact { self.narrow(&value, frac_bits - excess)? } else { value };
            let bound = value.errors.iter().copied().fold(0.0, f64::max);
            bounds.push(Some(bound).filter(|bound| bound.is_finite()));
            outputs.push(int::Output { name: output.name.clone(), node: value.node });
        }
        let nodes = self.values.iter().map(|value| value.as_ref().map(|value| value.node)).collect();
        let graph = self.builder.finish(outputs)?;
        Ok(Lowered { graph, nodes, bounds, sites: self.sites, weighted: self.weighted })
    }

    /// The constant that an operand is, if it is one.
    fn constant(&self, id: float::NodeId) -> Option<&[f64]> {
        self.float.node(id).constant()
    }

    /// An operand as a computed value with one scale for all of its elements; a constant becomes a node of its own.
    fn value(&mut self, id: float::NodeId) -> Result<Value, Error> {
        let value = self.scaled(id)?;
        self.align(&value)
    }

    /// As [`Self::value`], for those who can read elements with scales of their own.
    fn scaled(&mut self, id: float::NodeId) -> Result<Value, Error> {
        if let Some(Some(value)) = self.values.get(id.0 as usize) {
            return Ok(value.clone());
        }
        let node = self.float.node(id);
        let Some(values) = node.constant() else {
            return Err(unsupported(node, "it is read before it is computed: the graph is inconsistent"));
        };
        let fixed = self.fixed_constant(node, values)?;
        let op = Op::Constant { values: fixed.values };
        let constant = self.builder.push(&node.name, op, vec![], node.shape.clone(), fixed.frac_bits)?;
        let value = Value { node: constant, errors: fixed.errors, site: id };
        if let Some(slot) = self.values.get_mut(id.0 as usize) {
            *slot = Some(value.clone());
        }
        Ok(value)
    }

    /// A constant that stands for itself: integers exactly, reals as finely as weights and activations are held.
    fn fixed_constant(&self, node: &float::Node, values: &[f64]) -> Result<fixed::Fixed, Error> {
        let most = match node.element.is_float() {
            true => self.added_bits(fixed::greatest(values.iter().copied())),
            false => 0,
        };
        fixed::at_scale(&node.name, values, fixed::exact_bits(values, most))
    }

    /// Fraction bits that a constant, or what it is added to, needs at most, if it is of this magnitude.
    fn added_bits(&self, magnitude: f64) -> i32 {
        let bits = self.plan.activation_bits.max(self.plan.weight_bits);
        fixed::significant(bits, fixed::exponent(magnitude), &fixed::VALUES)
    }

    /// The fraction bits of a value with one scale. Of others, those that an element of ordinary size would have.
    fn frac_bits(&self, value: &Value) -> i32 {
        self.builder.node(value.node).frac_bits
    }

    fn frac_bits_of(&self, value: &Value, element: usize) -> i32 {
        self.builder.node(value.node).frac_bits_of(element)
    }

    /// Fraction bits of each element; none if all have the same.
    fn element_bits(&self, value: &Value) -> Vec<i32> {
        self.builder.node(value.node).element_bits.clone()
    }

    /// Whether elements have scales of their own.
    fn is_scaled(&self, value: &Value) -> bool {
        !self.builder.node(value.node).element_bits.is_empty()
    }

    /// The range of an element, in integers.
    fn range(&self, value: &Value, element: usize) -> Interval {
        self.builder.node(value.node).range(element)
    }

    /// What any element can be, in integers.
    fn hull(&self, value: &Value) -> Interval {
        let ranges = self.builder.node(value.node).ranges.iter().copied();
        ranges.reduce(Interval::union).unwrap_or(Interval::point(0))
    }

    /// The greatest magnitude of an element, as the real number that its integer stands for.
    fn magnitude(&self, value: &Value, element: usize) -> f64 {
        let (range, bits) = (self.range(value, element), self.frac_bits_of(value, element));
        to_real(range.lo, bits).abs().max(to_real(range.hi, bits).abs())
    }

    /// The value with as many fraction bits as the plan gives operands.
    fn operand(&mut self, value: &Value) -> Result<Value, Error> {
        match self.planned(value) {
            // Asked for, even if it has no effect: only then is it known to be a choice.
            None => {
                self.sites.insert(value.site);
                Ok(value.clone())
            }
            Some(bits) if self.frac_bits(value) > bits => {
                self.sites.insert(value.site);
                self.narrow(value, bits)
            }
            Some(_) => Ok(value.clone()),
        }
    }

    /// Fraction bits that the plan gives the value, where it is narrowed: more, if all of it is proven to be small.
    fn planned(&self, value: &Value) -> Option<i32> {
        let Narrowing::To(bits) = self.plan.narrowing_of(value.site) else { return None };
        if self.is_scaled(value) {
            return Some(bits);
        }
        let hull = self.hull(value);
        let magnitude =
            to_real(hull.lo, self.frac_bits(value)).abs().max(to_real(hull.hi, self.frac_bits(value)).abs());
        Some(fixed::significant(bits, fixed::exponent(magnitude), &OPERANDS))
    }

    /// The value with at most `frac_bits` fraction bits, rounded half up where it had more.
    fn narrow(&mut self, value: &Value, frac_bits: i32) -> Result<Value, Error> {
        let excess = self.frac_bits(value) - frac_bits;
        let Ok(excess @ 1..) = u32::try_from(excess) else { return Ok(value.clone()) };
        let bits = excess.min(limits::SHIFT_BITS);
        let left = self.frac_bits(value) - bits as i32;
        // The node is known, the error is the value's own: it may be taken to be exact.
        let node = match self.narrowed.get(&(value.node, left)) {
            Some(known) => *known,
            None => {
                let (name, shape) = self.form(value, "narrow");
                let scales = self.element_bits(value).iter().map(|scale| scale - bits as i32).collect();
                let node = self.builder.push(name, Op::Shift { bits }, vec![value.node], shape, left)?;
                self.builder.rescale(node, scales)?;
                self.narrowed.insert((value.node, left), node);
                node
            }
        };
        let half_step = |element| power_of_two(-self.builder.node(node).frac_bits_of(element) - 1);
        let errors = value.errors.iter().enumerate().map(|(element, error)| error + half_step(element)).collect();
        self.narrow(&Value { node, errors, site: value.site }, frac_bits)
    }

    /// Integers and truth values at scale 0, whatever they were computed from: operators of integers read them as they are.
    fn whole(&mut self, value: Value) -> Result<Value, Error> {
        let value = self.align(&value)?;
        let frac_bits = self.frac_bits(&value);
        if frac_bits == 0 {
            return Ok(value);
        }
        let node = match u32::try_from(frac_bits) {
            Ok(_) => self.narrow(&value, 0)?.node,
            Err(_) => {
                let weight = 1i64.checked_shl(frac_bits.unsigned_abs()).unwrap_or(i64::MAX);
                let (name, shape) = self.form(&value, "whole");
                let rows = (0..value.errors.len()).map(|element| (0, vec![(value.node, element, weight)])).collect();
                self.linear(name, shape, rows, 0)?
            }
        };
        // An integer that is off by less than a half is rounded to what it stands for.
        let errors = value.errors.iter().map(|error| if *error < 0.5 { 0.0 } else { error + 0.5 }).collect();
        Ok(Value { node, errors, site: value.site })
    }

    /// The name and shape of a node that follows `value`.
    fn form(&self, value: &Value, suffix: &str) -> (String, Vec<usize>) {
        let node = self.builder.node(value.node);
        (format!("{}.{suffix}", node.name), node.shape.clone())
    }

    /// `y[i] = bias + weight * x[i]`, in integers.
    fn affine(&mut self, x: int::NodeId, suffix: &str, weight: i64, bias: i64) -> Result<int::NodeId, Error> {
        let node = self.builder.node(x);
        let (name, shape, frac_bits) = (format!("{}.{suffix}", node.name), node.shape.clone(), node.frac_bits);
        let row = |element| Row { bias, terms: vec![Term { source: Source { input: 0, element }, weight }] };
        let rows = (0..index(node.len())).map(row).collect();
        Ok(self.builder.push(name, Op::Linear { rows }, vec![x], shape, frac_bits)?)
    }
}

fn unsupported(node: &float::Node, reason: &'static str) -> Error {
    Error::Unsupported { node: node.name.clone(), operator: node.op.name(), reason }
}

/// Indices of elements fit 32 bits: `int::limits::TOTAL_ELEMENTS` bounds them, and the builder refuses more.
fn index(element: usize) -> u32 {
    u32::try_from(element).unwrap_or(u32::MAX)
}

/// Whether a float node's elements are integers or truth values, which are never rounded.
fn is_exact(element: ElementType) -> bool {
    !element.is_float()
}
