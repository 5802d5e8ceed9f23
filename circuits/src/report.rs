//! How far the quantized model stands from the float model: measured on samples, and bounded where a bound exists.
//!
//! A report belongs to every program. What only the quantized model does (a decision that flips, a class that never comes
//! up) shows here and nowhere else, so whoever deploys a program should read it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Program, escaped,
    float::{self, ElementType, Tensor, Values},
    int::{self, Interval},
    quantize::{
        DeclaredDecision, Error, Quantized, RangeOrigin, RealRange, dequantize_outputs, origin, quantize_tensors, real,
        spans, synthetic_within,
    },
};

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

/// The two graphs, and how they correspond.
pub(crate) struct Parts<'a> {
    pub(crate) float: &'a float::Graph,
    pub(crate) graph: &'a int::Graph,
    pub(crate) nodes: &'a [Option<int::NodeId>],
    pub(crate) bounds: &'a [Option<f64>],
}

/// Inputs, the float graph's values, and other values of the outputs to compare with, if there are any.
type Sample<'s> = (&'s [Tensor], &'s float::Trace, Option<Vec<Vec<f64>>>);

impl ErrorReport {
    pub(crate) fn measure<'s>(
        parts: &Parts<'_>,
        decisions: &[Decision],
        samples: impl Iterator<Item = Sample<'s>>,
        origin: DataOrigin,
    ) -> Result<Self, Error> {
        let executor = int::Executor::new(parts.graph)?;
        let samples: Vec<Sample<'s>> = samples.collect();
        let spans = spans(parts.float, samples.iter().map(|(_, trace, _)| *trace));
        let mut outputs = vec![Measured::default(); decisions.len()];
        let mut layers = vec![(Measured::default(), 0.0f64); parts.float.nodes.len()];
        let mut count = 0;
        for (inputs, float, reference) in samples {
            let failed = |error: Error| Error::Sample { sample: count, source: Box::new(error) };
            let integers = quantize_tensors(parts.graph, inputs).map_err(failed)?;
            let trace = executor.run(&integers).map_err(|error| failed(error.into()))?;
            let got = dequantize_outputs(parts.graph, trace.outputs(parts.graph));
            for (at, (got, output)) in got.iter().zip(&parts.float.outputs).enumerate() {
                let own = float.of(output.node);
                let reference = reference.as_ref().and_then(|all| all.get(at)).map_or(own, Vec::as_slice);
                outputs[at].add(decisions[at].compare(reference, got));
            }
            for ((layer, id), values) in layers.iter_mut().zip(parts.nodes).zip(&float.values) {
                let Some(id) = id else { continue };
                let got = real(parts.graph.node(*id), &trace.values[id.0 as usize]);
                layer.0.add(Decision::None.compare(values, &got));
                layer.1 = values.iter().fold(layer.1, |most, value| most.max(value.abs()));
            }
            count += 1;
        }
        Ok(Self {
            samples: count,
            origin,
            input_ranges: BTreeMap::new(),
            outputs: parts.output_reports(decisions, &outputs, &spans),
            layers: parts.layer_reports(&layers),
            units: 0.0,
            warnings: Vec::new(),
        })
    }

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

/// Measures a quantized model on other samples, against other values: `reference` gives the outputs of a sample, as
/// [`crate::onnx::Reference`] computes them in single precision, say.
///
/// # Errors
/// Samples that do not fit the inputs; whatever `reference` fails with.
pub fn measure(
    graph: &float::Graph,
    quantized: &Quantized,
    samples: &[Vec<Tensor>],
    reference: impl Fn(&[Tensor]) -> Result<Vec<Vec<f64>>, float::Error>,
) -> Result<ErrorReport, Error> {
    let decisions: Vec<Decision> = quantized.report.outputs.iter().map(|output| output.decision).collect();
    let bounds: Vec<Option<f64>> = quantized.report.outputs.iter().map(|output| output.bound).collect();
    let parts = Parts { float: graph, graph: &quantized.graph, nodes: &quantized.nodes, bounds: &bounds };
    let mut runs = Vec::with_capacity(samples.len());
    for (sample, inputs) in samples.iter().enumerate() {
        let failed = |error: float::Error| Error::Sample { sample, source: Box::new(error.into()) };
        runs.push((inputs, float::execute(graph, inputs).map_err(failed)?, reference(inputs).map_err(failed)?));
    }
    let runs = runs.iter().map(|(inputs, trace, outputs)| (inputs.as_slice(), trace, Some(outputs.clone())));
    let report = ErrorReport::measure(&parts, &decisions, runs, DataOrigin::HeldOut)?;
    let Quantized { report: own, .. } = quantized;
    let (input_ranges, warnings) = (own.input_ranges.clone(), own.warnings.clone());
    Ok(ErrorReport { input_ranges, warnings, units: own.units, ..report })
}

