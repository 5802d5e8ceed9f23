//! The float graph: what an ONNX model computes, before it is quantized.
//!
//! [`crate::onnx::import`] makes it. Shapes are static, attributes are resolved, whatever could be computed from
//! constants alone has been, and the differences between operator sets are gone. Values are real numbers, held as
//! `f64`; a tensor of integers or booleans holds integers (booleans are 0 and 1) of magnitude at most 2^53, so that
//! each is exact.
//!
//! Nodes stand in topological order: a node reads only nodes before it. All data is row-major.
//!
//! | part | what it does |
//! |---|---|
//! | [`Graph`], [`Node`], [`Op`] | the graph |
//! | [`Tensor`] | a shape and values, as they are fed to a graph |
//! | `ops` | for each operator its shape and what it computes, one file per family |
//! | [`Executor`] | runs a graph in `f64` and keeps every intermediate tensor: what calibration needs |
//! | [`layout`] | strides, broadcasting, groups of a reduction |
//!
//! [`crate::onnx::Reference`] is another implementation: the same model in tract, in `f32`, from the ONNX file itself.

mod check;
mod error;
mod execute;
mod function;
pub mod layout;
mod ops;
mod tensor;
#[cfg(test)]
pub(crate) mod tests;

pub use error::Error;
pub use execute::{Executor, Trace, execute};
pub(crate) use execute::{MAX_EXACT, check_input, check_values};
pub use function::Function;
pub(crate) use ops::{MAX_RANK, Operand, check_node, checked_len, compute, matmul_shape, reduced};
pub use tensor::{Tensor, Values};

/// One element of one of a node's operands, and how a convolution's kernel moves: the integer graph's own types, so that both carry
/// over as they are.
pub use crate::int::{Source, Window};

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Index of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// The type of a tensor's elements, as the ONNX model declares or implies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ElementType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// 32-bit signed integers.
    I32,
    /// 64-bit signed integers.
    I64,
    /// Booleans: 0 or 1.
    Bool,
    /// 8-bit signed integers.
    I8,
    /// 16-bit signed integers.
    I16,
    /// 8-bit unsigned integers.
    U8,
    /// 16-bit unsigned integers.
    U16,
    /// 32-bit unsigned integers.
    U32,
    /// 64-bit unsigned integers.
    U64,
}

/// Which of several greatest elements [`Op::ArgMax`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ties {
    /// The first (`select_last_index = 0`).
    First,
    /// The last (`select_last_index = 1`).
    Last,
}

/// How a real number becomes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rounding {
    /// To the next that is not greater.
    Floor,
    /// To the next that is not less.
    Ceil,
    /// Towards zero.
    Truncate,
    /// To the nearest; halves to the even one.
    HalfEven,
}

/// What a node computes. `x`, `a`, `b` are its operands, `y` its output.
///
/// Whether a reduction kept its reduced axes is seen from [`Node::shape`]; the data is the same either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Op {
    /// A model input, named [`Node::tensor`].
    Input,
    /// Fixed values, finite, one per element.
    Constant {
        /// Row-major.
        values: Vec<f64>,
    },
    /// `a [.., m, k] * b [.., k, n] = y [.., m, n]`; both operands have rank 2 or more; what stands before the last two
    /// axes broadcasts. Either operand, or none, may be a constant.
    MatMul,
    /// `y = a + b`, NumPy broadcasting.
    Add,
    /// `y = a - b`, NumPy broadcasting.
    Sub,
    /// `y = a * b`, NumPy broadcasting.
    Mul,
    /// `y = a / b`, NumPy broadcasting, of real numbers; `b` is never 0.
    Div,
    /// `y = floor(a / b)`, NumPy broadcasting, of integers; `b` is never 0.
    FloorDiv,
    /// `y = max(a, b)`, NumPy broadcasting.
    Max,
    /// `y = min(a, b)`, NumPy broadcasting.
    Min,
    /// `y = 1` if `a < b`, else 0, NumPy broadcasting. Booleans.
    Less,
    /// `y = 1` if `a = b`, else 0, NumPy broadcasting. Booleans.
    Equal,
    /// `y = a` where `condition` is not 0, else `b`, NumPy broadcasting. Operand 0 is the condition, a boolean.
    Where,
    /// `y = max(x, 0)`.
    Relu,
    /// `y = x` if `x >= 0`, else `alpha * x`.
    LeakyRelu {
        /// Slope for negative `x`.
        alpha: f64,
    },
    /// `y = min(max(x, min), max)`; a bound that is absent does not bind. `min <= max`.
    Clip {
        /// Lower bound.
        min: Option<f64>,
        /// Upper bound.
        max: Option<f64>,
    },
    /// `y = 1 / (1 + exp(-x))`.
    Sigmoid,
    /// `y = tanh(x)`.
    Tanh,
    /// `y = sqrt(x)`, of `x >= 0`.
    Sqrt,
    /// `y = x` rounded to an integer.
    Round {
        /// How.
        rounding: Rounding,
    },
    /// `y = function(x)`.
    Function {
        /// Which.
        function: Function,
    },
    /// `y[n, m, p] =` sum over the channels `c` of the group of `m` and the taps `t` of `x[n, c, q] * kernel[m, c, t]`, where `q` is
    /// what tap `t` reads at position `p`. Operand 0 is `x [N, C, ..]`, operand 1 the kernel `[M, C / groups, ..]`.
    Conv {
        /// What is read where.
        window: Window,
    },
    /// `y = exp(x) / sum of exp(x) along axis`.
    Softmax {
        /// Of the operand's shape.
        axis: usize,
    },
    /// `y =` position of the greatest element along `axis`.
    ArgMax {
        /// Of the operand's shape.
        axis: usize,
        /// Which position if several are greatest.
        ties: Ties,
    },
    /// Rows of a table: `table [rows, ..w]`, a constant, and integers `x [..i]` that are computed, give `y [..i, ..w]`
    /// with `y[i] = table[x[i]]`. Operand 0 is the table, operand 1 is `x`; `x` lies in `[-rows, rows)`, where a
    /// negative one counts from the end.
    Gather,
    /// `y =` sum of `x` along `axes`.
    ReduceSum {
        /// Of the operand's shape: ascending, none twice, at least one.
        axes: Vec<usize>,
    },
    /// `y =` arithmetic mean of `x` along `axes`.
    ReduceMean {
        /// Of the operand's shape: ascending, none twice, at least one.
        axes: Vec<usize>,
    },
    /// `y =` greatest of `x` along `axes`.
    ReduceMax {
        /// Of the operand's shape: ascending, none twice, at least one.
        axes: Vec<usize>,
    },
    /// `y[i] = sources[i]`: every operator that only moves data (Reshape, Flatten, Squeeze, Unsqueeze, Transpose,
    /// Concat, Identity, Gather with constant indices), and Cast where it changes no value.
    Rearrange {
        /// One per output element.
        sources: Vec<Source>,
    },
}

