//! What an output decides, and what counts as a decision that flips.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    float,
    quantize::{
        Error,
        target::{DeclaredDecision, origin},
    },
};

/// What an output decides: what counts as a flip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing that is known: a scalar without a threshold.
    None,
    /// Every integer is a decision.
    Exact,
    /// The first greatest of every run of this many elements: of the last axis.
    Argmax {
        /// Elements along the last axis.
        length: usize,
    },
    /// Whether a value is at least this.
    Threshold {
        /// At the float model's scale.
        at: f64,
    },
}

/// Errors of one output of one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    pub(crate) max_error: f64,
    sum_error: f64,
    count: usize,
    pub(crate) decisions: usize,
    pub(crate) flips: usize,
}

impl Decision {
    /// Compares one tensor with what it should be.
    pub(crate) fn compare(self, reference: &[f64], got: &[f64]) -> Measured {
        let mut measured = Measured { count: reference.len(), ..Measured::default() };
        for (reference, got) in reference.iter().zip(got) {
            let error = (reference - got).abs();
            measured.max_error = measured.max_error.max(error);
            measured.sum_error += error;
        }
        let flips = |same: &mut dyn Iterator<Item = bool>| {
            same.fold((0, 0), |(all, flipped), same| (all + 1, flipped + usize::from(!same)))
        };
        let pairs = reference.iter().zip(got);
        (measured.decisions, measured.flips) = match self {
            Self::None => (0, 0),
            Self::Exact => flips(&mut pairs.map(|(reference, got)| reference == got)),
            Self::Threshold { at } => flips(&mut pairs.map(|(reference, got)| (*reference >= at) == (*got >= at))),
            Self::Argmax { length } => {
                let rows = reference.chunks(length.max(1)).zip(got.chunks(length.max(1)));
                flips(&mut rows.map(|(reference, got)| first_greatest(reference) == first_greatest(got)))
            }
        };
        // An integer that differs is a flip, not an error of some size.
        if self == Self::Exact {
            (measured.max_error, measured.sum_error) = (0.0, 0.0);
        }
        measured
    }
}

fn first_greatest(values: &[f64]) -> usize {
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|value| *value == greatest).unwrap_or(0)
}

impl Measured {
    pub(crate) fn add(&mut self, other: Self) {
        self.max_error = self.max_error.max(other.max_error);
        self.sum_error += other.sum_error;
        self.count += other.count;
        self.decisions += other.decisions;
        self.flips += other.flips;
    }

    pub(crate) fn mean_error(&self) -> f64 {
        self.sum_error / self.count.max(1) as f64
    }
}

/// What each output of `graph` decides: as it is declared; otherwise softmax and ArgMax choose, and all else decides nothing.
///
/// # Errors
/// A choice among elements that there are not, a threshold of integers.
pub(crate) fn decisions(
    graph: &float::Graph,
    declared: &BTreeMap<String, DeclaredDecision>,
) -> Result<Vec<Decision>, Error> {
    let decision = |output: &float::Output| {
        let node = graph.node(output.node);
        let bad = |reason| Error::BadDecision { output: output.name.clone(), reason };
        let last = node.shape.last().copied().filter(|length| *length > 1);
        if !node.element.is_float() {
            return match declared.get(&output.name) {
                None | Some(DeclaredDecision::ArgMax) => Ok(Decision::Exact),
                Some(DeclaredDecision::None) => Ok(Decision::None),
                Some(DeclaredDecision::Threshold(_)) => {
                    Err(bad("integers, which are compared one by one: give no threshold for it"))
                }
            };
        }
        match declared.get(&output.name) {
            Some(DeclaredDecision::None) => Ok(Decision::None),
            Some(DeclaredDecision::Threshold(at)) if at.is_finite() => Ok(Decision::Threshold { at: *at }),
            Some(DeclaredDecision::Threshold(_)) => Err(bad("a threshold that is no finite number: give one")),
            Some(DeclaredDecision::ArgMax) => {
                let length = last
                    .ok_or_else(|| bad("one element along its last axis, which is no choice: declare a threshold"))?;
                Ok(Decision::Argmax { length })
            }
            None => {
                let maker = origin(graph, output.node);
                let chooses = matches!(maker.op, float::Op::Softmax { axis } if axis + 1 == maker.shape.len());
                let kept = maker.shape.last() == node.shape.last();
                let length = last.filter(|_| chooses && kept);
                Ok(length.map_or(Decision::None, |length| Decision::Argmax { length }))
            }
        }
    };
    graph.outputs.iter().map(decision).collect()
}
