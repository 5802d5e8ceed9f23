//! What `bench` prints.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::console::format_bytes;

#[derive(Serialize)]
pub(super) struct Report {
    /// What computed the engine's proofs.
    pub(super) backend: &'static str,
    pub(super) threads: usize,
    /// Pairs of proofs, one after the other; times are medians.
    pub(super) runs: usize,
    /// Field multiplications a second of this backend on all threads, measured.
    pub(super) peak_multiplications_per_s: f64,
    pub(super) cases: Vec<Case>,
    /// Of the whole process: of one prover only if only one ran.
    pub(super) peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) k: u32,
    pub(super) rows: usize,
    /// Of a process that makes proofs of this case alone.
    pub(super) predicted_memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) engine: Option<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stock_ms: Option<f64>,
    /// Median of the pairs' ratios, stock to engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancelled: Option<Cancelled>,
}

#[derive(Serialize)]
pub(super) struct Engine {
    pub(super) prove_ms: f64,
    pub(super) witness_ms: f64,
    pub(super) commit_ms: f64,
    pub(super) quotient_ms: f64,
    pub(super) open_ms: f64,
    /// Of field elements, of one proof.
    pub(super) multiplications: u64,
    pub(super) multiplications_per_s: f64,
    /// That, of the peak.
    pub(super) of_peak: f64,
}

/// How long proofs went on after they were asked to stop.
#[derive(Serialize)]
pub(super) struct Cancelled {
    pub(super) proofs: usize,
    pub(super) median_ms: f64,
    pub(super) most_ms: f64,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} backend, {} threads, medians of {}; times in ms; at most {:.0} million field multiplications a second\n",
            self.backend,
            self.threads,
            self.runs,
            self.peak_multiplications_per_s / 1e6
        )?;
        writeln!(
            formatter,
            "{:<16} {:>3} {:>8} {:>9} {:>9} {:>6}   {:>8} {:>8} {:>8} {:>8}",
            "", "k", "rows", "engine", "stock", "ratio", "commit", "quotient", "open", "of peak"
        )?;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
        for case in &self.cases {
            let engine = |of: fn(&Engine) -> f64| number(case.engine.as_ref().map(of));
            writeln!(
                formatter,
                "{:<16} {:>3} {:>8} {:>9} {:>9} {:>6}   {:>8} {:>8} {:>8} {:>7}%",
                case.name,
                case.k,
                case.rows,
                engine(|times| times.prove_ms),
                number(case.stock_ms),
                number(case.ratio),
                engine(|times| times.commit_ms),
                engine(|times| times.quotient_ms),
                engine(|times| times.open_ms),
                engine(|times| 100.0 * times.of_peak),
            )?;
        }
        for (case, cancelled) in self.cases.iter().filter_map(|case| Some((case, case.cancelled.as_ref()?))) {
            let Cancelled { proofs, median_ms, most_ms } = cancelled;
            let name = &case.name;
            writeln!(
                formatter,
                "\n{name}: {proofs} proofs asked to stop did so after {median_ms:.1} ms, {most_ms:.1} at most"
            )?;
        }
        write!(formatter, "\npeak memory {}", self.peak_memory_bytes.map_or_else(String::new, format_bytes))
    }
}
