//! From a model's graph to the float graph, node by node.
//!
//! A node that cannot be imported does not end the import: what it would yield is marked as failed, whatever reads that
//! is passed over, and the others are looked at, so that one run tells everything that stands in the way. What is too
//! large ends it.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

use super::builder::Builder;
use super::call::{Call, label, node_name};
use super::dims::{self, Dimension};
use super::domain::{Domain, Versions};
use super::ops::{Import, Operator, Registry};
use super::reduced::Flat;
use super::{Error, ImportOptions, Limits, Unsupported, advice, branch, order, tensor};
use crate::float::{Graph, Node, NodeId, Op, Output};

/// Problems that are told; of more only the number is.
const MAX_PROBLEMS: usize = 64;

/// What was read of a model's graph.
pub(super) struct Imported {
    /// What was open.
    pub(super) dimensions: Vec<Dimension>,
    pub(super) graph: Graph,
    /// The nodes and weights that `graph` was made of.
    pub(super) flat: Flat,
    /// What it says that is not so, and does not matter.
    pub(super) warnings: Vec<String>,
}

/// Imports `graph`.
pub(super) fn import(
    graph: &GraphProto,
    versions: &Versions,
    functions: &[FunctionProto],
    options: &ImportOptions,
) -> Result<Imported, Error> {
    let taken = tensor_names(graph)?;
    let mut importer = Importer {
        builder: Builder::new(options.limits, taken),
        tensors: HashMap::new(),
        failed: HashSet::new(),
        problems: vec![],
        warnings: vec![],
        versions,
        registry: Registry::new(),
        functions: functions.iter().map(|function| (canonical(function.domain()), function.name())).collect(),
        flat: Flat::default(),
        limits: options.limits,
    };
    importer.survey(&graph.node);
    let dimensions = importer.add_inputs(graph, options)?;
    importer.add_initializers(graph)?;
    importer.add_nodes(&graph.node)?;
    let outputs = importer.outputs(graph)?;
    match importer.problems.len() {
        0 => {}
        1 => return Err(importer.problems.swap_remove(0)),
        count => {
            importer.problems.truncate(MAX_PROBLEMS);
            let more = count - importer.problems.len();
            return Err(Error::Several { problems: importer.problems, more });
        }
    }
    importer.flat.inputs = importer.inputs(graph);
    importer.flat.outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    let (graph, flat, warnings) = (importer.builder.finish(outputs), importer.flat, importer.warnings);
    Ok(Imported { dimensions, graph, flat, warnings })
}

/// ONNX's own domain has two names.
fn canonical(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// The names of all tensors, each of which must be yielded once.
fn tensor_names(graph: &GraphProto) -> Result<HashSet<String>, Error> {
    fn claim(taken: &mut HashSet<String>, what: &'static str, name: &str) -> Result<(), Error> {
        match !name.is_empty() && taken.insert(name.to_owned()) {
            true => Ok(()),
            false => Err(Error::Name { what, name: name.to_owned() }),
        }
    }
    let mut inputs = HashSet::new();
    graph.input.iter().try_for_each(|input| claim(&mut inputs, "an input", &input.name))?;
    let mut taken = HashSet::new();
    graph.initializer.iter().try_for_each(|tensor| claim(&mut taken, "an initializer", &tensor.name))?;
    // An input may have an initializer: its default.
    taken.extend(inputs);
    let outputs = graph.node.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty());
    outputs.into_iter().try_for_each(|name| claim(&mut taken, "a node's output", name))?;
    Ok(taken)
}

/// A model while it is imported.
struct Importer<'a> {
    builder: Builder,
    /// What yields a tensor of the ONNX model.
    tensors: HashMap<String, NodeId>,
    /// Tensors that could not be computed.
    failed: HashSet<String>,
    problems: Vec<Error>,
    warnings: Vec<String>,
    versions: &'a Versions,
    registry: Registry,
    /// Domains and names of the model's own functions.
    functions: HashSet<(&'a str, &'a str)>,
    flat: Flat,
    limits: Limits,
}

