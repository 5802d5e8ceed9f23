//! Models, programs and inputs: what the compiler reads.

use std::collections::BTreeMap;
use std::path::Path;

use apodict_circuits::machine::Objective;
use apodict_circuits::onnx::{self, ImportOptions};
use apodict_circuits::quantize::{self, DeclaredDecision, Precision, RealRange};
use apodict_circuits::tensors::{self, Limits, NamedTensors};
use apodict_circuits::{
    CompileOptions, Compiled, Error, MAX_PROGRAM_BYTES, Program, compile, compile_with_model, explain_batch,
};
use apodict_prover::disk::{self, Kind};
use apodict_verifier::ConstraintSystem;
use serde::Serialize;

use crate::arguments::{self, MaxError, OutputDecision};
use crate::failure::Failure;

/// Whatever its version.
const PROGRAM: Kind = Kind { what: "a program", begins: b"apodict", max_bytes: MAX_PROGRAM_BYTES as u64 };

/// Reads a program.
pub(crate) fn read(path: &Path) -> Result<Program, Failure> {
    decode(path, &disk::read(path, &[PROGRAM])?)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Program, Failure> {
    Program::from_bytes(bytes).map_err(|source| Failure::Program { path: path.to_owned(), source })
}

fn model() -> Kind {
    Kind { what: "an ONNX model", begins: b"", max_bytes: onnx::Limits::default().max_model_bytes as u64 }
}

/// Reads an ONNX model, and its weights where they stand in files beside it.
pub(crate) fn read_model(path: &Path) -> Result<Vec<u8>, Failure> {
    with_weights(path, disk::read(path, &[model()])?)
}

fn with_weights(path: &Path, model: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    onnx::embed(model, &onnx::Limits::default(), &onnx::Folder::new(folder))
        .map_err(|source| Failure::Compile { path: path.to_owned(), source: source.into() })
}

/// Compiles an ONNX model, and tells of each step. Nothing is said of its accuracy: [`check_accuracy`] does.
pub(crate) fn compile_model(
    path: &Path,
    options: &arguments::CompileOptions,
    begins: &dyn Fn(&'static str),
) -> Result<Program, Failure> {
    let model = read_model(path)?;
    Ok(compile_read(path, &model, options, &compile_options(options)?, begins)?.program)
}

/// Compiles a model that was read from `path`.
pub(crate) fn compile_read(
    path: &Path,
    model: &[u8],
    arguments: &arguments::CompileOptions,
    options: &CompileOptions,
    begins: &dyn Fn(&'static str),
) -> Result<Compiled, Failure> {
    let compiled = compile_with_model(model, options, |step| begins(step.name()));
    compiled.map_err(|source| cannot_compile(path, arguments, source))
}

/// Tensors that do not fit the model are those of the calibration.
fn cannot_compile(path: &Path, options: &arguments::CompileOptions, source: Error) -> Failure {
    match (source, &options.calibrate) {
        (source @ (Error::Tensors(_) | Error::OpenBatch { .. }), Some(data)) => unusable(data, source),
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

/// What a file may be that a command runs on.
pub(crate) enum ProgramOrModel {
    Program(Box<Program>),
    /// Its bytes.
    Model(Vec<u8>),
}

pub(crate) fn read_program_or_model(path: &Path) -> Result<ProgramOrModel, Failure> {
    let bytes = disk::read(path, &[PROGRAM, model()])?;
    Ok(match bytes.starts_with(PROGRAM.begins) {
        true => ProgramOrModel::Program(Box::new(decode(path, &bytes)?)),
        false => ProgramOrModel::Model(with_weights(path, bytes)?),
    })
}

/// Reads records from a file, or from standard input if it is called `-`.
pub(crate) fn read_records(path: &Path) -> Result<Vec<NamedTensors>, Failure> {
    let limits = Limits::default();
    let read = match path == STANDARD_INPUT {
        true => tensors::records_from(std::io::stdin().lock(), "standard input", &limits),
        false => tensors::read_records(path, &limits),
    };
    read.map_err(|source| unusable(path, source))
}

/// A file of records as it is, or standard input if it is called `-`: a server reads it.
#[cfg(feature = "service")]
pub(crate) fn read_calibration_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let kind = Kind { what: "calibration data", begins: b"", max_bytes: Limits::default().max_bytes as u64 };
    let path = if path == STANDARD_INPUT { Path::new("/dev/stdin") } else { path };
    Ok(disk::read(path, &[kind])?)
}

/// What stands for standard input among files.
pub(crate) const STANDARD_INPUT: &str = "-";

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

    /// Whether only the program says which input it is.
    #[cfg(feature = "service")]
    pub(crate) fn is_unnamed(&self) -> bool {
        self.tensors.tensors.contains_key("")
    }

    /// As it was read.
    #[cfg(feature = "service")]
    pub(crate) fn into_tensors(self) -> NamedTensors {
        self.tensors
    }

    /// Each tensor by the name of its input, in the shape that the program has it.
    #[cfg(feature = "service")]
    pub(crate) fn named(&self, program: &Program) -> Result<NamedTensors, Failure> {
        let signature = program.signature();
        let fitted = self.tensors.conform(&signature).map_err(|source| unusable(self.path, source))?;
        let names = signature.inputs().map(|(_, node)| node.tensor.clone());
        Ok(NamedTensors { tensors: names.zip(fitted).collect() })
    }

    /// Refuses tensors that do not fit a model's program, and says how to set the batch if that is why.
    fn fit(&self, program: &Program, model: &[u8], import: &ImportOptions) -> Result<(), Failure> {
        let fitted = self.tensors.conform(&program.signature());
        let failed = |error: tensors::Error| unusable(self.path, explain_batch(error.into(), model, import));
        fitted.map(|_| ()).map_err(failed)
    }

    /// A power of two that twice the greatest magnitude of the input `name` stays below, on either side of zero.
    fn guess_range(&self, model: &[u8], import: &ImportOptions, name: &str) -> Result<RealRange, Failure> {
        let imported = onnx::import(model, import).map_err(|source| unusable(self.path, source))?;
        let graph = imported.graph();
        let failed = |error: tensors::Error| unusable(self.path, explain_batch(error.into(), model, import));
        let tensors = self.tensors.conform(graph).map_err(failed)?;
        let named = graph.inputs().zip(&tensors).filter(|((_, node), _)| node.tensor == name);
        let values = named.flat_map(|(_, tensor)| tensor.real_values());
        let greatest = values.fold(1.0f64, |greatest, value| greatest.max(value.abs()));
        let bound = (greatest.log2().floor() + 2.0).exp2();
        Ok(RealRange { lo: -bound, hi: bound })
    }
}

pub(crate) fn unusable(path: &Path, source: impl Into<Error>) -> Failure {
    let path = if path == STANDARD_INPUT { Path::new("the records") } else { path };
    Failure::Input { path: path.to_owned(), source: source.into() }
}

/// Reads a program, or compiles a model for `input`, accurately enough.
pub(crate) fn read_or_compile(
    path: &Path,
    options: &arguments::CompileOptions,
    input: &Input<'_>,
    begins: &dyn Fn(&'static str),
) -> Result<(Program, Source), Failure> {
    let bytes = match read_program_or_model(path)? {
        ProgramOrModel::Program(program) => {
            return match options.given().next() {
                Some(option) => Err(Failure::NotCompiling { option }),
                None => Ok((*program, Source::Program)),
            };
        }
        ProgramOrModel::Model(bytes) => bytes,
    };
    let mut compile_options = compile_options(options)?;
    let mut source = Source::Model;
    loop {
        match compile_with_model(&bytes, &compile_options, |step| begins(step.name())) {
            Ok(Compiled { program, .. }) => {
                input.fit(&program, &bytes, &compile_options.import)?;
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

/// What is said of open dimensions.
pub(crate) fn import_options(options: &arguments::CompileOptions) -> ImportOptions {
    let dims = options.dims.iter().map(|dim| (dim.name.clone(), dim.extent)).collect();
    ImportOptions { dims, ..ImportOptions::default() }
}

/// What is said of what outputs decide.
pub(crate) fn decisions(options: &arguments::CompileOptions) -> Result<BTreeMap<String, DeclaredDecision>, Failure> {
    let mut decisions = BTreeMap::new();
    for OutputDecision { output, decision } in &options.decisions {
        if decisions.insert(output.clone(), *decision).is_some() {
            return Err(Failure::GivenTwice { option: "--decision", name: output.clone() });
        }
    }
    Ok(decisions)
}

/// As the library takes them.
pub(crate) fn compile_options(options: &arguments::CompileOptions) -> Result<CompileOptions, Failure> {
    let mut input_ranges: BTreeMap<String, Vec<RealRange>> = BTreeMap::new();
    for range in &options.ranges {
        let declared = vec![RealRange { lo: range.low, hi: range.high }];
        if input_ranges.insert(range.name.clone(), declared).is_some() {
            return Err(Failure::GivenTwice { option: "--range", name: range.name.clone() });
        }
    }
    let (mut tolerance, mut tolerances) = (None, BTreeMap::new());
    for MaxError { output, tolerance: given } in &options.max_errors {
        let before = match output {
            Some(output) => tolerances.insert(output.clone(), *given),
            None => tolerance.replace(*given),
        };
        if before.is_some() {
            let name = output.clone().unwrap_or_else(|| "all outputs".to_owned());
            return Err(Failure::GivenTwice { option: "--max-error", name });
        }
    }
    Ok(CompileOptions {
        import: import_options(options),
        precision: options.bits.map_or(Precision::Auto, Precision::Bits),
        tolerance: tolerance.unwrap_or_default(),
        tolerances,
        decisions: decisions(options)?,
        input_ranges,
        saturate: options.saturate.iter().cloned().collect(),
        calibration: options.calibrate.as_deref().map_or_else(|| Ok(Vec::new()), read_records)?,
        objective: match options.objective.unwrap_or_default() {
            arguments::Objective::Gas => Objective::Gas,
            arguments::Objective::Latency => Objective::Latency,
            arguments::Objective::Memory => Objective::Memory,
        },
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
