//! A tensor as it is fed to a graph.

use serde::{Deserialize, Serialize};

/// A shape and as many values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// `[]` is a scalar.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Values,
}

/// Values of one kind. Integers are never held as floats: `16777217` stays what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// Real numbers, finite. Of single precision if the graph's input is: see [`crate::tensors`].
    Float(Vec<f64>),
    /// Integers.
    Int(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
}

impl Tensor {
    /// The numbers, whatever their type; of truth values 0 and 1. Integers beyond 2^53 are rounded.
    pub fn real_values(&self) -> Vec<f64> {
        match &self.values {
            Values::Float(values) => values.clone(),
            Values::Int(values) => values.iter().map(|value| *value as f64).collect(),
            Values::Bool(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
        }
    }
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they are, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "float",
            Self::Int(_) => "integer",
            Self::Bool(_) => "bool",
        }
    }
}