impl Importer<'_> {
    /// Whether `node` calls a function of the model's own, which hides an operator of its name.
    fn calls_function(&self, node: &NodeProto) -> bool {
        self.functions.contains(&(canonical(&node.domain), node.op_type.as_str()))
    }

    fn lookup(&self, node: &NodeProto) -> Option<(Domain, Operator)> {
        if self.calls_function(node) {
            return None;
        }
        let domain = Domain::of(&node.domain)?;
        Some((domain, self.registry.get(domain, &node.op_type)?))
    }

    /// Names all operators of `nodes` that are not supported, and the operator sets.
    fn survey(&mut self, nodes: &[NodeProto]) {
        let mut unsupported: Vec<Unsupported> = vec![];
        let mut position = HashMap::new();
        let mut used = vec![];
        for node in nodes {
            let Some((domain, _)) = self.lookup(node) else {
                let operator = match Domain::of(&node.domain) {
                    Some(domain) => domain.qualify(&node.op_type),
                    None => format!("{}:{}", node.domain, node.op_type),
                };
                let at = *position.entry(operator.clone()).or_insert(unsupported.len());
                match unsupported.get_mut(at) {
                    Some(known) => known.count += 1,
                    None => unsupported.push(Unsupported {
                        operator,
                        count: 1,
                        node: node_name(node).to_owned(),
                        advice: match self.calls_function(node) {
                            true => advice::FUNCTION,
                            false => advice::of(&node.domain, &node.op_type),
                        },
                    }),
                }
                continue;
            };
            if !used.contains(&domain) {
                used.push(domain);
            }
        }
        if !unsupported.is_empty() {
            let supported = self.registry.names().collect::<Vec<_>>().join(", ");
            self.problems.push(Error::UnknownOperators { operators: unsupported, supported });
        }
        self.problems.extend(used.into_iter().filter_map(|domain| self.versions.of(domain).err()));
    }

    fn add_inputs(&mut self, graph: &GraphProto, options: &ImportOptions) -> Result<Vec<Dimension>, Error> {
        let defaults: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let inputs: Vec<_> = graph.input.iter().filter(|input| !defaults.contains(input.name.as_str())).collect();
        let resolved = dims::resolve(&inputs, options);
        self.problems.extend(resolved.problems);
        for input in resolved.inputs {
            let name = input.name;
            let (label, tensor) = (format!("input `{name}`"), name.clone());
            let node = Node {
                name: name.clone(),
                tensor,
                op: Op::Input,
                inputs: vec![],
                shape: input.shape,
                element: input.element,
            };
            match self.builder.add(node, &label) {
                Ok(id) => drop(self.tensors.insert(name, id)),
                Err(error) => self.fail(error, std::iter::once(&name))?,
            }
        }
        let left = inputs.into_iter().map(|input| &input.name).filter(|name| !self.tensors.contains_key(*name));
        self.failed.extend(left.cloned());
        Ok(resolved.dimensions)
    }

    fn add_initializers(&mut self, graph: &GraphProto) -> Result<(), Error> {
        for sparse in &graph.sparse_initializer {
            let name = sparse.values.as_ref().map_or("", |values| values.name.as_str());
            self.failed.insert(name.to_owned());
            self.problems.push(Error::Unsupported {
                what: format!("initializer `{name}` is sparse: sparse tensors are"),
                advice: "store weights as dense tensors",
            });
        }
        for proto in &graph.initializer {
            if let Err(error) = self.add_initializer(proto) {
                self.fail(error, std::iter::once(&proto.name))?;
            }
        }
        self.flat.initializers.extend(graph.initializer.iter().cloned());
        Ok(())
    }

    fn add_initializer(&mut self, proto: &TensorProto) -> Result<(), Error> {
        let what = format!("initializer `{}`", proto.name);
        let (element, tensor) = tensor::read_constant(proto, &what, self.builder.max_elements())?;
        let name = proto.name.clone();
        let id = self.builder.add_stored(name.clone(), name.clone(), element, tensor, &what)?;
        self.tensors.insert(name, id);
        Ok(())
    }

    /// Notes that what `names` are could not be had; yields the error again if it ends the import.
    fn fail<'n>(&mut self, error: Error, names: impl Iterator<Item = &'n String>) -> Result<(), Error> {
        if let Error::TooLarge { .. } = error {
            return Err(error);
        }
        self.failed.extend(names.filter(|name| !name.is_empty()).cloned());
        self.problems.push(error);
        Ok(())
    }

    fn add_nodes(&mut self, nodes: &[NodeProto]) -> Result<(), Error> {
        for at in order::topological(nodes)? {
            let node = &nodes[at];
            let reads_failed = branch::reads(node).iter().any(|name| self.failed.contains(*name));
            match self.lookup(node).filter(|_| !reads_failed) {
                Some((domain, operator)) => {
                    if let Err(error) = self.add_node(node, domain, operator) {
                        self.fail(error, node.output.iter())?;
                    }
                }
                // Either is told already.
                None => self.failed.extend(node.output.iter().filter(|name| !name.is_empty()).cloned()),
            }
        }
        Ok(())
    }

    fn add_node(&mut self, node: &NodeProto, domain: Domain, operator: Operator) -> Result<(), Error> {
        // Of a version that is not supported: told already.
        let Ok(opset) = self.versions.of(domain) else {
            self.failed.extend(node.output.iter().cloned());
            return Ok(());
        };
        let mut operands = Vec::with_capacity(node.input.len());
        for name in &node.input {
            let found = self.tensors.get(name).copied();
            if found.is_none() && !name.is_empty() {
                return Err(Error::MissingTensor { reader: label(node), tensor: name.clone() });
            }
            operands.push(found);
        }
        while operands.last() == Some(&None) {
            operands.pop();
        }
        if operands.len() > operator.max_operands {
            let reason = format!("has {} operands, expected at most {}", operands.len(), operator.max_operands);
            return Err(Error::Node { node: label(node), reason });
        }
        if let Import::Branch = operator.import {
            return self.add_branch(node, &operands);
        }
        for (output, id) in Call::new(node, operands, opset, &mut self.builder)?.run(operator.import)? {
            self.tensors.insert(output.to_owned(), id);
        }
        self.flat.nodes.push(node.clone());
        Ok(())
    }

    /// If: the nodes of the branch that its condition takes, under names of their own.
    fn add_branch(&mut self, node: &NodeProto, operands: &[Option<NodeId>]) -> Result<(), Error> {
        let refuse = |reason: &str| Error::Node { node: label(node), reason: reason.to_owned() };
        let condition = operands.first().copied().flatten().ok_or_else(|| refuse("has no condition"))?;
        let taken = match self.builder.constant(condition) {
            Some(&[taken]) => taken != 0.0,
            Some(_) => return Err(refuse("has a condition of more than one element, or of none")),
            None => {
                return Err(refuse(
                    "decides by what is computed from the inputs which of its branches is computed: a circuit computes \
                     both; replace it by Where (torch.where), or export with inputs of fixed shape if it only asks for a shape",
                ));
            }
        };
        let mut branch = branch::inlined(node, taken, |name| self.builder.free_name(name))?;
        let nodes = self.flat.nodes.len().saturating_add(branch.nodes.len());
        if nodes > self.limits.max_nodes {
            return Err(Error::TooLarge { what: "nodes", limit: self.limits.max_nodes, got: nodes });
        }
        self.survey(&branch.nodes);
        for proto in &branch.initializers {
            if let Err(error) = self.add_initializer(proto) {
                self.fail(error, std::iter::once(&proto.name))?;
            }
        }
        self.flat.initializers.append(&mut branch.initializers);
        self.add_nodes(&branch.nodes)
    }

    fn outputs(&mut self, graph: &GraphProto) -> Result<Vec<Output>, Error> {
        if graph.output.is_empty() {
            return Err(Error::NotOnnx { reason: "its graph has no outputs".into() });
        }
        let mut seen = HashSet::new();
        let mut outputs = vec![];
        for info in &graph.output {
            if !seen.insert(&info.name) {
                self.problems.push(Error::Name { what: "an output", name: info.name.clone() });
            } else if !self.failed.contains(&info.name) {
                match self.output(info) {
                    Ok(output) => outputs.push(output),
                    Err(error) => self.problems.push(error),
                }
            }
        }
        Ok(outputs)
    }

    fn output(&mut self, info: &ValueInfoProto) -> Result<Output, Error> {
        let name = info.name.clone();
        let missing = || Error::MissingTensor { reader: "the list of outputs".into(), tensor: name.clone() };
        let node = *self.tensors.get(&info.name).ok_or_else(missing)?;
        self.warnings.extend(check_declared(info, self.builder.node(node))?);
        self.builder.require_exact(node, &format!("output `{name}`"))?;
        Ok(Output { name, node })
    }

    /// The inputs with their shapes, for the reduced model.
    fn inputs(&self, graph: &GraphProto) -> Vec<Node> {
        let nodes = graph.input.iter().filter_map(|input| self.tensors.get(&input.name));
        nodes.map(|&id| self.builder.node(id)).filter(|node| node.op == Op::Input).cloned().collect()
    }
}

