//! Which values each input takes: declared, implied by what reads it, or derived from calibration data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Error, QuantizeOptions,
    fixed::{self, power_of_two, round_to_scale, significant, to_real},
};
use crate::{
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
    /// As calibrated, but on that side of 0 on which all samples lie: the model does not take 0, or not both signs.
    OneSided,
}

/// How far calibrated ranges go beyond the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Widening {
    /// To where the greatest magnitude allows: to 0, or to both sides of it.
    Magnitude,
    /// Elements that have one sign in all samples keep it, with half of the least magnitude.
    OneSided,
}

impl Widening {
    /// The narrower one, if it makes a range narrower.
    pub(super) fn narrower(graph: &float::Graph, options: &QuantizeOptions) -> Option<Self> {
        let narrows = |(position, (_, node)): (usize, (float::NodeId, &float::Node))| {
            !options.input_ranges.contains_key(&node.tensor)
                && node.element != ElementType::Bool
                && seen(position, node, &options.calibration).iter().any(has_one_sign)
        };
        graph.inputs().enumerate().any(narrows).then_some(Self::OneSided)
    }
}

fn has_one_sign(seen: &RealRange) -> bool {
    seen.lo <= seen.hi && (seen.lo > 0.0 || seen.hi < 0.0)
}

/// By how much the greatest magnitude seen in calibration is widened before it is rounded up to a power of two.
pub const MARGIN: f64 = 1.5;

/// Elements whose magnitude is less than that of the greatest by more than two to this have ranges of their own.
const APART: i32 = 8;

/// Bits that an input which saturates has more than its range.
const WIDER_BITS: u32 = 16;

/// Samples that are drawn where there is no calibration data.
const SYNTHETIC_SAMPLES: usize = 32;

/// The range of an input, before its scale is chosen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InputRange {
    pub(super) origin: RangeOrigin,
    /// One for all elements or one for each.
    ends: Vec<Ends>,
}

/// The range of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// Both ends included.
    Closed(RealRange),
    /// From `-2^exponent`, or from 0, up to but without `2^exponent`: as integers, a range that needs one limb sum.
    PowerOfTwo {
        exponent: i32,
        signed: bool,
        /// The greatest value less the least, which are to be told apart, is below two to this.
        spread: i32,
    },
}

impl Ends {
    /// Fraction bits for a real number, of which the plan gives `bits` to one of ordinary size. What counts is how much it varies: a
    /// price of 2,000 that moves by 1 is told apart as finely as a rate. Not 0, by which integers are told from real numbers.
    fn scale(&self, bits: i32) -> i32 {
        let (spread, exponent) = match self {
            Self::Closed(RealRange { lo, hi }) => {
                let magnitude = lo.abs().max(hi.abs());
                (fixed::exponent(if hi > lo { hi - lo } else { magnitude }), fixed::exponent(magnitude))
            }
            Self::PowerOfTwo { exponent, spread, .. } => (*spread, *exponent),
        };
        let bits = significant(bits, spread, &fixed::VALUES);
        // One bit below what a value may have.
        let room = limits::VALUE_BITS as i32 - 2 - exponent;
        match bits.min(room) {
            0 if room > 0 => 1,
            0 => -1,
            bits => bits,
        }
    }

    /// In integers with `frac_bits` fraction bits; ends are rounded as values are.
    fn at_scale(&self, input: &str, frac_bits: i32) -> Result<Interval, Error> {
        let limit = (1i64 << (limits::VALUE_BITS - 1)) - 1;
        let bad = |range: RealRange| Error::RangeTooWide { input: input.to_owned(), range, frac_bits };
        match *self {
            Self::Closed(range) => {
                let ends = round_to_scale(range.lo, frac_bits).zip(round_to_scale(range.hi, frac_bits));
                ends.filter(|(lo, hi)| lo <= hi).map(|(lo, hi)| Interval::new(lo, hi)).ok_or_else(|| bad(range))
            }
            Self::PowerOfTwo { exponent, signed, .. } => {
                // At least two steps of the scale: with fewer, what calibration showed would round to the end, which is excluded.
                let end = power_of_two((exponent + frac_bits).max(1));
                let lo = if signed { -end } else { 0.0 };
                if end > limit as f64 {
                    let hi = power_of_two(exponent);
                    return Err(bad(RealRange { lo: if signed { -hi } else { 0.0 }, hi }));
                }
                // Exact: powers of two below 2^62.
                Ok(Interval::new(lo as i64, end as i64 - 1))
            }
        }
    }
}

