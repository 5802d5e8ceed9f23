//! Subgraphs: what a node with graphs in its attributes reads, and the branch of an If in place of it.
//!
//! A branch sees the tensors of the graph around it, and names of its own hide theirs. Both branches may use the same
//! names, so each tensor of a branch gets a name that nothing else has before its nodes are imported.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

use super::Error;
use super::call::label;

/// The graphs in a node's attributes.
fn graphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// The names that a graph yields itself: not those of the graph around it.
fn own(graph: &GraphProto) -> impl Iterator<Item = &String> {
    let nodes = graph.node.iter().flat_map(|node| &node.output);
    let inputs = graph.input.iter().map(|input| &input.name);
    nodes.chain(graph.initializer.iter().map(|tensor| &tensor.name)).chain(inputs).filter(|name| !name.is_empty())
}

/// The tensors that a node reads: its operands, and what its graphs read of the graph around them. Left-out operands
/// are not among them. Nesting is bounded by the walk over the file's bytes.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    for graph in graphs(node) {
        let own: HashSet<&str> = own(graph).map(String::as_str).collect();
        let inner = graph.node.iter().flat_map(reads).chain(graph.output.iter().map(|output| output.name.as_str()));
        names.extend(inner.filter(|name| !own.contains(name)));
    }
    names
}

/// A branch as nodes of the graph around it.
#[derive(Debug)]
pub(super) struct Inlined {
    pub(super) initializers: Vec<TensorProto>,
    pub(super) nodes: Vec<NodeProto>,
}

/// The branch that `node`, an If, takes. `free` makes a name that nothing else has.
pub(super) fn inlined(node: &NodeProto, taken: bool, free: impl FnMut(String) -> String) -> Result<Inlined, Error> {
    let attribute = if taken { "then_branch" } else { "else_branch" };
    let refuse = |reason: &str| Error::Attribute {
        node: label(node),
        attribute: attribute.to_owned(),
        reason: reason.to_owned(),
    };
    if let Some(other) = node.attribute.iter().find(|other| !matches!(&*other.name, "then_branch" | "else_branch")) {
        let reason = "is not known for this operator".to_owned();
        return Err(Error::Attribute { node: label(node), attribute: other.name.clone(), reason });
    }
    let mut graphs = node.attribute.iter().filter(|found| found.name == attribute);
    let graph = match (graphs.next(), graphs.next()) {
        (Some(found), None) => found.g.as_ref().ok_or_else(|| refuse("holds no graph"))?,
        (None, _) => return Err(refuse("is missing")),
        (Some(_), Some(_)) => return Err(refuse("stands there twice")),
    };
    if !graph.input.is_empty() || !graph.sparse_initializer.is_empty() {
        return Err(refuse("has inputs or sparse initializers, which a branch cannot have here"));
    }
    if graph.output.len() != node.output.len() {
        return Err(refuse(&format!("yields {} tensors, but the node {}", graph.output.len(), node.output.len())));
    }
    let names: Vec<&String> = own(graph).collect();
    let mut distinct = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !distinct.insert(**name)) {
        return Err(Error::Name { what: "a tensor of a branch", name: (*twice).clone() });
    }
    let fresh = names.iter().map(|name| (*name).clone()).map(free);
    let new: HashMap<&str, String> = names.iter().map(|name| name.as_str()).zip(fresh).collect();
    let renamed = Names { new: &new, hidden: vec![] };
    let initializer = |tensor: &TensorProto| TensorProto { name: renamed.get(&tensor.name), ..tensor.clone() };
    let inner = |node: &NodeProto| NodeProto {
        output: node.output.iter().map(|name| renamed.get(name)).collect(),
        ..reading(node, &renamed)
    };
    let pairs = graph.output.iter().zip(&node.output).filter(|(_, outer)| !outer.is_empty());
    let handed_on = pairs.map(|(inner, outer)| NodeProto {
        op_type: "Identity".into(),
        name: node.name.clone(),
        input: vec![renamed.get(&inner.name)],
        output: vec![outer.clone()],
        ..Default::default()
    });
    Ok(Inlined {
        initializers: graph.initializer.iter().map(initializer).collect(),
        nodes: graph.node.iter().map(inner).chain(handed_on).collect(),
    })
}

/// New names of a branch's tensors, as a graph within it sees them.
struct Names<'a> {
    new: &'a HashMap<&'a str, String>,
    /// Names of their own that graphs on the way in have.
    hidden: Vec<HashSet<&'a str>>,
}

impl Names<'_> {
    fn get(&self, name: &str) -> String {
        let hidden = self.hidden.iter().any(|names| names.contains(name));
        self.new.get(name).filter(|_| !hidden).map_or(name, String::as_str).to_owned()
    }
}

/// `node` with new names where it, or a graph in it, reads.
fn reading<'a>(node: &'a NodeProto, renamed: &Names<'a>) -> NodeProto {
    let attribute = |attribute: &'a AttributeProto| AttributeProto {
        g: attribute.g.as_ref().map(|graph| reading_graph(graph, renamed)),
        graphs: attribute.graphs.iter().map(|graph| reading_graph(graph, renamed)).collect(),
        ..attribute.clone()
    };
    NodeProto {
        input: node.input.iter().map(|name| renamed.get(name)).collect(),
        attribute: node.attribute.iter().map(attribute).collect(),
        ..node.clone()
    }
}

fn reading_graph<'a>(graph: &'a GraphProto, renamed: &Names<'a>) -> GraphProto {
    let own = own(graph).map(String::as_str).collect();
    let inner = Names { new: renamed.new, hidden: renamed.hidden.iter().cloned().chain([own]).collect() };
    let output = |output: &ValueInfoProto| ValueInfoProto { name: inner.get(&output.name), ..output.clone() };
    GraphProto {
        node: graph.node.iter().map(|node| reading(node, &inner)).collect(),
        output: graph.output.iter().map(output).collect(),
        ..graph.clone()
    }
}
