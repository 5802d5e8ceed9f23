//! Whether a graph is well formed: what must hold before any of its indices may be followed.

use std::collections::HashSet;

use super::{Error, Graph, Interval, Node, NodeId, Op, Source, limits};

/// Checks tables, nodes, inputs and outputs; after this, every index of the graph may be followed.
pub(super) fn check_graph(graph: &Graph) -> Result<(), Error> {
    for (index, table) in graph.piecewise.iter().enumerate() {
        if let Some((what, value, allowed)) = table.defect() {
            return Err(Error::Limit { node: format!("{} (table {index})", table.name), what, value, allowed });
        }
    }
    let mut elements = 0usize;
    for (position, node) in graph.nodes.iter().enumerate() {
        let (earlier, _) = graph.nodes.split_at(position);
        check_node(node, earlier, graph.piecewise.len())?;
        elements = add_elements(elements, node)?;
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

/// The number of elements up to and with `node`, if that is within limits.
pub(super) fn add_elements(earlier: usize, node: &Node) -> Result<usize, Error> {
    let elements = earlier.saturating_add(node.len());
    if elements > limits::TOTAL_ELEMENTS {
        return Err(limit(node, "the number of elements up to here", elements, 1, limits::TOTAL_ELEMENTS));
    }
    Ok(elements)
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

/// Checks one node whose operands are among `earlier`.
pub(super) fn check_node(node: &Node, earlier: &[Node], num_tables: usize) -> Result<(), Error> {
    let shape = Shape { node, earlier, len: check_shape(node)? };
    let (scale, scales) = (i64::from(node.frac_bits), i64::from(limits::FRAC_BITS));
    within(node, "the number of fraction bits", scale, Interval::new(-scales, scales))?;
    shape.check_operands()?;
    let values = limits::magnitude(limits::VALUE_BITS);
    match &node.op {
        Op::Input { .. } => check_declared_ranges(node),
        Op::Constant { values: constants } => {
            shape.expect_len("values", constants.len())?;
            constants.iter().try_for_each(|value| within(node, "a constant", *value, values))
        }
        Op::Rearrange { sources } => {
            shape.expect_len("sources", sources.len())?;
            sources.iter().enumerate().try_for_each(|(element, source)| shape.check_source(element, *source))
        }
        Op::Linear { rows } => {
            shape.expect_len("rows", rows.len())?;
            rows.iter().enumerate().try_for_each(|(element, row)| shape.check_row(element, row))
        }
        Op::SumOfProducts { rows } => {
            shape.expect_len("rows", rows.len())?;
            for (element, row) in rows.iter().enumerate() {
                for (first, second) in row {
                    shape.check_source(element, *first)?;
                    shape.check_source(element, *second)?;
                }
            }
            Ok(())
        }
        Op::Shift { bits } => {
            shape.same_len_as_operand()?;
            between(node, "the number of bits shifted out", *bits, 1, limits::SHIFT_BITS)
        }
        Op::Relu | Op::Step => shape.same_len_as_operand(),
        Op::SquareRoot { shift } => {
            shape.same_len_as_operand()?;
            between(node, "the bits by which an argument is scaled", *shift, 0, limits::SHIFT_BITS)
        }
        Op::Piecewise { table } => {
            shape.same_len_as_operand()?;
            if usize::try_from(*table).is_ok_and(|table| table < num_tables) {
                return Ok(());
            }
            Err(Error::NoSuchTable { node: node.name.clone(), table: *table, available: num_tables })
        }
        Op::Max { groups } | Op::ArgMax { groups } => {
            shape.expect_len("groups", groups.len())?;
            for (element, group) in groups.iter().enumerate() {
                shape.check_group(element, group)?;
                if group.is_empty() {
                    return Err(limit(node, "the length of a group", 0, 1, shape.operand_len(0)));
                }
            }
            Ok(())
        }
        Op::Divide { shift, divisor } => {
            shape.same_len_as_operand()?;
            shape.expect_len("divisor indices", divisor.len())?;
            between(node, "the fraction bits of the quotient", *shift, 0, limits::SHIFT_BITS)?;
            divisor
                .iter()
                .enumerate()
                .try_for_each(|(element, index)| shape.check_source(element, Source { input: 1, element: *index }))
        }
        Op::Gather { rows } => {
            let width = shape.check_table(rows)?;
            let expected = shape.operand_len(0).saturating_mul(width);
            if shape.len != expected {
                return Err(length(node, "elements of the shape", expected, shape.len));
            }
            Ok(())
        }
        Op::EmbeddingSum { rows, groups } => {
            let width = shape.check_table(rows)?;
            let expected = groups.len().saturating_mul(width);
            if shape.len != expected {
                return Err(length(node, "elements of the shape", expected, shape.len));
            }
            groups.iter().enumerate().try_for_each(|(element, group)| shape.check_group(element * width, group))
        }
    }
}

struct Shape<'a> {
    node: &'a Node,
    earlier: &'a [Node],
    /// Elements of the output.
    len: usize,
}

impl Shape<'_> {
    fn check_operands(&self) -> Result<(), Error> {
        let expected = match &self.node.op {
            Op::Input { .. } | Op::Constant { .. } => ("none", 0..=0),
            Op::Rearrange { .. } | Op::Linear { .. } | Op::SumOfProducts { .. } => {
                ("any number of them", 0..=usize::MAX)
            }
            Op::Divide { .. } => ("two", 2..=2),
            Op::Shift { .. }
            | Op::Relu
            | Op::Piecewise { .. }
            | Op::Max { .. }
            | Op::ArgMax { .. }
            | Op::Gather { .. }
            | Op::EmbeddingSum { .. }
            | Op::Step
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
    fn operand_len(&self, input: u32) -> usize {
        let id = usize::try_from(input).ok().and_then(|input| self.node.inputs.get(input));
        id.and_then(|id| self.earlier.get(index(*id))).map_or(0, Node::len)
    }

    fn check_source(&self, element: usize, source: Source) -> Result<(), Error> {
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

    fn check_group(&self, element: usize, group: &[u32]) -> Result<(), Error> {
        group.iter().try_for_each(|member| self.check_source(element, Source { input: 0, element: *member }))
    }

    fn check_row(&self, element: usize, row: &super::Row) -> Result<(), Error> {
        within(self.node, "a bias", row.bias, limits::magnitude(limits::VALUE_BITS))?;
        let weights = limits::magnitude(limits::WEIGHT_BITS);
        for term in &row.terms {
            self.check_source(element, term.source)?;
            within(self.node, "a weight", term.weight, weights)?;
        }
        let defect = match row.terms.iter().any(|term| term.weight == 0) {
            true => "a weight is zero",
            false if !has_repeated_source(row) => return Ok(()),
            false => "a source occurs twice",
        };
        Err(Error::NotNormal { node: self.node.name.clone(), element, what: defect })
    }

    /// Checks that the table is a non-empty rectangle of values; its width.
    fn check_table(&self, rows: &[Vec<i64>]) -> Result<usize, Error> {
        let Some(first) = rows.first() else {
            return Err(limit(self.node, "the number of table rows", 0, 1, limits::TOTAL_ELEMENTS));
        };
        if let Some(row) = rows.iter().find(|row| row.len() != first.len()) {
            return Err(length(self.node, "values in a table row", first.len(), row.len()));
        }
        let values = limits::magnitude(limits::VALUE_BITS);
        rows.iter().flatten().try_for_each(|value| within(self.node, "a table value", *value, values))?;
        Ok(first.len())
    }

    fn expect_len(&self, what: &'static str, got: usize) -> Result<(), Error> {
        if got == self.len { Ok(()) } else { Err(length(self.node, what, self.len, got)) }
    }

    fn same_len_as_operand(&self) -> Result<(), Error> {
        let expected = self.operand_len(0);
        if self.len == expected { Ok(()) } else { Err(length(self.node, "elements of the shape", expected, self.len)) }
    }
}

/// Rows are mostly in the order of their sources, where equal ones are neighbours; only others are hashed.
fn has_repeated_source(row: &super::Row) -> bool {
    let key = |term: &super::Term| (term.source.input, term.source.element);
    if row.terms.is_sorted_by(|a, b| key(a) < key(b)) {
        return false;
    }
    let mut seen = HashSet::with_capacity(row.terms.len());
    !row.terms.iter().all(|term| seen.insert(key(term)))
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

fn within(node: &Node, what: &'static str, value: i64, allowed: Interval) -> Result<(), Error> {
    if allowed.contains(value) { Ok(()) } else { Err(limit_value(node, what, value, allowed)) }
}

fn between(node: &Node, what: &'static str, value: u32, lo: u32, hi: u32) -> Result<(), Error> {
    within(node, what, value.into(), Interval::new(lo.into(), hi.into()))
}

fn limit_value(node: &Node, what: &'static str, value: i64, allowed: Interval) -> Error {
    Error::Limit { node: node.name.clone(), what, value: value.into(), allowed }
}

fn limit(node: &Node, what: &'static str, value: usize, lo: usize, hi: usize) -> Error {
    let clamp = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    limit_value(node, what, clamp(value), Interval { lo: clamp(lo), hi: clamp(hi) })
}

fn length(node: &Node, what: &'static str, expected: usize, got: usize) -> Error {
    Error::Length { node: node.name.clone(), what, expected, got }
}
