//! From the integer graph to equations over wires.
//!
//! A value stays a [`Form`], a sum over wires, as long as that is cheaper than a cell of its own; a [`Op::Shift`]
//! waits for its consumer, since a rectifier needs the same limbs.
//!
//! # Time and memory
//! They are in proportion to the graph as it is written, to its products, and to the equations that there is [`Room`] for. A sum
//! is made for its reader when that asks for it: memory holds the terms of one, not of a layer. A sum that has a single reader
//! is moved into it, not copied, and after [`MAX_DEPTH`] such sums in a row it gets a cell.

use std::collections::HashMap;

use super::{
    Error,
    builder::{Builder, Form},
    equation::{Blocks, Equation},
    field::Weight,
    gadgets::{
        argmax, contraction, divide, embedding, inputs, is_zero, piecewise, products, rectify, square_root, step,
    },
    label::Label,
    room::Room,
    table::{TableId, Tables},
    wire::{Def, Wire},
};
use crate::int::{Contraction, Graph, Node, NodeId, Op, Row, Source};

/// Sums that are read by sums only, one after the other, before one of them gets a cell: each scales the terms of all before.
const MAX_DEPTH: u32 = 16;

/// Terms of a sum from which on those of one wire are added up before there are more.
const MANY_TERMS: usize = 1 << 16;

/// A model as wires and equations, whatever the shape.
///
/// It rests on the graph's ranges: lower validated graphs only.
#[derive(Clone, Debug)]
pub(crate) struct Equations {
    pub(crate) defs: Vec<Def>,
    pub(crate) blocks: Blocks,
    pub(crate) tables: Tables,
    /// Public values in the order of the instance, after the context.
    pub(crate) public: Vec<Wire>,
    /// What each node cost: units, in the order of the nodes.
    pub(crate) units: Vec<usize>,
    /// What each node is called, in the same order.
    pub(crate) names: Vec<Box<str>>,
}

/// What stands for one element of a node. Most are wires: a graph may have millions of elements.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Has a cell.
    Wire(Wire),
    /// Known beforehand.
    Constant(i64),
    /// Known as a sum.
    Form(Box<Form>),
    /// An element of a node of weighted sums, whose terms nobody has asked for yet.
    Pending(NodeId, u32),
    /// A shift that nobody has asked for yet.
    Shifted(Box<Shifted>),
    /// Its only reader has it.
    Taken,
}

/// A shift that waits for its reader.
#[derive(Clone, Debug)]
pub(crate) struct Shifted {
    /// What is shifted: [`Value::Form`] or [`Value::Pending`].
    sum: Value,
    /// Node and element of what is shifted, to find its value in the trace.
    pub(crate) operand: (u32, usize),
    /// Low bits dropped.
    pub(crate) bits: u32,
}

impl From<Form> for Value {
    fn from(form: Form) -> Self {
        match form.as_wire() {
            Some(wire) => Self::Wire(wire),
            None if form.terms.is_empty() => Self::Constant(form.constant),
            None => Self::Form(Box::new(form)),
        }
    }
}

/// Lowers one graph.
pub(crate) struct Lowering<'a> {
    pub(crate) builder: Builder<'a>,
    /// Tables of bases and slopes of the graph's functions.
    pub(crate) functions: HashMap<u32, [TableId; 2]>,
    /// By node: products with one fixed factor.
    pub(crate) contractions: HashMap<u32, Contraction<'a>>,
    values: Vec<Vec<Value>>,
    uses: Vec<Vec<u32>>,
    /// By node: how many sums in a row its values may be.
    depths: Vec<u32>,
}

/// Lowers `graph` with limbs of `limb_bits`, for whatever machine there is.
#[cfg(test)]
pub(crate) fn lower(graph: &Graph, limb_bits: u32) -> Result<Equations, Error> {
    lower_within(graph, limb_bits, Room::LARGEST)
}

