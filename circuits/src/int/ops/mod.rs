//! Operators of one file each: what they compute, and what that can be.

pub(super) mod square_root;
pub(super) mod step;
