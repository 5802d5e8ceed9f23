//! Which values each input takes: declared, implied by what reads it, or derived from calibration data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Error,
    fixed::{power_of_two, round_to_scale, to_real},
};
use crate::{
    elementary,
    float::{self, ElementType, Tensor, Values},
    int::{self, Interval, limits},
    report::real_values,
};

/// The real numbers from `lo` to `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealRange {
    /// The smallest.
    pub lo: f64,
    /// The greatest.
    pub hi: f64,
}

impl fmt::Display for RealRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

/// Where an input's range comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RangeOrigin {
    /// The user declared it.
    Declared,
    /// The input selects rows of a table, or is a truth value: nothing else makes sense.
    Implied,
    /// The greatest magnitude in the calibration data, widened by [`MARGIN`] and to a power of two.
    Calibrated,
}

/// By how much the greatest magnitude seen in calibration is widened before it is rounded up to a power of two.
pub const MARGIN: f64 = 1.5;

/// Samples that are drawn where there is no calibration data.
const SYNTHETIC_SAMPLES: usize = 32;

/// The range of an input, before its scale is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InputRange {
    pub(super) origin: RangeOrigin,
    ends: Ends,
}

#[derive(Clone, Debug, PartialEq)]
enum Ends {
    /// One for all elements or one for each, both ends included.
    Closed(Vec<RealRange>),
    /// From `-2^exponent`, or from 0, up to but without `2^exponent`: as integers, a range that needs one limb sum.
    PowerOfTwo { exponent: i32, signed: bool },
}

impl InputRange {
    /// In integers with `frac_bits` fraction bits; ends are rounded as values are.
    pub(super) fn at_scale(&self, input: &str, frac_bits: i32) -> Result<Vec<Interval>, Error> {
        let limit = (1i64 << (limits::VALUE_BITS - 1)) - 1;
        let bad = |range: RealRange| Error::RangeTooWide { input: input.to_owned(), range, frac_bits };
        match &self.ends {
            Ends::Closed(ranges) => {
                let interval = |range: &RealRange| {
                    let ends = round_to_scale(range.lo, frac_bits).zip(round_to_scale(range.hi, frac_bits));
                    ends.filter(|(lo, hi)| lo <= hi).map(|(lo, hi)| Interval::new(lo, hi)).ok_or_else(|| bad(*range))
                };
                ranges.iter().map(interval).collect()
            }
            Ends::PowerOfTwo { exponent, signed } => {
                // At least two steps of the scale: with fewer, what calibration showed would round to the end, which is excluded.
                let end = power_of_two((exponent + frac_bits).max(1));
                let lo = if *signed { -end } else { 0.0 };
                if end > limit as f64 {
                    let hi = power_of_two(*exponent);
                    return Err(bad(RealRange { lo: if *signed { -hi } else { 0.0 }, hi }));
                }
                // Exact: powers of two below 2^62.
                Ok(vec![Interval::new(lo as i64, end as i64 - 1)])
            }
        }
    }
}

impl InputRange {
    /// A value of an element, `at` between 0 and 1 from the low end to the high.
    fn value(&self, element: usize, at: f64) -> f64 {
        let (lo, hi) = match &self.ends {
            Ends::Closed(ranges) => match ranges.as_slice() {
                [one] => (one.lo, one.hi),
                many => many.get(element).map_or((0.0, 0.0), |range| (range.lo, range.hi)),
            },
            // Clear of the excluded end, at any scale.
            Ends::PowerOfTwo { exponent, signed } => {
                let end = power_of_two(*exponent) * 0.75;
                (if *signed { -end } else { 0.0 }, end)
            }
        };
        lo + (hi - lo) * at
    }
}

/// Inputs drawn uniformly from their ranges, the same on every call: what precision is chosen by if there is no data.
pub(super) fn synthetic(graph: &float::Graph, ranges: &BTreeMap<float::NodeId, InputRange>) -> Vec<Vec<Tensor>> {
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
            ElementType::I32 | ElementType::I64 => {
                Values::Int(values.iter().map(|value| value.round_ties_even() as i64).collect())
            }
        };
        Tensor { shape: node.shape.clone(), values }
    };
    (0..SYNTHETIC_SAMPLES).map(|_| graph.inputs().map(&mut tensor).collect()).collect()
}

/// What a type of real numbers holds of a number: the nearest, half to even. Of others the number itself.
fn held(element: ElementType, value: f64) -> f64 {
    if element == ElementType::F32 { f64::from(value as f32) } else { value }
}

