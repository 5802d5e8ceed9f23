//! The supported operators, one file per family. Each family registers its operators in a [`Registry`].
//!
//! An importer translates one ONNX node to the float graph's few operators: it resolves attributes, knows what each
//! operator set changed ([`Call::opset`] is the version of the operator's own domain), and refuses what it cannot
//! translate faithfully. It has one of three forms, see [`Import`].

mod activation;
mod arithmetic;
mod attention;
mod bits;
mod conv;
mod einsum;
mod function;
mod gather;
mod linear;
mod logic;
mod ml;
pub(super) mod movement;
mod normalization;
mod order;
mod pool;
mod rearrange;
mod recurrent;
mod reduce;
mod resize;
mod scatter;
mod value;
mod window;

use std::collections::BTreeMap;

use super::Error;
use super::call::{Call, Computed};
use super::domain::Domain;
use crate::float::NodeId;

/// Translates one node, whose operands, attributes and outputs a [`Call`] holds.
#[derive(Clone, Copy)]
pub(super) enum Import {
    /// To one float node, which may read parts that the importer has added before ([`Call::part`]).
    One(fn(&mut Call<'_>) -> Result<Computed, Error>),
    /// To several, added as parts ([`Call::unary`], [`Call::binary`], ..): yields the one that is the result, which
    /// then takes the ONNX node's name.
    Composed(fn(&mut Call<'_>) -> Result<NodeId, Error>),
    /// To the ONNX node's outputs, in their order. It may yield fewer than the operator has, if the node does not ask
    /// for the others ([`Call::wants`]); what it yields and nobody asked for is dropped.
    Several(fn(&mut Call<'_>) -> Result<Vec<NodeId>, Error>),
    /// To the nodes of the branch that is taken: If, which the importer of graphs itself replaces.
    Branch,
}

/// How an operator is imported.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    /// The most operands that any supported operator set gives it.
    pub(super) max_operands: usize,
    pub(super) import: Import,
}

/// Operators by domain and name.
pub(super) struct Registry(BTreeMap<(Domain, &'static str), Operator>);

impl Registry {
    /// All supported operators.
    pub(super) fn new() -> Self {
        let mut registry = Self(BTreeMap::new());
        linear::register(&mut registry);
        arithmetic::register(&mut registry);
        attention::register(&mut registry);
        bits::register(&mut registry);
        conv::register(&mut registry);
        pool::register(&mut registry);
        normalization::register(&mut registry);
        function::register(&mut registry);
        logic::register(&mut registry);
        activation::register(&mut registry);
        reduce::register(&mut registry);
        order::register(&mut registry);
        rearrange::register(&mut registry);
        recurrent::register(&mut registry);
        einsum::register(&mut registry);
        resize::register(&mut registry);
        scatter::register(&mut registry);
        gather::register(&mut registry);
        movement::register(&mut registry);
        value::register(&mut registry);
        ml::register(&mut registry);
        registry.add_in(Domain::Onnx, "If", 1, Import::Branch);
        registry
    }

    /// An operator of ONNX's own that becomes one float node: see [`Import::One`].
    fn add(&mut self, name: &'static str, max_operands: usize, import: fn(&mut Call<'_>) -> Result<Computed, Error>) {
        self.add_in(Domain::Onnx, name, max_operands, Import::One(import));
    }

    /// An operator of ONNX's own that is composed of parts: see [`Import::Composed`].
    fn compose(&mut self, name: &'static str, max_operands: usize, import: fn(&mut Call<'_>) -> Result<NodeId, Error>) {
        self.add_in(Domain::Onnx, name, max_operands, Import::Composed(import));
    }

    /// An operator of any domain and form.
    fn add_in(&mut self, domain: Domain, name: &'static str, max_operands: usize, import: Import) {
        let taken = self.0.insert((domain, name), Operator { max_operands, import });
        debug_assert!(taken.is_none(), "{name} is registered twice");
    }

    pub(super) fn get(&self, domain: Domain, name: &str) -> Option<Operator> {
        self.0.get(&(domain, name)).copied()
    }

    /// Names with their domains, unless that is ONNX's own, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(|(domain, name)| domain.qualify(name))
    }
}
