//! Whether a graph is well formed: what must hold before any of its indices may be followed.

use std::collections::HashSet;

use super::ops::{
    contraction, data, divide, elementwise, embedding, greatest, is_zero, linear, piecewise, products, square_root,
    step,
};
use super::{Error, Graph, Interval, Node, NodeId, Op, Source, limits};

/// Checks tables, nodes, inputs and outputs; after this, every index of the graph may be followed.
pub(super) fn check_graph(graph: &Graph) -> Result<(), Error> {
    for (index, table) in graph.piecewise.iter().enumerate() {
        if let Some((what, value, allowed)) = table.defect() {
            return Err(Error::Limit { node: format!("{} (table {index})", table.name), what, value, allowed });
        }
    }
    let mut totals = Totals::default();
    for (position, node) in graph.nodes.iter().enumerate() {
        let (earlier, _) = graph.nodes.split_at(position);
        check_node(node, earlier, graph.piecewise.len())?;
        totals.add(node)?;
    }
    check_interface(graph)
}

/// Checks the names of inputs and outputs, and that outputs are computed.
pub(super) fn check_interface(graph: &Graph) -> Result<(), Error> {
    let mut names = HashSet::new();
    for node in &graph.nodes {
        if let Op::Input { name } = &node.op
            && !names.insert(name.as_str())
        {
            return Err(Error::Interface { what: "two inputs share the name", name: name.clone() });
        }
    }
    let mut names = HashSet::new();
    for output in &graph.outputs {
        if graph.nodes.get(index(output.node)).is_none() {
            return Err(Error::Interface { what: "no node computes the output", name: output.name.clone() });
        }
        if !names.insert(output.name.as_str()) {
            return Err(Error::Interface { what: "two outputs share the name", name: output.name.clone() });
        }
    }
    if graph.outputs.is_empty() {
        return Err(Error::Interface { what: "the graph has no", name: "output".into() });
    }
    Ok(())
}

/// What nodes are counted for, all together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    elements: usize,
    products: usize,
}

impl Totals {
    /// Counts a node that has been checked, if that is within limits.
    pub(super) fn add(&mut self, node: &Node) -> Result<(), Error> {
        let elements = self.elements.saturating_add(node.len());
        if elements > limits::TOTAL_ELEMENTS {
            return Err(limit(node, "the number of elements up to here", elements, 1, limits::TOTAL_ELEMENTS));
        }
        let products = self.products.saturating_add(contraction::num_products(&node.op));
        if products > limits::TERMS {
            return Err(limit(node, "the number of products up to here", products, 0, limits::TERMS));
        }
        *self = Self { elements, products };
        Ok(())
    }
}

/// Checks that declared ranges are ordered, within bounds and as many as the node's shape asks.
pub(super) fn check_declared_ranges(node: &Node) -> Result<(), Error> {
    if node.ranges.len() != 1 && node.ranges.len() != node.len() {
        return Err(length(node, "ranges (or one for all)", node.len(), node.ranges.len()));
    }
    let allowed = limits::magnitude(limits::VALUE_BITS);
    for range in &node.ranges {
        if range.lo > range.hi {
            return Err(limit_value(
                node,
                "the low end of a range",
                range.lo,
                Interval { lo: allowed.lo, hi: range.hi },
            ));
        }
        within(node, "an end of a range", range.lo, allowed)?;
        within(node, "an end of a range", range.hi, allowed)?;
    }
    Ok(())
}

/// Checks that numbers of fraction bits are within bounds, and those of elements as many as there are.
pub(super) fn check_scales(node: &Node) -> Result<(), Error> {
    if !node.element_bits.is_empty() && node.element_bits.len() != node.len() {
        return Err(length(node, "fraction bits (or none)", node.len(), node.element_bits.len()));
    }
    let most = i64::from(limits::FRAC_BITS);
    let mut scales = node.element_bits.iter().chain([&node.frac_bits]);
    scales
        .try_for_each(|bits| within(node, "the number of fraction bits", i64::from(*bits), Interval::new(-most, most)))
}

/// Checks one node whose operands are among `earlier`.
pub(super) fn check_node(node: &Node, earlier: &[Node], num_tables: usize) -> Result<(), Error> {
    let shape = Shape { node, earlier, len: check_shape(node)? };
    check_scales(node)?;
    shape.check_operands()?;
    match &node.op {
        Op::Input { .. } => check_declared_ranges(node),
        Op::Constant { values } => data::check_constant(&shape, values),
        Op::Rearrange { sources } => data::check_rearrange(&shape, sources),
        Op::Linear { rows } => linear::check(&shape, rows),
        Op::SumOfProducts { rows } => products::check(&shape, rows),
        Op::Shift { bits } => elementwise::check_shift(&shape, *bits),
        Op::Relu => elementwise::check_relu(&shape),
        Op::Piecewise { table } => piecewise::check(&shape, *table, num_tables),
        Op::Max { groups } | Op::ArgMax { groups } => greatest::check(&shape, groups),
        Op::Divide { shift, divisor, .. } => divide::check(&shape, *shift, divisor),
        Op::Gather { rows } => embedding::check_gather(&shape, rows),
        Op::EmbeddingSum { rows, groups } => embedding::check_sum(&shape, rows, groups),
        Op::MatMul { left, right } => contraction::check(&shape, [left, right]),
        Op::Conv { data, kernel, .. } => contraction::check(&shape, [data, kernel]),
        Op::Step => step::check(&shape),
        Op::IsZero => is_zero::check(&shape),
        Op::SquareRoot { shift } => square_root::check(&shape, *shift),
    }
}

