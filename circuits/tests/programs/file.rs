//! Program files with any content.

use apodict_circuits::{
    Body, Program,
    float::ElementType,
    int::{Graph, Interval, Node, NodeId, Op, Output},
    machine::{Objective, Plan, Shape},
    synthetic,
};
use sha3::{Digest, Keccak256};

const MAGIC: &[u8] = b"apodict\x03";

/// A file with this content, its digest included.
pub(crate) fn sealed(content: &[u8]) -> Vec<u8> {
    let mut file = [MAGIC, content].concat();
    let digest = Keccak256::digest(&file);
    file.extend_from_slice(&digest);
    file
}

/// What a file holds, without what says what it is and without its digest.
pub(crate) fn content(file: &[u8]) -> &[u8] {
    &file[MAGIC.len()..file.len() - 32]
}

/// A file of `body`.
pub(crate) fn file_of(body: &Body) -> Vec<u8> {
    sealed(&postcard::to_allocvec(body).expect("it encodes"))
}

/// What a program's file holds.
pub(crate) fn body_of(program: &Program) -> Body {
    postcard::from_bytes(content(&program.to_bytes().expect("it encodes"))).expect("what was written")
}

/// A body with this graph and the plan of the largest machine.
pub(crate) fn body_with(graph: Graph) -> Body {
    let honest = body_of(&synthetic::program(2, Objective::Gas).expect("it fits"));
    let types = graph.inputs().map(|(_, node)| if node.frac_bits == 0 { ElementType::I64 } else { ElementType::F32 });
    let input_types = types.collect();
    Body { graph, input_types, plan: Plan { shape: Shape::Wide, limb_bits: 14, k: 20 }, ..honest }
}

/// A node of any kind; nothing of it is checked.
pub(crate) fn node(op: Op, inputs: &[u32], len: usize, range: Interval) -> Node {
    let inputs = inputs.iter().map(|id| NodeId(*id)).collect();
    Node {
        name: String::new(),
        op,
        inputs,
        shape: vec![len],
        frac_bits: 0,
        element_bits: Vec::new(),
        ranges: vec![range],
    }
}

/// An input `x` of `len` elements.
pub(crate) fn input(len: usize, range: Interval) -> Node {
    node(Op::Input { name: "x".into() }, &[], len, range)
}

/// The graph of these nodes, the last of which is the output.
pub(crate) fn graph(nodes: Vec<Node>) -> Graph {
    let last = NodeId(nodes.len() as u32 - 1);
    Graph { nodes, piecewise: Vec::new(), outputs: vec![Output { name: "y".into(), node: last }] }
}
