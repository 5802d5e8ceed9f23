//! From the integer graph to equations over wires.
//!
//! A value stays a [`Form`], a sum over wires, as long as that is cheaper than a cell of its own; a [`Op::Shift`]
//! waits for its consumer, since a rectifier needs the same limbs.

use super::{
    Error,
    builder::{Block, Builder, Form},
    equation::Equation,
    field::Weight,
    table::Tables,
    wire::{Def, Wire},
};
use crate::int::{Graph, Node, NodeId, Op, Source};

/// A model as wires and equations, whatever the shape.
///
/// It rests on the graph's ranges: lower validated graphs only.
#[derive(Clone, Debug)]
pub(crate) struct Equations {
    pub(crate) defs: Vec<Def>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) tables: Tables,
    /// Public values in the order of the instance, after the context.
    pub(crate) public: Vec<Wire>,
    /// What each node cost: units, in the order of the nodes.
    pub(crate) units: Vec<usize>,
}

/// What stands for one element of a node.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Known as a sum.
    Form(Form),
    /// A shift that nobody has asked for yet.
    Shifted {
        /// What is shifted.
        form: Form,
        /// Node of what is shifted, to find its value in the trace.
        operand: (u32, usize),
        /// Low bits dropped.
        bits: u32,
    },
}

/// Lowers one graph.
pub(crate) struct Lowering<'a> {
    pub(crate) builder: Builder<'a>,
    values: Vec<Vec<Value>>,
    uses: Vec<Vec<u32>>,
}

/// Lowers `graph` with limbs of `limb_bits`.
pub(crate) fn lower(graph: &Graph, limb_bits: u32) -> Result<Equations, Error> {
    let mut lowering =
        Lowering { builder: Builder::new(graph, limb_bits), values: Vec::new(), uses: count_uses(graph) };
    let mut inputs = Vec::new();
    let mut units = Vec::with_capacity(graph.nodes.len());
    let mut counted = 0;
    for (index, node) in (0u32..).zip(&graph.nodes) {
        let values = lowering.node(index, node)?;
        if matches!(node.op, Op::Input { .. }) {
            inputs.extend(values.iter().filter_map(|value| match value {
                Value::Form(form) => form.as_wire(),
                Value::Shifted { .. } => None,
            }));
        }
        lowering.values.push(values);
        let blocks = &lowering.builder.blocks;
        units.push(blocks[counted..].iter().map(Vec::len).sum());
        counted = blocks.len();
    }
    let mut public = inputs;
    for output in &graph.outputs {
        for element in 0..graph.node(output.node).len() {
            public.push(lowering.cell(output.node, element)?);
        }
    }
    let Builder { defs, blocks, tables, .. } = lowering.builder;
    Ok(Equations { defs, blocks, tables, public, units })
}

/// How often each element is read.
fn count_uses(graph: &Graph) -> Vec<Vec<u32>> {
    let mut uses: Vec<Vec<u32>> = graph.nodes.iter().map(|node| vec![0; node.len()]).collect();
    let mut read = |node: NodeId, element: usize| uses[node.0 as usize][element] += 1;
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
            _ => {
                for input in &node.inputs {
                    (0..graph.node(*input).len()).for_each(|element| read(*input, element));
                }
            }
        }
    }
    for output in &graph.outputs {
        (0..graph.node(output.node).len()).for_each(|element| read(output.node, element));
    }
    uses
}

