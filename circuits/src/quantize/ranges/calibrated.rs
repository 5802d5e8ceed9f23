//! What the calibration data show of an input, widened.

use std::collections::BTreeMap;

use super::range::{Ends, InputRange, RangeOrigin, RealRange};
use crate::{
    float::{self, ElementType, Tensor},
    quantize::{
        Error, QuantizeOptions,
        fixed::{self, power_of_two},
    },
};

/// By how much the greatest magnitude seen in calibration is widened before it is rounded up to a power of two.
pub const MARGIN: f64 = 1.5;

/// Elements whose magnitude is less than that of the greatest by more than two to this have ranges of their own.
const APART: i32 = 8;

/// How far calibrated ranges go beyond the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quantize) enum Widening {
    /// To where the greatest magnitude allows: to 0, or to both sides of it.
    Magnitude,
    /// Elements that have one sign in all samples keep it, with half of the least magnitude.
    OneSided,
}

impl Widening {
    /// The narrower one, if it makes a range narrower.
    pub(in crate::quantize) fn narrower(graph: &float::Graph, options: &QuantizeOptions) -> Option<Self> {
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

/// The elements' ranges, which are one, unless elements are so much smaller than others that they need a scale of their own.
/// Of the elements that have no range of their own: what the data show of the others says nothing of these.
pub(super) fn calibrated(
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
                let of = |seen: &RealRange| if has_one_sign(seen) { one_sided(node.element, seen) } else { ends(seen) };
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
pub(in crate::quantize) fn that_never_vary(graph: &float::Graph, calibration: &[Vec<Tensor>]) -> Vec<String> {
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
        for (range, value) in seen.iter_mut().zip(tensor.real_values()) {
            *range = RealRange { lo: range.lo.min(value), hi: range.hi.max(value) };
        }
    }
    seen
}
