//! One node of the model while it is imported: what an operator's importer sees of it.

use std::collections::BTreeSet;

use tract_onnx::pb::NodeProto;

use super::Error;
use super::attributes::Attributes;
use super::builder::Builder;
use super::ops::Import;
use crate::float::{ElementType, Node, NodeId, Op, Source};

/// A node's name: its own, or that of its first output, or that of its operator.
pub(super) fn node_name(node: &NodeProto) -> &str {
    let names = [Some(&node.name), node.output.first(), Some(&node.op_type)];
    names.into_iter().flatten().find(|name| !name.is_empty()).map_or("?", String::as_str)
}

/// Operator and name of a node, as errors have them.
pub(super) fn label(node: &NodeProto) -> String {
    format!("{} `{}`", node.op_type, node_name(node))
}

/// What a node computes, in terms of nodes that have been added.
pub(super) struct Computed {
    pub(super) op: Op,
    pub(super) inputs: Vec<NodeId>,
    pub(super) shape: Vec<usize>,
    pub(super) element: ElementType,
}

/// A node with its operands and attributes.
pub(super) struct Call<'a> {
    /// The version of the operator set that the operator belongs to: of its own domain.
    pub(super) opset: i64,
    pub(super) attributes: Attributes<'a>,
    pub(super) builder: &'a mut Builder,
    /// Operator and name, for errors.
    label: String,
    name: &'a str,
    /// The tensors that the node yields; `""` where one is left out.
    outputs: &'a [String],
    operands: Vec<Option<NodeId>>,
    /// Nodes from here on are parts of this one.
    first_part: usize,
}

impl<'a> Call<'a> {
    /// `operands` are the node's, `None` where one is left out.
    pub(super) fn new(
        node: &'a NodeProto,
        operands: Vec<Option<NodeId>>,
        opset: i64,
        builder: &'a mut Builder,
    ) -> Result<Self, Error> {
        let name = node_name(node);
        let label = label(node);
        let attributes = Attributes::new(node, &label)?;
        let (outputs, first_part) = (node.output.as_slice(), builder.count());
        Ok(Self { opset, attributes, builder, label, name, outputs, operands, first_part })
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Node { node: self.label.clone(), reason: reason.into() }
    }

    /// How many operands there are, left-out ones included.
    pub(super) fn operand_count(&self) -> usize {
        self.operands.len()
    }

    /// A required operand; `role` is its name in the ONNX specification.
    pub(super) fn operand(&self, at: usize, role: &str) -> Result<NodeId, Error> {
        self.optional(at).ok_or_else(|| self.refuse(format!("operand {at} (`{role}`) is missing")))
    }

    pub(super) fn optional(&self, at: usize) -> Option<NodeId> {
        self.operands.get(at).copied().flatten()
    }

