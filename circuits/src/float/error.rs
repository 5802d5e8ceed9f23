//! What can go wrong when a float graph is run.

use super::ElementType;
use crate::escaped;

/// What can go wrong when a float graph is checked or run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A graph that no import makes: hand-written, or read from a damaged file.
    #[error("the graph is inconsistent at node `{node}`: {reason}", node = escaped(node), reason = escaped(reason))]
    Malformed {
        /// Name of the node.
        node: String,
        /// What does not fit.
        reason: String,
    },
    /// Not one tensor per input.
    #[error("the model has {expected} inputs, but {got} tensors were given")]
    InputCount {
        /// How many the graph has.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// A tensor of another shape than the input's.
    #[error(
        "input `{input}` has shape {expected:?}, but a tensor of shape {got:?} with {values} values was given",
        input = escaped(input)
    )]
    InputShape {
        /// Name of the input.
        input: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The tensor's shape.
        got: Vec<usize>,
        /// How many values the tensor has.
        values: usize,
    },
    /// A tensor of another type than the input's.
    #[error("input `{input}` has elements of type {expected}, but {got} values were given", input = escaped(input))]
    InputType {
        /// Name of the input.
        input: String,
        /// Its type.
        expected: ElementType,
        /// What came.
        got: &'static str,
    },
    /// An index outside of a Gather's table.
    #[error(
        "Gather `{node}` reads row {index}, but its table has {rows} rows: give indices in [-{rows}, {rows})",
        node = escaped(node)
    )]
    Index {
        /// Name of the node.
        node: String,
        /// The index.
        index: f64,
        /// How many rows the table has.
        rows: usize,
    },
    /// A value that is NaN or infinite.
    #[error(
        "`{node}` yields {value} at element {element}: its operands are too large, or not finite",
        node = escaped(node)
    )]
    NonFinite {
        /// Name of the node.
        node: String,
        /// Flat index.
        element: usize,
        /// The value.
        value: f64,
    },
    /// An integer that its type, or exact arithmetic, cannot hold.
    #[error(
        "`{node}` yields {value}, which {element} cannot hold exactly here (its limits are those of the type, and 2^53)",
        node = escaped(node)
    )]
    Overflow {
        /// Name of the node.
        node: String,
        /// The node's type.
        element: ElementType,
        /// The value, rounded.
        value: f64,
    },
    /// tract refused or failed to run a model that import accepted.
    #[error("the float32 reference (tract) failed to {stage}: {reason}", reason = escaped(reason))]
    Reference {
        /// What it was doing.
        stage: &'static str,
        /// Its own words.
        reason: String,
    },
}
