//! Gadgets: how each operator becomes equations. Each file states what is proven and why no other witness passes.

pub(super) mod argmax;
pub(super) mod contraction;
pub(super) mod divide;
pub(super) mod embedding;
pub(super) mod inputs;
pub(super) mod is_zero;
pub(super) mod piecewise;
pub(super) mod products;
pub(super) mod rectify;
pub(super) mod square_root;
pub(super) mod step;
