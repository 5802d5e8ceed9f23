//! Appends nodes to a graph; each is checked, and its ranges are computed, as it comes.

use super::{Error, Graph, Interval, Node, NodeId, Op, Output, Piecewise, analyze, structure};

/// A graph in the making. Every node in it is well formed and carries its proven ranges.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    /// Of all nodes so far.
    totals: structure::Totals,
    known: analyze::Known,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The graph so far, without outputs.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The node with this index.
    pub fn node(&self, id: NodeId) -> &Node {
        self.graph.node(id)
    }

    /// Appends a public input; `ranges` has one entry for all elements, or one for each.
    ///
    /// # Errors
    /// If shape or ranges are not well formed.
    pub fn input(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        frac_bits: i32,
        ranges: Vec<Interval>,
    ) -> Result<NodeId, Error> {
        let op = Op::Input { name: name.to_owned() };
        let (name, inputs, element_bits) = (name.to_owned(), Vec::new(), Vec::new());
        self.append(Node { name, op, inputs, shape, frac_bits, element_bits, ranges })
    }

    /// Appends a node.
    ///
    /// # Errors
    /// If it is not well formed, its accumulator is too wide, or an argument can leave its operator's domain.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: Vec<NodeId>,
        shape: Vec<usize>,
        frac_bits: i32,
    ) -> Result<NodeId, Error> {
        let (name, element_bits, ranges) = (name.into(), Vec::new(), Vec::new());
        self.append(Node { name, op, inputs, shape, frac_bits, element_bits, ranges })
    }

    /// Gives the elements of a node scales of their own; none if `element_bits` is empty.
    ///
    /// # Errors
    /// If there are neither none nor as many as elements, or one is out of bounds.
    pub fn rescale(&mut self, id: NodeId, element_bits: Vec<i32>) -> Result<(), Error> {
        if let Some(node) = self.graph.nodes.get_mut(id.0 as usize) {
            node.element_bits = element_bits;
            structure::check_scales(node)?;
        }
        Ok(())
    }

    /// Adds a function for [`Op::Piecewise`], or finds an equal one; its index.
    ///
    /// # Errors
    /// If one of its constants is out of bounds.
    pub fn table(&mut self, table: Piecewise) -> Result<u32, Error> {
        if let Some((what, value, allowed)) = table.defect() {
            return Err(Error::Limit { node: table.name, what, value, allowed });
        }
        let position = self.graph.piecewise.iter().position(|known| *known == table).unwrap_or_else(|| {
            self.graph.piecewise.push(table);
            self.graph.piecewise.len() - 1
        });
        Ok(u32::try_from(position).unwrap_or(u32::MAX))
    }

    /// The graph with these outputs.
    ///
    /// # Errors
    /// If there is no output, or a name occurs twice.
    pub fn finish(mut self, outputs: Vec<Output>) -> Result<Graph, Error> {
        self.graph.outputs = outputs;
        // Nodes and tables were checked as they came.
        structure::check_interface(&self.graph)?;
        Ok(self.graph)
    }

    fn append(&mut self, mut node: Node) -> Result<NodeId, Error> {
        structure::check_node(&node, &self.graph.nodes, self.graph.piecewise.len())?;
        let mut totals = self.totals;
        totals.add(&node)?;
        let graph = &self.graph;
        node.ranges = analyze::infer(graph, &node, &|id| graph.node(id).ranges.as_slice(), &mut self.known)?;
        self.totals = totals;
        let id = NodeId(u32::try_from(graph.nodes.len()).unwrap_or(u32::MAX));
        self.graph.nodes.push(node);
        Ok(id)
    }
}