/// Lowers `graph` with limbs of `limb_bits`.
///
/// # Errors
/// [`Error::TooLarge`] as soon as equations, tables or public values exceed `room`.
pub(crate) fn lower_within(graph: &Graph, limb_bits: u32, room: Room) -> Result<Equations, Error> {
    room.check_graph(graph)?;
    room.check_ranges(graph, limb_bits)?;
    let mut lowering = Lowering {
        builder: Builder::new(graph, limb_bits, room),
        functions: HashMap::new(),
        contractions: HashMap::new(),
        values: Vec::new(),
        uses: count_uses(graph),
        depths: Vec::with_capacity(graph.nodes.len()),
    };
    let mut public = Vec::new();
    let mut units = Vec::with_capacity(graph.nodes.len());
    let mut counted = 0;
    for (index, node) in (0u32..).zip(&graph.nodes) {
        lowering.builder.label = Label::of_node(node.op.name(), index);
        let values = lowering.node(index, node)?;
        if matches!(node.op, Op::Input { .. }) {
            public.extend(values.iter().filter_map(|value| match value {
                Value::Wire(wire) => Some(*wire),
                _ => None,
            }));
        }
        lowering.values.push(values);
        let depth = lowering.depth(node);
        lowering.depths.push(depth);
        let total = lowering.builder.blocks.num_units();
        units.push(total - counted);
        counted = total;
    }
    for output in &graph.outputs {
        for element in 0..graph.node(output.node).len() {
            public.push(lowering.cell(output.node, element)?);
        }
    }
    let Builder { defs, blocks, tables, .. } = lowering.builder;
    room.check(tables.rows())?;
    let names = graph.nodes.iter().map(|node| node.name.as_str().into()).collect();
    Ok(Equations { defs, blocks, tables, public, units, names })
}

/// How often each element is read.
fn count_uses(graph: &Graph) -> Vec<Vec<u32>> {
    let mut uses: Vec<Vec<u32>> = graph.nodes.iter().map(|node| vec![0; node.len()]).collect();
    let mut read = |node: NodeId, element: usize| {
        let count = &mut uses[node.0 as usize][element];
        *count = count.saturating_add(1);
    };
    for node in &graph.nodes {
        let mut source = |s: &Source| read(node.inputs[s.input as usize], s.element as usize);
        match &node.op {
            Op::Input { .. } | Op::Constant { .. } => {}
            Op::Rearrange { sources } => sources.iter().for_each(source),
            Op::Linear { rows } => rows.iter().flat_map(|row| &row.terms).for_each(|term| source(&term.source)),
            Op::SumOfProducts { rows } => rows.iter().flatten().for_each(|(a, b)| {
                source(a);
                source(b);
            }),
            Op::Max { groups } | Op::ArgMax { groups } | Op::EmbeddingSum { groups, .. } => {
                groups.iter().flatten().for_each(|element| read(node.inputs[0], *element as usize));
            }
            Op::Divide { divisor, .. } => {
                (0..node.len()).for_each(|element| read(node.inputs[0], element));
                divisor.iter().for_each(|element| read(node.inputs[1], *element as usize));
            }
            Op::Shift { .. }
            | Op::Relu
            | Op::Piecewise { .. }
            | Op::Gather { .. }
            | Op::Step
            | Op::IsZero
            | Op::SquareRoot { .. } => {
                (0..graph.node(node.inputs[0]).len()).for_each(|element| read(node.inputs[0], element));
            }
            Op::MatMul { .. } | Op::Conv { .. } => {
                let Some(contraction) = Contraction::of(&node.op) else { continue };
                (0..contraction.len()).for_each(|output| contraction.each_source(output, &mut |s| source(&s)));
            }
        }
    }
    for output in &graph.outputs {
        (0..graph.node(output.node).len()).for_each(|element| read(output.node, element));
    }
    uses
}

