//! From ONNX bytes to a program.

use std::collections::BTreeMap;

use crate::{
    Error, Program,
    machine::Objective,
    onnx::{self, ImportOptions},
    quantize::{Precision, QuantizeOptions, RealRange, quantize},
    tensors::{self, NamedTensors},
};

/// How a model is compiled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompileOptions {
    /// Open dimensions and limits.
    pub import: ImportOptions,
    /// How precise.
    pub precision: Precision,
    /// Ranges of inputs by name: one for all elements, or one for each. What is missing is taken from the calibration.
    pub input_ranges: BTreeMap<String, Vec<RealRange>>,
    /// Thresholds of scalar outputs by name: on which side a value lies is a decision that must not flip.
    pub thresholds: BTreeMap<String, f64>,
    /// Samples that ranges, precision and the error report are taken from.
    pub calibration: Vec<NamedTensors>,
    /// What the circuit is laid out for.
    pub objective: Objective,
}

/// Compiles a model: import, quantization, proven ranges, layout.
///
/// # Errors
/// Each says what is wrong with the model, the samples or the options, and what to do.
pub fn compile(onnx: &[u8], options: &CompileOptions) -> Result<Program, Error> {
    let model = onnx::import(onnx, &options.import)?;
    let graph = model.graph();
    let calibration = tensors::conform_all(&options.calibration, graph)?;
    let quantize_options = QuantizeOptions {
        precision: options.precision,
        input_ranges: options.input_ranges.clone(),
        thresholds: options.thresholds.clone(),
        calibration,
        ..QuantizeOptions::default()
    };
    let quantized = quantize(graph, &quantize_options)?;
    let input_types = graph.inputs().map(|(_, node)| node.element).collect();
    Program::new(onnx, quantized.graph, input_types, quantized.report, options.objective)
}

#[cfg(test)]
mod tests;