/// Whether a program has the inputs and the outputs of a model: without them it is of another.
pub(crate) fn check_interface(graph: &float::Graph, program: &Program) -> Result<(), Error> {
    let integers = program.graph();
    let named = |name: &str, shape: &[usize], element: ElementType| format!("{name}: {element} {shape:?}");
    let inputs = |graph: &float::Graph| {
        graph.inputs().map(|(_, node)| named(&node.tensor, &node.shape, node.element)).collect::<Vec<_>>().join(", ")
    };
    let same = |what, expected: String, got: String| match expected == got {
        true => Ok(()),
        false => Err(Error::OtherInterface { what, expected, got }),
    };
    same("inputs", inputs(graph), inputs(&program.signature()))?;
    let sized = |name: &str, len: usize| format!("{name}: {len} elements");
    let expected = graph.outputs.iter().map(|output| sized(&output.name, graph.node(output.node).len()));
    let got = integers.outputs.iter().map(|output| sized(&output.name, integers.node(output.node).len()));
    same("outputs", expected.collect::<Vec<_>>().join(", "), got.collect::<Vec<_>>().join(", "))
}

/// Measures a program, whoever made it, against a float model of which it may have been made: on `samples`, or without any on inputs
/// drawn uniformly from the ranges that the program gives them. Layers are not told apart, and there are no static bounds.
///
/// # Errors
/// A program whose inputs or outputs are not the model's; samples that the program or the model cannot take.
pub fn measure_program(graph: &float::Graph, program: &Program, samples: &[Vec<Tensor>]) -> Result<ErrorReport, Error> {
    let integers = program.graph();
    check_interface(graph, program)?;
    let (origin, drawn) = match samples {
        [] => (DataOrigin::Synthetic, synthetic_within(graph, integers)),
        _ => (DataOrigin::Calibration, Vec::new()),
    };
    let samples = if samples.is_empty() { &drawn } else { samples };
    let mut runs = Vec::with_capacity(samples.len());
    for (sample, inputs) in samples.iter().enumerate() {
        let failed = |error: float::Error| Error::Sample { sample, source: Box::new(error.into()) };
        runs.push((inputs.as_slice(), float::execute(graph, inputs).map_err(failed)?));
    }
    let (nodes, bounds) = (vec![None; graph.nodes.len()], vec![None; graph.outputs.len()]);
    let parts = Parts { float: graph, graph: integers, nodes: &nodes, bounds: &bounds };
    let decisions = decisions(graph, &BTreeMap::new())?;
    let runs = runs.iter().map(|(inputs, trace)| (*inputs, trace, None));
    Ok(ErrorReport::measure(&parts, &decisions, runs, origin)?.with_warnings())
}