    pub(super) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.builder.node(id).shape.clone()
    }

    pub(super) fn element(&self, id: NodeId) -> ElementType {
        self.builder.node(id).element
    }

    /// The values of a constant, unless they are integers beyond what is exact: those only [`Call::constant_ints`] has.
    pub(super) fn constant(&self, id: NodeId) -> Option<&[f64]> {
        self.builder.constant(id)
    }

    /// The values of an operand that must be constant, such as `scales`.
    pub(super) fn constant_values(&self, id: NodeId, role: &str) -> Result<&[f64], Error> {
        self.constant(id)
            .ok_or_else(|| self.refuse(format!("operand `{role}` is computed from the inputs; make it a constant")))
    }

    /// The integers of an operand that must be constant, such as `axes`.
    pub(super) fn constant_ints(&self, id: NodeId, role: &str) -> Result<Vec<i64>, Error> {
        if !self.element(id).is_integer() {
            return Err(
                self.refuse(format!("operand `{role}` has elements of type {}, expected integers", self.element(id)))
            );
        }
        match self.builder.constant_ints(id) {
            Some(values) => Ok(values),
            None => Err(self.refuse(format!(
                "operand `{role}` is computed from the inputs, so the shape is not fixed; make it a constant"
            ))),
        }
    }

    pub(super) fn require_float(&self, id: NodeId, role: &str) -> Result<(), Error> {
        match self.element(id).is_float() {
            true => Ok(()),
            false => {
                Err(self.refuse(format!("operand `{role}` has elements of type {}, expected floats", self.element(id))))
            }
        }
    }

    pub(super) fn require_number(&self, id: NodeId, role: &str) -> Result<(), Error> {
        match self.element(id) {
            ElementType::Bool => {
                Err(self.refuse(format!("operand `{role}` is boolean, expected numbers; Cast it first")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn require_same_type(&self, a: NodeId, b: NodeId) -> Result<(), Error> {
        let (a, b) = (self.element(a), self.element(b));
        match a == b {
            true => Ok(()),
            false => Err(self.refuse(format!("operands have types {a} and {b}, expected one type; Cast one of them"))),
        }
    }

    /// An axis of a tensor of rank `rank`; negative ones count from the end, in every operator set, as ONNX Runtime has
    /// it.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Error> {
        // A rank is at most 32.
        let signed = rank as i64;
        let resolved = if axis < 0 { axis.checked_add(signed) } else { Some(axis) };
        match resolved.filter(|resolved| (0..signed).contains(resolved)) {
            Some(resolved) => Ok(resolved as usize),
            None => Err(self.refuse(format!(
                "axis {axis} lies outside of a tensor of rank {rank}: expected -{rank} to {rank} - 1"
            ))),
        }
    }

    /// Axes of a tensor of rank `rank`, ascending.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Error> {
        if axes.len() > rank {
            return Err(self.refuse(format!("{} axes for a tensor of rank {rank}", axes.len())));
        }
        let mut resolved = axes.iter().map(|&axis| self.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        resolved.sort_unstable();
        match resolved.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(self.refuse(format!("axes {axes:?} name an axis twice"))),
            false => Ok(resolved),
        }
    }

    /// An operand's data as it is, in another shape.
    pub(super) fn copy(&mut self, id: NodeId, shape: Vec<usize>) -> Result<Computed, Error> {
        let element = self.element(id);
        let len = self.builder.node(id).len();
        self.rearrange(vec![id], shape, element, (0..len).map(|element| (0, element)))
    }

    /// Data movement: `sources` are (operand, element).
    pub(super) fn rearrange(
        &mut self,
        inputs: Vec<NodeId>,
        shape: Vec<usize>,
        element: ElementType,
        sources: impl Iterator<Item = (usize, usize)>,
    ) -> Result<Computed, Error> {
        // Before the sources are collected, so that a huge shape allocates nothing.
        self.builder.check_room(&shape)?;
        // Both fit: nodes and elements are limited to 32 bits.
        let sources = sources.map(|(input, element)| Source { input: input as u32, element: element as u32 }).collect();
        Ok(Computed { op: Op::Rearrange { sources }, inputs, shape, element })
    }

    /// Whether the model reads, or may read, output `at`.
    pub(super) fn wants(&self, at: usize) -> bool {
        self.outputs.get(at).is_some_and(|name| !name.is_empty())
    }

    /// How many outputs the node names, left-out ones before the last included.
    pub(super) fn output_count(&self) -> usize {
        self.outputs.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }

    /// Adds a node that is part of this one, and named after it.
    pub(super) fn part(&mut self, suffix: &str, computed: Computed) -> Result<NodeId, Error> {
        let (name, tensor) = self.part_names(suffix);
        self.add(name, tensor, computed)
    }

    /// Names of a part: of the node, and of the tensor that it yields.
    pub(super) fn part_names(&mut self, suffix: &str) -> (String, String) {
        let output = self.outputs.iter().find(|name| !name.is_empty()).map_or(self.name, String::as_str);
        (format!("{}.{suffix}", self.name), self.builder.free_name(format!("{output}.{suffix}")))
    }

    /// Operator and name, as errors have them.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Adds a constant that this node needs.
    pub(super) fn scalar(&mut self, suffix: &str, value: f64, element: ElementType) -> Result<NodeId, Error> {
        self.constant_tensor(suffix, vec![], vec![value], element)
    }

    /// Runs an importer, adds what the node yields, once its attributes have all been read, and says which node yields
    /// each of its outputs.
    pub(super) fn run(mut self, import: Import) -> Result<Vec<(&'a str, NodeId)>, Error> {
        let yielded = match import {
            Import::One(import) => Yielded::One(import(&mut self)?),
            Import::Composed(import) => Yielded::Several(vec![import(&mut self)?]),
            Import::Several(import) => Yielded::Several(import(&mut self)?),
            Import::Branch => return Err(self.refuse("is not to be imported as a node")),
        };
        let possible = match &yielded {
            Yielded::One(_) => 1,
            Yielded::Several(nodes) => nodes.len(),
        };
        let asked = self.output_count();
        if asked > possible {
            let outputs = self.outputs.join("`, `");
            return Err(
                self.refuse(format!("has outputs `{outputs}`, but only {possible} of them can be computed here"))
            );
        }
        if asked == 0 {
            return Err(self.refuse("names no output"));
        }
        let mut bound = vec![];
        match yielded {
            Yielded::One(computed) => {
                let (name, output) = (self.name.to_owned(), &self.outputs[0]);
                bound.push((output.as_str(), self.add(name, output.clone(), computed)?));
            }
            Yielded::Several(nodes) => {
                let mut renamed = BTreeSet::new();
                let outputs = nodes.into_iter().zip(self.outputs).filter(|(_, output)| !output.is_empty());
                for (id, output) in outputs {
                    let name = self.name.to_owned();
                    // An operand that is handed on, or a part that is two outputs at once, keeps its own name.
                    let id = if id.0 as usize >= self.first_part && renamed.insert(id) {
                        self.builder.rename(id, name, output.clone());
                        id
                    } else {
                        let copy = self.copy(id, self.shape(id))?;
                        self.add(name, output.clone(), copy)?
                    };
                    bound.push((output.as_str(), id));
                }
            }
        }
        self.attributes.finish(self.opset)?;
        Ok(bound)
    }

    fn add(&mut self, name: String, tensor: String, computed: Computed) -> Result<NodeId, Error> {
        let Computed { op, inputs, shape, element } = computed;
        self.builder.add(Node { name, tensor, op, inputs, shape, element }, &self.label)
    }
}

/// What an importer made of a node.
enum Yielded {
    One(Computed),
    Several(Vec<NodeId>),
}
