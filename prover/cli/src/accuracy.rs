//! What commands say of a program's accuracy.

use apodict_circuits::report::{DataOrigin, ErrorReport, OutputReport};
use serde::Serialize;

/// The figures of an error report: all of the same samples.
#[derive(Serialize)]
pub(crate) struct Accuracy {
    /// Greatest error of an output against the float model.
    pub(crate) max_error: f64,
    /// Decisions that differ from the float model's.
    pub(crate) flips: usize,
    /// Decisions that were compared: 0 if no output decides anything that is known.
    pub(crate) decisions: usize,
    /// How many samples, and which.
    pub(crate) samples: usize,
    pub(crate) data: DataOrigin,
    /// Whether precision was chosen by a target that it misses.
    pub(crate) misses_target: bool,
    /// The outputs that do.
    pub(crate) missed: Vec<Missed>,
    pub(crate) warnings: Vec<String>,
    /// In one line.
    #[serde(skip)]
    pub(crate) summary: String,
}

/// An output that misses its target.
#[derive(Serialize)]
pub(crate) struct Missed {
    output: String,
    max_error: f64,
    /// The error as a share of what the output spans on the samples.
    of_span: f64,
    target: Option<f64>,
    flips: usize,
}

impl Missed {
    fn of(output: &OutputReport) -> Self {
        let OutputReport { name, max_error, target, flips, .. } = output.clone();
        Self { output: name, max_error, of_span: output.relative_error(), target, flips }
    }
}

impl Accuracy {
    pub(crate) fn of(report: &ErrorReport) -> Self {
        Self {
            max_error: report.max_error(),
            flips: report.flips(),
            decisions: report.decisions(),
            samples: report.samples,
            data: report.origin,
            misses_target: report.misses_target(),
            missed: report.outputs.iter().filter(|output| output.misses_target()).map(Missed::of).collect(),
            warnings: report.warnings.clone(),
            summary: report.summary().to_string(),
        }
    }
}

/// Where the figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FiguresFrom {
    /// The program's file says so: whoever made it may have written anything.
    Claimed,
    /// The model was compiled here, and this is what it compiles to.
    Compiled,
    /// The program was run here, beside the model.
    Measured,
}
