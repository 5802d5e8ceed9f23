//! From the float graph to the integer graph.
//!
//! Scales are powers of two. Nothing saturates unless the model says so, and nothing is rounded silently: every rounding is a
//! node of the integer graph ([`Op::Shift`](crate::int::Op::Shift), a table, a division) or the rounding of a constant, and
//! all of them are counted in the [report](crate::report).
//!
//! # What is rounded, and how
//! | what | how |
//! |---|---|
//! | a real input | to its own type in the model ([`crate::Program::quantize`]), then half to even, to the input's fraction bits; out of its declared range is an error |
//! | weights, biases, bounds of Clip | half to even; constants that are exact with fewer bits get fewer |
//! | accumulators | half up, where the plan narrows them |
//! | Sigmoid, Tanh, exp of Softmax | tables of at most 256 linear pieces, whose error is measured on every integer of their domain |
//! | probabilities of Softmax | quotient rounded half up |
//!
//! Integers and truth values are never rounded. Integer sums, products, ArgMax (the first greatest, or the last if the model
//! says so) and Gather are exact.
//!
//! # How a precision is chosen
//! [`Precision::Auto`] looks for the plan with the least [cost] whose error on the calibration data stays below the target
//! with every decision as in floating point: first the same bits everywhere, along the border of what is accurate enough,
//! then layer by layer. A plan that makes an output constant which the model varies is never accurate enough: if there is no other,
//! quantization fails. If the target is out of reach otherwise, the most accurate plan is taken, and the report says so:
//! [`ErrorReport::misses_target`].
//!
//! | part | what it does |
//! |---|---|
//! | `ranges` | input ranges: declared, implied, calibrated |
//! | `plan` | fraction bits of activations and weights, layer by layer |
//! | `lower` | float nodes to integer nodes, with error bounds |
//! | `table` | piecewise linear tables |
//! | `simplify` | exact rewriting of the integer graph |
//! | [`cost`] | what a graph costs as a circuit |
//! | `search` | the choice of a plan |
//! | `accuracy` | what a plan does to the samples |
//! | `io` | tensors to integers and back |

mod accuracy;
pub mod cost;
mod error;
mod fixed;
mod io;
mod lower;
mod plan;
mod ranges;
mod search;
mod simplify;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use error::Error;
pub use io::{dequantize_outputs, quantize_tensors};
pub use plan::{MOST_BITS, Narrowing, Plan};
pub(crate) use ranges::synthetic_within;
pub use ranges::{MARGIN, RangeOrigin, RealRange};

use crate::{
    float::{self, Tensor},
    int,
    machine::room::Room,
    report::ErrorReport,
};

/// How precise a quantized model is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Precision {
    /// The cheapest that keeps every output within `max_error` of the float graph on the calibration data, without a flipped
    /// decision.
    Auto {
        /// Greatest absolute error of an output.
        max_error: f64,
    },
    /// This many fraction bits for inputs and activations, two more for weights.
    Bits(u32),
}

impl Default for Precision {
    fn default() -> Self {
        Self::Auto { max_error: 5e-4 }
    }
}

/// What a model is quantized by.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizeOptions {
    /// How precise.
    pub precision: Precision,
    /// Ranges of inputs, by name: one for all elements, or one for each. An input without one gets the rows of the table that
    /// it selects from, or what the calibration data shows, widened.
    pub input_ranges: BTreeMap<String, Vec<RealRange>>,
    /// Samples: one tensor for each input, in the order of the model's inputs. Without any, precision is chosen on inputs
    /// drawn uniformly from the declared ranges.
    pub calibration: Vec<Vec<Tensor>>,
    /// Thresholds of scalar outputs, by name: on which side a value lies is a decision.
    pub thresholds: BTreeMap<String, f64>,
    /// Limb size of the circuit that [`cost`] has in mind.
    pub limb_bits: u32,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            precision: Precision::default(),
            input_ranges: BTreeMap::new(),
            calibration: Vec::new(),
            thresholds: BTreeMap::new(),
            limb_bits: 9,
        }
    }
}

/// A model in integers, with what is known of its error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantized {
    /// The program's meaning.
    pub graph: int::Graph,
    /// By node of the float graph: the integer node that holds its value, if there is one.
    pub nodes: Vec<Option<int::NodeId>>,
    /// How many bits where.
    pub plan: Plan,
    /// Errors on the calibration data, against the float graph in double precision.
    pub report: ErrorReport,
}

/// Quantizes `graph`.
///
/// # Errors
/// A graph that is inconsistent, or too large for any circuit, or does not fit the integer graph at any precision, an input without
/// a range, calibration data that does not fit the inputs, ranges or thresholds for names that the model does not have, an output
/// that is constant in integers but not in the model.
pub fn quantize(graph: &float::Graph, options: &QuantizeOptions) -> Result<Quantized, Error> {
    graph.check()?;
    let inputs = graph.inputs().map(|(_, node)| node);
    let outputs = graph.outputs.iter().map(|output| graph.node(output.node));
    Room::LARGEST.check_public(inputs.chain(outputs).map(|node| node.shape.as_slice()))?;
    search::Search::new(graph, options)?.run()
}
