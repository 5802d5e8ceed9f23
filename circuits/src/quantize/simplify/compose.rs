//! Sums of sums.

use std::collections::HashMap;

use super::{is_output, movement::Operands, readers};
use crate::int::{Graph, Node, NodeId, Op, Row, Source, Term, limits};

/// Puts rows of a [`Op::Linear`] in the place of its elements in other sums, where that costs no more.
pub(super) fn compose(graph: &mut Graph) {
    let inlined = choose(graph);
    for at in 0..graph.nodes.len() {
        let (earlier, rest) = graph.nodes.split_at_mut(at);
        let Some(node) = rest.first_mut() else { continue };
        if !is_open(node, earlier) {
            continue;
        }
        let Op::Linear { rows } = &node.op else { continue };
        let mut operands = Operands::default();
        let rows = rows.iter().map(|row| composed(row, &node.inputs, earlier, &inlined, &mut operands)).collect();
        node.op = Op::Linear { rows };
        node.inputs = operands.ids;
    }
}

/// Whether sums may be put into this one, and this one into others. A distance to a maximum keeps its form, by which
/// analysis knows its sign.
fn is_open(node: &Node, earlier: &[Node]) -> bool {
    let reads_max = || node.inputs.iter().any(|id| matches!(earlier[id.0 as usize].op, Op::Max { .. }));
    matches!(node.op, Op::Linear { .. }) && !reads_max()
}

/// For each node, for each row of a sum: whether it is put into the sums that read it.
fn choose(graph: &Graph) -> Vec<Vec<bool>> {
    let mut uses: Vec<Vec<usize>> = graph.nodes.iter().map(|node| vec![0; node.len()]).collect();
    for node in &graph.nodes {
        let Op::Linear { rows } = &node.op else { continue };
        for term in rows.iter().flat_map(|row| &row.terms) {
            uses[node.inputs[term.source.input as usize].0 as usize][term.source.element as usize] += 1;
        }
    }
    let readers = readers(graph);
    let mut inlined = Vec::with_capacity(graph.nodes.len());
    for (at, node) in graph.nodes.iter().enumerate() {
        let Op::Linear { rows } = &node.op else {
            inlined.push(Vec::new());
            continue;
        };
        let open = is_open(node, &graph.nodes[..at]);
        let vanishes = !is_output(graph, at)
            && readers[at].iter().all(|reader| is_open(&graph.nodes[*reader], &graph.nodes[..*reader]));
        let choice = rows.iter().zip(&uses[at]).map(|(row, uses)| {
            let terms = row.terms.len();
            // In place: its terms once for each use. On its own: its terms once, and a term for each use.
            open && (terms <= 1 || (vanishes && uses * terms <= terms + uses))
        });
        inlined.push(choice.collect());
    }
    inlined
}

fn composed(row: &Row, inputs: &[NodeId], earlier: &[Node], inlined: &[Vec<bool>], operands: &mut Operands) -> Row {
    let is_inlined = |term: &Term| {
        let id = inputs[term.source.input as usize].0 as usize;
        inlined[id].get(term.source.element as usize) == Some(&true)
    };
    if !row.terms.iter().any(is_inlined) {
        return rename(row, inputs, operands);
    }
    let mut sum = Sum { bias: row.bias.into(), terms: Vec::new(), distinct: row.terms.len() == 1 };
    for term in &row.terms {
        let id = inputs[term.source.input as usize];
        let element = term.source.element as usize;
        let inner = &earlier[id.0 as usize];
        match &inner.op {
            Op::Linear { rows } if inlined[id.0 as usize][element] => {
                sum.bias += i128::from(rows[element].bias) * i128::from(term.weight);
                for within in &rows[element].terms {
                    let source = (inner.inputs[within.source.input as usize], within.source.element);
                    sum.terms.push((source, i128::from(within.weight) * i128::from(term.weight)));
                }
            }
            _ => sum.terms.push(((id, term.source.element), term.weight.into())),
        }
    }
    sum.finish(operands).unwrap_or_else(|| rename(row, inputs, operands))
}

/// The row as it was.
fn rename(row: &Row, inputs: &[NodeId], operands: &mut Operands) -> Row {
    let term = |term: &Term| Term {
        source: Source { input: operands.position(inputs[term.source.input as usize]), ..term.source },
        weight: term.weight,
    };
    Row { bias: row.bias, terms: row.terms.iter().map(term).collect() }
}

struct Sum {
    bias: i128,
    terms: Vec<((NodeId, u32), i128)>,
    /// Whether no source occurs twice: a single row was put in.
    distinct: bool,
}

impl Sum {
    /// A row, if bias and weights are within limits.
    fn finish(self, operands: &mut Operands) -> Option<Row> {
        let mut merged = if self.distinct { self.terms } else { merge(self.terms) };
        merged.retain(|(_, weight)| *weight != 0);
        let within = |value: i128, bits: u32| value.abs() < 1 << bits;
        if !within(self.bias, limits::VALUE_BITS) || !merged.iter().all(|(_, w)| within(*w, limits::WEIGHT_BITS)) {
            return None;
        }
        let term = |((id, element), weight): ((NodeId, u32), i128)| {
            let weight = i64::try_from(weight).ok()?;
            Some(Term { source: Source { input: operands.position(id), element }, weight })
        };
        let terms = merged.into_iter().map(term).collect::<Option<_>>()?;
        Some(Row { bias: i64::try_from(self.bias).ok()?, terms })
    }
}

/// Adds up the weights of equal sources.
fn merge(terms: Vec<((NodeId, u32), i128)>) -> Vec<((NodeId, u32), i128)> {
    let mut positions: HashMap<(NodeId, u32), usize> = HashMap::with_capacity(terms.len());
    let mut merged: Vec<((NodeId, u32), i128)> = Vec::with_capacity(terms.len());
    for (source, weight) in terms {
        let position = *positions.entry(source).or_insert(merged.len());
        match merged.get_mut(position) {
            Some(known) => known.1 += weight,
            None => merged.push((source, weight)),
        }
    }
    merged
}
