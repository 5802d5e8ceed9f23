//! Between real tensors and the integers of a graph's inputs and outputs.

use super::{
    Error,
    fixed::{round_to_scale, to_real},
    ranges::RealRange,
};
use crate::{
    float::{Tensor, Values},
    int::{self, Graph, Interval, Node},
};

/// The integers of every input of `graph`, from tensors in the order of the inputs.
///
/// A real number `x` becomes `round_half_even(x * 2^frac_bits)`; integers and truth values stay as they are, at the input's
/// scale. A shape may have a leading dimension of 1, the batch, more or less than the input's. Real numbers are taken as they
/// are: [`Program::quantize`](crate::Program::quantize), which knows the inputs' types, makes of them first what those hold.
///
/// # Errors
/// An input without a tensor, a tensor for no input, one of another shape or kind, and a value that is not finite or whose
/// integer lies outside the declared range: with the input's name, the element's row-major index, the value and what is allowed.
pub fn quantize_tensors(graph: &Graph, tensors: &[Tensor]) -> Result<Vec<Vec<i64>>, Error> {
    let known: Vec<&str> = graph.inputs().map(|(_, node)| node.input_name()).collect();
    if tensors.len() > known.len() {
        return Err(Error::Int(int::Error::InputCount { expected: known.len(), got: tensors.len() }));
    }
    let mut tensors = tensors.iter();
    graph.inputs().map(|(_, node)| quantize_input(node, tensors.next(), &known)).collect()
}

/// What the outputs of `graph` stand for: `values[output][element]`, given the integers of each output.
pub fn dequantize_outputs<'v>(graph: &Graph, outputs: impl IntoIterator<Item = &'v [i64]>) -> Vec<Vec<f64>> {
    outputs.into_iter().zip(&graph.outputs).map(|(values, output)| real(graph.node(output.node), values)).collect()
}

/// What the integers of a node stand for.
pub(crate) fn real(node: &Node, values: &[i64]) -> Vec<f64> {
    values.iter().enumerate().map(|(element, value)| to_real(*value, node.frac_bits_of(element))).collect()
}

fn quantize_input(node: &Node, tensor: Option<&Tensor>, known: &[&str]) -> Result<Vec<i64>, Error> {
    let input = || node.input_name().to_owned();
    let Some(tensor) = tensor else {
        let known = known.iter().map(|name| (*name).to_owned()).collect();
        return Err(Error::MissingInput { input: input(), known });
    };
    let same =
        |a: &[usize], b: &[usize]| a == b || a.split_first().is_some_and(|(first, rest)| *first == 1 && rest == b);
    let fits = same(&tensor.shape, &node.shape) || same(&node.shape, &tensor.shape);
    if !fits || tensor.values.len() != node.len() {
        return Err(Error::InputShape {
            input: input(),
            expected: node.shape.clone(),
            got: tensor.shape.clone(),
            values: tensor.values.len(),
        });
    }
    let refused = |element: usize, value: f64| {
        let Interval { lo, hi } = node.range(element);
        let frac_bits = node.frac_bits_of(element);
        let allowed = RealRange { lo: to_real(lo, frac_bits), hi: to_real(hi, frac_bits) };
        Error::InputValue { input: input(), element, value, allowed }
    };
    let in_range = |element: usize, value: i64| Some(value).filter(|value| node.range(element).contains(*value));
    match &tensor.values {
        // A real input always has a scale: see `plan`. Whatever has none is never rounded.
        Values::Float(values) if node.frac_bits != 0 => {
            let quantize = |(element, value): (usize, &f64)| {
                let rounded = round_to_scale(*value, node.frac_bits_of(element));
                rounded.and_then(|rounded| in_range(element, rounded)).ok_or_else(|| refused(element, *value))
            };
            values.iter().enumerate().map(quantize).collect()
        }
        Values::Int(values) => {
            let quantize = |(element, value): (usize, &i64)| {
                let scaled = integer_to_scale(*value, node.frac_bits_of(element));
                scaled.and_then(|scaled| in_range(element, scaled)).ok_or_else(|| refused(element, *value as f64))
            };
            values.iter().enumerate().map(quantize).collect()
        }
        Values::Bool(values) if node.frac_bits == 0 => {
            let check = |(element, value): (usize, &bool)| {
                in_range(element, i64::from(*value)).ok_or_else(|| refused(element, f64::from(u8::from(*value))))
            };
            values.iter().enumerate().map(check).collect()
        }
        other => {
            let expected = if node.frac_bits != 0 { "real numbers" } else { "integers" };
            Err(Error::InputType { input: input(), expected, got: other.kind() })
        }
    }
}

