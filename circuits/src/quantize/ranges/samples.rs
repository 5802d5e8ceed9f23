//! Inputs within ranges: drawn, or between those that there are.

use std::collections::BTreeMap;

use super::range::{Ends, InputRange, RangeOrigin, RealRange};
use crate::{
    float::{self, ElementType, Tensor, Values},
    int,
    quantize::fixed::{power_of_two, to_real},
};

/// Samples that are drawn where there is no calibration data.
const SYNTHETIC_SAMPLES: usize = 32;

/// Inputs drawn uniformly from their ranges, the same on every call: what precision is chosen by if there is no data.
pub(in crate::quantize) fn synthetic(
    graph: &float::Graph,
    ranges: &BTreeMap<float::NodeId, InputRange>,
) -> Vec<Vec<Tensor>> {
    // xorshift64*, from a fixed seed.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut unit = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 * power_of_two(-53)
    };
    let mut tensor = |(id, node): (float::NodeId, &float::Node)| {
        let mut draw = |element| ranges.get(&id).map_or(0.0, |range| range.value(element, unit()));
        let values: Vec<f64> = (0..node.len()).map(&mut draw).collect();
        let values = match node.element {
            ElementType::F32 | ElementType::F64 => {
                Values::Float(values.iter().map(|value| held(node.element, *value)).collect())
            }
            ElementType::Bool => Values::Bool(values.iter().map(|value| *value >= 0.5).collect()),
            _ => Values::Int(values.iter().map(|value| value.round_ties_even() as i64).collect()),
        };
        Tensor { shape: node.shape.clone(), values }
    };
    (0..SYNTHETIC_SAMPLES).map(|_| graph.inputs().map(&mut tensor).collect()).collect()
}

/// As [`synthetic`], within the ranges that the inputs have in the integer graph of another quantization.
pub(crate) fn synthetic_within(float: &float::Graph, graph: &int::Graph) -> Vec<Vec<Tensor>> {
    let real = |element, node: &int::Node| {
        let end = |at, value| to_real(value, node.frac_bits_of(at));
        let ends = |at| inward(element, end(at, node.range(at).lo), end(at, node.range(at).hi));
        (0..node.len()).map(|at| Ends::Closed(ends(at))).collect()
    };
    let range = |element, node| InputRange { origin: RangeOrigin::Declared, ends: real(element, node) };
    let inputs = float.inputs().zip(graph.inputs());
    let ranges = inputs.map(|((id, input), (_, node))| (id, range(input.element, node))).collect();
    synthetic(float, &ranges)
}

/// What a type of real numbers holds of a number: the nearest, half to even. Of others the number itself.
pub(super) fn held(element: ElementType, value: f64) -> f64 {
    if element == ElementType::F32 { f64::from(value as f32) } else { value }
}

/// The ends that `element` holds, not beyond those given, so that what lies between them and is rounded stays there.
pub(super) fn inward(element: ElementType, lo: f64, hi: f64) -> RealRange {
    if element != ElementType::F32 {
        return RealRange { lo, hi };
    }
    let (low, high) = (lo as f32, hi as f32);
    let low = if f64::from(low) < lo { low.next_up() } else { low };
    let high = if f64::from(high) > hi { high.next_down() } else { high };
    RealRange { lo: low.into(), hi: high.into() }
}

/// Inputs between neighbouring samples: halfway, and with every element from one of both. All lie in whatever ranges, of
/// elements or of all, the samples lie in. None for a single sample.
pub(in crate::quantize) fn mixed(graph: &float::Graph, samples: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
    let types: Vec<ElementType> = graph.inputs().map(|(_, node)| node.element).collect();
    let next = samples.iter().cycle().skip(1);
    let pairs = samples.iter().zip(next).filter(|_| samples.len() > 1);
    let mixtures = pairs.flat_map(|(a, b)| {
        let mix = |between: Between| {
            a.iter().zip(b).zip(&types).map(|((a, b), element)| mix(a, b, *element, between)).collect::<Vec<Tensor>>()
        };
        [mix(Between::Midpoints), mix(Between::Elements)]
    });
    mixtures.collect()
}

/// How two samples become one between them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Real numbers halfway; all else, element by element, from one of both.
    Midpoints,
    /// Element by element from one of both.
    Elements,
}

fn mix(a: &Tensor, b: &Tensor, element: ElementType, between: Between) -> Tensor {
    // Fibonacci hashing: which of both an element comes from has no pattern that a model's layout could have.
    let first = |element: usize| (element as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0;
    fn choose<T: Copy>(a: &[T], b: &[T], pick: impl Fn(usize, T, T) -> T) -> Vec<T> {
        a.iter().zip(b).enumerate().map(|(element, (a, b))| pick(element, *a, *b)).collect()
    }
    let either = |element, a, b| if first(element) { a } else { b };
    let values = match (&a.values, &b.values) {
        (Values::Float(a), Values::Float(b)) => Values::Float(choose(a, b, |at, a, b| match between {
            Between::Midpoints => held(element, f64::midpoint(a, b)),
            Between::Elements => either(at, a, b),
        })),
        (Values::Int(a), Values::Int(b)) => Values::Int(choose(a, b, |at, a, b| if first(at) { a } else { b })),
        (Values::Bool(a), Values::Bool(b)) => Values::Bool(choose(a, b, |at, a, b| if first(at) { a } else { b })),
        (other, _) => other.clone(),
    };
    Tensor { shape: a.shape.clone(), values }
}
