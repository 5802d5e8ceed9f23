//! The integer graph: the meaning of a program.
//!
//! Everything here is exact. A tensor holds `i64` values; the real number that a value stands for is
//! `value * 2^-frac_bits`. An operator's integer semantics is stated on its variant of [`Op`], and the
//! [executor](execute) is that semantics run: the witness, the circuit and every test agree with it bit for bit.
//!
//! Nodes stand in topological order: a node reads only nodes before it.

mod analyze;
mod bounds;
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
pub(crate) use ops::contraction::Contraction;

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

/// One of the two tensors that [`Op::MatMul`] and [`Op::Conv`] multiply, in the shape that it is read in: an operand's elements
/// count, not the shape of the node that computes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Factor {
    /// The node's next operand.
    Computed {
        /// Row-major.
        shape: Vec<usize>,
    },
    /// Weights. A weight of zero costs nothing.
    Fixed {
        /// Row-major.
        shape: Vec<usize>,
        /// One per element. `|value| < 2^40`.
        values: Vec<i64>,
    },
}

/// How the kernel of [`Op::Conv`] moves: a list has one entry for each axis that it moves over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// By how many elements it moves. 1 at the least.
    pub strides: Vec<usize>,
    /// Zeros before and after the data.
    pub pads: Vec<[usize; 2]>,
    /// How far apart neighbouring taps read. 1 at the least.
    pub dilations: Vec<usize>,
    /// Groups of channels that are convolved on their own.
    pub groups: usize,
}

/// How a quotient becomes an integer. Both are defined for either sign, and neither is symmetric about 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// To the nearest, a half towards plus infinity: `-3/2` becomes -1.
    HalfUp,
    /// Towards minus infinity: `-1/2` becomes -1. A truncated remainder is none.
    Floor,
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
    /// `y[i] = a[i] * 2^shift / b[j]`, rounded, `j = divisor[i]`: with [`Rounding::HalfUp`]
    /// `floor((2 * a[i] * 2^shift + b[j]) / (2 * b[j]))`, with [`Rounding::Floor`] `floor(a[i] * 2^shift / b[j])`.
    /// Operand 0 is `a`, of either sign, operand 1 is `b`, proven to be `b >= 1`.
    Divide {
        /// Fraction bits of the quotient.
        shift: u32,
        /// One index into operand 1 per output element.
        divisor: Vec<u32>,
        /// What becomes of a fraction.
        rounding: Rounding,
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
    /// `y[.., i, j] = sum over t of left[.., i, t] * right[.., t, j]`, where leading axes broadcast. Exact. One factor may be
    /// fixed.
    MatMul {
        /// `[.., m, k]`.
        left: Factor,
        /// `[.., k, n]`.
        right: Factor,
    },
    /// `y[s, g * F + f, o] = sum over c, t of data[s, g * C + c, o * stride + t * dilation - pad] * kernel[g * F + f, c, t]`, where
    /// data outside of its axes is 0; over one to three axes. Exact. One factor may be fixed.
    Conv {
        /// `[N, groups * C, D1, ..]`.
        data: Factor,
        /// `[groups * F, C, k1, ..]`.
        kernel: Factor,
        /// How the kernel moves.
        window: Window,
    },
    /// `y[i] = 1` if `x[i] >= 0`, else 0.
    Step,
    /// `y[i] = floor(sqrt(x[i] * 2^shift))`, for `x[i]` proven not to be negative and `x[i] * 2^shift` to be below `2^62`.
    SquareRoot {
        /// Fraction bits that the root gets beyond half of the operand's, twice as many. At most 40.
        shift: u32,
    },
    /// `y[i] = 1` if `x[i] = 0`, else 0.
    IsZero,
}

impl Factor {
    /// The shape that it is read in.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Computed { shape } | Self::Fixed { shape, .. } => shape,
        }
    }

    /// Its weights, if it is fixed.
    pub fn values(&self) -> Option<&[i64]> {
        match self {
            Self::Computed { .. } => None,
            Self::Fixed { values, .. } => Some(values),
        }
    }
}

impl Op {
    /// The names of all operators, as [`Self::name`] gives them: for tests that every level knows each.
    pub const NAMES: [&str; 18] = [
        "Input",
        "Constant",
        "Rearrange",
        "Linear",
        "SumOfProducts",
        "Shift",
        "Relu",
        "Piecewise",
        "Max",
        "ArgMax",
        "Divide",
        "Gather",
        "EmbeddingSum",
        "MatMul",
        "Conv",
        "Step",
        "SquareRoot",
        "IsZero",
    ];

    /// The operator's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input { .. } => "Input",
            Self::Constant { .. } => "Constant",
            Self::Rearrange { .. } => "Rearrange",
            Self::Linear { .. } => "Linear",
            Self::SumOfProducts { .. } => "SumOfProducts",
            Self::Shift { .. } => "Shift",
            Self::Relu => "Relu",
            Self::Piecewise { .. } => "Piecewise",
            Self::Max { .. } => "Max",
            Self::ArgMax { .. } => "ArgMax",
            Self::Divide { .. } => "Divide",
            Self::Gather { .. } => "Gather",
            Self::EmbeddingSum { .. } => "EmbeddingSum",
            Self::MatMul { .. } => "MatMul",
            Self::Conv { .. } => "Conv",
            Self::Step => "Step",
            Self::SquareRoot { .. } => "SquareRoot",
            Self::IsZero => "IsZero",
        }
    }
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
    /// A value `v` stands for `v * 2^-frac_bits`, unless elements have scales of their own: then this is what an element of ordinary
    /// size would have.
    pub frac_bits: i32,
    /// Fraction bits of each element, where they differ; otherwise empty.
    pub element_bits: Vec<i32>,
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

    /// Fraction bits of one element: its value `v` stands for `v * 2^-frac_bits_of(element)`.
    pub fn frac_bits_of(&self, element: usize) -> i32 {
        self.element_bits.get(element).copied().unwrap_or(self.frac_bits)
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
