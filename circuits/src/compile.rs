//! From ONNX bytes to a program.

use std::collections::BTreeMap;

use crate::{
    Error, Program,
    machine::Objective,
    onnx::{self, ImportOptions},
    quantize::{DeclaredDecision, Precision, QuantizeOptions, RealRange, Tolerance, quantize},
    tensors::{self, NamedTensors},
};

/// How a model is compiled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompileOptions {
    /// Open dimensions and limits.
    pub import: ImportOptions,
    /// How precise.
    pub precision: Precision,
    /// How far an output may be from the model's, of those that `tolerances` does not name.
    pub tolerance: Tolerance,
    /// By output.
    pub tolerances: BTreeMap<String, Tolerance>,
    /// Ranges of inputs by name: one for all elements, or one for each. What is missing is taken from the calibration.
    pub input_ranges: BTreeMap<String, Vec<RealRange>>,
    /// What outputs decide, by name, where it is not what it seems: decisions must not flip.
    pub decisions: BTreeMap<String, DeclaredDecision>,
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
        tolerance: options.tolerance,
        tolerances: options.tolerances.clone(),
        decisions: options.decisions.clone(),
        calibration,
        ..QuantizeOptions::default()
    };
    let quantized = quantize(graph, &quantize_options)?;
    let input_types = graph.inputs().map(|(_, node)| node.element).collect();
    Program::new(onnx, quantized.graph, input_types, quantized.report, options.objective)
}

#[cfg(test)]
mod tests;
