//! Models, programs and inputs: what the compiler reads.

use std::collections::BTreeMap;
use std::path::Path;

use apodict_circuits::float::{self, ElementType};
use apodict_circuits::int::{Node, Op};
use apodict_circuits::machine::Objective;
use apodict_circuits::onnx::{self, ImportOptions};
use apodict_circuits::quantize::{self, Precision, RealRange};
use apodict_circuits::tensors::{self, Limits, NamedTensors};
use apodict_circuits::{CompileOptions, Error, Program, compile};
use apodict_verifier::ConstraintSystem;
use serde::Serialize;

use crate::arguments;
use crate::failure::Failure;
use crate::files;

/// What every program file begins with, whatever its version.
const MAGIC: &[u8] = b"apodict";

/// Reads a program.
pub(crate) fn read(path: &Path) -> Result<Program, Failure> {
    Program::from_bytes(&files::read(path)?).map_err(|source| Failure::Program { path: path.to_owned(), source })
}

/// Compiles an ONNX model.
pub(crate) fn compile_model(path: &Path, options: &arguments::CompileOptions) -> Result<Program, Failure> {
    let model = files::read(path)?;
    compile(&model, &compile_options(options)?).map_err(|source| Failure::Compile { path: path.to_owned(), source })
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

/// Reads a program, or compiles a model for the input at `input`.
pub(crate) fn read_or_compile(
    path: &Path,
    options: &arguments::CompileOptions,
    input: &Path,
) -> Result<(Program, Source), Failure> {
    let bytes = files::read(path)?;
    if bytes.starts_with(MAGIC) {
        if let Some(option) = options.given() {
            return Err(Failure::NotCompiling { option });
        }
        let program =
            Program::from_bytes(&bytes).map_err(|source| Failure::Program { path: path.to_owned(), source })?;
        return Ok((program, Source::Program));
    }
    let mut compile_options = compile_options(options)?;
    let mut source = Source::Model;
    loop {
        match compile(&bytes, &compile_options) {
            Ok(program) => return Ok((program, source)),
            // Nothing says how large this input may be but the one at hand.
            Err(Error::Quantize(quantize::Error::NoRange { input: name }))
                if !compile_options.input_ranges.contains_key(&name) =>
            {
                let range = guess_range(&bytes, &compile_options.import, input, &name)?;
                compile_options.input_ranges.insert(name, vec![range]);
                source = Source::ModelWithGuessedRange;
            }
            Err(source) => return Err(Failure::Compile { path: path.to_owned(), source }),
        }
    }
}

/// A power of two that twice the greatest magnitude of an input stays below, on either side of zero.
fn guess_range(model: &[u8], import: &ImportOptions, input: &Path, name: &str) -> Result<RealRange, Failure> {
    let unusable = |source: Error| Failure::Input { path: input.to_owned(), source };
    let model = onnx::import(model, import).map_err(|source| unusable(source.into()))?;
    let graph = model.graph();
    let tensors = tensors::read_inputs(input, graph, &Limits::default()).map_err(|source| unusable(source.into()))?;
    let named = graph.inputs().zip(&tensors).filter(|((_, node), _)| node.tensor == name);
    let values = named.flat_map(|(_, tensor)| apodict_circuits::report::real_values(tensor));
    let greatest = values.fold(1.0f64, |greatest, value| greatest.max(value.abs()));
    let bound = (greatest.log2().floor() + 2.0).exp2();
    Ok(RealRange { lo: -bound, hi: bound })
}

fn compile_options(options: &arguments::CompileOptions) -> Result<CompileOptions, Failure> {
    let mut input_ranges: BTreeMap<String, Vec<RealRange>> = BTreeMap::new();
    for range in &options.ranges {
        input_ranges.insert(range.name.clone(), vec![RealRange { lo: range.low, hi: range.high }]);
    }
    Ok(CompileOptions {
        import: ImportOptions {
            dims: options.dims.iter().map(|dim| (dim.name.clone(), dim.extent)).collect(),
            ..ImportOptions::default()
        },
        precision: match (options.bits, options.max_error) {
            (Some(bits), _) => Precision::Bits(bits),
            (None, Some(max_error)) => Precision::Auto { max_error },
            (None, None) => Precision::default(),
        },
        input_ranges,
        calibration: options.calibrate.as_deref().map_or_else(|| Ok(Vec::new()), read_calibration)?,
        objective: match options.objective.unwrap_or_default() {
            arguments::Objective::Gas => Objective::Gas,
            arguments::Objective::Latency => Objective::Latency,
            arguments::Objective::Memory => Objective::Memory,
        },
        ..CompileOptions::default()
    })
}

fn read_calibration(path: &Path) -> Result<Vec<NamedTensors>, Failure> {
    let bytes = files::read(path)?;
    let samples = if bytes.starts_with(b"PK") {
        tensors::calibration_from_npz(&bytes, &Limits::default())
    } else {
        tensors::calibration_from_json(&bytes, &Limits::default())
    };
    samples.map_err(|source| Failure::Input { path: path.to_owned(), source: source.into() })
}

/// Compiles a model that is not in a file.
pub(crate) fn compile_bytes(model: &[u8], calibration: &[u8]) -> Result<Program, Error> {
    let calibration = tensors::calibration_from_json(calibration, &Limits::default())?;
    compile(model, &CompileOptions { calibration, ..CompileOptions::default() })
}

/// Reads an input file and quantizes it for `program`: a flat tensor for each input.
pub(crate) fn read_inputs(path: &Path, program: &Program) -> Result<Vec<Vec<i64>>, Failure> {
    let unusable = |source: Error| Failure::Input { path: path.to_owned(), source };
    let tensors = tensors::read_inputs(path, &signature(program), &Limits::default());
    let tensors = tensors.map_err(|source| unusable(source.into()))?;
    quantize::quantize_tensors(program.graph(), &tensors).map_err(|source| unusable(source.into()))
}

/// As [`read_inputs`], from JSON.
pub(crate) fn quantize_json(json: &[u8], program: &Program) -> Result<Vec<Vec<i64>>, Error> {
    let tensors = NamedTensors::from_json(json, &Limits::default())?.conform(&signature(program))?;
    Ok(quantize::quantize_tensors(program.graph(), &tensors)?)
}

/// The inputs of a program as a graph that files can be fitted to.
fn signature(program: &Program) -> float::Graph {
    let nodes = program.graph().inputs().map(|(_, node)| float::Node {
        name: name_of(node).to_owned(),
        tensor: name_of(node).to_owned(),
        op: float::Op::Input,
        inputs: Vec::new(),
        shape: node.shape.clone(),
        // Real inputs have fraction bits, integers have none.
        element: if node.frac_bits > 0 { ElementType::F32 } else { ElementType::I64 },
    });
    float::Graph { nodes: nodes.collect(), outputs: Vec::new() }
}

fn name_of(input: &Node) -> &str {
    match &input.op {
        Op::Input { name } => name,
        _ => &input.name,
    }
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
