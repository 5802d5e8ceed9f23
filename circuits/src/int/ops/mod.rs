//! Operators, a file for each kind: `check` is what must hold of a node's structure, `ranges` its interval analysis, `run`
//! its execution. The rules for nodes as such stand in [structure](super::structure), [analyze](super::analyze) and
//! [execute](super::execute), which know the operators by name only.

pub(super) mod contraction;
mod conv;
pub(super) mod data;
pub(super) mod divide;
pub(super) mod elementwise;
pub(super) mod embedding;
pub(super) mod greatest;
pub(super) mod is_zero;
pub(super) mod linear;
mod matmul;
pub(super) mod piecewise;
pub(super) mod products;
pub(super) mod square_root;
pub(super) mod step;
