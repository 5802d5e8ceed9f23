//! What quantization yields.

use serde::{Deserialize, Serialize};

use super::{plan::Plan, report::ErrorReport};
use crate::int;

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
