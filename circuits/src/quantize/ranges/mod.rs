//! Which values each input takes: declared, implied by what reads it, or derived from calibration data.

mod calibrated;
mod range;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{Error, QuantizeOptions};
use crate::float::{self, ElementType, Tensor};

pub use calibrated::MARGIN;
pub(super) use calibrated::{Widening, that_never_vary};
pub(super) use range::InputRange;
pub use range::{RangeOrigin, RealRange};
pub(crate) use samples::synthetic_within;
pub(super) use samples::{mixed, synthetic};

use calibrated::calibrated;
use range::Ends;
use samples::held;

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
        for (element, value) in tensor.real_values().into_iter().enumerate() {
            let Some(allowed) = allowed(element) else { continue };
            if !(allowed.lo..=allowed.hi).contains(&value) {
                let source = Box::new(Error::InputValue { input: node.tensor.clone(), element, value, allowed });
                return Err(Error::Sample { sample, source });
            }
        }
    }
    Ok(())
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
