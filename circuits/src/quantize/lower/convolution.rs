//! Conv: a node of its own in the integer graph too, whether its kernel is fixed or computed.

use super::{Error, Lowering, Value, arithmetic::operands};
use crate::{
    float::{self, Window},
    int::Op,
};

impl Lowering<'_> {
    pub(super) fn conv(&mut self, at: float::NodeId, node: &float::Node, window: &Window) -> Result<Value, Error> {
        let window = window.clone();
        self.contract(at, node, operands(node)?, |[data, kernel]| Op::Conv { data, kernel, window })
    }
}
