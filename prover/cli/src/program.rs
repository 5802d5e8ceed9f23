//! Models, programs and inputs: what the compiler reads.

use std::collections::BTreeMap;
use std::path::Path;

use apodict_circuits::machine::Objective;
use apodict_circuits::onnx::{self, ImportOptions};
use apodict_circuits::quantize::{self, Precision, RealRange, Tolerance};
use apodict_circuits::tensors::{self, Limits, NamedTensors};
use apodict_circuits::{CompileOptions, Error, MAX_PROGRAM_BYTES, Program, compile};
use apodict_verifier::ConstraintSystem;
use serde::Serialize;

use crate::arguments;
use crate::failure::Failure;
use crate::files::{self, Kind};

/// Whatever its version.
const PROGRAM: Kind = Kind { what: "a program", begins: b"apodict", max_bytes: MAX_PROGRAM_BYTES as u64 };

/// Reads a program.
pub(crate) fn read(path: &Path) -> Result<Program, Failure> {
    decode(path, &files::read(path, &[PROGRAM])?)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Program, Failure> {
    Program::from_bytes(bytes).map_err(|source| Failure::Program { path: path.to_owned(), source })
}

fn model() -> Kind {
    Kind { what: "an ONNX model", begins: b"", max_bytes: onnx::Limits::default().max_model_bytes as u64 }
}

/// Reads an ONNX model.
pub(crate) fn read_model(path: &Path) -> Result<Vec<u8>, Failure> {
    files::read(path, &[model()])
}

/// Compiles an ONNX model. Nothing is said of its accuracy: [`check_accuracy`] does.
pub(crate) fn compile_model(path: &Path, options: &arguments::CompileOptions) -> Result<Program, Failure> {
    let model = read_model(path)?;
    compile(&model, &compile_options(options)?).map_err(|source| cannot_compile(path, options, source))
}

/// Tensors that do not fit the model are those of the calibration.
fn cannot_compile(path: &Path, options: &arguments::CompileOptions, source: Error) -> Failure {
    match (source, &options.calibrate) {
        (source @ Error::Tensors(_), Some(data)) => Failure::Input { path: data.clone(), source },
        (source, _) => Failure::Compile { path: path.to_owned(), source },
    }
}

/// Refuses a program that misses the target that its precision was chosen by, unless the user takes it all the same.
pub(crate) fn check_accuracy(
    path: &Path,
    program: &Program,
    options: &arguments::CompileOptions,
) -> Result<(), Failure> {
    match program.report().missed_target() {
        Some(shortfall) if !options.allow_error => Err(Failure::Inaccurate { path: path.to_owned(), shortfall }),
        _ => Ok(()),
    }
}

/// Where a program that is to be proved comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was compiled before.
    Program,
    /// A model whose inputs' ranges are declared or calibrated.
    Model,
    /// A model with an input whose range is guessed from the input to be proved.
    ModelWithGuessedRange,
}

/// What a command runs on: an input, and where it was read from.
pub(crate) struct Input<'a> {
    path: &'a Path,
    tensors: NamedTensors,
}

impl<'a> Input<'a> {
    /// Reads it, once: it may be a pipe.
    pub(crate) fn read(path: &'a Path) -> Result<Self, Failure> {
        let tensors = tensors::read_record(path, &Limits::default());
        Ok(Self { path, tensors: tensors.map_err(|source| unusable(path, source))? })
    }

    /// A flat tensor of integers for each input of `program`.
    pub(crate) fn quantize(&self, program: &Program) -> Result<Vec<Vec<i64>>, Failure> {
        program.quantize(&self.tensors).map_err(|source| unusable(self.path, source))
    }

