//! Rewrites an integer graph into one that computes the same outputs and costs less.
//!
//! 1. Data movement is followed to where the data comes from.
//! 2. A sum of sums becomes one sum, where that has no more terms.
//! 3. A shift of a table's value moves into the table.
//! 4. A sum of gathered rows becomes a bag of embeddings.
//! 5. What no output needs goes.
//!
//! Every node that is kept has the values it had: these are identities of integers, no rounding moves.

mod compose;
mod embedding;
mod movement;

use crate::int::{Builder, Error, Graph, NodeId, Op, Output};

/// A simpler graph, and where its nodes come from.
pub(super) struct Simplified {
    pub(super) graph: Graph,
    /// By node of the original: the node with the same values, if it was kept.
    pub(super) nodes: Vec<Option<NodeId>>,
}

/// Applies all rules once.
pub(super) fn simplify(graph: &Graph) -> Result<Simplified, Error> {
    let mut graph = graph.clone();
    movement::relabel(&mut graph.nodes);
    movement::follow(&mut graph);
    compose::compose(&mut graph);
    shift_in_tables(&mut graph);
    rebuild(&graph)
}

/// Who reads each node: positions of nodes, once for each operand.
fn readers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|id| readers[id.0 as usize].push(at));
    }
    readers
}

fn is_output(graph: &Graph, at: usize) -> bool {
    graph.outputs.iter().any(|output| output.node.0 as usize == at)
}

/// `shift(table(x), bits)` is `table'(x)`, whose output shift is `bits`, if the table itself had none.
fn shift_in_tables(graph: &mut Graph) {
    let readers = readers(graph);
    for at in 0..graph.nodes.len() {
        let Op::Shift { bits } = graph.nodes[at].op else { continue };
        let operand = graph.nodes[at].inputs[0].0 as usize;
        let Op::Piecewise { table } = graph.nodes[operand].op else { continue };
        let mut shifted = graph.piecewise[table as usize].clone();
        if shifted.out_shift != 0 || readers[operand].len() != 1 || is_output(graph, operand) {
            continue;
        }
        shifted.out_shift = bits;
        let position = graph.piecewise.iter().position(|known| *known == shifted).unwrap_or(graph.piecewise.len());
        if position == graph.piecewise.len() {
            graph.piecewise.push(shifted);
        }
        let inputs = graph.nodes[operand].inputs.clone();
        let node = &mut graph.nodes[at];
        node.op = Op::Piecewise { table: u32::try_from(position).unwrap_or(u32::MAX) };
        node.inputs = inputs;
    }
}

/// Appends what is needed to a new graph, so that ranges are computed anew: rewritten sums can have narrower ones.
fn rebuild(graph: &Graph) -> Result<Simplified, Error> {
    let needed = needed(graph);
    let mut builder = Builder::new();
    let mut nodes: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| needed[*at]) {
        let rename = |id: &NodeId| nodes[id.0 as usize].unwrap_or(NodeId(u32::MAX));
        let inputs: Vec<NodeId> = node.inputs.iter().map(rename).collect();
        let id = match (&node.op, embedding::bags(graph, node)) {
            (Op::Input { name }, _) => builder.input(name, node.shape.clone(), node.frac_bits, node.ranges.clone())?,
            (_, Some(bags)) => bags.build(&mut builder, node, rename(&bags.indices))?,
            (Op::Piecewise { table }, None) => {
                let table = builder.table(graph.piecewise[*table as usize].clone())?;
                builder.push(&node.name, Op::Piecewise { table }, inputs, node.shape.clone(), node.frac_bits)?
            }
            (op, None) => builder.push(&node.name, op.clone(), inputs, node.shape.clone(), node.frac_bits)?,
        };
        builder.rescale(id, node.element_bits.clone())?;
        nodes[at] = Some(id);
    }
    let output = |output: &Output| Output {
        name: output.name.clone(),
        node: nodes[output.node.0 as usize].unwrap_or(NodeId(u32::MAX)),
    };
    let graph = builder.finish(graph.outputs.iter().map(output).collect())?;
    Ok(Simplified { graph, nodes })
}

/// Which nodes the outputs need. Inputs stay: they are public whether or not they are read.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|output| needed[output.node.0 as usize] = true);
    for (at, node) in graph.nodes.iter().enumerate().rev() {
        needed[at] |= matches!(node.op, Op::Input { .. });
        if !needed[at] {
            continue;
        }
        match embedding::bags(graph, node) {
            Some(bags) => needed[bags.indices.0 as usize] = true,
            None => node.inputs.iter().for_each(|id| needed[id.0 as usize] = true),
        }
    }
    needed
}

#[cfg(test)]
mod tests;
