//! How far the quantized model stands from the float model: measured on samples, and bounded where a bound exists.
//!
//! A report belongs to every program. What only the quantized model does (a decision that flips, a class that never comes
//! up) shows here and nowhere else, so whoever deploys a program should read it.

//! | part | what it is |
//! |---|---|
//! | here | the figures |
//! | `accuracy` | the figures in short |
//! | `decision` | what an output decides, and what counts as a flip |
//! | `measure` | the figures of two graphs on samples |
//! | `text` | the figures in words |

mod accuracy;
mod decision;
mod measure;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ranges::{RangeOrigin, RealRange};
use crate::int::Interval;

pub use accuracy::{Accuracy, Missed};
pub use decision::Decision;
pub(crate) use decision::{Measured, decisions};
pub(crate) use measure::Parts;
pub use measure::measure;

/// What the samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataOrigin {
    /// The user's calibration data.
    Calibration,
    /// Drawn uniformly from the declared ranges.
    Synthetic,
    /// Samples that were not used to choose the precision.
    HeldOut,
}

/// Errors of one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// The ONNX output's name.
    pub name: String,
    /// An integer `v` of it stands for `v * 2^-frac_bits`.
    pub frac_bits: i32,
    /// What it can be, proven from the input ranges.
    pub range: RealRange,
    /// Greatest absolute error over samples and elements.
    pub max_error: f64,
    /// Mean absolute error.
    pub mean_error: f64,
    /// The greatest value of the float model on the samples less the least; the magnitude, where there is no difference.
    pub span: f64,
    /// The greatest error that was asked for, if precision was chosen by one; of integers 0.
    pub target: Option<f64>,
    /// What counts as a decision.
    pub decision: Decision,
    /// How many decisions the samples hold.
    pub decisions: usize,
    /// How many of them differ from the float model's.
    pub flips: usize,
    /// Bound of the absolute error for every input in range, against the float model in real arithmetic.
    /// `None` if there is none: an ArgMax can jump.
    pub bound: Option<f64>,
}

impl OutputReport {
    /// Whether the target that precision was chosen by was out of reach: the output errs by more, or a decision flips.
    pub fn misses_target(&self) -> bool {
        self.target.is_some_and(|target| self.max_error > target || self.flips > 0)
    }

    /// The greatest error as a share of the span.
    pub fn relative_error(&self) -> f64 {
        self.max_error / self.span
    }
}

/// Errors and range of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The float node's name.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// How many elements it has.
    pub elements: usize,
    /// An integer `v` of it stands for `v * 2^-frac_bits`.
    pub frac_bits: i32,
    /// Proven range of its integers.
    pub range: Interval,
    /// Bits that the range takes.
    pub bits: u32,
    /// Greatest absolute error over samples and elements.
    pub max_error: f64,
    /// Mean absolute error.
    pub mean_error: f64,
    /// Greatest error in units of the layer's greatest magnitude on the samples.
    pub relative_error: f64,
    /// By how much `relative_error` exceeds that of the layers it reads: what this layer adds.
    pub added: f64,
}

/// Accuracy of a quantized model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// How many samples were measured.
    pub samples: usize,
    /// What they are.
    pub origin: DataOrigin,
    /// Where each input's range comes from, by name.
    pub input_ranges: BTreeMap<String, RangeOrigin>,
    /// In the order of the model's outputs.
    pub outputs: Vec<OutputReport>,
    /// In the order of the float graph; only nodes that a node of the integer graph stands for.
    pub layers: Vec<LayerReport>,
    /// Estimated size of the circuit, in units of the machine: see [`crate::quantize::cost`].
    pub units: f64,
    /// What a reader should know before relying on the figures.
    pub warnings: Vec<String>,
}

impl ErrorReport {
    /// Greatest error of any output.
    pub fn max_error(&self) -> f64 {
        self.outputs.iter().map(|output| output.max_error).fold(0.0, f64::max)
    }

    /// How many decisions the samples hold.
    pub fn decisions(&self) -> usize {
        self.outputs.iter().map(|output| output.decisions).sum()
    }

    /// How many of them differ from the float model's.
    pub fn flips(&self) -> usize {
        self.outputs.iter().map(|output| output.flips).sum()
    }

    /// Whether an output misses the target that precision was chosen by.
    pub fn misses_target(&self) -> bool {
        self.outputs.iter().any(OutputReport::misses_target)
    }

    /// Which samples the figures are of: `on the 100 calibration samples`.
    pub fn data(&self) -> impl fmt::Display {
        let of = match self.origin {
            DataOrigin::Calibration => "calibration samples",
            DataOrigin::Synthetic => "samples drawn uniformly from the inputs' ranges",
            DataOrigin::HeldOut => "held-out samples",
        };
        format!("on the {} {of}", self.samples)
    }

    /// The figures in one line: error, flipped decisions, and the samples that they are of.
    pub fn summary(&self) -> impl fmt::Display {
        let flips = match self.decisions() {
            0 => "no decision declared".to_owned(),
            decisions => format!("{} of {decisions} decisions flipped", self.flips()),
        };
        format!("at most {:.2e} from the float model, {flips}, {}", self.max_error(), self.data())
    }

    /// What is wrong if a target was out of reach, in one line: the figures of the outputs that miss theirs, and what would help.
    pub fn missed_target(&self) -> Option<String> {
        let of = |output: &OutputReport| {
            let Some(target) = output.target else { return String::new() };
            let flips = match output.flips {
                0 => String::new(),
                flips => format!(", {flips} of {} decisions flipped", output.decisions),
            };
            let (name, error, share) = (&output.name, output.max_error, 100.0 * output.relative_error());
            format!("`{name}` is off by {error:.2e} ({share:.3}% of its span) where {target:.2e} was the target{flips}")
        };
        let missed: Vec<String> = self.outputs.iter().filter(|output| output.misses_target()).map(of).collect();
        if missed.is_empty() {
            return None;
        }
        let weakest =
            self.weakest_layer().map(|layer| format!("; most is lost in `{}`", layer.name)).unwrap_or_default();
        let (missed, data) = (missed.join(", "), self.data());
        Some(format!(
            "the target is out of reach {data}: at best output {missed}{weakest}; allow a greater error (--max-error), declare \
             narrower ranges (--range), or normalize what the layer reads"
        ))
    }

    /// With what each output was to be within.
    pub(crate) fn with_targets(mut self, targets: Option<&[f64]>) -> Self {
        for (at, output) in self.outputs.iter_mut().enumerate() {
            let target = targets.and_then(|targets| targets.get(at)).copied();
            let of = |target: f64| if output.decision == Decision::Exact { 0.0 } else { target };
            output.target = target.map(of).filter(|target| target.is_finite());
        }
        self
    }

    /// With what a reader should know before relying on the figures.
    pub(crate) fn with_warnings(mut self) -> Self {
        self.warnings.extend(self.missed_target());
        if self.origin == DataOrigin::Synthetic {
            self.warnings.push(format!("no calibration data: errors were measured {}", self.data()));
        }
        self
    }

    /// The layer that adds most error, relative to its values.
    pub fn weakest_layer(&self) -> Option<&LayerReport> {
        let adding = self.layers.iter().filter(|layer| layer.added > 0.0);
        adding.max_by(|a, b| a.added.total_cmp(&b.added))
    }
}
