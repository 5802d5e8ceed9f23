//! Between real tensors and the integers of a graph's inputs and outputs.

use super::{
    Error,
    fixed::{round_to_scale, to_real},
    ranges::RealRange,
};
use crate::{
    float::{Tensor, Values},
    int::{Graph, Interval, Node, Op},
};

/// The integers of every input of `graph`, from tensors that are looked up by the input's name.
///
/// A real number `x` becomes `round_half_even(x * 2^frac_bits)`; integers and truth values stay as they are.
///
/// # Errors
/// An input without a tensor, of another shape or kind, and a value that is not finite or whose integer lies outside the
/// declared range: with the input's name, the element's row-major index, the value and what is allowed.
pub fn quantize_inputs<'t>(
    graph: &Graph,
    tensor: impl Fn(&str) -> Option<&'t Tensor>,
) -> Result<Vec<Vec<i64>>, Error> {
    let known = || graph.inputs().map(|(_, node)| name_of(node).to_owned()).collect();
    let quantized = graph.inputs().map(|(_, node)| {
        let tensor = tensor(name_of(node));
        let missing = || Error::MissingInput { input: name_of(node).to_owned(), known: known() };
        quantize_input(node, tensor.ok_or_else(missing)?)
    });
    quantized.collect()
}

/// As [`quantize_inputs`], from tensors in the order of the inputs.
///
/// # Errors
/// As [`quantize_inputs`].
pub fn quantize_tensors(graph: &Graph, tensors: &[Tensor]) -> Result<Vec<Vec<i64>>, Error> {
    let named: Vec<(&str, &Tensor)> = graph.inputs().map(|(_, node)| name_of(node)).zip(tensors).collect();
    quantize_inputs(graph, |name| named.iter().find(|(known, _)| *known == name).map(|(_, tensor)| *tensor))
}

/// What the outputs of `graph` stand for: `values[output][element]`, given the integers of each output.
pub fn dequantize_outputs<'v>(graph: &Graph, outputs: impl IntoIterator<Item = &'v [i64]>) -> Vec<Vec<f64>> {
    let scales = graph.outputs.iter().map(|output| graph.node(output.node).frac_bits);
    let real = |(values, frac_bits): (&[i64], i32)| values.iter().map(|value| to_real(*value, frac_bits)).collect();
    outputs.into_iter().zip(scales).map(real).collect()
}

fn name_of(node: &Node) -> &str {
    match &node.op {
        Op::Input { name } => name,
        _ => &node.name,
    }
}

fn quantize_input(node: &Node, tensor: &Tensor) -> Result<Vec<i64>, Error> {
    let input = || name_of(node).to_owned();
    if tensor.shape != node.shape || tensor.values.len() != node.len() {
        return Err(Error::InputShape {
            input: input(),
            expected: node.shape.clone(),
            got: tensor.shape.clone(),
            values: tensor.values.len(),
        });
    }
    let refused = |element: usize, value: f64| {
        let Interval { lo, hi } = node.range(element);
        let allowed = RealRange { lo: to_real(lo, node.frac_bits), hi: to_real(hi, node.frac_bits) };
        Error::InputValue { input: input(), element, value, allowed }
    };
    let in_range = |element: usize, value: i64| Some(value).filter(|value| node.range(element).contains(*value));
    match &tensor.values {
        // A real input always has fraction bits: see `plan`. Whatever has none is never rounded.
        Values::Float(values) if node.frac_bits > 0 => {
            let quantize = |(element, value): (usize, &f64)| {
                let rounded = round_to_scale(*value, node.frac_bits);
                rounded.and_then(|rounded| in_range(element, rounded)).ok_or_else(|| refused(element, *value))
            };
            values.iter().enumerate().map(quantize).collect()
        }
        Values::Int(values) if node.frac_bits == 0 => {
            let check = |(element, value): (usize, &i64)| {
                in_range(element, *value).ok_or_else(|| refused(element, *value as f64))
            };
            values.iter().enumerate().map(check).collect()
        }
        Values::Bool(values) if node.frac_bits == 0 => {
            let check = |(element, value): (usize, &bool)| {
                in_range(element, i64::from(*value)).ok_or_else(|| refused(element, f64::from(u8::from(*value))))
            };
            values.iter().enumerate().map(check).collect()
        }
        other => {
            let expected = if node.frac_bits > 0 { "real numbers" } else { "integers" };
            Err(Error::InputType { input: input(), expected, got: other.kind() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int::{Builder, Output};

    fn graph() -> Graph {
        let mut builder = Builder::new();
        let x = builder.input("x", vec![2], 4, vec![Interval::new(-64, 63)]).unwrap();
        let _id = builder.input("id", vec![1], 0, vec![Interval::new(0, 1 << 40)]).unwrap();
        builder.finish(vec![Output { name: "y".into(), node: x }]).unwrap()
    }

    fn tensor(values: Values) -> Tensor {
        Tensor { shape: vec![values.len()], values }
    }

    fn quantize(x: Vec<f64>, id: i64) -> Result<Vec<Vec<i64>>, Error> {
        let (x, id) = (tensor(Values::Float(x)), tensor(Values::Int(vec![id])));
        quantize_inputs(&graph(), |name| [("x", &x), ("id", &id)].into_iter().find(|(n, _)| *n == name).map(|(_, t)| t))
    }

    #[test]
    fn rounds_half_to_even_and_keeps_large_integers() {
        // 0.5/16 and 1.5/16 are ties.
        assert_eq!(quantize(vec![0.03125, 0.09375], 16_777_217).unwrap(), [vec![0, 2], vec![16_777_217]]);
        assert_eq!(quantize(vec![-4.0, 3.9375], (1 << 40) - 1).unwrap(), [vec![-64, 63], vec![(1 << 40) - 1]]);
    }

    #[test]
    fn refuses_by_name_element_and_range() {
        let error = quantize(vec![0.0, 4.0], 0).unwrap_err();
        assert_eq!(error.to_string(), "input `x`, element 1: 4 is outside its range [-4, 3.9375]");
        assert!(matches!(quantize(vec![f64::NAN, 0.0], 0), Err(Error::InputValue { element: 0, .. })));
        assert!(matches!(quantize(vec![f64::INFINITY, 0.0], 0), Err(Error::InputValue { .. })));
        assert!(matches!(quantize(vec![0.0], 0), Err(Error::InputShape { .. })));
        assert!(matches!(quantize(vec![0.0, 0.0], -1), Err(Error::InputValue { value: -1.0, .. })));
        assert!(matches!(quantize_inputs(&graph(), |_| None), Err(Error::MissingInput { .. })));
        let tensors = [tensor(Values::Int(vec![0, 0])), tensor(Values::Int(vec![0]))];
        assert!(matches!(quantize_tensors(&graph(), &tensors), Err(Error::InputType { .. })));
    }

    #[test]
    fn outputs_come_back_at_their_scale() {
        assert_eq!(dequantize_outputs(&graph(), [&[-64i64, 1][..]]), [[-4.0, 0.0625]]);
    }
}
