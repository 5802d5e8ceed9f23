//! `apodict bench`.

use std::fmt::{self, Display, Formatter};

use apodict_circuits::{Program, synthetic};
use apodict_prover::{Context, ProvingKey, Purpose, SRS_MIN_K, Srs, StockProver, engine::Job, prove};
use serde::Serialize;

use crate::arguments::{Bench, Peer};
use crate::console::{Console, format_bytes, milliseconds};
use crate::failure::{Failure, Outcome};
use crate::keys;
use crate::memory::{self, peak_memory_bytes};
use crate::program;

/// What `bench` prints.
#[derive(Serialize)]
struct Report {
    /// What computed the engine's proofs.
    backend: &'static str,
    threads: usize,
    /// Pairs of proofs, one after the other; times are medians.
    runs: usize,
    cases: Vec<Case>,
    /// Of the whole process: of one prover only if only one ran.
    peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Case {
    name: String,
    k: u32,
    rows: usize,
    /// Of a process that makes proofs of this case alone.
    predicted_memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_ms: Option<f64>,
    /// Median of the pairs' ratios, stock to engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

#[derive(Serialize)]
struct Engine {
    prove_ms: f64,
    witness_ms: f64,
    commit_ms: f64,
    quotient_ms: f64,
    open_ms: f64,
}

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
        backend: apodict_prover::engine::host_backend(),
        threads: apodict_prover::engine::host_threads(),
        runs: arguments.runs,
        cases: Vec::new(),
        peak_memory_bytes: None,
    };
    if let (Some(model), Some(input)) = (&arguments.model, &arguments.input) {
        let (program, _) = program::read_or_compile(model, &arguments.options, input)?;
        let inputs = program::read_inputs(input, &program)?;
        let memory = memory::plan(&program, Purpose::ManyProofs, arguments.memory_mib)?;
        let srs = keys::srs_for(&program, None)?.with_budget(memory.budget)?;
        let predicted_memory_bytes = memory.predicted_bytes;
        let name = model.file_stem().map_or_else(|| "model".into(), |stem| stem.to_string_lossy().into_owned());
        report.cases.push(measure(Work { name, program, inputs, srs, predicted_memory_bytes }, arguments, console)?);
    } else {
        for k in &arguments.k {
            let program = synthetic::filling(*k).ok_or(Failure::NoSyntheticProgram { k: *k })?;
            let inputs = synthetic::inputs(program.graph().nodes[0].len());
            let memory = memory::plan(&program, Purpose::ManyProofs, arguments.memory_mib)?;
            let srs = Srs::generate_unsafe((*k).max(SRS_MIN_K))?.with_budget(memory.budget)?;
            let (name, predicted_memory_bytes) = (format!("dense {k}"), memory.predicted_bytes);
            let work = Work { name, program, inputs, srs, predicted_memory_bytes };
            report.cases.push(measure(work, arguments, console)?);
        }
    }
    report.peak_memory_bytes = peak_memory_bytes();
    console.result(&report)?;
    Ok(Outcome::Done)
}

/// Proves in pairs, so that what else the machine does meets both.
fn measure(work: Work, arguments: &Bench, console: &Console) -> Result<Case, Failure> {
    let Work { name, program, inputs, srs, predicted_memory_bytes } = work;
    let with_engine = arguments.only != Some(Peer::Stock);
    let with_stock = arguments.only != Some(Peer::Engine) && (arguments.against.is_some() || arguments.only.is_some());
    let srs = srs.cut_to(program.plan().k)?;
    let (key, _) = console.stage("keys", || with_engine.then(|| ProvingKey::generate(&program, &srs)).transpose())?;
    let (peer, _) = console.stage("keys", || with_stock.then(|| StockProver::new(&program, &srs)).transpose())?;
    // The peer has a copy of its own: alone, it takes no more memory than it needs.
    let engine_has = key.map(|key| (key, srs));
    let (mut engine, mut stock) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        if let Some(peer) = &peer {
            stock.push(milliseconds(peer.prove(&inputs, Context::default())?.1));
        }
        if let Some((key, srs)) = &engine_has {
            engine.push(prove(srs, key, &program, &inputs, Context::default(), &Job::default())?.times);
        }
    }
    let of = |time: fn(&apodict_prover::Times) -> std::time::Duration| {
        median(engine.iter().map(|times| milliseconds(time(times))).collect())
    };
    let ratios = stock.iter().zip(&engine).map(|(stock, times)| stock / milliseconds(times.total)).collect();
    Ok(Case {
        name,
        k: program.plan().k,
        rows: program.layout().rows(),
        predicted_memory_bytes,
        engine: of(|times| times.total).and_then(|prove_ms| {
            Some(Engine {
                prove_ms,
                witness_ms: of(|times| times.witness)?,
                commit_ms: of(|times| times.commit)?,
                quotient_ms: of(|times| times.quotient)?,
                open_ms: of(|times| times.open)?,
            })
        }),
        stock_ms: median(stock),
        ratio: median(ratios),
    })
}

/// Nothing of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} backend, {} threads, medians of {}; times in ms\n",
            self.backend, self.threads, self.runs
        )?;
        writeln!(
            formatter,
            "{:<16} {:>3} {:>8} {:>9} {:>9} {:>6}   {:>8} {:>8} {:>8}",
            "", "k", "rows", "engine", "stock", "ratio", "commit", "quotient", "open"
        )?;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
        for case in &self.cases {
            let engine = |of: fn(&Engine) -> f64| number(case.engine.as_ref().map(of));
            writeln!(
                formatter,
                "{:<16} {:>3} {:>8} {:>9} {:>9} {:>6}   {:>8} {:>8} {:>8}",
                case.name,
                case.k,
                case.rows,
                engine(|times| times.prove_ms),
                number(case.stock_ms),
                number(case.ratio),
                engine(|times| times.commit_ms),
                engine(|times| times.quotient_ms),
                engine(|times| times.open_ms),
            )?;
        }
        write!(formatter, "\npeak memory {}", self.peak_memory_bytes.map_or_else(String::new, format_bytes))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn medians() {
        assert_eq!(super::median(vec![]), None);
        assert_eq!(super::median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
