//! From ONNX bytes to a program.

mod ranges;

use std::collections::{BTreeMap, BTreeSet};

pub use ranges::RangeError;

use crate::{
    Error, Program, float, int,
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
    /// Ranges of inputs by name: one for all elements, or one for each; or one for some elements, by a name with indices as
    /// [`crate::elements`] reads them, `X[2]`. What is missing is taken from the calibration.
    pub input_ranges: BTreeMap<String, Vec<RealRange>>,
    /// Inputs that take values far beyond their range and are clamped to it in the circuit.
    pub saturate: BTreeSet<String>,
    /// What outputs decide, by name, where it is not what it seems: decisions must not flip.
    pub decisions: BTreeMap<String, DeclaredDecision>,
    /// Samples that ranges, precision and the error report are taken from.
    pub calibration: Vec<NamedTensors>,
    /// What the circuit is laid out for.
    pub objective: Objective,
}

/// What takes time, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompileStep {
    /// The model is read, and the samples are fitted to it.
    Import,
    /// Scales are chosen by what they do to the samples.
    Quantize,
    /// The circuit is laid out.
    LayOut,
}

impl CompileStep {
    /// In words, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "reading the model",
            Self::Quantize => "choosing the precision",
            Self::LayOut => "laying out the circuit",
        }
    }
}

/// A program, and the model that it was compiled from.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What is proved.
    pub program: Program,
    /// What it stands for.
    pub model: float::Graph,
    /// By node of the model: the node of the program's graph that holds its value, if there is one.
    pub nodes: Vec<Option<int::NodeId>>,
}

/// Compiles a model: import, quantization, proven ranges, layout.
///
/// # Errors
/// Each says what is wrong with the model, the samples or the options, and what to do.
pub fn compile(onnx: &[u8], options: &CompileOptions) -> Result<Program, Error> {
    Ok(compile_with_model(onnx, options, |_| ())?.program)
}

/// As [`compile`], and keeps the model: what [`crate::evaluate`] compares layer by layer. `begins` is told of each step.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_with_model(
    onnx: &[u8],
    options: &CompileOptions,
    begins: impl Fn(CompileStep),
) -> Result<Compiled, Error> {
    begins(CompileStep::Import);
    let imported = onnx::import(onnx, &options.import)?;
    let warnings = imported.warnings().to_vec();
    let model = imported.into_graph();
    let calibration = tensors::conform_all(&options.calibration, &model);
    let calibration = calibration.map_err(|error| explain_batch(error.into(), onnx, &options.import))?;
    let declared = ranges::resolve(&options.input_ranges, &model, &calibration)?;
    let quantize_options = QuantizeOptions {
        precision: options.precision,
        input_ranges: declared.inputs,
        element_ranges: declared.elements,
        tolerance: options.tolerance,
        tolerances: options.tolerances.clone(),
        saturate: options.saturate.clone(),
        decisions: options.decisions.clone(),
        calibration,
        ..QuantizeOptions::default()
    };
    begins(CompileStep::Quantize);
    let mut quantized = quantize(&model, &quantize_options)?;
    quantized.report.warnings.extend(warnings);
    begins(CompileStep::LayOut);
    let input_types = model.inputs().map(|(_, node)| node.element).collect();
    let program = Program::new(onnx, quantized.graph, input_types, quantized.report, options.objective)?;
    Ok(Compiled { program, model, nodes: quantized.nodes })
}

/// Says which dimension to set, if `error` is about tensors of a batch and the model's batch became 1 since nothing was said of it.
pub fn explain_batch(error: Error, onnx: &[u8], options: &ImportOptions) -> Error {
    let shapes = |error: &tensors::Error| match error {
        tensors::Error::Shape { input, expected, got } => match (expected.as_slice(), got.as_slice()) {
            ([1, expected @ ..], [count, got @ ..]) if *count > 1 && expected == got => Some((input.clone(), *count)),
            _ => None,
        },
        _ => None,
    };
    let found = match &error {
        Error::Tensors(tensors::Error::Record { error, .. }) => shapes(error),
        Error::Tensors(error) => shapes(error),
        Error::Record { source, .. } => match source.as_ref() {
            Error::Tensors(error) => shapes(error),
            _ => None,
        },
        _ => None,
    };
    match found.and_then(|(input, count)| Some((onnx::batch_key(onnx, &input, options)?, count))) {
        Some((key, count)) => Error::OpenBatch { key, count, source: Box::new(error) },
        None => error,
    }
}

#[cfg(test)]
mod tests;
