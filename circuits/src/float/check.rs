//! Whether a graph is consistent: the rules that [`Op`] states, as the executor relies on them.

use super::{Error, Graph, Op, Output, ops::check_node};

impl Graph {
    /// Checks that nodes read only nodes before them, that shapes follow from operands and attributes, that constants
    /// are finite and that outputs exist. What [`crate::onnx::import`] makes passes.
    ///
    /// # Errors
    /// [`Error::Malformed`], naming the first node that does not fit.
    pub fn check(&self) -> Result<(), Error> {
        for (at, node) in self.nodes.iter().enumerate() {
            let malformed = |reason: String| Error::Malformed { node: node.name.clone(), reason };
            let mut shapes = Vec::with_capacity(node.inputs.len());
            for input in &node.inputs {
                let operand = self.nodes[..at].get(input.0 as usize);
                let operand =
                    operand.ok_or_else(|| malformed(format!("operand {} does not stand before it", input.0)))?;
                shapes.push(operand.shape.as_slice());
            }
            check_node(node, &shapes).map_err(malformed)?;
            if matches!(node.op, Op::Gather) && self.node(node.inputs[0]).constant().is_none() {
                return Err(malformed("its table is not a constant".into()));
            }
        }
        for Output { name, node } in &self.outputs {
            if node.0 as usize >= self.nodes.len() {
                return Err(Error::Malformed { node: name.clone(), reason: "no node computes this output".into() });
            }
        }
        Ok(())
    }
}
