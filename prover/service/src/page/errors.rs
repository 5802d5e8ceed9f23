//! How far a model's integers stand from its floats, as charts: what the error report holds.

use apodict_circuits::report::{Decision, ErrorReport, LayerReport, OutputReport};

use super::show;

/// Outputs, and layers, that a chart shows.
const MOST: usize = 24;

const ROW: usize = 44;
/// Room for the axis below.
const AXIS: usize = 26;

/// A figure on an axis.
pub(super) struct Mark {
    /// `mean`, `max`, `target`, `bound`: how it is drawn.
    pub(super) kind: &'static str,
    /// In percent of the width.
    pub(super) x: String,
    pub(super) value: String,
}

/// The figures of one output.
pub(super) struct OutputRow {
    pub(super) name: String,
    pub(super) y: usize,
    pub(super) marks: Vec<Mark>,
    pub(super) mean: String,
    pub(super) max: String,
    pub(super) target: String,
    pub(super) bound: String,
    pub(super) decides: String,
    pub(super) flips: String,
}

/// A place on the axis.
pub(super) struct Tick {
    pub(super) x: String,
    pub(super) label: String,
}

/// A layer's error.
pub(super) struct LayerRow {
    pub(super) name: String,
    pub(super) operator: String,
    pub(super) bits: u32,
    pub(super) frac_bits: i32,
    pub(super) relative: String,
    /// In percent of the greatest.
    pub(super) width: String,
    /// How much of it this layer adds, in percent of the greatest.
    pub(super) added: String,
    pub(super) y: usize,
}

/// What a report shows.
pub(super) struct Errors {
    pub(super) summary: String,
    pub(super) outputs: Vec<OutputRow>,
    pub(super) ticks: Vec<Tick>,
    pub(super) outputs_height: usize,
    /// Where the ticks' labels stand.
    pub(super) axis_y: usize,
    pub(super) layers: Vec<LayerRow>,
    pub(super) layers_height: usize,
    /// Outputs and layers that are not drawn.
    pub(super) left_out: usize,
    pub(super) warnings: Vec<String>,
}

/// Decades that are drawn.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(outputs: &[OutputReport]) -> Self {
        let figures = outputs.iter().flat_map(figures).map(|(_, value)| value.log10());
        let (low, high) = figures.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        if low > high {
            return Self { low: -6.0, high: 0.0 };
        }
        Self { low: low.floor(), high: high.ceil().max(low.floor() + 1.0) }
    }

    /// With some room at both ends.
    fn x(&self, value: f64) -> String {
        let share = (value.log10() - self.low) / (self.high - self.low);
        format!("{:.2}", 4.0 + 92.0 * share.clamp(0.0, 1.0))
    }

    fn ticks(&self) -> Vec<Tick> {
        let decades = (self.high - self.low) as i32;
        // On a phone there is room for six.
        let every = (decades / 5).max(1);
        let ends = (0..=decades).filter(|decade| decade % every == 0).map(|decade| self.low as i32 + decade);
        ends.map(|exponent| Tick { x: self.x(10f64.powi(exponent)), label: format!("1e{exponent}") }).collect()
    }
}

/// Those above 0, which a logarithm has.
fn figures(output: &OutputReport) -> impl Iterator<Item = (&'static str, f64)> + use<> {
    let all = [
        ("bound", output.bound),
        ("target", output.target),
        ("mean", Some(output.mean_error)),
        ("max", Some(output.max_error)),
    ];
    let drawn = |(kind, value): (&'static str, Option<f64>)| {
        value.filter(|value| *value > 0.0 && value.is_finite()).map(|value| (kind, value))
    };
    all.into_iter().filter_map(drawn)
}

impl Errors {
    pub(super) fn new(report: &ErrorReport) -> Self {
        let outputs = report.outputs.get(..MOST).unwrap_or(&report.outputs);
        let layers = report.layers.get(..MOST).unwrap_or(&report.layers);
        let axis = Axis::of(outputs);
        let greatest = layers.iter().map(|layer| layer.relative_error).fold(0.0, f64::max);
        let drawn: Vec<_> = outputs.iter().enumerate().map(|(row, output)| output_row(row, output, &axis)).collect();
        let axis_y = drawn.len() * ROW + AXIS - 8;
        Self {
            summary: show::name(&report.summary().to_string()),
            ticks: axis.ticks(),
            outputs_height: drawn.len() * ROW + AXIS,
            axis_y,
            outputs: drawn,
            layers: layers.iter().enumerate().map(|(row, layer)| layer_row(row, layer, greatest)).collect(),
            layers_height: layers.len() * ROW,
            left_out: report.outputs.len() - outputs.len() + report.layers.len() - layers.len(),
            warnings: report.warnings.iter().map(|warning| apodict_circuits::escaped(warning).to_string()).collect(),
        }
    }
}

