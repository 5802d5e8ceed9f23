//! What quantization costs in accuracy.

use serde::{Deserialize, Serialize};

/// The error of the quantized model against the float one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorReport {}
