//! Following data movement to its source.

use std::collections::HashMap;

use crate::int::{Graph, Node, NodeId, Op, Source};

/// A sum of one element with weight 1 and no bias only changes the scale's name: it moves data.
pub(super) fn relabel(nodes: &mut [Node]) {
    for node in nodes {
        let Op::Linear { rows } = &node.op else { continue };
        let only = |row: &crate::int::Row| match row.terms.as_slice() {
            [term] if row.bias == 0 && term.weight == 1 => Some(term.source),
            _ => None,
        };
        if let Some(sources) = rows.iter().map(only).collect::<Option<Vec<Source>>>() {
            node.op = Op::Rearrange { sources };
        }
    }
}

/// Lets every node read from where data comes from rather than from where it was moved to.
pub(super) fn follow(graph: &mut Graph) {
    for at in 0..graph.nodes.len() {
        let (earlier, rest) = graph.nodes.split_at_mut(at);
        let Some(node) = rest.first_mut() else { continue };
        // Operands have been followed already, so one step reaches the source.
        let step = |id: NodeId, element: u32| match &earlier[id.0 as usize] {
            Node { op: Op::Rearrange { sources }, inputs, .. } => {
                let source = sources[element as usize];
                (inputs[source.input as usize], source.element)
            }
            _ => (id, element),
        };
        let inputs = node.inputs.clone();
        let mut operands = Operands::default();
        let mut moved = |source: &mut Source| {
            let (id, element) = step(inputs[source.input as usize], source.element);
            *source = Source { input: operands.position(id), element };
        };
        match &mut node.op {
            Op::Rearrange { sources } => sources.iter_mut().for_each(moved),
            Op::SumOfProducts { rows } => {
                rows.iter_mut().flatten().for_each(|(a, b)| [a, b].into_iter().for_each(&mut moved));
            }
            Op::Linear { rows } => {
                rows.iter_mut().flat_map(|row| &mut row.terms).for_each(|term| moved(&mut term.source));
                // Two elements of a broadcast are one at their source.
                rows.iter_mut().for_each(merge);
            }
            Op::Max { groups } | Op::ArgMax { groups } | Op::EmbeddingSum { groups, .. } => {
                let members = groups.iter().flatten().map(|element| step(inputs[0], *element).0);
                let Some(only) = single(members) else { continue };
                groups.iter_mut().flatten().for_each(|element| *element = step(inputs[0], *element).1);
                operands.position(only);
            }
            Op::Shift { .. }
            | Op::Relu
            | Op::Piecewise { .. }
            | Op::Gather { .. }
            | Op::Step
            | Op::IsZero
            | Op::SquareRoot { .. } => {
                match unmoved(&earlier[inputs[0].0 as usize], earlier) {
                    Some(id) => operands.position(id),
                    None => continue,
                };
            }
            // They read elements, in shapes of their own.
            Op::MatMul { .. } | Op::Conv { .. } => {
                for id in &mut node.inputs {
                    *id = unmoved(&earlier[id.0 as usize], earlier).unwrap_or(*id);
                }
                continue;
            }
            Op::Input { .. } | Op::Constant { .. } | Op::Divide { .. } => continue,
        }
        node.inputs = operands.ids;
    }
}

/// The operands of a node in the making, each once.
#[derive(Default)]
pub(super) struct Operands {
    pub(super) ids: Vec<NodeId>,
    positions: HashMap<NodeId, u32>,
}

impl Operands {
    pub(super) fn position(&mut self, id: NodeId) -> u32 {
        let Self { ids, positions } = self;
        // Rows read one operand many times over.
        if let Some(last) = ids.last()
            && *last == id
        {
            return u32::try_from(ids.len() - 1).unwrap_or(u32::MAX);
        }
        *positions.entry(id).or_insert_with(|| {
            ids.push(id);
            u32::try_from(ids.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

/// Adds up weights of equal sources. Weights are below 2^40, and equal sources fewer than 2^23: no overflow; a weight that
/// grows too large is refused when the graph is rebuilt.
fn merge(row: &mut crate::int::Row) {
    row.terms.sort_unstable_by_key(|term| (term.source.input, term.source.element));
    row.terms.dedup_by(|next, kept| {
        let equal = next.source == kept.source;
        kept.weight += if equal { next.weight } else { 0 };
        equal
    });
    row.terms.retain(|term| term.weight != 0);
}

fn single(mut ids: impl Iterator<Item = NodeId>) -> Option<NodeId> {
    let first = ids.next()?;
    ids.all(|id| id == first).then_some(first)
}

/// The node whose elements a [`Op::Rearrange`] yields all, in their order.
fn unmoved(node: &Node, earlier: &[Node]) -> Option<NodeId> {
    let Op::Rearrange { sources } = &node.op else { return None };
    let [only] = node.inputs.as_slice() else { return None };
    let in_order = (0u32..).zip(sources).all(|(at, source)| source.element == at);
    (in_order && earlier[only.0 as usize].len() == sources.len()).then_some(*only)
}