/// An operator with its operands and the form of its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The ONNX node's name, or the name of its output if it has none; with a suffix (`fc.matmul`) where one ONNX node
    /// became several. For messages: not necessarily unique.
    pub name: String,
    /// The ONNX tensor that this node yields. Unique. A part of an ONNX node has a name of its own making.
    pub tensor: String,
    /// What is computed.
    pub op: Op,
    /// Operands.
    pub inputs: Vec<NodeId>,
    /// Shape of the output; `[]` is a scalar. No dimension is 0, except of constants.
    pub shape: Vec<usize>,
    /// Type of the output's elements.
    pub element: ElementType,
}

/// A named output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The ONNX output's name.
    pub name: String,
    /// What computes it.
    pub node: NodeId,
}

/// A model in real numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// In topological order; the inputs come first, in the model's order. Nothing but inputs stands here that no output
    /// needs.
    pub nodes: Vec<Node>,
    /// In the model's order.
    pub outputs: Vec<Output>,
}

impl ElementType {
    /// Whether its values are integers.
    pub fn is_integer(self) -> bool {
        !self.is_float() && self != Self::Bool
    }

    /// The integers that it has, as far as `i64` has them; `None` if it holds real numbers.
    pub fn integers(self) -> Option<RangeInclusive<i64>> {
        Some(match self {
            Self::F32 | Self::F64 => return None,
            Self::Bool => 0..=1,
            Self::I8 => i8::MIN.into()..=i8::MAX.into(),
            Self::I16 => i16::MIN.into()..=i16::MAX.into(),
            Self::I32 => i32::MIN.into()..=i32::MAX.into(),
            Self::I64 => i64::MIN..=i64::MAX,
            Self::U8 => 0..=u8::MAX.into(),
            Self::U16 => 0..=u16::MAX.into(),
            Self::U32 => 0..=u32::MAX.into(),
            Self::U64 => 0..=i64::MAX,
        })
    }

    /// Whether its values are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
        })
    }
}

impl Op {
    /// The name of the operator, for messages; ONNX spelling where ONNX has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Constant { .. } => "Constant",
            Self::MatMul => "MatMul",
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::FloorDiv => "Div (integers)",
            Self::Max => "Max",
            Self::Min => "Min",
            Self::Less => "Less",
            Self::Equal => "Equal",
            Self::Where => "Where",
            Self::Sqrt => "Sqrt",
            Self::Round { rounding: Rounding::Floor } => "Floor",
            Self::Round { rounding: Rounding::Ceil } => "Ceil",
            Self::Round { rounding: Rounding::Truncate } => "Cast",
            Self::Round { rounding: Rounding::HalfEven } => "Round",
            Self::Function { function } => function.name(),
            Self::Conv { .. } => "Conv",
            Self::Relu => "Relu",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Clip { .. } => "Clip",
            Self::Sigmoid => "Sigmoid",
            Self::Tanh => "Tanh",
            Self::Softmax { .. } => "Softmax",
            Self::ArgMax { .. } => "ArgMax",
            Self::Gather => "Gather",
            Self::ReduceSum { .. } => "ReduceSum",
            Self::ReduceMean { .. } => "ReduceMean",
            Self::ReduceMax { .. } => "ReduceMax",
            Self::Rearrange { .. } => "Rearrange",
        }
    }
}

impl Node {
    /// How many elements the output has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the output has no elements.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The values, if this is a constant.
    pub fn constant(&self) -> Option<&[f64]> {
        match &self.op {
            Op::Constant { values } => Some(values),
            _ => None,
        }
    }
}

impl Graph {
    /// The node with this index.
    ///
    /// # Panics
    /// If the graph has no such node: an id belongs to the graph that it came from.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The inputs, in the model's order.
    pub fn inputs(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes).filter(|(_, node)| matches!(node.op, Op::Input))
    }
}
