//! `apodict demo`: a lending market asks what may be lent against its collateral.

use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use apodict_prover::disk::Keys;
use apodict_prover::peak_memory_bytes;
use apodict_prover::{Context, ProvingKey, Srs};
use apodict_solidity::evm::{Verdict, VerifierOnEvm};
use apodict_verifier::{SrsPolicy, Verifier};
use serde::Serialize;
use sha3::{Digest, Keccak256};

use crate::agreement;
use crate::console::{Console, format_bytes, format_count, milliseconds};
use crate::failure::{Failure, Outcome};
use crate::market::{self, Parameters, Prices, Stance};
use crate::program::{self, Columns};
use apodict_verifier::files::{Bytes32, Decision};

/// What the proof of the demo is bound to.
const PURPOSE: &str = "apodict demo: chain 1, lending market, collateral ether, nonce 1";

/// What scripts get of it.
#[derive(Serialize)]
struct Report {
    parameters: Parameters,
    decision: Stance,
    context: Bytes32,
    k: u32,
    rows: usize,
    columns: Columns,
    stages_ms: Stages,
    proof_bytes: usize,
    calldata_bytes: usize,
    gas: u64,
    peak_memory_bytes: Option<u64>,
    verdicts: Verdicts,
}

#[derive(Serialize)]
struct Stages {
    compile: f64,
    srs: f64,
    keys: f64,
    prove: f64,
    verify: f64,
    evm: f64,
}

#[derive(Serialize)]
struct Verdicts {
    library: &'static str,
    evm: &'static str,
    tampered: &'static str,
}

pub(crate) fn run(console: &Console) -> Result<Outcome, Failure> {
    console.tell("A lending market asks: what may be lent against this collateral?\n")?;
    console.tell(Prices::slide()?)?;

    let embedded = |source| Failure::Compile { path: "the risk model of the demonstration".into(), source };
    let (program, compile) =
        console.stage("compile", || program::compile_bytes(market::MODEL, market::CALIBRATION).map_err(embedded))?;
    let plan = program.plan();
    let rows = program.layout().rows();
    let accuracy = program.report();
    // The outputs have units of their own.
    let of_span = accuracy.outputs.iter().map(|output| output.max_error / output.span).fold(0.0, f64::max);
    let line = format!(
        "{} rows of the {} shape, k = {}; at most {:.3} % of an output's span from float32 on {} samples",
        format_count(rows as u64),
        plan.shape,
        plan.k,
        100.0 * of_span,
        accuracy.samples,
    );
    console.tell(Step("compile", compile, line))?;

    let (srs, srs_ms) = console.stage("srs", || Srs::generate_unsafe(plan.k))?;
    console.tell(Step("srs", srs_ms, "UNSAFE: made here, for this demonstration only".into()))?;

    let (keys, keys_ms) = console.stage("keys", || {
        let proving = ProvingKey::generate(&program, &srs)?;
        Ok::<_, Failure>(Keys { srs, proving })
    })?;
    let key = keys.proving.verifying_key();
    let columns = Columns::of(&key.constraint_system);
    let key_bytes = key.to_bytes()?.len() as u64;
    let line = format!(
        "{} advice and {} fixed columns; the verifying key has {}",
        columns.advice,
        columns.fixed,
        format_bytes(key_bytes)
    );
    console.tell(Step("keys", keys_ms, line))?;

    let context = Context(Keccak256::digest(PURPOSE).into());
    let inputs = program::quantize_json(market::INPUT, &program).map_err(embedded)?;
    let (proof, _) = console
        .proof("prove", |job| apodict_prover::prove(&keys.srs, &keys.proving, &program, &inputs, context, job))?;
    let prove = milliseconds(proof.times.total);
    let proof_bytes = proof.bytes.len();
    let line = format!("{} bytes, bound to this market, this collateral and nonce 1", format_count(proof_bytes as u64));
    console.tell(Step("prove", prove, line))?;

    // What a stranger does, with the key, the instances and the proof alone.
    let verifier = Verifier::new(key.clone(), SrsPolicy::AllowUnsafe)?;
    let start = Instant::now();
    let statement = verifier.statement(&proof.instances, &proof.bytes).map_err(apodict_prover::Error::from)?;
    let verify = milliseconds(start.elapsed());
    let statement = Decision::new(&key.layout, &statement);
    let parameters = Parameters::of(&statement)?;
    console.tell(format_args!("\nDecision: {parameters}\n"))?;
    console.tell(Step("library", verify, "accepted".into()))?;

    let ((mut chain, verification), evm) = console.stage("evm", || {
        let mut chain = VerifierOnEvm::deploy(key, SrsPolicy::AllowUnsafe)?;
        let verification = chain.verify_words(&proof.bytes, &proof.instances)?;
        Ok::<_, Failure>((chain, verification))
    })?;
    agreement::check(&Ok(()), &verification.verdict)?;
    let gas = verification.gas;
    let line =
        format!("accepted for {} gas, calldata of {} bytes included", format_count(gas), verification.calldata_bytes);
    console.tell(Step("EVM", evm, line))?;

    // The same proof, sent with another borrow cap.
    let mut falsified = proof.instances.clone();
    if let Some(output) = falsified.last_mut() {
        *output = [0; 32];
    }
    let by_library = verifier.verify_words(&falsified, &proof.bytes);
    let by_contract = chain.verify_words(&proof.bytes, &falsified)?.verdict;
    let (Err(by_library), Verdict::Refused(by_contract)) = (by_library, by_contract.clone()) else {
        return Err(Failure::Disagreement { library: "refused", contract: by_contract.to_string() });
    };
    console.tell("\nThe same proof, sent with a borrow cap of 0:")?;
    console.tell(format_args!("  library   refused: {by_library}"))?;
    console.tell(format_args!("  EVM       refused: {by_contract}"))?;

    console.result(&Report {
        decision: parameters.stance(),
        parameters,
        context: statement.context,
        k: plan.k,
        rows,
        columns,
        stages_ms: Stages { compile, srs: srs_ms, keys: keys_ms, prove, verify, evm },
        proof_bytes,
        calldata_bytes: verification.calldata_bytes,
        gas,
        peak_memory_bytes: peak_memory_bytes(),
        verdicts: Verdicts { library: "accepted", evm: "accepted", tampered: "refused" },
    })?;
    Ok(Outcome::Done)
}

/// A line of the story: what, how long, and what came of it.
struct Step(&'static str, f64, String);

impl Display for Step {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self(name, elapsed_ms, outcome) = self;
        write!(formatter, "  {name:<8} {elapsed_ms:>8.1} ms   {outcome}")
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let total: f64 = {
            let Stages { compile, srs, keys, prove, verify, evm } = self.stages_ms;
            compile + srs + keys + prove + verify + evm
        };
        write!(formatter, "\nAll of it in {:.1} s", total / 1e3)?;
        if let Some(peak) = self.peak_memory_bytes {
            write!(formatter, ", with {} of memory", format_bytes(peak))?;
        }
        write!(formatter, ". Your own model: apodict prove MODEL.onnx --input IN.json -o proof.json")
    }
}
