//! The integer reference executor.

use super::Graph;

/// Every value of one run: `values[node][element]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Indexed by node, then by element.
    pub values: Vec<Vec<i64>>,
}

/// Runs `graph` on `inputs`, one flat tensor per [`super::Op::Input`], in their order.
pub fn execute(_graph: &Graph, _inputs: &[Vec<i64>]) -> Result<Trace, crate::Error> {
    unimplemented!("written with the compiler's front end")
}
