//! Which values each input takes: declared, implied by what reads it, or derived from calibration data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Error,
    fixed::{power_of_two, round_to_scale},
};
use crate::{
    elementary,
    float::{self, ElementType, Tensor, Values},
    int::{Interval, limits},
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
        let bad = |range: RealRange| Error::BadRange { input: input.to_owned(), range };
        match &self.ends {
            Ends::Closed(ranges) => {
                let interval = |range: &RealRange| {
                    let ends = round_to_scale(range.lo, frac_bits).zip(round_to_scale(range.hi, frac_bits));
                    ends.filter(|(lo, hi)| lo <= hi).map(|(lo, hi)| Interval::new(lo, hi)).ok_or_else(|| bad(*range))
                };
                ranges.iter().map(interval).collect()
            }
            Ends::PowerOfTwo { exponent, signed } => {
                // At least one step of the scale.
                let end = power_of_two((exponent + frac_bits).max(0));
                let lo = if *signed { -end } else { 0.0 };
                if end > limit as f64 {
                    return Err(bad(RealRange { lo, hi: end }));
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
pub(super) fn synthetic(
    graph: &float::Graph,
    ranges: &BTreeMap<float::NodeId, InputRange>,
    count: usize,
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
            ElementType::F32 => Values::Float(values.iter().map(|value| f64::from(*value as f32)).collect()),
            ElementType::F64 => Values::Float(values),
            ElementType::Bool => Values::Bool(values.iter().map(|value| *value >= 0.5).collect()),
            ElementType::I32 | ElementType::I64 => {
                Values::Int(values.iter().map(|value| value.round_ties_even() as i64).collect())
            }
        };
        Tensor { shape: node.shape.clone(), values }
    };
    (0..count).map(|_| graph.inputs().map(&mut tensor).collect()).collect()
}

/// Inputs between neighbouring samples: halfway, and with every element from one of both. All lie in whatever ranges, of
/// elements or of all, the samples lie in. None for a single sample.
pub(super) fn mixed(samples: &[Vec<Tensor>]) -> Vec<Vec<Tensor>> {
    let next = samples.iter().cycle().skip(1);
    let pairs = samples.iter().zip(next).filter(|_| samples.len() > 1);
    let mixtures = pairs.flat_map(|(a, b)| {
        let mix = |midpoint: fn(f64, f64) -> Option<f64>| {
            a.iter().zip(b).map(|(a, b)| mix(a, b, midpoint)).collect::<Vec<Tensor>>()
        };
        [mix(|a, b| Some(f64::from(f64::midpoint(a, b) as f32))), mix(|_, _| None)]
    });
    mixtures.collect()
}

/// Real numbers by `midpoint`; if it has none, and for all else, every element from one of both.
fn mix(a: &Tensor, b: &Tensor, midpoint: fn(f64, f64) -> Option<f64>) -> Tensor {
    // Fibonacci hashing: which of both an element comes from has no pattern that a model's layout could have.
    let first = |element: usize| (element as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0;
    fn choose<T: Copy>(a: &[T], b: &[T], pick: impl Fn(usize, T, T) -> T) -> Vec<T> {
        a.iter().zip(b).enumerate().map(|(element, (a, b))| pick(element, *a, *b)).collect()
    }
    let either = |element, a, b| if first(element) { a } else { b };
    let values = match (&a.values, &b.values) {
        (Values::Float(a), Values::Float(b)) => {
            Values::Float(choose(a, b, |at, a, b| midpoint(a, b).unwrap_or_else(|| either(at, a, b))))
        }
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
            Some(ranges) => check_declared(node, ranges)?,
            None => match implied(graph, id, node) {
                Some(range) => range,
                None => calibrated(position, node, calibration)?,
            },
        };
        resolved.insert(id, range);
    }
    Ok(resolved)
}

fn check_declared(node: &float::Node, ranges: &[RealRange]) -> Result<InputRange, Error> {
    let input = || node.tensor.clone();
    if ranges.len() != 1 && ranges.len() != node.len() {
        return Err(Error::RangeCount { input: input(), expected: node.len(), got: ranges.len() });
    }
    let good = |range: &&RealRange| range.lo.is_finite() && range.hi.is_finite() && range.lo <= range.hi;
    if let Some(range) = ranges.iter().find(|range| !good(range)) {
        return Err(Error::BadRange { input: input(), range: *range });
    }
    Ok(InputRange { origin: RangeOrigin::Declared, ends: Ends::Closed(ranges.to_vec()) })
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
    let tensors = calibration.iter().filter_map(|sample| sample.get(position));
    let mut see = |value: f64| (least, most) = (least.min(value), most.max(value));
    for tensor in tensors {
        match &tensor.values {
            Values::Float(values) => values.iter().copied().for_each(&mut see),
            Values::Int(values) => values.iter().for_each(|value| see(*value as f64)),
            Values::Bool(values) => values.iter().for_each(|value| see(f64::from(u8::from(*value)))),
        }
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
        assert_eq!(calibrated_range(&[0.01, -0.01], 2), Interval::new(-1, 0));
    }
}