impl<'a> Lowering<'a> {
    fn node(&mut self, index: u32, node: &'a Node) -> Result<Vec<Value>, Error> {
        let values = |forms: Vec<Form>| forms.into_iter().map(Value::from).collect::<Vec<_>>();
        Ok(match &node.op {
            Op::Input { .. } => values(inputs::inputs(self, index, node)?),
            Op::Constant { values } => values.iter().map(|value| Value::Constant(*value)).collect(),
            Op::Rearrange { sources } => {
                sources.iter().map(|source| self.moved(node, *source)).collect::<Result<_, _>>()?
            }
            Op::Linear { rows } => {
                for term in rows.iter().flat_map(|row| &row.terms) {
                    self.prepare(node.inputs[term.source.input as usize], term.source.element as usize)?;
                }
                (0..rows.len()).map(|row| Value::Pending(NodeId(index), row as u32)).collect()
            }
            Op::SumOfProducts { rows } => values(products::sums_of_products(self, index, node, rows)?),
            Op::Shift { bits } => {
                let operand = node.inputs[0];
                let shifted = |element| {
                    let sum = match self.value(operand, element) {
                        Value::Pending(..) if !self.is_shared(operand, element) => {
                            self.set(operand, element, Value::Taken)
                        }
                        _ => Value::Form(Box::new(self.form(operand, element)?)),
                    };
                    Ok(Value::Shifted(Box::new(Shifted { sum, operand: (operand.0, element), bits: *bits })))
                };
                (0..node.len()).map(shifted).collect::<Result<_, Error>>()?
            }
            Op::Relu => {
                let operand = node.inputs[0];
                let rectified = |element| rectify::relu(self, index, node, operand, element).map(Value::from);
                (0..node.len()).map(rectified).collect::<Result<_, Error>>()?
            }
            Op::Piecewise { table } => values(piecewise::piecewise(self, index, node, *table)?),
            Op::Max { groups } => values(argmax::max(self, index, node, groups)?),
            Op::ArgMax { groups } => values(argmax::arg_max(self, node, groups)?),
            Op::Divide { shift, divisor, rounding } => {
                values(divide::divide(self, index, node, *shift, divisor, *rounding)?)
            }
            Op::Gather { rows } => {
                let tokens = 0..self.builder.graph.node(node.inputs[0]).len() as u32;
                let each: Vec<[u32; 1]> = tokens.map(|token| [token]).collect();
                values(embedding::embedding(self, index, node, rows, &each)?)
            }
            Op::EmbeddingSum { rows, groups } => values(embedding::embedding(self, index, node, rows, groups)?),
            Op::Step => values(step::steps(self, index, node)?),
            Op::IsZero => values(is_zero::are_zero(self, index, node)?),
            Op::SquareRoot { shift } => values(square_root::square_roots(self, index, node, *shift)?),
            Op::MatMul { .. } | Op::Conv { .. } => match Contraction::of(&node.op) {
                Some(contraction) => contraction::contraction(self, index, node, contraction)?,
                // A graph that was not validated.
                None => Vec::new(),
            },
        })
    }

    /// How many sums in a row the values of `node` may be.
    fn depth(&self, node: &Node) -> u32 {
        let depths = || node.inputs.iter().map(|id| self.depths[id.0 as usize]);
        let deepest = depths().max().unwrap_or(0);
        match &node.op {
            // What is deeper was given cells.
            Op::Linear { .. } | Op::MatMul { .. } | Op::Conv { .. } => {
                1 + depths().filter(|depth| *depth < MAX_DEPTH).max().unwrap_or(0)
            }
            // They may hand on what they read.
            Op::Rearrange { .. } | Op::Relu | Op::Max { .. } => deepest,
            _ => 0,
        }
    }

    fn value(&self, node: NodeId, element: usize) -> &Value {
        &self.values[node.0 as usize][element]
    }

    fn set(&mut self, node: NodeId, element: usize, value: Value) -> Value {
        std::mem::replace(&mut self.values[node.0 as usize][element], value)
    }