/// `round_half_even(value * 2^frac_bits)`, whatever the value's size, if it is an integer of 64 bits.
fn integer_to_scale(value: i64, frac_bits: i32) -> Option<i64> {
    let value = i128::from(value);
    let scaled = match u32::try_from(frac_bits) {
        Ok(bits) => value.checked_mul(1i128.checked_shl(bits).filter(|one| *one > 0)?)?,
        // Half of it is more than any value.
        Err(_) if frac_bits <= -65 => 0,
        Err(_) => {
            let (bits, half) = (frac_bits.unsigned_abs(), 1i128 << (frac_bits.unsigned_abs() - 1));
            let (below, rest) = (value >> bits, value & ((1i128 << bits) - 1));
            below + i128::from(rest > half || (rest == half && below & 1 == 1))
        }
    };
    i64::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::int::{Builder, Output};

    #[test]
    fn integers_are_rounded_half_to_even_at_coarse_scales() {
        for (value, bits, scaled) in
            [(5, 2, 20), (6, -2, 2), (10, -2, 2), (-6, -2, -2), (-10, -2, -2), (7, -2, 2), (9, -2, 2)]
        {
            assert_eq!(integer_to_scale(value, bits), Some(scaled), "{value} at {bits}");
        }
        assert_eq!(integer_to_scale(i64::MAX, -40), Some(1 << 23));
        assert_eq!(integer_to_scale(i64::MIN, -70), Some(0));
        assert_eq!((integer_to_scale(1, 63), integer_to_scale(1, 200), integer_to_scale(4, 62)), (None, None, None));
    }

    fn graph() -> Graph {
        let mut builder = Builder::new();
        let x = builder.input("x", vec![2], 4, vec![Interval::new(-64, 63)]).unwrap();
        let _id = builder.input("id", vec![1], 0, vec![Interval::new(0, 1 << 40)]).unwrap();
        builder.finish(vec![Output { name: "y".into(), node: x }]).unwrap()
    }

    fn tensor(values: Values) -> Tensor {
        Tensor { shape: vec![values.len()], values }
    }

    fn quantize(x: Values, id: Values) -> Result<Vec<Vec<i64>>, Error> {
        quantize_tensors(&graph(), &[tensor(x), tensor(id)])
    }

    fn reals(x: Vec<f64>) -> Result<Vec<Vec<i64>>, Error> {
        quantize(Values::Float(x), Values::Int(vec![0]))
    }

    #[test]
    fn rounds_half_to_even_and_keeps_large_integers() {
        // Odd multiples of half a step are ties: each goes to the even integer, on both sides of zero.
        let ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(|steps| reals(vec![steps / 16.0, 0.0]).unwrap()[0][0]);
        assert_eq!(ties, [-2, -2, 0, 0, 2, 2]);
        // The doubles beside a tie are none.
        let beside = [0.5f64.next_up(), 0.5f64.next_down(), (-1.5f64).next_up(), (-1.5f64).next_down()];
        let beside = beside.map(|steps| reals(vec![steps / 16.0, 0.0]).unwrap()[0][0]);
        assert_eq!(beside, [1, 0, -1, -2]);
        assert_eq!(reals(vec![-4.0, 3.9375]).unwrap()[0], [-64, 63]);
        let id = |id| quantize(Values::Int(vec![0, -1]), Values::Int(vec![id])).unwrap();
        assert_eq!(id(16_777_217), [vec![0, -16], vec![16_777_217]]);
        assert_eq!(id((1 << 40) - 1)[1], [(1 << 40) - 1]);
    }

    #[test]
    fn a_leading_one_more_or_less_is_the_same_input() {
        let x = Tensor { shape: vec![1, 2], values: Values::Float(vec![0.5, 0.25]) };
        let id = Tensor { shape: vec![], values: Values::Int(vec![7]) };
        let quantized = quantize_tensors(&graph(), &[x, id]).unwrap();
        assert_eq!(quantized, [vec![8, 4], vec![7]]);
        let x = Tensor { shape: vec![2, 1], values: Values::Float(vec![0.5, 0.25]) };
        assert!(matches!(quantize_tensors(&graph(), &[x]), Err(Error::InputShape { .. })));
    }

    #[test]
    fn refuses_by_name_element_and_range() {
        let error = reals(vec![0.0, 4.0]).unwrap_err();
        assert_eq!(error.to_string(), "input `x`, element 1: 4 is outside its range [-4, 3.9375]");
        assert!(matches!(reals(vec![f64::NAN, 0.0]), Err(Error::InputValue { element: 0, .. })));
        assert!(matches!(reals(vec![f64::INFINITY, 0.0]), Err(Error::InputValue { .. })));
        assert!(matches!(reals(vec![0.0]), Err(Error::InputShape { .. })));
        let ints = |x: Vec<i64>, id| quantize(Values::Int(x), Values::Int(vec![id]));
        assert!(matches!(ints(vec![0, 0], -1), Err(Error::InputValue { value: -1.0, .. })));
        assert!(matches!(ints(vec![4, 0], 0), Err(Error::InputValue { element: 0, .. })));
        assert!(matches!(ints(vec![i64::MAX, 0], 0), Err(Error::InputValue { .. })));
        let fraction = quantize(Values::Float(vec![0.0, 0.0]), Values::Float(vec![1.5]));
        assert!(matches!(fraction, Err(Error::InputType { expected: "integers", .. })));
    }

    #[test]
    fn refuses_inputs_that_are_missing_or_too_many() {
        assert!(matches!(quantize_tensors(&graph(), &[]), Err(Error::MissingInput { input, .. }) if input == "x"));
        let three = vec![tensor(Values::Int(vec![0])); 3];
        assert!(matches!(quantize_tensors(&graph(), &three), Err(Error::Int(int::Error::InputCount { .. }))));
    }

    #[test]
    fn outputs_come_back_at_their_scale() {
        assert_eq!(dequantize_outputs(&graph(), [&[-64i64, 1][..]]), [[-4.0, 0.0625]]);
    }
}
