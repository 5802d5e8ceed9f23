//! What the quantizer may choose: how many fraction bits where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::float::NodeId;

/// Fewest fraction bits that are tried.
pub(super) const LEAST_BITS: i32 = 2;

/// Most fraction bits of activations and weights.
pub const MOST_BITS: i32 = 24;

/// What becomes of the fraction bits that a product adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Narrowing {
    /// They stay: exact, but every later accumulator is wider.
    Keep,
    /// The value is shifted to this many, where a consumer wants narrow operands.
    To(i32),
}

/// Fraction bits of a model's values of ordinary size, as chosen: very large ones have fewer, very small ones more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Of real inputs, and of values that are narrowed, unless `narrowing` says otherwise.
    pub activation_bits: i32,
    /// Of weights, unless `weights` says otherwise.
    pub weight_bits: i32,
    /// Sup-norm error that a table of a function aims at.
    pub table_error: f64,
    /// By the float node whose value it is.
    pub narrowing: BTreeMap<NodeId, Narrowing>,
    /// By the float node that multiplies with the weights, or reads rows of them.
    pub weights: BTreeMap<NodeId, i32>,
}

impl Plan {
    /// The same precision everywhere.
    pub(super) fn uniform(activation_bits: i32, weight_bits: i32, table_error: f64) -> Self {
        Self { activation_bits, weight_bits, table_error, narrowing: BTreeMap::new(), weights: BTreeMap::new() }
    }

    pub(super) fn narrowing_of(&self, site: NodeId) -> Narrowing {
        self.narrowing.get(&site).copied().unwrap_or(Narrowing::To(self.activation_bits))
    }

    /// Of a real input: at least one, by which it is told from an integer input.
    pub(super) fn input_bits_of(&self, input: NodeId) -> i32 {
        match self.narrowing_of(input) {
            Narrowing::To(bits) => bits.max(1),
            Narrowing::Keep => self.activation_bits.max(1),
        }
    }

    pub(super) fn weight_bits_of(&self, node: NodeId) -> i32 {
        self.weights.get(&node).copied().unwrap_or(self.weight_bits)
    }
}
