//! From the float graph and a plan to the integer graph, one float node after the other.
//!
//! A value carries a bound of its error against the float graph in real arithmetic, element by element. Fraction bits grow
//! with every product and are shed where a consumer wants narrow operands and the plan says so.

mod activation;
mod arithmetic;
mod movement;
mod softmax;

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    tables: &Tables,
) -> Result<Lowered, Error> {
    let mut lowering = Lowering {
        float: graph,
        plan,
        tables,
        builder: Builder::new(),
        values: vec![None; graph.nodes.len()],
        narrowed: HashMap::new(),
        sites: BTreeSet::new(),
        weighted: BTreeSet::new(),
        counted: 0,
        rows: 0,
    };
    for (at, node) in (0u32..).map(float::NodeId).zip(&graph.nodes) {
        let value = match (&node.op, inputs.get(&at)) {
            (float::Op::Constant { .. }, _) => None,
            (float::Op::Input, Some(range)) => Some(lowering.input(at, node, range)?),
            _ => {
                lowering.check_size(node)?;
                Some(lowering.node(at, node)?)
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
    tables: &'a Tables,
    builder: Builder,
    values: Vec<Option<Value>>,
    narrowed: HashMap<(int::NodeId, i32), Value>,
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
            float::Op::ArgMax { .. } => 1,
            _ => 0,
        };
        let operand = node.inputs.first().map_or(0, |id| product(&self.float.node(*id).shape));
        Ok(Room::LARGEST.check(self.rows.saturating_add(operand.saturating_mul(rows)))?)
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
        let frac_bits = if real { self.plan.input_bits_of(at) } else { 0 };
        let ranges = range.at_scale(&node.tensor, frac_bits)?;
        let id = self.builder.input(&node.tensor, node.shape.clone(), frac_bits, ranges)?;
        let error = if real { power_of_two(-frac_bits - 1) } else { 0.0 };
        Ok(Value { node: id, errors: vec![error; node.len()], site: at })
    }

    fn node(&mut self, at: float::NodeId, node: &float::Node) -> Result<Value, Error> {
        match &node.op {
            float::Op::MatMul => self.matmul(at, node),
            float::Op::Add => self.add(at, node, 1),
            float::Op::Sub => self.add(at, node, -1),
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
            _ => Err(unsupported(node, "no circuit has it yet")),
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

    /// An operand as a computed value; a constant becomes a node of its own.
    fn value(&mut self, id: float::NodeId) -> Result<Value, Error> {
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
        let most = if node.element.is_float() { self.plan.activation_bits.max(self.plan.weight_bits) } else { 0 };
        fixed::at_scale(&node.name, values, fixed::exact_bits(values, most))
    }

    fn frac_bits(&self, value: &Value) -> i32 {
        self.builder.node(value.node).frac_bits
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
        let range = self.range(value, element);
        to_real(range.lo, self.frac_bits(value)).abs().max(to_real(range.hi, self.frac_bits(value)).abs())
    }

    /// The value with as many fraction bits as the plan gives operands.
    fn operand(&mut self, value: &Value) -> Result<Value, Error> {
        match self.plan.narrowing_of(value.site) {
            // Asked for, even if it has no effect: only then is it known to be a choice.
            Narrowing::Keep => {
                self.sites.insert(value.site);
                Ok(value.clone())
            }
            Narrowing::To(bits) if self.frac_bits(value) > bits => {
                self.sites.insert(value.site);
                self.narrow(value, bits)
            }
            Narrowing::To(_) => Ok(value.clone()),
        }
    }

    /// The value with at most `frac_bits` fraction bits, rounded half up where it had more.
    fn narrow(&mut self, value: &Value, frac_bits: i32) -> Result<Value, Error> {
        let key = (value.node, frac_bits);
        if let Some(known) = self.narrowed.get(&key) {
            return Ok(known.clone());
        }
        let excess = self.frac_bits(value) - frac_bits;
        let Ok(excess @ 1..) = u32::try_from(excess) else { return Ok(value.clone()) };
        let bits = excess.min(limits::SHIFT_BITS);
        let (name, shape) = self.form(value, "narrow");
        let left = self.frac_bits(value) - bits as i32;
        let node = self.builder.push(name, Op::Shift { bits }, vec![value.node], shape, left)?;
        let half_step = power_of_two(-left - 1);
        let errors = value.errors.iter().map(|error| error + half_step).collect();
        let shifted = Value { node, errors, site: value.site };
        let narrow = self.narrow(&shifted, frac_bits)?;
        self.narrowed.insert(key, narrow.clone());
        Ok(narrow)
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
