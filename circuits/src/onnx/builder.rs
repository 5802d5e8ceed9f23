//! Builds the float graph node by node: checks each, computes those that depend on constants alone, counts what the
//! model costs and stops at the limits.

use std::collections::{HashMap, HashSet};

use super::{Error, Limits};
use crate::float::{
    self, ElementType, Graph, MAX_EXACT, Node, NodeId, Op, Operand, Output, Source, Tensor, Values, checked_len,
};

/// A graph in the making.
pub(super) struct Builder {
    nodes: Vec<Node>,
    /// Whether all values of a node are integers, whatever its type.
    integral: Vec<bool>,
    /// Integer constants of which some are beyond what the float graph holds exactly. Exporters write the greatest
    /// integer for "to the end", so import reads and moves them; nothing computes with them.
    wide: HashMap<NodeId, Vec<i64>>,
    /// Names of tensors, the model's own included before the first node is added.
    taken: HashSet<String>,
    /// The last number that was tried for a name that was taken.
    numbered: HashMap<String, usize>,
    limits: Limits,
    elements: usize,
    operations: usize,
}

impl Builder {
    pub(super) fn new(limits: Limits, taken: HashSet<String>) -> Self {
        // Elements and nodes are numbered with 32 bits.
        let limits = Limits { max_elements: limits.max_elements.min(u32::MAX as usize), ..limits };
        Self {
            nodes: vec![],
            integral: vec![],
            wide: HashMap::new(),
            taken,
            numbered: HashMap::new(),
            limits,
            elements: 0,
            operations: 0,
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        // Ids come from `add` of this very builder.
        &self.nodes[id.0 as usize]
    }

    /// The values of a constant; `None` also if they are integers that are not exact.
    pub(super) fn constant(&self, id: NodeId) -> Option<&[f64]> {
        self.node(id).constant().filter(|_| !self.wide.contains_key(&id))
    }

    /// The values of a constant of integers, all of them exact.
    pub(super) fn constant_ints(&self, id: NodeId) -> Option<Vec<i64>> {
        match self.wide.get(&id) {
            Some(values) => Some(values.clone()),
            // Exact: integers below 2^53.
            None => Some(self.node(id).constant()?.iter().map(|&value| value as i64).collect()),
        }
    }

    /// Refuses integers that the float graph does not hold exactly; `what` names them in the error.
    pub(super) fn require_exact(&self, id: NodeId, what: &str) -> Result<(), Error> {
        match self.wide.get(&id).and_then(|values| values.iter().find(|value| is_wide(value))) {
            Some(&value) => Err(Error::Inexact { what: what.to_owned(), value }),
            None => Ok(()),
        }
    }

    /// Adds a constant as it is stored. `name` is that of the node, `what` names it in errors.
    pub(super) fn add_stored(
        &mut self,
        name: String,
        tensor: String,
        element: ElementType,
        stored: Tensor,
        what: &str,
    ) -> Result<NodeId, Error> {
        let (values, wide) = match stored.values {
            Values::Float(values) => (values, None),
            Values::Bool(values) => (values.into_iter().map(|value| f64::from(u8::from(value))).collect(), None),
            // What is rounded here is never read: `wide` has it.
            Values::Int(values) => (values.iter().map(|&value| value as f64).collect(), Some(values)),
        };
        let node = Node { name, tensor, op: Op::Constant { values }, inputs: vec![], shape: stored.shape, element };
        let id = self.add_checked(node, what)?;
        if let Some(values) = wide.filter(|values| values.iter().any(is_wide)) {
            self.wide.insert(id, values);
        }
        Ok(id)
    }

    /// How many nodes there are: the id of the next one.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Names a node anew: a part that turned out to be what the whole ONNX node yields.
    pub(super) fn rename(&mut self, id: NodeId, name: String, tensor: String) {
        let node = &mut self.nodes[id.0 as usize];
        (node.name, node.tensor) = (name, tensor);
    }

    /// Whether every value that the node can yield is an integer.
    pub(super) fn is_integral(&self, id: NodeId) -> bool {
        self.integral[id.0 as usize]
    }

    /// How many elements one tensor may have.
    pub(super) fn max_elements(&self) -> usize {
        self.limits.max_elements
    }

    /// A tensor name that nothing else has.
    pub(super) fn free_name(&mut self, wanted: String) -> String {
        // A node of many parts asks for one name very often: the numbers go on from the last.
        let next = self.numbered.entry(wanted.clone()).or_insert(1);
        let mut name = wanted.clone();
        while !self.taken.insert(name.clone()) {
            *next += 1;
            name = format!("{wanted}.{next}");
        }
        name
    }

    /// Whether a tensor of this shape is within the limit; to be asked before one is allocated. Yields how many
    /// elements there would then be.
    pub(super) fn check_room(&self, shape: &[usize]) -> Result<usize, Error> {
        let limit = self.limits.max_elements;
        let len = checked_len(shape).unwrap_or(usize::MAX);
        // Work goes along each axis, also of a tensor that is empty along another.
        let extents = shape.iter().fold(1usize, |product, dim| product.saturating_mul((*dim).max(1)));
        match self.elements.saturating_add(len).max(extents) {
            got if got > limit => Err(Error::TooLarge { what: "elements in all tensors together", limit, got }),
            elements => Ok(elements),
        }
    }

    /// Adds a node; `label` names it in errors.
    pub(super) fn add(&mut self, node: Node, label: &str) -> Result<NodeId, Error> {
        if let Op::Constant { values } = &node.op {
            float::check_values(&node.name, node.element, values)?;
        }
        self.add_checked(node, label)
    }

    /// The same for constants whose values have been looked at.
    fn add_checked(&mut self, node: Node, label: &str) -> Result<NodeId, Error> {
        let refuse = |reason: String| Error::Node { node: label.to_owned(), reason };
        self.elements = self.check_room(&node.shape)?;
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|id| self.node(*id).shape.as_slice()).collect();
        float::check_node(&node, &shapes).map_err(refuse)?;
        let operations = self.operations.saturating_add(operations(&node, &shapes));
        if operations > self.limits.max_operations {
            let limit = self.limits.max_operations;
            return Err(Error::TooLarge { what: "arithmetic operations", limit, got: operations });
        }
        self.operations = operations;
        let integral = self.proves_integral(&node);
        if let Some(&wide) = node.inputs.iter().find(|id| self.wide.contains_key(id)) {
            if let Op::Rearrange { sources } = &node.op {
                return self.add_moved(&node, sources, label);
            }
            self.require_exact(wide, &format!("an operand of {label}"))?;
        }
        let foldable = !node.inputs.is_empty() && node.inputs.iter().all(|id| self.node(*id).constant().is_some());
        let node = match node.is_empty() && !matches!(node.op, Op::Input) {
            // Nothing is computed, whatever from.
            true => Node { op: Op::Constant { values: vec![] }, inputs: vec![], ..node },
            false if foldable => self.fold(node)?,
            false => node,
        };
        let id = u32::try_from(self.nodes.len()).map_err(|_| refuse("too many nodes".into()))?;
        self.nodes.push(node);
        self.integral.push(integral);
        Ok(NodeId(id))
    }

