//! From the float graph to the integer graph.
//!
//! Scales are powers of two. Nothing saturates unless the model or the user says so, and nothing is rounded silently: every rounding is a
//! node of the integer graph ([`Op::Shift`](crate::int::Op::Shift), a table, a division) or the rounding of a constant, and
//! all of them are counted in the [report](crate::report).
//!
//! # What is rounded, and how
//! | what | how |
//! |---|---|
//! | a real input | to its own type in the model ([`crate::Program::quantize`]), then half to even, to the input's fraction bits; out of its range is an error, unless it is to saturate: then the circuit clamps it |
//! | weights, biases, bounds of Clip | half to even; constants that are exact with fewer bits get fewer |
//! | accumulators | half up, where the plan narrows them |
//! | Sigmoid, Tanh, exp of Softmax | tables of at most 256 linear pieces, whose error is measured on every integer of their domain |
//! | other functions | tables of at most 1,024 linear pieces; of Softsign, and of powers of -1, 0.5 and -0.5, quotients and roots |
//! | quotients, probabilities of Softmax | half up; of integers, towards minus infinity |
//! | square roots | down |
//! | constants that values are compared with | half to even, to the value's own scale, unless the value is exact |
//!
//! Integers and truth values are never rounded. Integer sums, products, ArgMax (the first greatest, or the last if the model
//! says so) and Gather are exact.
//!
//! # What has which scale
//! A plan's fraction bits are those of numbers of ordinary size, a few units or a fraction of one. Constants, inputs and proven ranges far
//! from that get as many significant bits: fewer fraction bits, or fewer than none, for a balance in wei, more for a rate of 1e-6. Elements
//! of an input that are far smaller than others have scales of their own (`lower::scales`). What an input varies by on the samples counts,
//! not where it lies.
//!
//! # How a precision is chosen
//! [`Precision::Auto`] looks for the plan with the least [cost] whose error on the calibration data stays below the target
//! with every decision as in floating point: first the same bits everywhere, along the border of what is accurate enough,
//! then layer by layer. A plan that makes an output constant which the model varies is never accurate enough: if there is no other,
//! quantization fails. A target is relative unless it is said otherwise: an output may be off by 2^-10 of what it spans on the samples
//! ([`Tolerance`]). If the target is out of reach otherwise, the most accurate plan is taken, and the report says so:
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
//! | `target` | what is asked of each output |
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
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use error::Error;
pub(crate) use io::real;
pub use io::{dequantize_outputs, quantize_tensors};
pub use plan::{MOST_BITS, Narrowing, Plan};
use ranges::Widening;
pub(crate) use ranges::synthetic_within;
pub use ranges::{MARGIN, RangeOrigin, RealRange};
pub use target::{DeclaredDecision, Tolerance};
pub(crate) use target::{origin, spans};

use crate::{
    float::{self, Tensor},
    int,
    machine::room::Room,
    report::ErrorReport,
};

/// How precise a quantized model is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Precision {
    /// The cheapest that keeps every output within its [`Tolerance`] of the float graph on the calibration data, without a
    /// flipped decision.
    #[default]
    Auto,
    /// This many fraction bits for inputs and activations, two more for weights.
    Bits(u32),
}

/// What a model is quantized by.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizeOptions {
    /// How precise.
    pub precision: Precision,
    /// How far an output may be from the float graph's, of those that `tolerances` does not name. With the default, probabilities
    /// are kept within 0.0005 where that takes no larger circuit.
    pub tolerance: Tolerance,
    /// By output.
    pub tolerances: BTreeMap<String, Tolerance>,
    /// Ranges of inputs, by name: one for all elements, or one for each. An input without one gets the rows of the table that
    /// it selects from, or what the calibration data shows, widened.
    pub input_ranges: BTreeMap<String, Vec<RealRange>>,
    /// Ranges of single elements of inputs, by name and flat index, in place of those that the input gives them.
    pub element_ranges: BTreeMap<String, BTreeMap<usize, RealRange>>,
    /// Samples: one tensor for each input, in the order of the model's inputs. Without any, precision is chosen on inputs
    /// drawn uniformly from the declared ranges.
    pub calibration: Vec<Vec<Tensor>>,
    /// Inputs that take values far beyond their range and are clamped to it in the circuit, so that what calibration has not seen can
    /// still be decided.
    pub saturate: BTreeSet<String>,
    /// What outputs decide, by name, where it is not what it seems.
    pub decisions: BTreeMap<String, DeclaredDecision>,
    /// Limb size of the circuit that [`cost`] has in mind.
    pub limb_bits: u32,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            precision: Precision::default(),
            tolerance: Tolerance::default(),
            tolerances: BTreeMap::new(),
            input_ranges: BTreeMap::new(),
            element_ranges: BTreeMap::new(),
            calibration: Vec::new(),
            saturate: BTreeSet::new(),
            decisions: BTreeMap::new(),
            limb_bits: 9,
        }
    }
}

impl QuantizeOptions {
    /// Whether the tolerance of all outputs is another than what is taken without a word.
    fn tolerance_is_declared(&self) -> bool {
        self.tolerance != Tolerance::default()
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
/// a range, calibration data that does not fit the inputs, ranges, tolerances or decisions for names that the model does not have, an output
/// that is constant in integers but not in the model.
pub fn quantize(graph: &float::Graph, options: &QuantizeOptions) -> Result<Quantized, Error> {
    graph.check()?;
    if let Some((output, node)) =
        graph.outputs.iter().map(|output| (output, graph.node(output.node))).find(|(_, node)| node.is_empty())
    {
        return Err(Error::EmptyOutput { output: output.name.clone(), shape: node.shape.clone() });
    }
    let inputs = graph.inputs().map(|(_, node)| node);
    let outputs = graph.outputs.iter().map(|output| graph.node(output.node));
    Room::LARGEST.check_public(inputs.chain(outputs).map(|node| node.shape.as_slice()))?;
    let quantized = |widening| search::Search::new(graph, options, widening)?.run();
    match quantized(Widening::Magnitude) {
        // What is wrong with the wider ranges is what there is to say, if the narrower ones do not mend it.
        Err(error) if error.wants_narrower_inputs() => match Widening::narrower(graph, options) {
            Some(narrower) => quantized(narrower).map_err(|_| error),
            None => Err(error),
        },
        done => done,
    }
}
