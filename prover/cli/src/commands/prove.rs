//! `apodict prove`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_circuits::escaped;
use apodict_circuits::report::Accuracy;
use apodict_prover::disk::{Cache, KeyFolder, PendingFile, origin_name};
use apodict_prover::{Context, Purpose, engine::Job};
use apodict_prover::{MemoryPlan, peak_memory_bytes};
use apodict_verifier::files::{Bytes32, Decision, ProofFile};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::accuracy::FiguresFrom;
use crate::arguments::{Backend, Prove};
use crate::console::{Console, format_bytes, format_count, milliseconds};
use crate::failure::{Failure, Outcome};
use crate::program::{self, Columns, Input, Source};

/// Of a model without calibration data.
const GUESSED_RANGE: &str = "warning: no --calibrate and no --range: the range of the inputs is guessed from this input, \
    and the accuracy is measured on random ones. A larger input may need another program with other keys.";

/// What `prove` prints.
#[derive(Serialize)]
struct Report {
    program_digest: Bytes32,
    key_digest: Bytes32,
    context: Bytes32,
    shape: &'static str,
    k: u32,
    rows: usize,
    columns: Columns,
    srs: &'static str,
    /// Decoded from the proof's instances.
    outputs: Map<String, Value>,
    /// Of the program, not of this input.
    #[serde(flatten)]
    accuracy: Accuracy,
    accuracy_from: FiguresFrom,
    stages_ms: Stages,
    /// From witness to finished proof, keys loaded.
    prove_ms: f64,
    peak_memory_bytes: Option<u64>,
    /// What was predicted before the keys were read.
    predicted_memory_bytes: u64,
    proof_bytes: usize,
    key_bytes: u64,
    proof: PathBuf,
    verifying_key: PathBuf,
}

#[derive(Serialize)]
struct Stages {
    compile: f64,
    keys: f64,
    witness: f64,
    commit: f64,
    quotient: f64,
    open: f64,
    /// Verification of the proof before it is written.
    check: f64,
}

pub(crate) fn run(arguments: &Prove, console: &Console) -> Result<Outcome, Failure> {
    #[cfg(feature = "service")]
    if let Some(server) = arguments.on.arguments() {
        return super::prove_on_server::run(arguments, &server, console);
    }
    let file = PendingFile::create(&arguments.output)?;
    let input = Input::read(&arguments.input)?;
    let compile =
        |step: &dyn Fn(&'static str)| program::read_or_compile(&arguments.model, &arguments.options, &input, step);
    let ((program, source), compile_ms) = console.steps("compile", compile)?;
    if source == Source::ModelWithGuessedRange {
        console.warn(GUESSED_RANGE);
    }
    console.warn_of_accuracy(program.report());
    let inputs = input.quantize(&program)?;

    let memory = MemoryPlan::here(&program, Purpose::OneProof, arguments.memory_mib)?;
    let ((folder, keys), keys_ms) = console.stage("keys", || {
        let srs = arguments.srs.load(program.plan().k)?.with_budget(memory.budget)?;
        let folder = KeyFolder::choose(arguments.keys.as_deref(), &Cache::of_user(), &program, &srs)?;
        let keys = folder.open(&program, srs)?;
        Ok::<_, Failure>((folder, keys))
    })?;
    let origin = arguments.srs.pin.policy().origin(&keys.srs.digest());
    console.warn_of_origin(origin);

    let context = Context(arguments.context);
    let prove = |job: &Job<'_>| match arguments.backend {
        Backend::Auto | Backend::Cpu => {
            apodict_prover::prove(&keys.srs, &keys.proving, &program, &inputs, context, job)
        }
    };
    let (proof, _) = console.proof("prove", prove)?;
    let layout = &keys.proving.verifying_key().layout;
    let decision = Decision::new(layout, &layout.decode(&proof.instances).map_err(apodict_prover::Error::from)?);
    let key_digest = keys.digest();
    let proof_bytes = proof.bytes.len();
    file.commit(&ProofFile::new(key_digest, &proof.instances, proof.bytes).to_json()?)?;

    let times = proof.times;
    let report = Report {
        program_digest: Bytes32(program.digest()),
        key_digest: Bytes32(key_digest),
        context: decision.context,
        shape: program.plan().shape.name(),
        k: program.plan().k,
        rows: program.layout().rows(),
        columns: Columns::of(&keys.proving.verifying_key().constraint_system),
        srs: origin_name(origin),
        outputs: decision.outputs,
        accuracy: Accuracy::of(program.report()),
        accuracy_from: if source == Source::Program { FiguresFrom::Claimed } else { FiguresFrom::Compiled },
        stages_ms: Stages {
            compile: compile_ms,
            keys: keys_ms,
            witness: milliseconds(times.witness),
            commit: milliseconds(times.commit),
            quotient: milliseconds(times.quotient),
            open: milliseconds(times.open),
            check: milliseconds(times.self_check),
        },
        prove_ms: milliseconds(times.total),
        peak_memory_bytes: peak_memory_bytes(),
        predicted_memory_bytes: memory.predicted_bytes,
        proof_bytes,
        key_bytes: folder.proving_key_bytes()?,
        proof: arguments.output.clone(),
        verifying_key: folder.verifying_key(),
    };
    console.result(&report)?;
    Ok(Outcome::Done)
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.outputs {
            writeln!(formatter, "{} = {value}", escaped(name))?;
        }
        let says = match self.accuracy_from {
            FiguresFrom::Claimed => "accuracy, as the program's file says",
            _ => "accuracy",
        };
        writeln!(formatter, "{says}: {}", self.accuracy.summary)?;
        let rows = format_count(self.rows as u64);
        let proof_bytes = format_count(self.proof_bytes as u64);
        writeln!(formatter, "proved in {:.1} ms: {rows} rows, k = {}, {proof_bytes} bytes", self.prove_ms, self.k)?;
        if let Some(peak) = self.peak_memory_bytes {
            writeln!(formatter, "peak memory {}", format_bytes(peak))?;
        }
        writeln!(formatter, "proof: {}", escaped(self.proof.display()))?;
        write!(
            formatter,
            "verify it with: apodict verify {} --key {}",
            escaped(self.proof.display()),
            escaped(self.verifying_key.display())
        )
    }
}
