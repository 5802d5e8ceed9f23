//! The figures of an integer graph beside its float graph, on samples.

use std::collections::BTreeMap;

use super::{DataOrigin, Decision, ErrorReport, LayerReport, Measured, OutputReport};
use crate::{
    float::{self, Tensor},
    int::{self, Interval},
    quantize::{
        Error, Quantized, RealRange,
        io::{dequantize_outputs, quantize_tensors, real},
        target::spans,
    },
};

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