/// The ends that `element` holds, not beyond those given, so that what lies between them and is rounded stays there.
fn inward(element: ElementType, lo: f64, hi: f64) -> RealRange {
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
pub(super) fn mixed(graph: &float::Graph, samples: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
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

/// The range of every input of `graph`, by its node.
pub(super) fn resolve(
    graph: &float::Graph,
    declared: &BTreeMap<String, Vec<RealRange>>,
    calibration: &[Vec<Tensor>],
) -> Result<BTreeMap<float::NodeId, InputRange>, Error> {
    let known: Vec<String> = graph.inputs().map(|(_, node)| node.tensor.clone()).collect();
    if let Some(name) = declared.keys().find(|name| !known.contains(name)) {
        return Err(Error::UnknownName { what: "input", name: name.clone(), known });
    }
    let mut resolved = BTreeMap::new();
    for (position, (id, node)) in graph.inputs().enumerate() {
        let range = match declared.get(&node.tensor) {
            Some(ranges) => declared_range(position, node, ranges, calibration)?,
            None => match implied(graph, id, node) {
                Some(range) => range,
                None => calibrated(position, node, calibration)?,
            },
        };
        resolved.insert(id, range);
    }
    Ok(resolved)
}

/// The ends become what the input's type makes of them, as values do: whatever lies between them as it was written is accepted. No
/// integer is one that lies outside.
fn declared_range(
    position: usize,
    node: &float::Node,
    ranges: &[RealRange],
    calibration: &[Vec<Tensor>],
) -> Result<InputRange, Error> {
    let input = || node.tensor.clone();
    if ranges.len() != 1 && ranges.len() != node.len() {
        return Err(Error::RangeCount { input: input(), expected: node.len(), got: ranges.len() });
    }
    let held = |range: &RealRange| match node.element {
        element if element.is_float() => RealRange { lo: held(element, range.lo), hi: held(element, range.hi) },
        _ => RealRange { lo: range.lo.ceil() + 0.0, hi: range.hi.floor() + 0.0 },
    };
    let good = |range: &RealRange| range.lo.is_finite() && range.hi.is_finite() && range.lo <= range.hi;
    let ends: Vec<RealRange> = ranges.iter().map(held).collect();
    if let Some((range, _)) = ranges.iter().zip(&ends).find(|(range, ends)| !good(range) || !good(ends)) {
        return Err(Error::BadRange { input: input(), range: *range });
    }
    // Said here, since no precision mends it.
    for (sample, tensor) in calibration.iter().enumerate().filter_map(|(at, sample)| Some((at, sample.get(position)?)))
    {
        for (element, value) in real_values(tensor).into_iter().enumerate() {
            let allowed = ends.get(element).or(ends.first()).copied().unwrap_or(RealRange { lo: value, hi: value });
            if !(allowed.lo..=allowed.hi).contains(&value) {
                let source = Box::new(Error::InputValue { input: input(), element, value, allowed });
                return Err(Error::Sample { sample, source });
            }
        }
    }
    Ok(InputRange { origin: RangeOrigin::Declared, ends: Ends::Closed(ends) })
}

/// As [`synthetic`], within the ranges that the inputs have in the integer graph of another quantization.
pub(crate) fn synthetic_within(float: &float::Graph, graph: &int::Graph) -> Vec<Vec<Tensor>> {
    let real = |element, node: &int::Node| {
        let end = |value| to_real(value, node.frac_bits);
        Ends::Closed(node.ranges.iter().map(|range| inward(element, end(range.lo), end(range.hi))).collect())
    };
    let range = |element, node| InputRange { origin: RangeOrigin::Declared, ends: real(element, node) };
    let inputs = float.inputs().zip(graph.inputs());
    let ranges = inputs.map(|((id, input), (_, node))| (id, range(input.element, node))).collect();
    synthetic(float, &ranges)
}

/// Truth values, and indices into the smallest table that the input selects from, perhaps after its data was moved.
fn implied(graph: &float::Graph, id: float::NodeId, node: &float::Node) -> Option<InputRange> {
    let closed = |lo, hi| InputRange { origin: RangeOrigin::Implied, ends: Ends::Closed(vec![RealRange { lo, hi }]) };
    if node.element == ElementType::Bool {
        return Some(closed(0.0, 1.0));
    }
    let mut moved = vec![false; graph.nodes.len()];
    *moved.get_mut(id.0 as usize)? = true;
    let mut rows: Option<usize> = None;
    for (at, reader) in graph.nodes.iter().enumerate() {
        let reads = |input: &float::NodeId| moved.get(input.0 as usize) == Some(&true);
        match (&reader.op, reader.inputs.as_slice()) {
            (float::Op::Rearrange { .. }, inputs) if inputs.iter().any(reads) => moved[at] = true,
            (float::Op::Gather, [table, index]) if reads(index) => {
                let here = *graph.node(*table).shape.first()?;
                rows = Some(rows.map_or(here, |rows| rows.min(here)));
            }
            _ => {}
        }
    }
    // A vocabulary is far below 2^53.
    rows.map(|rows| closed(0.0, rows as f64 - 1.0))
}

fn calibrated(position: usize, node: &float::Node, calibration: &[Vec<Tensor>]) -> Result<InputRange, Error> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in calibration.iter().filter_map(|sample| sample.get(position)).flat_map(real_values) {
        (least, most) = (least.min(value), most.max(value));
    }
    if !(least.is_finite() && most.is_finite()) {
        return Err(Error::NoRange { input: node.tensor.clone() });
    }
    // Strictly above the widened magnitude, which is excluded.
    let widened = least.abs().max(most.abs()) * MARGIN;
    let exponent = if widened == 0.0 { 0 } else { elementary::floor_log2(widened) + 1 };
    let ends = Ends::PowerOfTwo { exponent, signed: least < 0.0 };
    Ok(InputRange { origin: RangeOrigin::Calibrated, ends })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibrated_range(values: &[f64], frac_bits: i32) -> Interval {
        let node = float::Node {
            name: "x".into(),
            tensor: "x".into(),
            op: float::Op::Input,
            inputs: vec![],
            shape: vec![values.len()],
            element: ElementType::F32,
        };
        let sample = vec![Tensor { shape: vec![values.len()], values: Values::Float(values.to_vec()) }];
        calibrated(0, &node, &[sample]).unwrap().at_scale("x", frac_bits).unwrap()[0]
    }

    #[test]
    fn calibration_is_widened_to_a_power_of_two() {
        assert_eq!(calibrated_range(&[2.6, -1.0], 2), Interval::new(-16, 15));
        assert_eq!(calibrated_range(&[2.7, -1.0], 2), Interval::new(-32, 31));
        assert_eq!(calibrated_range(&[2.6, 1.0], 2), Interval::new(0, 15));
        assert_eq!(calibrated_range(&[0.0], 2), Interval::new(0, 3));
        // Far below a step of the scale: whatever rounding makes of it lies inside.
        assert_eq!(calibrated_range(&[0.01, -0.01], 2), Interval::new(-2, 1));
        for exponent in -8..8 {
            let greatest = 2f64.powi(exponent) * 1.33;
            for frac_bits in 1..8 {
                let range = calibrated_range(&[greatest, -greatest], frac_bits);
                let integer = round_to_scale(greatest, frac_bits).unwrap();
                assert!(range.contains(integer) && range.contains(-integer), "{greatest} at {frac_bits}: {range}");
            }
        }
    }

    fn node(element: ElementType) -> float::Node {
        let (op, inputs, shape) = (float::Op::Input, vec![], vec![1]);
        float::Node { name: "x".into(), tensor: "x".into(), op, inputs, shape, element }
    }

    /// In a float32 input 0.1 is a little more than in the range that was written.
    #[test]
    fn declared_ends_are_rounded_as_values_are() {
        let declared = |element, lo, hi| declared_range(0, &node(element), &[RealRange { lo, hi }], &[]);
        let ends = |element, lo, hi| match declared(element, lo, hi).unwrap().ends {
            Ends::Closed(ends) => (ends[0].lo, ends[0].hi),
            other => panic!("{other:?}"),
        };
        assert_eq!(ends(ElementType::F32, 16_777_217.0, 16_777_219.0), (16_777_216.0, 16_777_220.0));
        assert_eq!(ends(ElementType::F64, 16_777_217.0, 16_777_219.0), (16_777_217.0, 16_777_219.0));
        assert_eq!(ends(ElementType::F32, -0.1, 0.1), (-f64::from(0.1f32), f64::from(0.1f32)));
        assert_eq!(ends(ElementType::I64, -0.5, 2.5), (0.0, 2.0));
        assert!(matches!(declared(ElementType::I64, 0.25, 0.75), Err(Error::BadRange { .. })));
        assert!(matches!(declared(ElementType::F32, 0.0, 1e39), Err(Error::BadRange { .. })));
    }

    #[test]
    fn ends_are_held_inward() {
        let of = |element| inward(element, -16_777_217.0, 16_777_219.0);
        assert_eq!(of(ElementType::F32), RealRange { lo: -16_777_216.0, hi: 16_777_218.0 });
        assert_eq!(of(ElementType::F64), RealRange { lo: -16_777_217.0, hi: 16_777_219.0 });
    }

    /// Halfway between two doubles that single precision does not tell apart.
    #[test]
    fn mixed_samples_stay_between_theirs() {
        let graph = float::Graph { nodes: vec![node(ElementType::F64)], outputs: vec![] };
        let sample = |value| vec![Tensor { shape: vec![1], values: Values::Float(vec![value]) }];
        let samples = mixed(&graph, &[sample(16_777_217.0), sample(16_777_217.5)]);
        for value in samples.iter().flatten().flat_map(real_values) {
            assert!((16_777_217.0..=16_777_217.5).contains(&value), "{value}");
        }
    }
}