    fn is_shared(&self, node: NodeId, element: usize) -> bool {
        self.uses[node.0 as usize][element] > 1
    }

    /// An element that is only moved keeps what it is, so that a shift can still meet its rectifier. One that is
    /// read elsewhere too gets a cell, or it would be computed twice.
    fn moved(&mut self, node: &Node, source: Source) -> Result<Value, Error> {
        let (from, element) = (node.inputs[source.input as usize], source.element as usize);
        let shared = self.is_shared(from, element);
        if shared {
            self.settle(from, element)?;
        }
        match self.value(from, element) {
            Value::Form(form) if shared && form.terms.len() > 1 => self.cell(from, element).map(Value::Wire),
            Value::Form(_) | Value::Pending(..) | Value::Shifted(_) if !shared => {
                Ok(self.set(from, element, Value::Taken))
            }
            Value::Shifted(_) => self.form(from, element).map(Value::from),
            Value::Taken => Err(Error::NotCounted { node: from.0, element }),
            value => Ok(value.clone()),
        }
    }

    /// The shift that an element waits for, if nobody else reads it.
    pub(crate) fn lazy_shift(&mut self, node: NodeId, element: usize) -> Option<Shifted> {
        if !matches!(self.value(node, element), Value::Shifted(_)) || self.is_shared(node, element) {
            return None;
        }
        match self.set(node, element, Value::Taken) {
            Value::Shifted(shifted) => Some(*shifted),
            _ => None,
        }
    }

    /// The element as a sum over wires.
    pub(crate) fn form(&mut self, node: NodeId, element: usize) -> Result<Form, Error> {
        self.settle(node, element)?;
        match self.value(node, element) {
            Value::Wire(wire) => return Ok(Form::wire(*wire)),
            Value::Constant(constant) => return Ok(Form::constant(*constant)),
            Value::Form(form) if form.terms.len() <= 1 => return Ok(Form::clone(form)),
            Value::Form(_) if self.is_shared(node, element) => return self.cell(node, element).map(Form::wire),
            Value::Form(_) | Value::Pending(..) | Value::Shifted(_) | Value::Taken => {}
        }
        match self.set(node, element, Value::Taken) {
            Value::Form(form) => Ok(*form),
            Value::Shifted(shifted) => {
                let (form, operand, bits) = self.shifted_form(*shifted)?;
                let wire = rectify::shift(self, node, element, &form, operand, bits)?;
                self.set(node, element, Value::Wire(wire));
                Ok(Form::wire(wire))
            }
            _ => Err(Error::NotCounted { node: node.0, element }),
        }
    }

    /// Makes the element ready to be added up whenever that is: what must have a cell by then, because it is read elsewhere too,
    /// is a shift, or is the last of too many sums in a row, gets it now.
    pub(crate) fn prepare(&mut self, node: NodeId, element: usize) -> Result<(), Error> {
        let last = self.is_shared(node, element) || self.depths[node.0 as usize] >= MAX_DEPTH;
        if last {
            self.settle(node, element)?;
        }
        match self.value(node, element) {
            Value::Form(form) if last && form.terms.len() > 1 => self.cell(node, element).map(|_| ()),
            Value::Shifted(_) => self.form(node, element).map(|_| ()),
            Value::Taken => Err(Error::NotCounted { node: node.0, element }),
            Value::Form(_) | Value::Pending(..) | Value::Wire(_) | Value::Constant(_) => Ok(()),
        }
    }

    /// Makes the sum that an element is, if that was put off. A sum reads no more than [`MAX_DEPTH`] others, one in the other.
    fn settle(&mut self, node: NodeId, element: usize) -> Result<(), Error> {
        if let Value::Pending(of, at) = *self.value(node, element) {
            let sum = self.sum(of, at)?;
            self.set(node, element, Value::from(sum));
        }
        Ok(())
    }

