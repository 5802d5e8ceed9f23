//! Whether a program is the one that a model compiles to, and how far it is from the model.
//!
//! A program's file says by itself which model it is of and how accurate it is. Whoever made the file may have written anything
//! there; who has the model finds out here.

use std::path::{Path, PathBuf};

use apodict_circuits::{Error, Program, compile, onnx};
use apodict_circuits::{evaluate::measure_program, report::ErrorReport};
use serde::Serialize;
use sha3::{Digest, Keccak256};

use crate::accuracy::FiguresFrom;
use crate::arguments::CompileOptions;
use crate::failure::Failure;
use crate::program;
use apodict_verifier::files::Bytes32;

/// What a report on a program is worth.
#[derive(Serialize)]
pub(crate) struct Evidence {
    pub(crate) source: FiguresFrom,
    #[serde(flatten)]
    pub(crate) comparison: Option<Comparison>,
}

/// A program beside a model.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) model: PathBuf,
    /// Of the model's file.
    pub(crate) digest: Bytes32,
    /// Whether the program says that it is of this file.
    pub(crate) is_claimed_model: bool,
    /// The program that the model compiles to with these options.
    pub(crate) compiles_to: Option<Bytes32>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) does_not_compile: Option<String>,
}

impl Evidence {
    /// The word of the program's file.
    pub(crate) const CLAIMED: Self = Self { source: FiguresFrom::Claimed, comparison: None };
}

/// Compiles the model at `path` again; if that gives another program, measures this one.
pub(crate) fn compare(
    program: &Program,
    path: &Path,
    options: &CompileOptions,
) -> Result<(Evidence, ErrorReport), Failure> {
    let bytes = program::read_model(path)?;
    let options_given = program::compile_options(options)?;
    let compiled = compile(&bytes, &options_given);
    let digest: [u8; 32] = Keccak256::digest(&bytes).into();
    let comparison = Comparison {
        model: path.to_owned(),
        digest: Bytes32(digest),
        is_claimed_model: digest == program.model_digest(),
        compiles_to: compiled.as_ref().ok().map(|compiled| Bytes32(compiled.digest())),
        does_not_compile: compiled.as_ref().err().map(Error::to_string),
    };
    let evidence = |source| Evidence { source, comparison: Some(comparison) };
    // The digest covers the report.
    if let Ok(same) = compiled.as_ref()
        && same.digest() == program.digest()
    {
        return Ok((evidence(FiguresFrom::Compiled), same.report().clone()));
    }
    let cannot = |source: Error| Failure::Compile { path: path.to_owned(), source };
    let model = onnx::import(&bytes, &options_given.import).map_err(|source| cannot(source.into()))?;
    let fitted =
        options_given.calibration.iter().map(|record| record.conform(model.graph())).collect::<Result<Vec<_>, _>>();
    let samples = fitted.map_err(|source| match &options.calibrate {
        Some(data) => program::unusable(data, source),
        None => cannot(source.into()),
    })?;
    let measured = measure_program(model.graph(), program, &samples).map_err(|source| cannot(source.into()))?;
    Ok((evidence(FiguresFrom::Measured), measured))
}
