//! `apodict bench`.

mod report;

use std::time::{Duration, Instant};

use apodict_circuits::{Program, synthetic};
use apodict_prover::{
    Context, Error, ProvingKey, Purpose, SRS_MIN_K, Srs, StockProver,
    engine::{self, Cancel, Job},
    prove,
};
use apodict_prover::{MemoryPlan, peak_memory_bytes};

use crate::arguments::{Bench, Peer, SrsFile};
use crate::console::{Console, milliseconds};
use crate::failure::{Failure, Outcome};
use crate::program::{self, Input};
use report::{Cancelled, Case, Engine, Report};

/// A program with an input.
struct Work {
    name: String,
    program: Program,
    inputs: Vec<Vec<i64>>,
    srs: Srs,
    predicted_memory_bytes: u64,
}

pub(crate) fn run(arguments: &Bench, console: &Console) -> Result<Outcome, Failure> {
    let mut report = Report {
        backend: engine::host_backend(),
        threads: engine::host_threads(),
        runs: arguments.runs,
        peak_multiplications_per_s: engine::host_peak(),
        cases: Vec::new(),
        peak_memory_bytes: None,
    };
    let peak = report.peak_multiplications_per_s;
    if let (Some(model), Some(input)) = (&arguments.model, &arguments.input) {
        let input = Input::read(input)?;
        let compile = |step: &dyn Fn(&'static str)| program::read_or_compile(model, &arguments.options, &input, step);
        let ((program, _), _) = console.steps("compile", compile)?;
        console.warn_of_accuracy(program.report());
        let inputs = input.quantize(&program)?;
        let memory = MemoryPlan::here(&program, Purpose::ManyProofs, arguments.memory_mib)?;
        let srs = SrsFile::default().load(program.plan().k)?.with_budget(memory.budget)?;
        let predicted_memory_bytes = memory.predicted_bytes;
        let name = model.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
        let work = Work { name, program, inputs, srs, predicted_memory_bytes };
        report.cases.push(measure(work, peak, arguments, console)?);
    } else {
        for k in &arguments.k {
            let program = synthetic::filling(*k).ok_or(Failure::NoSyntheticProgram { k: *k })?;
            let inputs = synthetic::inputs(program.graph().nodes[0].len());
            let memory = MemoryPlan::here(&program, Purpose::ManyProofs, arguments.memory_mib)?;
            let srs = Srs::generate_unsafe((*k).max(SRS_MIN_K))?.with_budget(memory.budget)?;
            let (name, predicted_memory_bytes) = (format!("dense {k}"), memory.predicted_bytes);
            let work = Work { name, program, inputs, srs, predicted_memory_bytes };
            report.cases.push(measure(work, peak, arguments, console)?);
        }
    }
    report.peak_memory_bytes = peak_memory_bytes();
    console.result(&report)?;
    Ok(Outcome::Done)
}

/// Proves in pairs, so that what else the machine does meets both.
fn measure(work: Work, peak: f64, arguments: &Bench, console: &Console) -> Result<Case, Failure> {
    let Work { name, program, inputs, srs, predicted_memory_bytes } = work;
    let with_engine = arguments.only != Some(Peer::Stock);
    let with_stock = arguments.only != Some(Peer::Engine) && (arguments.against.is_some() || arguments.only.is_some());
    let srs = srs.cut_to(program.plan().k)?;
    let (key, _) = console.stage("keys", || with_engine.then(|| ProvingKey::generate(&program, &srs)).transpose())?;
    let (peer, _) = console.stage("keys", || with_stock.then(|| StockProver::new(&program, &srs)).transpose())?;
    // The peer has a copy of its own: alone, it takes no more memory than it needs.
    let engine_has = key.map(|key| (key, srs));
    let (mut engine, mut stock, mut multiplications) = (Vec::new(), Vec::new(), 0);
    for _ in 0..arguments.runs {
        if let Some(peer) = &peer {
            stock.push(milliseconds(peer.prove(&inputs, Context::default())?.1));
        }
        if let Some((key, srs)) = &engine_has {
            let proof = prove(srs, key, &program, &inputs, Context::default(), &Job::default())?;
            multiplications = proof.stages.multiplications();
            engine.push(proof.times);
        }
    }
    let of = |time: fn(&apodict_prover::Times) -> Duration| {
        median(engine.iter().map(|times| milliseconds(time(times))).collect())
    };
    let ratios = stock.iter().zip(&engine).map(|(stock, times)| stock / milliseconds(times.total)).collect();
    let engine = of(|times| times.total).and_then(|prove_ms| {
        let multiplications_per_s = 1e3 * multiplications as f64 / prove_ms;
        Some(Engine {
            prove_ms,
            witness_ms: of(|times| times.witness)?,
            commit_ms: of(|times| times.commit)?,
            quotient_ms: of(|times| times.quotient)?,
            open_ms: of(|times| times.open)?,
            multiplications,
            multiplications_per_s,
            of_peak: multiplications_per_s / peak,
        })
    });
    let cancelled = match (&engine_has, &engine) {
        (Some((key, srs)), Some(engine)) if arguments.cancel > 0 => {
            let proof = |job: &Job<'_>| prove(srs, key, &program, &inputs, Context::default(), job).map(|_| ());
            Some(cancel(proof, arguments.cancel, engine.prove_ms)?)
        }
        _ => None,
    };
    Ok(Case {
        name,
        k: program.plan().k,
        rows: program.layout().rows(),
        predicted_memory_bytes,
        engine,
        stock_ms: median(stock),
        ratio: median(ratios),
        cancelled,
    })
}

/// Asks proofs to stop, the first early and the last late, and looks how long they go on.
fn cancel(proof: impl Fn(&Job<'_>) -> Result<(), Error>, proofs: usize, prove_ms: f64) -> Result<Cancelled, Failure> {
    let mut waited = Vec::with_capacity(proofs);
    for at in 0..proofs {
        let cancel = Cancel::default();
        let after = Duration::from_secs_f64(prove_ms / 1e3 * (at as f64 + 0.5) / proofs as f64);
        let asker = std::thread::spawn({
            let cancel = cancel.clone();
            move || {
                std::thread::sleep(after);
                // Before it asks: this thread may have to wait for a processor after that.
                let asked = Instant::now();
                cancel.cancel();
                asked
            }
        });
        let result = proof(&Job::new(cancel));
        let ended = Instant::now();
        // It sleeps and asks, and cannot fail.
        let asked = asker.join().unwrap_or(ended);
        match result {
            Err(Error::Engine(engine::Error::Cancelled)) => waited.push(milliseconds(ended - asked)),
            // It was done before.
            Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Cancelled {
        proofs: waited.len(),
        median_ms: median(waited.clone()).unwrap_or(0.0),
        most_ms: waited.into_iter().fold(0.0, f64::max),
    })
}

/// Nothing of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    #[test]
    fn medians() {
        assert_eq!(super::median(vec![]), None);
        assert_eq!(super::median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
