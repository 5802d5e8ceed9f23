//! From the float graph to the integer graph.
//!
//! Scales are powers of two. Nothing saturates unless the model or the user says so, and nothing is rounded silently: every rounding is a
//! node of the integer graph ([`Op::Shift`](crate::int::Op::Shift), a table, a division) or the rounding of a constant, and
//! all of them are counted in the [`report`].
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
//! [`report::ErrorReport::misses_target`].
//!
//! | part | what it does |
//! |---|---|
//! | `options` | what a model is quantized by |
//! | `ranges` | input ranges: declared, implied, calibrated |
//! | `plan` | fraction bits of activations and weights, layer by layer |
//! | `lower` | float nodes to integer nodes, with error bounds |
//! | `table` | piecewise linear tables |
//! | `simplify` | exact rewriting of the integer graph |
//! | [`cost`] | what a graph costs as a circuit |
//! | `target` | what is asked of each output |
//! | `search` | the choice of a plan |
//! | `accuracy` | what a plan does to the samples |
//! | [`report`] | what a quantized model is off by |
//! | `io` | tensors to integers and back |

mod accuracy;
pub mod cost;
mod error;
mod fixed;
mod io;
mod lower;
mod options;
mod plan;
mod quantized;
mod ranges;
pub mod report;
mod search;
mod simplify;
mod table;
mod target;
#[cfg(test)]
mod tests;

pub use error::Error;
pub(crate) use io::real;
pub use io::{dequantize_outputs, quantize_tensors};
pub use options::{Precision, QuantizeOptions};
pub use plan::{MOST_BITS, Narrowing, Plan};
pub use quantized::Quantized;
use ranges::Widening;
pub(crate) use ranges::synthetic_within;
pub use ranges::{MARGIN, RangeOrigin, RealRange};
pub use target::{DeclaredDecision, Tolerance};

use crate::{float, machine::room::Room};

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
