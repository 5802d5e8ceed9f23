//! What can be wrong with an integer graph, or with a run of one.

use super::Interval;
use crate::escaped;

/// Why a graph was refused, or a run of it stopped.
///
/// `node` is [`super::Node::name`], `element` a flat row-major index in that node's output.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A node reads one that does not stand before it.
    #[error(
        "node `{node}` reads node #{operand}, which does not stand before it: the graph is not in topological order",
        node = escaped(node)
    )]
    OperandOrder {
        /// The reader.
        node: String,
        /// Index of what it reads.
        operand: u32,
    },
    /// A node has too few or too many operands for its operator.
    #[error("node `{node}` has {got} operands, its operator takes {expected}", node = escaped(node))]
    OperandCount {
        /// Whose operands.
        node: String,
        /// How many it must have, in words.
        expected: &'static str,
        /// How many it has.
        got: usize,
    },
    /// A list has the wrong length.
    #[error("node `{node}`: {what}: expected {expected}, got {got}", node = escaped(node))]
    Length {
        /// Whose list.
        node: String,
        /// Which list.
        what: &'static str,
        /// Its length by the node's shape.
        expected: usize,
        /// Its length.
        got: usize,
    },
    /// An element that does not exist is read.
    #[error(
        "node `{node}`, output element {element}, reads element {source_element} of operand {input}, which has {available}",
        node = escaped(node)
    )]
    NoSuchElement {
        /// The reader.
        node: String,
        /// Which of its outputs.
        element: usize,
        /// Position in its operands.
        input: u32,
        /// What it reads there.
        source_element: u32,
        /// How many elements that operand has.
        available: usize,
    },
    /// A source occurs twice in a row of [`super::Op::Linear`], or a weight is zero.
    #[error("node `{node}`, row {element}: {what}; merge equal sources and drop zero weights", node = escaped(node))]
    NotNormal {
        /// Whose row.
        node: String,
        /// Which row.
        element: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two factors that have no product.
    #[error("node `{node}` multiplies tensors of shapes {left:?} and {right:?}: {what}", node = escaped(node))]
    Factors {
        /// Whose factors.
        node: String,
        /// What must hold of their shapes.
        what: &'static str,
        /// Of the matrix on the left, or the data.
        left: Vec<usize>,
        /// Of the matrix on the right, or the kernel.
        right: Vec<usize>,
    },
    /// A constant stands outside what the format allows.
    #[error("node `{node}`: {what} is {value}, allowed is {allowed}", node = escaped(node))]
    Limit {
        /// Whose constant.
        node: String,
        /// Which constant.
        what: &'static str,
        /// Its value.
        value: i128,
        /// What is allowed.
        allowed: Interval,
    },
    /// A name occurs twice, or an output names a node that does not exist, or there is none.
    #[error("{what} `{name}`", name = escaped(name))]
    Interface {
        /// What is wrong.
        what: &'static str,
        /// The name of the input or output.
        name: String,
    },
    /// A table that is named does not exist.
    #[error("node `{node}` names piecewise table {table}, the graph has {available}", node = escaped(node))]
    NoSuchTable {
        /// Who names it.
        node: String,
        /// Its index.
        table: u32,
        /// How many there are.
        available: usize,
    },
    /// A declared range is narrower than what the node can produce.
    #[error(
        "node `{node}`, element {element}: declared range {declared}, but it can take {computed}",
        node = escaped(node)
    )]
    RangeTooNarrow {
        /// Whose range.
        node: String,
        /// Which element.
        element: usize,
        /// What the graph says.
        declared: Interval,
        /// What interval analysis finds.
        computed: Interval,
    },
    /// A sum can leave 62 bits.
    #[error(
        "the accumulator of node `{node}` (element {element}) can reach 2^{log2:.1}, the limit is 2^62: \
         use fewer fraction bits (--bits) or declare narrower input ranges",
        node = escaped(node)
    )]
    AccumulatorTooWide {
        /// Whose accumulator.
        node: String,
        /// Which element.
        element: usize,
        /// log2 of the greatest sum of magnitudes.
        log2: f64,
    },
    /// An argument can leave the domain of an operator.
    #[error("node `{node}`, element {element}: {what} is {got}, allowed is {allowed}: {advice}", node = escaped(node))]
    OutsideDomain {
        /// Whose argument.
        node: String,
        /// Which output element.
        element: usize,
        /// Which argument.
        what: &'static str,
        /// What it is, or can be.
        got: Interval,
        /// What it may be.
        allowed: Interval,
        /// What to do.
        advice: &'static str,
    },
    /// A run got too few or too many input tensors.
    #[error("the graph has {expected} inputs, got {got} tensors")]
    InputCount {
        /// How many the graph has.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// An input tensor has the wrong number of elements.
    #[error("input `{name}` has {expected} elements, got {got}", name = escaped(name))]
    InputLength {
        /// Which input.
        name: String,
        /// By its shape.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// A value of an input stands outside its declared range.
    #[error(
        "input `{name}`, element {element}: value {value} is outside its declared range {allowed}",
        name = escaped(name)
    )]
    InputOutOfRange {
        /// Which input.
        name: String,
        /// Which element.
        element: usize,
        /// What came, quantized.
        value: i64,
        /// What is allowed, quantized.
        allowed: Interval,
    },
    /// A computed value stands outside its node's declared range: the graph was not validated.
    #[error(
        "node `{node}`, element {element}: value {value} is outside its declared range {declared}",
        node = escaped(node)
    )]
    ValueOutOfRange {
        /// Whose value.
        node: String,
        /// Which element.
        element: usize,
        /// What was computed.
        value: i128,
        /// What the graph says.
        declared: Interval,
    },
}
