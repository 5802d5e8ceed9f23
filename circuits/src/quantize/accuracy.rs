//! What a plan does to the samples.

use super::RealRange;
use crate::{float, int};

/// An output whose values on the samples differ by less than this part of their magnitude is constant: single precision holds
/// hardly more.
pub(super) const NOISE: f64 = 1.0 / (1u64 << 20) as f64;

/// Errors over the samples, each as a share of what its output may err.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Accuracy {
    /// Greatest error over all samples.
    pub(super) error: f64,
    /// Greatest error over those that the report is about.
    pub(super) given: f64,
    /// Flipped decisions among these.
    pub(super) flips: usize,
    /// An output that is constant, but not in the model.
    pub(super) constant: Option<usize>,
}

impl Accuracy {
    /// Of a plan that cannot even hold the samples.
    pub(super) const NONE: Self =
        Self { error: f64::INFINITY, given: f64::INFINITY, flips: usize::MAX, constant: None };

    /// Whether the samples lie in the ranges that they have at the plan's scales.
    pub(super) fn holds_samples(&self) -> bool {
        self.flips < usize::MAX
    }

    /// Whether the plan is accurate enough, mixed samples included.
    pub(super) fn is_within(&self, limit: f64) -> bool {
        self.error <= limit && self.flips == 0 && self.constant.is_none()
    }

    /// Whether this is better than `other` where none is accurate enough: what the report will tell comes first.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let rank = |of: &Self| (of.constant.is_some(), of.flips, of.given > 1.0);
        (rank(self), self.error) < (rank(other), other.error)
    }
}

/// How the model's outputs vary over the samples that the report is about: the range of the element that varies most, or nothing of
/// an output that is constant.
pub(super) fn spreads<'t>(
    graph: &float::Graph,
    traces: impl Iterator<Item = &'t float::Trace> + Clone,
) -> Vec<Option<RealRange>> {
    let spread = |output: &float::Output| {
        let mut ranges: Vec<RealRange> = Vec::new();
        for trace in traces.clone() {
            let values = trace.of(output.node);
            ranges.resize(values.len(), RealRange { lo: f64::INFINITY, hi: f64::NEG_INFINITY });
            for (range, value) in ranges.iter_mut().zip(values) {
                *range = RealRange { lo: range.lo.min(*value), hi: range.hi.max(*value) };
            }
        }
        let magnitude = ranges.iter().fold(0.0f64, |most, range| most.max(range.lo.abs()).max(range.hi.abs()));
        let widest = ranges.into_iter().max_by(|a, b| (a.hi - a.lo).total_cmp(&(b.hi - b.lo)));
        widest.filter(|range| range.hi - range.lo > NOISE * magnitude)
    };
    graph.outputs.iter().map(spread).collect()
}

/// Whether the integer graph yields the same for every input in range, as proven.
pub(super) fn is_constant(node: &int::Node) -> bool {
    node.ranges.iter().all(|range| range.lo == range.hi)
}

/// Watches whether outputs vary from sample to sample.
pub(super) struct Variation {
    first: Vec<Vec<f64>>,
    varied: Vec<bool>,
}

impl Variation {
    pub(super) fn new(outputs: usize) -> Self {
        Self { first: Vec::new(), varied: vec![false; outputs] }
    }

    pub(super) fn see(&mut self, outputs: &[Vec<f64>]) {
        if self.first.is_empty() {
            self.first = outputs.to_vec();
        }
        for ((varied, first), got) in self.varied.iter_mut().zip(&self.first).zip(outputs) {
            *varied = *varied || first != got;
        }
    }

    pub(super) fn varied(&self, output: usize) -> bool {
        self.varied.get(output).copied().unwrap_or(false)
    }
}
