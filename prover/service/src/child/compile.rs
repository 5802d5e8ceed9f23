//! From an upload to a program, its keys and its contracts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use apodict_circuits::quantize;
use apodict_circuits::report::Accuracy;
use apodict_circuits::tensors::{self, Limits};
use apodict_circuits::{CompileStep, Compiled, Error, Program, compile_with_model, escaped, onnx};
use apodict_prover::disk::origin_name;
use apodict_prover::{MemoryLimit, MemoryPlan, ProvingKey, Purpose};
use apodict_solidity::contract_files;
use apodict_verifier::{SrsPolicy, files::KeyFile};
use serde_json::json;

use super::{Compile, CompiledModel, Refusal, Setup, files, read};
use crate::codes;
use crate::options::ModelOptions;
use crate::store::JobError;

/// How far compilation is when its steps begin, by experience: nobody knows beforehand how long the search for a precision takes.
const FRACTIONS: [f64; 3] = [0.0, 0.05, 0.7];
const KEYS_FRACTION: f64 = 0.8;
const CONTRACT_FRACTION: f64 = 0.95;

/// Compiles a model and makes its keys. `tell` hears of each stage as it begins.
pub(super) fn compile(setup: &Setup, request: &Compile, tell: &dyn Fn(&str, f64)) -> Result<CompiledModel, Refusal> {
    let calibration = match &request.calibration {
        Some(file) => tensors::records_from(read(file)?.as_slice(), "the calibration", &Limits::default())
            .map_err(|error| rejected(&error.into()))?,
        None => Vec::new(),
    };
    let asked: ModelOptions = serde_json::from_str(&request.options).map_err(|error| JobError {
        code: codes::WORKER_FAILED.to_owned(),
        detail: format!("the options cannot be read: {error}"),
    })?;
    let options = asked.for_compiler(calibration);
    let begins = |step: CompileStep| match step {
        CompileStep::Import => tell("import", FRACTIONS[0]),
        CompileStep::Quantize => tell("quantize", FRACTIONS[1]),
        CompileStep::LayOut => tell("lay_out", FRACTIONS[2]),
        _ => {}
    };
    let Compiled { program, .. } =
        compile_with_model(&read(&request.onnx)?, &options, begins).map_err(|error| rejected(&error))?;
    if let Some(shortfall) = program.report().missed_target().filter(|_| !asked.allow_error) {
        let detail = format!(
            "{}: say with max_error how much you accept, or set allow_error to take what there is",
            escaped(shortfall)
        );
        return Err(JobError { code: codes::INACCURATE.to_owned(), detail }.into());
    }
    let k = program.plan().k;
    if k > request.max_k {
        let detail = format!(
            "the model needs 2^{k} rows, this server proves up to 2^{}: use a smaller model or batch, or another server",
            request.max_k
        );
        return Err(JobError { code: codes::MODEL_TOO_LARGE.to_owned(), detail }.into());
    }
    tell("keys", KEYS_FRACTION);
    let failed = |error: &dyn std::fmt::Display| JobError {
        code: codes::WORKER_FAILED.to_owned(),
        detail: format!("no keys could be made: {}", escaped(error)),
    };
    let srs = setup.reference_string(k)?;
    let policy = match &setup.srs_digest {
        Some(digest) => SrsPolicy::Ceremony(std::slice::from_ref(digest)),
        None => SrsPolicy::AllowUnsafe,
    };
    let key = ProvingKey::generate(&program, &srs).map_err(|error| failed(&error))?;
    let write = |name: &str, write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        let path = request.folder.join(name);
        let mut file = io::BufWriter::new(std::fs::File::create(path)?);
        write(&mut file).and_then(|()| file.flush())
    };
    let bytes = |name: &str, bytes: &[u8]| write(name, &|file| file.write_all(bytes));
    write(files::PROVING_KEY, &|mut file| key.write(&mut file).map_err(io::Error::other))?;
    let verifying_key = KeyFile::new(key.verifying_key()).map_err(|error| failed(&error))?;
    bytes(files::VERIFYING_KEY, &verifying_key.to_json().map_err(|error| failed(&error))?)?;
    tell("contract", CONTRACT_FRACTION);
    let contract = contract(&key, policy);
    if let Some(contract) = &contract {
        bytes(files::CONTRACT, json!({"files": contract}).to_string().as_bytes())?;
    }
    let report = program.report();
    bytes(files::REPORT, &serde_json::to_vec_pretty(report).map_err(|error| failed(&error))?)?;
    bytes(files::PROGRAM, &program.to_bytes().map_err(|error| failed(&error))?)?;
    Ok(CompiledModel {
        has_contract: contract.is_some(),
        program_digest: program.digest(),
        key_digest: key.digest(),
        srs_digest: srs.digest(),
        srs: origin_name(policy.origin(&srs.digest())).to_owned(),
        k,
        rows: program.layout().rows() as u64,
        shape: program.plan().shape.name().to_owned(),
        least_memory_bytes: least_memory(&program).map_err(|error| failed(&error))?,
        accuracy: serde_json::to_string(&Accuracy::of(report)).map_err(|error| failed(&error))?,
    })
}

/// Names and texts of contract files, unless no contract can verify the key: so many instances, say, that no transaction holds them.
fn contract(key: &ProvingKey, policy: SrsPolicy<'_>) -> Option<BTreeMap<String, String>> {
    let files = contract_files(key.verifying_key(), policy).inspect_err(|error| tracing::warn!(%error, "no contracts"));
    Some(files.ok()?.into_iter().collect())
}

/// Bytes that a proof takes if nothing is spent to save time.
fn least_memory(program: &Program) -> Result<u64, apodict_prover::Error> {
    match MemoryPlan::new(program, Purpose::OneProof, 0, MemoryLimit::Said(0)) {
        Ok(plan) => Ok(plan.predicted_bytes),
        Err(apodict_prover::Error::Memory { needed, .. }) => Ok(needed),
        Err(error) => Err(error),
    }
}

/// Why a model was not taken, with the option that helps.
fn rejected(error: &Error) -> JobError {
    let advice = match error {
        Error::Onnx(onnx::Error::OpenDimension { key, .. }) => format!("; the option dims sets \"{}\"", escaped(key)),
        Error::Quantize(quantize::Error::NoRange { input }) => {
            format!("; a calibration gives it one, or the option ranges for \"{}\"", escaped(input))
        }
        Error::Quantize(quantize::Error::NoPrecision { .. }) => {
            "; the options max_error or bits ask for less precision, ranges for smaller inputs".to_owned()
        }
        _ => String::new(),
    };
    JobError { code: codes::MODEL_REJECTED.to_owned(), detail: format!("{}{advice}", escaped(error)) }
}