fn output_row(row: usize, output: &OutputReport, axis: &Axis) -> OutputRow {
    let marks =
        figures(output).map(|(kind, value)| Mark { kind, x: axis.x(value), value: show::error(value) }).collect();
    let told = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), show::error);
    OutputRow {
        name: show::name(&output.name),
        y: row * ROW,
        marks,
        mean: show::error(output.mean_error),
        max: show::error(output.max_error),
        target: told(output.target),
        bound: told(output.bound),
        decides: match output.decision {
            Decision::None => "nothing declared".to_owned(),
            Decision::Exact => "each integer".to_owned(),
            Decision::Argmax { length } => format!("the greatest of {length}"),
            Decision::Threshold { at } => format!("at least {}", show::number(at)),
        },
        flips: if output.decisions == 0 {
            "–".to_owned()
        } else {
            format!("{} of {}", output.flips, output.decisions)
        },
    }
}

fn layer_row(row: usize, layer: &LayerReport, greatest: f64) -> LayerRow {
    let share = |value: f64| {
        let share = if greatest > 0.0 && value.is_finite() { 100.0 * value / greatest } else { 0.0 };
        format!("{:.2}", share.clamp(0.0, 100.0))
    };
    LayerRow {
        name: show::name(&layer.name),
        operator: show::name(&layer.operator),
        bits: layer.bits,
        frac_bits: layer.frac_bits,
        relative: show::error(layer.relative_error),
        width: share(layer.relative_error),
        added: share(layer.added.max(0.0).min(layer.relative_error)),
        y: row * ROW,
    }
}

#[cfg(test)]
mod tests {
    use apodict_circuits::quantize::RealRange;
    use apodict_circuits::report::DataOrigin;

    use super::*;

    fn output(mean_error: f64, max_error: f64, bound: Option<f64>) -> OutputReport {
        OutputReport {
            name: "y\u{202e}".into(),
            frac_bits: 16,
            range: RealRange { lo: 0.0, hi: 1.0 },
            max_error,
            mean_error,
            span: 1.0,
            target: None,
            decision: Decision::Threshold { at: 0.5 },
            decisions: 10,
            flips: 1,
            bound,
        }
    }

    fn report(outputs: Vec<OutputReport>) -> ErrorReport {
        ErrorReport {
            samples: 10,
            origin: DataOrigin::Calibration,
            input_ranges: std::collections::BTreeMap::new(),
            outputs,
            layers: vec![],
            units: 1.0,
            warnings: vec![],
        }
    }

    #[test]
    fn figures_stand_in_order_on_the_axis() {
        let errors = Errors::new(&report(vec![output(1e-5, 1e-3, Some(0.1))]));
        let row = &errors.outputs[0];
        let at =
            |kind: &str| row.marks.iter().find(|mark| mark.kind == kind).map(|mark| mark.x.parse::<f64>().unwrap());
        assert_eq!((at("mean"), at("bound"), at("target")), (Some(4.0), Some(96.0), None));
        assert!((at("max").unwrap() - 50.0).abs() < 0.01);
        assert_eq!((row.name.as_str(), row.flips.as_str()), ("y\\u{202e}", "1 of 10"));
        assert_eq!(
            errors.ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(),
            ["1e-5", "1e-4", "1e-3", "1e-2", "1e-1"]
        );
    }

    #[test]
    fn a_model_without_errors_is_drawn_too() {
        let errors = Errors::new(&report(vec![output(0.0, 0.0, None), output(0.0, f64::INFINITY, None)]));
        assert!(errors.outputs.iter().all(|row| row.marks.is_empty()));
        assert_eq!(errors.outputs[0].max, "0");
        assert!(!errors.ticks.is_empty());
        let many = Errors::new(&report((0..100).map(|_| output(1e-9, 1e9, None)).collect()));
        assert_eq!((many.outputs.len(), many.left_out), (MOST, 100 - MOST));
        assert!(many.ticks.len() <= 7, "{}", many.ticks.len());
    }
}
