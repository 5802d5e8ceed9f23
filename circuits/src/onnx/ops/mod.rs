//! The supported operators, one file per family. Each family registers its operators in a [`Registry`].
//!
//! An importer translates one ONNX node to the float graph's few operators: it resolves attributes, knows what operator
//! sets 9 to 21 changed, and refuses what it cannot translate faithfully.

mod activation;
mod arithmetic;
mod gather;
mod linear;
mod movement;
mod reduce;
mod value;

use std::collections::BTreeMap;

use super::Error;
use super::call::{Call, Computed};

/// Translates one node.
pub(super) type Import = fn(&mut Call<'_>) -> Result<Computed, Error>;

/// How an operator is imported.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    /// The most operands that any supported operator set gives it.
    pub(super) max_operands: usize,
    pub(super) import: Import,
}

/// Operators by name.
pub(super) struct Registry(BTreeMap<&'static str, Operator>);

impl Registry {
    /// All supported operators.
    pub(super) fn new() -> Self {
        let mut registry = Self(BTreeMap::new());
        linear::register(&mut registry);
        arithmetic::register(&mut registry);
        activation::register(&mut registry);
        reduce::register(&mut registry);
        gather::register(&mut registry);
        movement::register(&mut registry);
        value::register(&mut registry);
        registry
    }

    fn add(&mut self, name: &'static str, max_operands: usize, import: Import) {
        let taken = self.0.insert(name, Operator { max_operands, import });
        debug_assert!(taken.is_none(), "{name} is registered twice");
    }

    pub(super) fn get(&self, name: &str) -> Option<Operator> {
        self.0.get(name).copied()
    }

    /// Names, in alphabetical order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}