/// An output that declares a type must have it. Exporters declare wrong shapes, and what runs models computes on: yields the warning then.
/// Dimensions that are not positive are open.
fn check_declared(info: &ValueInfoProto, node: &Node) -> Result<Option<String>, Error> {
    let Some((data_type, shape)) = dims::declared(info) else { return Ok(None) };
    if data_type != 0 && tensor::element_type(data_type) != Ok(node.element) {
        let declared = tensor::element_type(data_type).map_or_else(|reason| reason, |element| element.to_string());
        let (output, computed) = (info.name.clone(), node.element.to_string());
        return Err(Error::Output { output, declared, computed });
    }
    let Some(shape) = shape else { return Ok(None) };
    let fits = |(declared, &computed): (&Option<i64>, &usize)| match declared {
        Some(declared) if *declared > 0 => usize::try_from(*declared) == Ok(computed),
        _ => true,
    };
    if shape.len() == node.shape.len() && shape.iter().zip(&node.shape).all(fits) {
        return Ok(None);
    }
    let declared: Vec<_> = shape.iter().map(|dim| dim.map_or_else(|| "?".to_owned(), |dim| dim.to_string())).collect();
    let (declared, computed) = (declared.join(", "), &node.shape);
    Ok(Some(format!(
        "output `{}` is declared as shape [{declared}], but the model computes shape {computed:?}: that is what is proved",
        info.name
    )))
}