    /// Moves integers that are not exact, and others with them.
    fn add_moved(&mut self, node: &Node, sources: &[Source], label: &str) -> Result<NodeId, Error> {
        let operands: Option<Vec<_>> = node.inputs.iter().map(|id| self.constant_ints(*id)).collect();
        let Some(operands) = operands.filter(|_| node.element.is_integer()) else {
            let what = format!("an operand of {label}");
            node.inputs.iter().try_for_each(|id| self.require_exact(*id, &what))?;
            return Err(Error::Node { node: label.to_owned(), reason: "joins constants with what is computed".into() });
        };
        let moved: Vec<i64> = sources.iter().map(|from| operands[from.input as usize][from.element as usize]).collect();
        let held = node.element.integers().unwrap_or(0..=0);
        if let Some(&value) = moved.iter().find(|value| !held.contains(value)) {
            return Err(Error::Inexact { what: format!("what {label} makes {}", node.element), value });
        }
        let stored = Tensor { shape: node.shape.clone(), values: Values::Int(moved) };
        self.add_stored(node.name.clone(), node.tensor.clone(), node.element, stored, label)
    }

    fn fold(&self, node: Node) -> Result<Node, Error> {
        let operands: Vec<_> = node
            .inputs
            .iter()
            .map(|id| self.node(*id))
            .map(|operand| Operand { shape: &operand.shape, values: operand.constant().unwrap_or_default() })
            .collect();
        let values = float::compute(&node.name, &node.op, &operands, &node.shape)?;
        float::check_values(&node.name, node.element, &values)?;
        Ok(Node { op: Op::Constant { values }, inputs: vec![], ..node })
    }