    /// The sum that an element of a node of weighted sums is.
    fn sum(&mut self, of: NodeId, at: u32) -> Result<Form, Error> {
        let node = self.builder.graph.node(of);
        let mut sum = Form::default();
        let mut most = MANY_TERMS;
        let mut add = |lowering: &mut Self, weight: i64, source: Source| {
            let form = lowering.form(node.inputs[source.input as usize], source.element as usize)?;
            accumulate(&mut sum, &form, weight)?;
            if sum.terms.len() > most {
                merge(&mut sum)?;
                most = MANY_TERMS.max(2 * sum.terms.len());
            }
            Ok::<(), Error>(())
        };
        match &node.op {
            Op::Linear { rows } => {
                let Row { bias, terms } = &rows[at as usize];
                terms.iter().try_for_each(|term| add(self, term.weight, term.source))?;
                sum.constant = sum.constant.checked_add(*bias).ok_or(Error::WeightOverflow)?;
            }
            _ => contraction::terms_of(self, of.0, at)
                .into_iter()
                .try_for_each(|(weight, source)| add(self, weight, source))?,
        }
        Ok(sum)
    }

    /// What is shifted, as a sum, its node and element, and by how many bits.
    pub(crate) fn shifted_form(&mut self, shifted: Shifted) -> Result<(Form, (u32, usize), u32), Error> {
        let Shifted { sum, operand, bits } = shifted;
        let form = match sum {
            Value::Form(form) => *form,
            Value::Pending(of, at) => self.sum(of, at)?,
            _ => return Err(Error::NotCounted { node: operand.0, element: operand.1 }),
        };
        Ok((form, operand, bits))
    }

    /// The element as one wire, with a cell of its own.
    pub(crate) fn cell(&mut self, node: NodeId, element: usize) -> Result<Wire, Error> {
        self.settle(node, element)?;
        let form = match self.value(node, element) {
            Value::Wire(wire) => return Ok(*wire),
            Value::Constant(constant) => {
                let constant = *constant;
                return self.builder.constant(constant);
            }
            Value::Form(_) => match self.set(node, element, Value::Taken) {
                Value::Form(form) => *form,
                _ => return Err(Error::NotCounted { node: node.0, element }),
            },
            Value::Pending(..) | Value::Shifted(_) | Value::Taken => self.form(node, element)?,
        };
        if let Some(wire) = form.as_wire() {
            return Ok(wire);
        }
        let range = self.builder.graph.node(node).range(element);
        let wire = self.builder.value(node.0, element, range);
        let before = self.builder.relabel(Label::of_element("sum", node.0, element));
        let mut equation = Equation::default();
        self.builder.add_form(&mut equation, &form, Weight::int(1))?;
        equation.linear(wire, Weight::int(-1))?;
        self.builder.push(equation)?;
        self.builder.label = before;
        self.set(node, element, Value::Wire(wire));
        Ok(wire)
    }
}

/// `sum += weight * form`.
fn accumulate(sum: &mut Form, form: &Form, weight: i64) -> Result<(), Error> {
    let scaled = |w: i64| w.checked_mul(weight).ok_or(Error::WeightOverflow);
    sum.constant = sum.constant.checked_add(scaled(form.constant)?).ok_or(Error::WeightOverflow)?;
    for (wire, w) in &form.terms {
        sum.terms.push((*wire, scaled(*w)?));
    }
    Ok(())
}

/// Adds up the terms of each wire: sums of sums may name few wires millions of times.
fn merge(sum: &mut Form) -> Result<(), Error> {
    sum.terms.sort_unstable_by_key(|(wire, _)| *wire);
    let mut merged: Vec<(Wire, i64)> = Vec::new();
    for (wire, weight) in sum.terms.drain(..) {
        match merged.last_mut() {
            Some((last, total)) if *last == wire => *total = total.checked_add(weight).ok_or(Error::WeightOverflow)?,
            _ => merged.push((wire, weight)),
        }
    }
    sum.terms = merged;
    Ok(())
}
