//! An error report's figures in short: what every interface tells of a program.

use serde::Serialize;

use super::{DataOrigin, ErrorReport, OutputReport};

/// The figures of an error report: all of the same samples.
#[derive(Clone, Debug, Serialize)]
pub struct Accuracy {
    /// Greatest error of an output against the float model.
    pub max_error: f64,
    /// Decisions that differ from the float model's.
    pub flips: usize,
    /// Decisions that were compared: 0 if no output decides anything that is known.
    pub decisions: usize,
    /// How many samples.
    pub samples: usize,
    /// Which samples.
    pub data: DataOrigin,
    /// Whether precision was chosen by a target that it misses.
    pub misses_target: bool,
    /// The outputs that do.
    pub missed: Vec<Missed>,
    /// What a reader should know before relying on the figures.
    pub warnings: Vec<String>,
    /// In one line.
    #[serde(skip)]
    pub summary: String,
}

/// An output that misses its target.
#[derive(Clone, Debug, Serialize)]
pub struct Missed {
    /// Its name.
    pub output: String,
    /// Greatest error against the float model.
    pub max_error: f64,
    /// The error as a share of what the output spans on the samples.
    pub of_span: f64,
    /// What was asked for.
    pub target: Option<f64>,
    /// Decisions that differ from the float model's.
    pub flips: usize,
}

impl Missed {
    fn of(output: &OutputReport) -> Self {
        let OutputReport { name, max_error, target, flips, .. } = output.clone();
        Self { output: name, max_error, of_span: output.relative_error(), target, flips }
    }
}

impl Accuracy {
    /// The figures of `report`.
    pub fn of(report: &ErrorReport) -> Self {
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
