//! What commands say of a program's accuracy.

use serde::Serialize;

/// Where the figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FiguresFrom {
    /// The program's file says so: whoever made it may have written anything.
    Claimed,
    /// The model was compiled here, and this is what it compiles to.
    Compiled,
    /// The program was run here, beside the model.
    Measured,
}
