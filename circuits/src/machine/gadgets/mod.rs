//! Gadgets: how each operator becomes equations. Each file states what is proven and why no other witness passes.

mod argmax;
mod contraction;
mod divide;
pub(super) mod embedding;
mod inputs;
pub(super) mod is_zero;
mod piecewise;
mod products;
mod rectify;
pub(super) mod square_root;
pub(super) mod step;
