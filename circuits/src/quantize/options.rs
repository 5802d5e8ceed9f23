//! What a model is quantized by.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    ranges::RealRange,
    target::{DeclaredDecision, Tolerance},
};
use crate::float::Tensor;

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
    /// Limb size of the circuit that [`cost`](super::cost) has in mind.
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
    pub(super) fn tolerance_is_declared(&self) -> bool {
        self.tolerance != Tolerance::default()
    }
}
