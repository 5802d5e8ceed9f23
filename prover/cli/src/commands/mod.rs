//! One module per verb.

pub(crate) mod completions;
pub(crate) mod verify;
