//! The order of nodes. ONNX wants them sorted; some tools write them otherwise, so they are sorted here.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tract_onnx::pb::NodeProto;

use super::{Error, branch};

/// Positions of `nodes` in an order in which each reads only what stands before it; the file's own order where that
/// will do. What graphs within a node read is read by the node. Reads that no node yields are not looked at.
pub(super) fn topological(nodes: &[NodeProto]) -> Result<Vec<usize>, Error> {
    let yields =
        |(at, node): (usize, &'_ NodeProto)| node.output.iter().map(move |name| (name.clone(), at)).collect::<Vec<_>>();
    let producer: HashMap<String, usize> = nodes.iter().enumerate().flat_map(yields).collect();
    let mut readers = vec![vec![]; nodes.len()];
    let mut waits_for = vec![0usize; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        for from in branch::reads(node).into_iter().filter_map(|name| producer.get(name)) {
            readers[*from].push(at);
            waits_for[at] += 1;
        }
    }
    let mut ready: BinaryHeap<_> = (0..nodes.len()).filter(|&at| waits_for[at] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for &reader in &readers[at] {
            waits_for[reader] -= 1;
            if waits_for[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() < nodes.len() {
        let stuck = nodes.iter().zip(&waits_for).filter(|(_, waits)| **waits > 0).take(8);
        let names: Vec<_> = stuck.map(|(node, _)| format!("`{}`", super::call::node_name(node))).collect();
        return Err(Error::Cycle { nodes: names.join(", ") });
    }
    Ok(order)
}