    /// A power of two that twice the greatest magnitude of the input `name` stays below, on either side of zero.
    fn guess_range(&self, model: &[u8], import: &ImportOptions, name: &str) -> Result<RealRange, Failure> {
        let model = onnx::import(model, import).map_err(|source| unusable(self.path, source))?;
        let graph = model.graph();
        let tensors = self.tensors.conform(graph).map_err(|source| unusable(self.path, source))?;
        let named = graph.inputs().zip(&tensors).filter(|((_, node), _)| node.tensor == name);
        let values = named.flat_map(|(_, tensor)| apodict_circuits::report::real_values(tensor));
        let greatest = values.fold(1.0f64, |greatest, value| greatest.max(value.abs()));
        let bound = (greatest.log2().floor() + 2.0).exp2();
        Ok(RealRange { lo: -bound, hi: bound })
    }
}

fn unusable(path: &Path, source: impl Into<Error>) -> Failure {
    Failure::Input { path: path.to_owned(), source: source.into() }
}

/// Reads a program, or compiles a model for `input`, accurately enough.
pub(crate) fn read_or_compile(
    path: &Path,
    options: &arguments::CompileOptions,
    input: &Input<'_>,
) -> Result<(Program, Source), Failure> {
    let bytes = files::read(path, &[PROGRAM, model()])?;
    if bytes.starts_with(PROGRAM.begins) {
        if let Some(option) = options.given() {
            return Err(Failure::NotCompiling { option });
        }
        return Ok((decode(path, &bytes)?, Source::Program));
    }
    let mut compile_options = compile_options(options)?;
    let mut source = Source::Model;
    loop {
        match compile(&bytes, &compile_options) {
            Ok(program) => {
                check_accuracy(path, &program, options)?;
                return Ok((program, source));
            }
            // Nothing says how large this input may be but the one at hand.
            Err(Error::Quantize(quantize::Error::NoRange { input: name }))
                if !compile_options.input_ranges.contains_key(&name) =>
            {
                let range = input.guess_range(&bytes, &compile_options.import, &name)?;
                compile_options.input_ranges.insert(name, vec![range]);
                source = Source::ModelWithGuessedRange;
            }
            Err(source) => return Err(cannot_compile(path, options, source)),
        }
    }
}

/// As the library takes them.
pub(crate) fn compile_options(options: &arguments::CompileOptions) -> Result<CompileOptions, Failure> {
    let mut input_ranges: BTreeMap<String, Vec<RealRange>> = BTreeMap::new();
    for range in &options.ranges {
        input_ranges.insert(range.name.clone(), vec![RealRange { lo: range.low, hi: range.high }]);
    }
    let read = |path: &Path| tensors::read_records(path, &Limits::default()).map_err(|source| unusable(path, source));
    Ok(CompileOptions {
        import: ImportOptions {
            dims: options.dims.iter().map(|dim| (dim.name.clone(), dim.extent)).collect(),
            ..ImportOptions::default()
        },
        precision: options.bits.map_or_else(Precision::default, Precision::Bits),
        tolerance: options.max_error.map_or_else(Tolerance::default, Tolerance::Absolute),
        input_ranges,
        calibration: options.calibrate.as_deref().map_or_else(|| Ok(Vec::new()), read)?,
        objective: match options.objective.unwrap_or_default() {
            arguments::Objective::Gas => Objective::Gas,
            arguments::Objective::Latency => Objective::Latency,
            arguments::Objective::Memory => Objective::Memory,
        },
        ..CompileOptions::default()
    })
}

/// Compiles a model that is not in a file.
pub(crate) fn compile_bytes(model: &[u8], calibration: &[u8]) -> Result<Program, Error> {
    let calibration = tensors::calibration_from_json(calibration, &Limits::default())?;
    compile(model, &CompileOptions { calibration, ..CompileOptions::default() })
}

/// The integers of an input that is not in a file.
pub(crate) fn quantize_json(json: &[u8], program: &Program) -> Result<Vec<Vec<i64>>, Error> {
    program.quantize(&NamedTensors::from_json(json, &Limits::default())?)
}

/// How many columns a proof has.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Columns {
    pub(crate) advice: usize,
    pub(crate) fixed: usize,
    pub(crate) instance: usize,
}

impl Columns {
    pub(crate) fn of(shape: &ConstraintSystem) -> Self {
        Self { advice: shape.advice_phases.len(), fixed: shape.num_fixed_columns, instance: shape.num_instance_columns }
    }
}
