//! The integer graph: the meaning of a program.
//!
//! Everything here is exact. A tensor holds `i64` values; the real number that a value stands for is
//! `value * 2^-frac_bits`. An operator's integer semantics is stated on its variant of [`Op`], and the
//! [executor](execute) is that semantics run: the witness, the circuit and every test agree with it bit for bit.
//!
//! Nodes stand in topological order: a node reads only nodes before it.

mod analyze;
mod builder;
mod error;
mod execute;
mod extremes;
mod hulls;
mod interval;
pub mod limits;
mod ops;
mod piecewise;
mod structure;
#[cfg(test)]
pub(crate) mod tests;

pub use builder::Builder;
pub use error::Error;
pub use execute::{Executor, Trace, execute};
pub use interval::Interval;

use serde::{Deserialize, Serialize};

/// Index of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// One element of one of a node's operands: `inputs[input]`, flat row-major index `element`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Position in [`Node::inputs`].
    pub input: u32,
    /// Flat row-major index in that operand.
    pub element: u32,
}

/// `weight * x[source]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What is multiplied.
    pub source: Source,
    /// By what. `|weight| < 2^40`.
    pub weight: i64,
}

/// One output of [`Op::Linear`]: `bias + sum(terms)`, exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Added to the sum, at the output's scale.
    pub bias: i64,
    /// What is summed. A source appears at most once; a weight is never zero.
    pub terms: Vec<Term>,
}

/// A function of one integer, linear on segments of `2^segment_bits` integers, with fixed tables.
///
/// For `x` in `[lo, lo + len * 2^segment_bits)`, with `d = x - lo`, `i = d >> segment_bits` and
/// `t = d mod 2^segment_bits`: `y = floor((base[i] + slope[i] * t + half) / 2^out_shift)`,
/// where `half = 2^(out_shift - 1)`, or 0 if `out_shift` is 0. A plain table has `segment_bits = 0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piecewise {
    /// What it approximates, for messages and reports: `"sigmoid"`, `"exp"`.
    pub name: String,
    /// The smallest argument.
    pub lo: i64,
    /// log2 of the length of a segment, 0 to 24.
    pub segment_bits: u32,
    /// Value at the start of each segment, before `out_shift`. `|base| < 2^40`.
    pub base: Vec<i64>,
    /// Increment per unit within each segment, before `out_shift`. `|slope| < 2^32`. As many as `base`.
    pub slope: Vec<i64>,
    /// Low bits dropped from the result, rounding half up.
    pub out_shift: u32,
}

/// What a node computes. `x`, `a`, `b` are its operands, `y` its output; indices are flat and row-major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// A public input. Its declared range is the node's range and is enforced in the circuit.
    Input {
        /// The ONNX input's name.
        name: String,
    },
    /// Fixed values.
    Constant {
        /// One per element.
        values: Vec<i64>,
    },
    /// `y[i] = sources[i]`: reshape, transpose, slice, concatenation, broadcast. Costs nothing.
    Rearrange {
        /// One per output element.
        sources: Vec<Source>,
    },
    /// `y[i] = rows[i].bias + sum(weight * source)`: dense layers, sums, scaling, addition. Exact; nothing is rounded.
    Linear {
        /// One per output element.
        rows: Vec<Row>,
    },
    /// `y[i] = sum over pairs of first * second`: products of two computed values. Exact.
    SumOfProducts {
        /// One list per output element.
        rows: Vec<Vec<(Source, Source)>>,
    },
    /// `y[i] = floor((x[i] + 2^(bits-1)) / 2^bits)`, `1 <= bits <= 40`: rounds half up.
    Shift {
        /// How many low bits are dropped.
        bits: u32,
    },
    /// `y[i] = max(x[i], 0)`.
    Relu,
    /// `y[i] = piecewise(x[i])`, for `x[i]` proven to be in its domain.
    Piecewise {
        /// Index in [`Graph::piecewise`].
        table: u32,
    },
    /// `y[i] = max of x over groups[i]`.
    Max {
        /// Elements of the operand, one non-empty list per output element.
        groups: Vec<Vec<u32>>,
    },
    /// `y[i] =` position within `groups[i]` of the first greatest element.
    ArgMax {
        /// As for [`Op::Max`].
        groups: Vec<Vec<u32>>,
    },
    /// `y[i] = floor((2 * a[i] * 2^shift + b[j]) / (2 * b[j]))`, `j = divisor[i]`: quotient rounded half up.
    /// Operand 0 is `a >= 0`, operand 1 is `b >= 1`, both proven; `a[i] <= 2^20 * b[j]` need not hold.
    Divide {
        /// Fraction bits of the quotient.
        shift: u32,
        /// One index into operand 1 per output element.
        divisor: Vec<u32>,
    },
    /// `y[i * width + d] = rows[x[i]][d]`, for `x[i]` proven to be in `[0, rows.len())`.
    Gather {
        /// The table, row by row: `[vocabulary][width]`.
        rows: Vec<Vec<i64>>,
    },
    /// `y[g * width + d] = sum over e in groups[g] of rows[x[e]][d]`: a bag of embeddings.
    EmbeddingSum {
        /// The table, row by row: `[vocabulary][width]`.
        rows: Vec<Vec<i64>>,
        /// Elements of the operand that are summed, one list per bag.
        groups: Vec<Vec<u32>>,
    },
    /// `y[i] = 1` if `x[i] >= 0`, else 0.
    Step,
    /// `y[i] = floor(sqrt(x[i] * 2^shift))`, for `x[i]` proven not to be negative and `x[i] * 2^shift` to be below `2^62`.
    SquareRoot {
        /// Fraction bits that the root gets beyond half of the operand's, twice as many. At most 40.
        shift: u32,
    },
}

/// An operator with its operands and what is known of its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Name for messages: the ONNX node's, with a suffix where one became several.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// Operands.
    pub inputs: Vec<NodeId>,
    /// Output shape, row-major.
    pub shape: Vec<usize>,
    /// A value `v` stands for `v * 2^-frac_bits`.
    pub frac_bits: i32,
    /// Proven range of each element (one entry), or of each on its own (as many as elements).
    pub ranges: Vec<Interval>,
}

/// A named output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The ONNX output's name.
    pub name: String,
    /// What computes it.
    pub node: NodeId,
}

/// A model in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// In topological order. The inputs' order is the order of the public instance.
    pub nodes: Vec<Node>,
    /// Functions that [`Op::Piecewise`] names.
    pub piecewise: Vec<Piecewise>,
    /// In the order of the public instance.
    pub outputs: Vec<Output>,
}

impl Node {
    /// How many elements the output has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The ONNX input's name, of an input; of others the node's.
    pub fn input_name(&self) -> &str {
        match &self.op {
            Op::Input { name } => name,
            _ => &self.name,
        }
    }

    /// Whether the output has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Proven range of one element.
    pub fn range(&self, element: usize) -> Interval {
        match self.ranges.as_slice() {
            [one] => *one,
            many => many[element],
        }
    }
}

impl Graph {
    /// The node with this index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The inputs, in the order of the public instance.
    pub fn inputs(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes).filter(|(_, node)| matches!(node.op, Op::Input { .. }))
    }
}