impl InputRange {
    /// The range that the circuit takes of an input that saturates: far wider than this one, on both sides of 0, at the same scales.
    pub(super) fn widened(ranges: &[Interval]) -> Vec<Interval> {
        let wide = |range: &Interval| {
            let bits = (range.bits() + WIDER_BITS).min(limits::VALUE_BITS - 2);
            Interval::new(-(1i64 << bits), (1i64 << bits) - 1)
        };
        ranges.iter().map(wide).collect()
    }

    /// Fraction bits of real elements, one for all or one for each.
    pub(super) fn scales(&self, bits: i32) -> Vec<i32> {
        let scales: Vec<i32> = self.ends.iter().map(|ends| ends.scale(bits)).collect();
        match scales.first() {
            Some(first) if scales.iter().all(|scale| scale == first) => vec![*first],
            _ => scales,
        }
    }

    /// In integers with these fraction bits, one for all elements or one for each.
    pub(super) fn at_scales(&self, input: &str, scales: &[i32]) -> Result<Vec<Interval>, Error> {
        let scale = |element: usize| scales.get(element).or(scales.first()).copied().unwrap_or(0);
        self.ends.iter().enumerate().map(|(element, ends)| ends.at_scale(input, scale(element))).collect()
    }

    /// A value of an element, `at` between 0 and 1 from the low end to the high.
    fn value(&self, element: usize, at: f64) -> f64 {
        let (lo, hi) = match self.ends.get(element).or(self.ends.first()) {
            Some(Ends::Closed(range)) => (range.lo, range.hi),
            // Clear of the excluded end, at any scale.
            Some(Ends::PowerOfTwo { exponent, signed, .. }) => {
                let end = power_of_two(*exponent) * 0.75;
                (if *signed { -end } else { 0.0 }, end)
            }
            None => (0.0, 0.0),
        };
        lo + (hi - lo) * at
    }
}

