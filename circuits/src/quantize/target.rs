//! What is asked of an output: how far it may be from the model's, and what it decides.

use serde::{Deserialize, Serialize};

use super::{Error, accuracy};
use crate::float::{self, NodeId, Op};

/// What a probability may be off by where that takes no larger circuit.
const OF_A_PROBABILITY: f64 = 5e-4;

/// How far an output may be from the model's on the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tolerance {
    /// By this much.
    Absolute(f64),
    /// By this share of the output's span: the greatest of its values on the samples less the least. Of an output that does not
    /// vary, by this share of its magnitude.
    OfSpan(f64),
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::OfSpan(1.0 / 1024.0)
    }
}

impl Tolerance {
    /// The greatest error, of an output with this span.
    fn of(self, span: f64) -> f64 {
        match self {
            Self::Absolute(error) => error,
            Self::OfSpan(share) => share * span,
        }
    }

    /// Refuses what is no positive number.
    pub(super) fn check(self) -> Result<(), Error> {
        let (Self::Absolute(got) | Self::OfSpan(got)) = self;
        if got > 0.0 && got.is_finite() { Ok(()) } else { Err(Error::MaxError { got }) }
    }
}

/// What an output decides, as its user says. Without a word, softmax and ArgMax choose and other real outputs decide nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeclaredDecision {
    /// The first greatest along the last axis.
    ArgMax,
    /// Nothing.
    None,
    /// Whether a value is at least this.
    Threshold(f64),
}

/// What the search aims at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    /// By output: the greatest error; of integers, which are right or wrong, none.
    pub(super) errors: Vec<f64>,
    /// The least of them as a share of its output's span: what the tables of functions are measured by.
    pub(super) share: f64,
}

impl Goal {
    /// `tolerances` and `spans` by output, of a checked graph.
    pub(super) fn new(graph: &float::Graph, tolerances: &[Tolerance], spans: &[f64]) -> Self {
        let mut goal = Self { errors: Vec::with_capacity(spans.len()), share: 0.1 };
        for ((output, tolerance), span) in graph.outputs.iter().zip(tolerances).zip(spans) {
            let real = graph.node(output.node).element.is_float();
            let error = if real { tolerance.of(*span) } else { f64::INFINITY };
            goal.errors.push(error);
            goal.share = goal.share.min(error / span);
        }
        goal
    }

    /// The goal with probabilities that keep what they were promised, if that is more than it asks for.
    pub(super) fn of_probabilities(&self, graph: &float::Graph, declared: impl Fn(&str) -> bool) -> Option<Self> {
        let mut goal = self.clone();
        for (output, error) in graph.outputs.iter().zip(&mut goal.errors) {
            if *error > OF_A_PROBABILITY && !declared(&output.name) && is_probability(graph, output.node) {
                goal.share = goal.share.min(OF_A_PROBABILITY);
                *error = OF_A_PROBABILITY;
            }
        }
        (goal != *self).then_some(goal)
    }

    /// With so many times the error for each output.
    pub(super) fn times(&self, factor: f64) -> Self {
        Self { errors: self.errors.iter().map(|error| error * factor).collect(), share: self.share * factor }
    }

    /// The errors of each output as the share of what they may be that is greatest.
    pub(super) fn share_of(&self, errors: &[f64]) -> f64 {
        errors
            .iter()
            .zip(&self.errors)
            .map(|(error, most)| if *error > 0.0 { error / most } else { 0.0 })
            .fold(0.0, f64::max)
    }
}

/// By output, the greatest value on the samples less the least; where there is no difference, the magnitude; never 0.
pub(crate) fn spans<'t>(graph: &float::Graph, traces: impl Iterator<Item = &'t float::Trace> + Clone) -> Vec<f64> {
    let span = |output: &float::Output| {
        let values = traces.clone().flat_map(|trace| trace.of(output.node));
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (lo, hi) = values.fold(ends, |(lo, hi), value| (lo.min(*value), hi.max(*value)));
        let magnitude = lo.abs().max(hi.abs());
        match hi - lo {
            span if span > accuracy::NOISE * magnitude => span,
            _ if magnitude > 0.0 && magnitude.is_finite() => magnitude,
            _ => 1.0,
        }
    };
    graph.outputs.iter().map(span).collect()
}

/// What computes a value, before it was only given another shape.
pub(crate) fn origin(graph: &float::Graph, id: NodeId) -> &float::Node {
    let mut node = graph.node(id);
    while let (Op::Rearrange { sources }, [only]) = (&node.op, node.inputs.as_slice()) {
        let in_order = (0u32..).zip(sources).all(|(at, source)| source.element == at);
        let before = graph.node(*only);
        if !in_order || before.len() != node.len() {
            break;
        }
        node = before;
    }
    node
}

fn is_probability(graph: &float::Graph, id: NodeId) -> bool {
    matches!(origin(graph, id).op, Op::Sigmoid | Op::Softmax { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_positive_numbers() {
        for good in [Tolerance::default(), Tolerance::Absolute(1e-9), Tolerance::OfSpan(2.0)] {
            good.check().unwrap();
        }
        for got in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Tolerance::Absolute(got).check(), Err(Error::MaxError { .. })));
            assert!(matches!(Tolerance::OfSpan(got).check(), Err(Error::MaxError { .. })));
        }
        assert_eq!(Tolerance::default().of(1.0), 1.0 / 1024.0);
        assert_eq!(Tolerance::Absolute(0.25).of(1e9), 0.25);
    }

    /// An output that may err by much does not hide one that may not.
    #[test]
    fn errors_are_compared_by_what_each_output_may_err() {
        let goal = Goal { errors: vec![10.0, 0.001, f64::INFINITY], share: 0.001 };
        assert_eq!(goal.share_of(&[5.0, 0.0, 0.0]), 0.5);
        assert_eq!(goal.share_of(&[5.0, 0.002, 1e9]), 2.0);
    }
}
