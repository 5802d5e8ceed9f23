//! What the instances of a program's proofs mean.

use apodict_circuits::{Program, int::Node};
use apodict_verifier::{Layout, Quantization, Tensor};

/// Names, shapes, scales and ranges of a program's inputs and outputs: what its verifying keys say of their instances.
pub fn public_layout(program: &Program) -> Layout {
    let graph = program.graph();
    let tensor = |name: &str, node: &Node| {
        let quantization = |element| {
            let (num, den) = scale(node.frac_bits_of(element));
            let range = node.range(element);
            Quantization { num, den, zero: 0, lo: range.lo.into(), hi: range.hi.into() }
        };
        Tensor::new(name.to_owned(), node.shape.clone(), (0..node.len()).map(quantization))
    };
    let inputs = graph.inputs().map(|(_, node)| tensor(node.input_name(), node));
    let outputs = graph.outputs.iter().map(|output| tensor(&output.name, graph.node(output.node)));
    Layout { inputs: inputs.collect(), outputs: outputs.collect() }
}

/// Integers in one unit, as a fraction. The key refuses a scale of zero, which stands for one that no number holds.
fn scale(frac_bits: i32) -> (u128, u128) {
    let power = 1u128.checked_shl(frac_bits.unsigned_abs()).unwrap_or(0);
    if frac_bits < 0 { (1, power) } else { (power, 1) }
}