impl RealRange {
    /// What the elements of a node stand for, as proven: the hull of all of them.
    pub fn of(node: &int::Node) -> Self {
        let none = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
        let elements =
            if node.ranges.len() == 1 && node.element_bits.is_empty() { node.len().min(1) } else { node.len() };
        let hull = (0..elements).fold(none, |hull, element| {
            let (range, bits) = (node.range(element), node.frac_bits_of(element));
            Self { lo: hull.lo.min(to_real(range.lo, bits)), hi: hull.hi.max(to_real(range.hi, bits)) }
        });
        if elements == 0 { Self { lo: 0.0, hi: 0.0 } } else { hull }
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
            _ => Values::Int(values.iter().map(|value| value.round_ties_even() as i64).collect()),
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
    options: &QuantizeOptions,
    widening: Widening,
) -> Result<BTreeMap<float::NodeId, InputRange>, Error> {
    let QuantizeOptions { input_ranges: declared, element_ranges: elements, calibration, .. } = options;
    let known: Vec<String> = graph.inputs().map(|(_, node)| node.tensor.clone()).collect();
    if let Some(name) = declared.keys().chain(elements.keys()).find(|name| !known.contains(name)) {
        return Err(Error::UnknownName { what: "input", name: name.clone(), known });
    }
    let mut resolved = BTreeMap::new();
    let none = BTreeMap::new();
    for (position, (id, node)) in graph.inputs().enumerate() {
        let own = elements.get(&node.tensor).unwrap_or(&none);
        let range = match declared.get(&node.tensor) {
            Some(ranges) => declared_range(position, node, ranges, calibration)?,
            None => match implied(graph, id, node) {
                Some(range) => range,
                None => calibrated(position, node, own, calibration, widening)?,
            },
        };
        resolved.insert(id, with_own(position, node, range, own, calibration)?);
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
    if ranges.len() != 1 && ranges.len() != node.len() {
        return Err(Error::RangeCount { input: node.tensor.clone(), expected: node.len(), got: ranges.len() });
    }
    let ends = ends(node, ranges)?;
    check_samples(position, node, calibration, |element| ends.get(element).or(ends.first()).copied())?;
    Ok(InputRange { origin: RangeOrigin::Declared, ends: ends.into_iter().map(Ends::Closed).collect() })
}

/// With the ranges that are declared for single elements in place of theirs.
fn with_own(
    position: usize,
    node: &float::Node,
    range: InputRange,
    own: &BTreeMap<usize, RealRange>,
    calibration: &[Vec<Tensor>],
) -> Result<InputRange, Error> {
    if own.is_empty() {
        return Ok(range);
    }
    if let Some((element, _)) = own.iter().find(|(element, _)| **element >= node.len()) {
        return Err(Error::RangeCount {
            input: node.tensor.clone(),
            expected: node.len(),
            got: element.saturating_add(1),
        });
    }
    let declared: Vec<RealRange> = own.values().copied().collect();
    let own: BTreeMap<usize, RealRange> = own.keys().copied().zip(ends(node, &declared)?).collect();
    check_samples(position, node, calibration, |element| own.get(&element).copied())?;
    let of = |element: usize| match (own.get(&element), range.ends.get(element).or(range.ends.first())) {
        (Some(own), _) => Some(Ends::Closed(*own)),
        (None, ends) => ends.copied(),
    };
    Ok(InputRange { origin: RangeOrigin::Declared, ends: (0..node.len()).filter_map(of).collect() })
}

/// What the input's type makes of declared ends.
fn ends(node: &float::Node, ranges: &[RealRange]) -> Result<Vec<RealRange>, Error> {
    let held = |range: &RealRange| match node.element {
        element if element.is_float() => RealRange { lo: held(element, range.lo), hi: held(element, range.hi) },
        _ => RealRange { lo: range.lo.ceil() + 0.0, hi: range.hi.floor() + 0.0 },
    };
    let good = |range: &RealRange| range.lo.is_finite() && range.hi.is_finite() && range.lo <= range.hi;
    let ends: Vec<RealRange> = ranges.iter().map(held).collect();
    match ranges.iter().zip(&ends).find(|(range, ends)| !good(range) || !good(ends)) {
        Some((range, _)) => Err(Error::BadRange { input: node.tensor.clone(), range: *range }),
        None => Ok(ends),
    }
}

/// Whether the samples lie in declared ranges: said here, since no precision mends it.
fn check_samples(
    position: usize,
    node: &float::Node,
    calibration: &[Vec<Tensor>],
    allowed: impl Fn(usize) -> Option<RealRange>,
) -> Result<(), Error> {
    for (sample, tensor) in calibration.iter().enumerate().filter_map(|(at, sample)| Some((at, sample.get(position)?)))
    {
        for (element, value) in real_values(tensor).into_iter().enumerate() {
            let Some(allowed) = allowed(element) else { continue };
            if !(allowed.lo..=allowed.hi).contains(&value) {
                let source = Box::new(Error::InputValue { input: node.tensor.clone(), element, value, allowed });
                return Err(Error::Sample { sample, source });
            }
        }
    }
    Ok(())
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

/// Truth values, and indices into the smallest table that the input selects from, perhaps after its data was moved.
fn implied(graph: &float::Graph, id: float::NodeId, node: &float::Node) -> Option<InputRange> {
    let closed = |lo, hi| InputRange { origin: RangeOrigin::Implied, ends: vec![Ends::Closed(RealRange { lo, hi })] };
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

/// The elements' ranges, which are one, unless elements are so much smaller than others that they need a scale of their own.
/// Of the elements that have no range of their own: what the data show of the others says nothing of these.
fn calibrated(
    position: usize,
    node: &float::Node,
    own: &BTreeMap<usize, RealRange>,
    calibration: &[Vec<Tensor>],
    widening: Widening,
) -> Result<InputRange, Error> {
    let mut seen = seen(position, node, calibration);
    let calibrated = seen.iter().enumerate().all(|(element, range)| own.contains_key(&element) || range.lo.is_finite());
    if !calibrated {
        return Err(Error::NoRange { input: node.tensor.clone() });
    }
    for (_, range) in seen.iter_mut().enumerate().filter(|(element, _)| own.contains_key(element)) {
        *range = RealRange { lo: 0.0, hi: 0.0 };
    }
    let (least, most) =
        seen.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), range| (lo.min(range.lo), hi.max(range.hi)));
    if !(least.is_finite() && most.is_finite()) {
        return Err(Error::NoRange { input: node.tensor.clone() });
    }
    let own = |range: &RealRange| {
        // Strictly above the widened magnitude, which is excluded.
        let magnitude = range.lo.abs().max(range.hi.abs());
        fixed::exponent(magnitude * MARGIN)
    };
    let spread = |range: &RealRange| {
        let magnitude = range.lo.abs().max(range.hi.abs());
        fixed::exponent(MARGIN * if range.hi > range.lo { range.hi - range.lo } else { magnitude })
    };
    let exponent = own(&RealRange { lo: least, hi: most });
    let is_small = |range: &&RealRange| own(range) < exponent - APART;
    let spread_of_large = seen.iter().filter(|range| !is_small(range)).map(spread).max().unwrap_or(exponent);
    let signed = seen.iter().any(|range| !is_small(&range) && range.lo < 0.0);
    let large = Ends::PowerOfTwo { exponent, signed, spread: spread_of_large };
    let ends = |range: &RealRange| match is_small(&range) {
        true => Ends::PowerOfTwo { exponent: own(range), signed: range.lo < 0.0, spread: spread(range) },
        false => large,
    };
    let small = node.element.is_float() && seen.iter().any(|range| is_small(&range));
    if widening == Widening::OneSided && seen.iter().any(has_one_sign) {
        let hull = RealRange { lo: least, hi: most };
        let ends = match has_one_sign(&hull) && !small {
            true => vec![one_sided(node.element, &hull)],
            false => {
                let of =
                    |seen: &RealRange| if has_one_sign(seen) { one_sided(node.element, seen) } else { ends(&seen) };
                seen.iter().map(of).collect()
            }
        };
        return Ok(InputRange { origin: RangeOrigin::OneSided, ends });
    }
    let ends = if small { seen.iter().map(ends).collect() } else { vec![large] };
    Ok(InputRange { origin: RangeOrigin::Calibrated, ends })
}

/// From half of the least magnitude to what the greatest is widened to, on the side of 0 on which both are.
fn one_sided(element: ElementType, seen: &RealRange) -> Ends {
    let (least, most) = (seen.lo.abs().min(seen.hi.abs()), seen.lo.abs().max(seen.hi.abs()));
    let (near, far) = (least / 2.0, power_of_two(fixed::exponent(most * MARGIN)));
    let (near, far) = if element.is_float() { (near, far) } else { (near.floor().max(1.0), far - 1.0) };
    Ends::Closed(if seen.lo > 0.0 { RealRange { lo: near, hi: far } } else { RealRange { lo: -far, hi: -near } })
}

/// In words, the inputs, or elements of inputs, that are the same in all of the calibration data: what a model does if they change was not
/// looked at.
pub(super) fn that_never_vary(graph: &float::Graph, calibration: &[Vec<Tensor>]) -> Vec<String> {
    if calibration.len() < 2 {
        return Vec::new();
    }
    let told = |(position, (_, node)): (usize, (float::NodeId, &float::Node))| {
        let seen = seen(position, node, calibration);
        let same: Vec<usize> = (0..seen.len()).filter(|at| seen[*at].lo == seen[*at].hi).collect();
        let name = &node.tensor;
        match same.as_slice() {
            [] => None,
            all if all.len() == seen.len() => Some(format!("input `{name}`")),
            some => {
                let shown: Vec<String> = some.iter().take(8).map(ToString::to_string).collect();
                let more = if some.len() > 8 { format!(" and {} more", some.len() - 8) } else { String::new() };
                Some(format!("element {}{more} of input `{name}`", shown.join(", ")))
            }
        }
    };
    graph.inputs().enumerate().filter_map(told).collect()
}

/// What calibration shows of each element.
fn seen(position: usize, node: &float::Node, calibration: &[Vec<Tensor>]) -> Vec<RealRange> {
    let mut seen = vec![RealRange { lo: f64::INFINITY, hi: f64::NEG_INFINITY }; node.len()];
    for tensor in calibration.iter().filter_map(|sample| sample.get(position)) {
        for (range, value) in seen.iter_mut().zip(real_values(tensor)) {
            *range = RealRange { lo: range.lo.min(value), hi: range.hi.max(value) };
        }
    }
    seen
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
        calibrated(0, &node, &BTreeMap::new(), &[sample], Widening::Magnitude)
            .unwrap()
            .at_scales("x", &[frac_bits])
            .unwrap()[0]
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

    /// As many significant bits for each feature, whatever its size; and one range for features of much the same size.
    #[test]
    fn elements_far_smaller_than_others_have_a_scale_of_their_own() {
        let range = |samples: &[&[f64]]| {
            let node = float::Node { shape: vec![samples[0].len()], ..node(ElementType::F32) };
            let tensor = |values: &&[f64]| Tensor { shape: vec![values.len()], values: Values::Float(values.to_vec()) };
            let samples: Vec<Vec<Tensor>> = samples.iter().map(|values| vec![tensor(values)]).collect();
            calibrated(0, &node, &BTreeMap::new(), &samples, Widening::Magnitude).unwrap()
        };
        let raw = range(&[&[1.0e9, 0.5, -2.0e-6], &[3.0e9, 0.25, 1.0e-6]]);
        let scales = raw.scales(10);
        assert_eq!(scales, [10 - 26, 10, 10 + 14]);
        let ranges = raw.at_scales("x", &scales).unwrap();
        assert_eq!(ranges, [Interval::new(0, (1 << 17) - 1), Interval::new(0, 1023), Interval::new(-64, 63)]);
        assert_eq!(range(&[&[100.0, 0.5], &[10.0, 0.25]]).scales(10), [8]);
        // A large value that hardly varies: what it varies by counts.
        assert_eq!(range(&[&[1e6 + 1.0], &[1e6]]).scales(10), [10]);
        // In wei.
        assert_eq!(range(&[&[1e18], &[4e18]]).scales(10), [10 - 56]);
    }

    fn node(element: ElementType) -> float::Node {
        let (op, inputs, shape) = (float::Op::Input, vec![], vec![1]);
        float::Node { name: "x".into(), tensor: "x".into(), op, inputs, shape, element }
    }

    /// In a float32 input 0.1 is a little more than in the range that was written.
    #[test]
    fn declared_ends_are_rounded_as_values_are() {
        let declared = |element, lo, hi| declared_range(0, &node(element), &[RealRange { lo, hi }], &[]);
        let ends = |element, lo, hi| match declared(element, lo, hi).unwrap().ends[0] {
            Ends::Closed(ends) => (ends.lo, ends.hi),
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