impl Lowering<'_> {
    fn node(&mut self, index: u32, node: &Node) -> Result<Vec<Value>, Error> {
        let forms = |forms: Vec<Form>| forms.into_iter().map(Value::Form).collect::<Vec<_>>();
        Ok(match &node.op {
            Op::Input { .. } => forms(self.inputs(index, node)?),
            Op::Constant { values } => forms(values.iter().map(|value| Form::constant(*value)).collect()),
            Op::Rearrange { sources } => {
                sources.iter().map(|source| self.moved(node, *source)).collect::<Result<_, _>>()?
            }
            Op::Linear { rows } => {
                let mut sums = Vec::with_capacity(rows.len());
                for row in rows {
                    let mut sum = Form::constant(row.bias);
                    for term in &row.terms {
                        let form = self.operand(node, term.source)?;
                        accumulate(&mut sum, &form, term.weight)?;
                    }
                    sums.push(Value::Form(sum));
                }
                sums
            }
            Op::SumOfProducts { rows } => forms(self.sums_of_products(index, node, rows)?),
            Op::Shift { bits } => {
                let operand = node.inputs[0];
                let shifted = |element| {
                    let form = self.form(operand, element)?;
                    Ok(Value::Shifted { form, operand: (operand.0, element), bits: *bits })
                };
                (0..node.len()).map(shifted).collect::<Result<_, Error>>()?
            }
            Op::Relu => {
                let operand = node.inputs[0];
                let rectified = |element| self.relu(index, node, operand, element).map(Value::Form);
                (0..node.len()).map(rectified).collect::<Result<_, Error>>()?
            }
            Op::Piecewise { table } => forms(self.piecewise(index, node, *table)?),
            Op::Max { groups } => forms(self.max(index, node, groups)?),
            Op::ArgMax { groups } => forms(self.arg_max(node, groups)?),
            Op::Divide { shift, divisor } => forms(self.divide(index, node, *shift, divisor)?),
            Op::Gather { rows } => {
                let each: Vec<Vec<u32>> =
                    (0..self.builder.graph.node(node.inputs[0]).len() as u32).map(|e| vec![e]).collect();
                forms(self.embedding(index, node, rows, &each)?)
            }
            Op::EmbeddingSum { rows, groups } => forms(self.embedding(index, node, rows, groups)?),
        })
    }

    /// An element that is only moved keeps what it is, so that a shift can still meet its rectifier. One that is
    /// read elsewhere too gets a cell, or it would be computed twice.
    fn moved(&mut self, node: &Node, source: Source) -> Result<Value, Error> {
        let (from, element) = (node.inputs[source.input as usize], source.element as usize);
        let value = &self.values[from.0 as usize][element];
        let shared = self.uses[from.0 as usize][element] > 1;
        match value {
            Value::Form(form) if shared && form.terms.len() > 1 => {
                self.cell(from, element).map(|wire| Value::Form(Form::wire(wire)))
            }
            Value::Shifted { .. } if shared => self.form(from, element).map(Value::Form),
            value => Ok(value.clone()),
        }
    }

    /// Lazy value of an element, if nobody else reads it.
    pub(crate) fn lazy_shift(&self, node: NodeId, element: usize) -> Option<(Form, (u32, usize), u32)> {
        let (node, uses) = (node.0 as usize, &self.uses);
        match &self.values[node][element] {
            Value::Shifted { form, operand, bits } if uses[node][element] == 1 => Some((form.clone(), *operand, *bits)),
            _ => None,
        }
    }

    /// The element as a sum over wires.
    pub(crate) fn form(&mut self, node: NodeId, element: usize) -> Result<Form, Error> {
        let (form, operand, bits) = match &self.values[node.0 as usize][element] {
            Value::Form(form) if form.terms.len() <= 1 || self.uses[node.0 as usize][element] == 1 => {
                return Ok(form.clone());
            }
            Value::Form(_) => return Ok(Form::wire(self.cell(node, element)?)),
            Value::Shifted { form, operand, bits } => (form.clone(), *operand, *bits),
        };
        let wire = self.shift(node, element, &form, operand, bits)?;
        self.values[node.0 as usize][element] = Value::Form(Form::wire(wire));
        Ok(Form::wire(wire))
    }

    fn operand(&mut self, node: &Node, source: Source) -> Result<Form, Error> {
        self.form(node.inputs[source.input as usize], source.element as usize)
    }

    /// The element as one wire, with a cell of its own.
    pub(crate) fn cell(&mut self, node: NodeId, element: usize) -> Result<Wire, Error> {
        if let Value::Shifted { .. } = &self.values[node.0 as usize][element] {
            self.form(node, element)?;
        }
        let form = match &self.values[node.0 as usize][element] {
            Value::Form(form) => form.clone(),
            Value::Shifted { .. } => return Err(Error::WeightOverflow),
        };
        if let Some(wire) = form.as_wire() {
            return Ok(wire);
        }
        if form.terms.is_empty() {
            return self.builder.constant(form.constant);
        }
        let range = self.builder.graph.node(node).range(element);
        let wire = self.builder.value(node.0, element, range);
        let mut equation = Equation::default();
        self.builder.add_form(&mut equation, &form, Weight::int(1))?;
        equation.linear(wire, Weight::int(-1))?;
        self.builder.push(equation)?;
        self.values[node.0 as usize][element] = Value::Form(Form::wire(wire));
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