    fn proves_integral(&self, node: &Node) -> bool {
        let whole = |value: &f64| value.fract() == 0.0;
        let operands = || node.inputs.iter().all(|id| self.is_integral(*id));
        !node.element.is_float()
            || match &node.op {
                Op::Constant { values } => values.iter().all(whole),
                Op::Add | Op::Sub | Op::Mul | Op::MatMul | Op::Relu | Op::ReduceSum { .. } | Op::Rearrange { .. } => {
                    operands()
                }
                Op::Max | Op::Min | Op::FloorDiv | Op::Conv { .. } | Op::ReduceMax { .. } => operands(),
                // Whatever the condition, which is a truth value.
                Op::Where => operands(),
                Op::Round { .. } | Op::Less | Op::Equal => true,
                Op::Clip { min, max } => operands() && [min, max].into_iter().flatten().all(whole),
                Op::Gather => self.is_integral(node.inputs[0]),
                _ => false,
            }
    }

    /// The finished graph: inputs, and what the outputs need.
    pub(super) fn finish(self, outputs: Vec<Output>) -> Graph {
        let mut needed: Vec<bool> = self.nodes.iter().map(|node| node.op == Op::Input).collect();
        outputs.iter().for_each(|output| needed[output.node.0 as usize] = true);
        for at in (0..self.nodes.len()).rev().filter(|&at| !self.nodes[at].inputs.is_empty()) {
            if needed[at] {
                self.nodes[at].inputs.iter().for_each(|id| needed[id.0 as usize] = true);
            }
        }
        let mut moved = vec![NodeId(0); self.nodes.len()];
        let mut nodes: Vec<Node> = vec![];
        for (at, mut node) in self.nodes.into_iter().enumerate().filter(|(at, _)| needed[*at]) {
            // Fits: fewer nodes than ids were given.
            moved[at] = NodeId(nodes.len() as u32);
            node.inputs.iter_mut().for_each(|id| *id = moved[id.0 as usize]);
            nodes.push(node);
        }
        let moved = |output: Output| Output { node: moved[output.node.0 as usize], ..output };
        Graph { nodes, outputs: outputs.into_iter().map(moved).collect() }
    }
}

/// Whether the float graph does not hold this integer exactly.
fn is_wide(value: &i64) -> bool {
    value.unsigned_abs() >= MAX_EXACT as u64
}

/// Roughly how many arithmetic operations a node takes.
fn operations(node: &Node, operands: &[&[usize]]) -> usize {
    match (&node.op, operands) {
        (Op::Input | Op::Constant { .. }, _) => 0,
        (Op::MatMul, [a, _]) => node.len().saturating_mul(a.last().copied().unwrap_or(1)),
        (Op::Conv { .. }, [_, [_, taps @ ..]]) => {
            taps.iter().fold(node.len(), |product, taps| product.saturating_mul(*taps))
        }
        _ => operands.iter().map(|shape| shape.iter().product::<usize>()).fold(node.len(), usize::saturating_add),
    }
}