/// A node whose own checks may read the lengths of its operands.
pub(super) struct Shape<'a> {
    pub(super) node: &'a Node,
    earlier: &'a [Node],
    /// Elements of the output.
    pub(super) len: usize,
}

impl Shape<'_> {
    fn check_operands(&self) -> Result<(), Error> {
        let expected = match &self.node.op {
            Op::Input { .. } | Op::Constant { .. } => ("none", 0..=0),
            Op::Rearrange { .. } | Op::Linear { .. } | Op::SumOfProducts { .. } => {
                ("any number of them", 0..=usize::MAX)
            }
            Op::Divide { .. } => ("two", 2..=2),
            Op::MatMul { left: a, right: b } | Op::Conv { data: a, kernel: b, .. } => {
                match contraction::num_operands([a, b]) {
                    // Nothing is computed where both are fixed: no number of operands is right.
                    0 => (
                        "one or two factors, since two that are fixed have a constant product",
                        usize::MAX..=usize::MAX,
                    ),
                    num => ("one for each factor that is not fixed", num..=num),
                }
            }
            Op::Shift { .. }
            | Op::Relu
            | Op::Piecewise { .. }
            | Op::Max { .. }
            | Op::ArgMax { .. }
            | Op::Gather { .. }
            | Op::EmbeddingSum { .. }
            | Op::Step
            | Op::IsZero
            | Op::SquareRoot { .. } => ("one", 1..=1),
        };
        let got = self.node.inputs.len();
        if !expected.1.contains(&got) {
            return Err(Error::OperandCount { node: self.node.name.clone(), expected: expected.0, got });
        }
        match self.node.inputs.iter().find(|id| self.earlier.get(index(**id)).is_none()) {
            Some(id) => Err(Error::OperandOrder { node: self.node.name.clone(), operand: id.0 }),
            None => Ok(()),
        }
    }

    /// Elements of an operand; 0 if there is no such operand.
    pub(super) fn operand_len(&self, input: u32) -> usize {
        let id = usize::try_from(input).ok().and_then(|input| self.node.inputs.get(input));
        id.and_then(|id| self.earlier.get(index(*id))).map_or(0, Node::len)
    }

    pub(super) fn check_source(&self, element: usize, source: Source) -> Result<(), Error> {
        let available = self.operand_len(source.input);
        if usize::try_from(source.element).is_ok_and(|wanted| wanted < available) {
            return Ok(());
        }
        Err(Error::NoSuchElement {
            node: self.node.name.clone(),
            element,
            input: source.input,
            source_element: source.element,
            available,
        })
    }

    pub(super) fn check_group(&self, element: usize, group: &[u32]) -> Result<(), Error> {
        group.iter().try_for_each(|member| self.check_source(element, Source { input: 0, element: *member }))
    }

    pub(super) fn expect_len(&self, what: &'static str, got: usize) -> Result<(), Error> {
        if got == self.len { Ok(()) } else { Err(length(self.node, what, self.len, got)) }
    }

    pub(super) fn same_len_as_operand(&self) -> Result<(), Error> {
        let expected = self.operand_len(0);
        if self.len == expected { Ok(()) } else { Err(length(self.node, "elements of the shape", expected, self.len)) }
    }
}

/// Checks rank and number of elements (without overflow); the number of elements.
fn check_shape(node: &Node) -> Result<usize, Error> {
    if node.shape.len() > limits::RANK {
        return Err(limit(node, "the number of dimensions", node.shape.len(), 0, limits::RANK));
    }
    let len = node.shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    match len {
        Some(len) if (1..=limits::TOTAL_ELEMENTS).contains(&len) => Ok(len),
        other => Err(limit(node, "the number of elements", other.unwrap_or(usize::MAX), 1, limits::TOTAL_ELEMENTS)),
    }
}

fn index(id: NodeId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

pub(super) fn within(node: &Node, what: &'static str, value: i64, allowed: Interval) -> Result<(), Error> {
    if allowed.contains(value) { Ok(()) } else { Err(limit_value(node, what, value, allowed)) }
}

pub(super) fn between(node: &Node, what: &'static str, value: u32, lo: u32, hi: u32) -> Result<(), Error> {
    within(node, what, value.into(), Interval::new(lo.into(), hi.into()))
}

fn limit_value(node: &Node, what: &'static str, value: i64, allowed: Interval) -> Error {
    Error::Limit { node: node.name.clone(), what, value: value.into(), allowed }
}

pub(super) fn limit(node: &Node, what: &'static str, value: usize, lo: usize, hi: usize) -> Error {
    let clamp = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    limit_value(node, what, clamp(value), Interval { lo: clamp(lo), hi: clamp(hi) })
}

pub(super) fn length(node: &Node, what: &'static str, expected: usize, got: usize) -> Error {
    Error::Length { node: node.name.clone(), what, expected, got }
}
