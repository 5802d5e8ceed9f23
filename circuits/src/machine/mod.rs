//! The machine: one family of columns and gates that runs every model.

mod builder;
mod circuit;
mod columns;
mod equation;
mod field;
mod gadgets;
mod gates;
mod label;
mod layout;
mod lower;
mod plan;
pub(crate) mod room;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod units;
mod wire;

pub use circuit::{Machine, MachineConfig, MachineParams, configure};
pub use columns::{Column, Witness};
pub use field::fr_from_i128;
pub use gates::lookup::LookupColumns;
pub use layout::{CONTEXT_INSTANCES, Layout};
pub(crate) use plan::MAX_LIMB_BITS;
pub use plan::{MAX_K, Objective, Plan, plan};
pub use shape::{RESERVED_ROWS, Shape, usable_rows};
pub(crate) use units::{Estimate, estimate};
pub use wire::{Values, Wire};

use crate::int;

/// What keeps a graph from becoming a machine.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sum could exceed what the field holds.
    #[error("a sum of the circuit needs {bits:.0} bits, more than the 250 that the field holds: lower --bits")]
    Wraps {
        /// Bits of the sum's bound.
        bits: f64,
    },
    /// A fixed coefficient exceeds 64 bits.
    #[error("a coefficient of the circuit exceeds 64 bits: lower --bits")]
    WeightOverflow,
    /// A divisor that could be zero or negative.
    #[error("the divisor of node '{node}' may be zero", node = crate::escaped(node))]
    DivisorMayBeZero {
        /// The node.
        node: String,
    },
    /// A value of a run exceeds 64 bits.
    #[error("value {wire} of the run exceeds 64 bits: the trace is not one of this program")]
    WireOverflow {
        /// Index of the wire.
        wire: u32,
    },
    /// A trace that lacks a value.
    #[error("the trace lacks element {element} of node {node}: it is not one of this program")]
    TraceOfAnotherGraph {
        /// Index of the node.
        node: u32,
        /// Index of the element.
        element: u32,
    },
    /// A value for which a table has no row.
    #[error("{key} is no key of table '{table}': the trace is not one of this program", table = crate::escaped(table))]
    NotInTable {
        /// Name of the table.
        table: String,
        /// What was looked up.
        key: i64,
    },
    /// A graph that no shape holds.
    #[error(
        "the model needs 2^{k} rows or more, this version lays out at most 2^{max}: lower --bits or use a smaller model"
    )]
    TooLarge {
        /// log2 of the rows that the best shape needs at the least.
        k: u32,
        /// log2 of the rows that are allowed.
        max: u32,
    },
    /// A graph whose ranges are not what its operators yield: every bound in the circuit rests on them.
    #[error("the graph is not well formed: {0}")]
    Graph(int::Error),
    /// A public value without a cell. Nothing would tie it to the computation.
    #[error("public value {index} has no cell: a defect of the compiler, please report it")]
    Unplaced {
        /// Position after the context.
        index: usize,
    },
    /// A value that is read more often than was counted. What stood for it is gone.
    #[error(
        "element {element} of node {node} is read more often than counted: a defect of the compiler, please report it"
    )]
    NotCounted {
        /// Index of the node.
        node: u32,
        /// Index of the element.
        element: usize,
    },
    /// A lookup whose output the equation does not hold.
    #[error("an equation lacks the lookup of its highest limb: a defect of the compiler, please report it")]
    NoLookup,
    /// A width of limbs that is not planned for.
    #[error("limbs of {got} bits: {min} to {max} are supported; compile the model again")]
    LimbBits {
        /// What came.
        got: u32,
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// A plan that another compiler made.
    #[error("the program says k = {expected}, its graph needs {got}: compile the model again with this version")]
    PlanMismatch {
        /// What the plan says.
        expected: u32,
        /// What the graph needs.
        got: u32,
    },
    /// The witness of an honest run does not satisfy the circuit.
    #[error("row {row}: {what}: the equation that ends here does not hold: a defect of the compiler, please report it")]
    EquationFails {
        /// Last row of the equation.
        row: usize,
        /// What it says, of which node and element.
        what: String,
    },
}