/// The numbers of a tensor, whatever its type: what [`measure`] takes of a reference. Integers beyond 2^53 are rounded.
pub fn real_values(tensor: &Tensor) -> Vec<f64> {
    match &tensor.values {
        Values::Float(values) => values.clone(),
        Values::Int(values) => values.iter().map(|value| *value as f64).collect(),
        Values::Bool(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
    }
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

impl Parts<'_> {
    fn output_reports(&self, decisions: &[Decision], measured: &[Measured], spans: &[f64]) -> Vec<OutputReport> {
        let report = |(at, (output, measured)): (usize, (&int::Output, &Measured))| {
            let node = self.graph.node(output.node);
            OutputReport {
                name: output.name.clone(),
                frac_bits: node.frac_bits,
                range: RealRange::of(node),
                max_error: measured.max_error,
                mean_error: measured.mean_error(),
                span: spans.get(at).copied().unwrap_or(1.0),
                target: None,
                decision: decisions.get(at).copied().unwrap_or(Decision::None),
                decisions: measured.decisions,
                flips: measured.flips,
                bound: self.bounds.get(at).copied().flatten(),
            }
        };
        self.graph.outputs.iter().zip(measured).enumerate().map(report).collect()
    }

    pub(crate) fn layer_reports(&self, measured: &[(Measured, f64)]) -> Vec<LayerReport> {
        let mut relative = vec![0.0f64; measured.len()];
        let mut reports = Vec::new();
        for (at, node) in self.float.nodes.iter().enumerate() {
            let read = node.inputs.iter().map(|id| relative[id.0 as usize]).fold(0.0, f64::max);
            let (measured, magnitude) = &measured[at];
            let Some(id) = self.nodes.get(at).copied().flatten() else {
                // It has no value of its own: what it reads stands for it.
                relative[at] = read;
                continue;
            };
            relative[at] = if *magnitude > 0.0 { measured.max_error / magnitude } else { 0.0 };
            let int_node = self.graph.node(id);
            reports.push(LayerReport {
                name: node.name.clone(),
                operator: node.op.name().to_owned(),
                elements: node.len(),
                frac_bits: int_node.frac_bits,
                range: hull(int_node),
                bits: hull(int_node).bits(),
                max_error: measured.max_error,
                mean_error: measured.mean_error(),
                relative_error: relative[at],
                added: (relative[at] - read).max(0.0),
            });
        }
        reports
    }
}

fn hull(node: &int::Node) -> Interval {
    node.ranges.iter().copied().reduce(Interval::union).unwrap_or(Interval::point(0))
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Quantized against float, {}", self.data())?;
        for warning in &self.warnings {
            writeln!(f, "warning: {}", escaped(warning))?;
        }
        for output in &self.outputs {
            write!(f, "output {}: ", escaped(&output.name))?;
            if output.decision != Decision::Exact {
                write!(
                    f,
                    "max error {:.2e}, mean {:.2e}, span {:.3e}",
                    output.max_error, output.mean_error, output.span
                )?;
                if let Some(target) = output.target {
                    write!(f, ", target {target:.2e}{}", if output.misses_target() { " missed" } else { "" })?;
                }
                match output.bound {
                    Some(bound) => write!(f, ", never above {bound:.2e}; ")?,
                    None => write!(f, ", no static bound; ")?,
                }
            }
            match output.decision {
                Decision::None => writeln!(f, "no decision declared")?,
                Decision::Exact => writeln!(f, "{} of {} integers differ", output.flips, output.decisions)?,
                Decision::Argmax { .. } => writeln!(f, "{} of {} choices flip", output.flips, output.decisions)?,
                Decision::Threshold { at } => {
                    writeln!(f, "{} of {} flip at the threshold {at}", output.flips, output.decisions)?;
                }
            }
            let RealRange { lo, hi } = output.range;
            writeln!(f, "  range {lo:.4} to {hi:.4} in steps of 2^{}", -output.frac_bits)?;
        }
        if self.layers.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n{:<28} {:<12} {:>8} {:>5} {:>5} {:>10} {:>10} {:>9}",
            "layer", "operator", "elements", "bits", "frac", "max error", "mean", "relative"
        )?;
        let weakest = self.weakest_layer().map(|layer| &layer.name);
        for layer in &self.layers {
            let mark = if Some(&layer.name) == weakest { "  <- loses most" } else { "" };
            writeln!(
                f,
                "{:<28} {:<12} {:>8} {:>5} {:>5} {:>10.2e} {:>10.2e} {:>8.3}%{mark}",
                escaped(&layer.name),
                escaped(&layer.operator),
                layer.elements,
                layer.bits,
                layer.frac_bits,
                layer.max_error,
                layer.mean_error,
                100.0 * layer.relative_error,
            )?;
        }
        writeln!(f, "\ncircuit: about {:.0} units", self.units)
    }
}
