//! How much there is to do, for progress.

use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use super::{Prepared, Step, backend::Backend};

/// Estimates in additions of points per row: a commitment to full scalars takes about 24 of them.
const COMMITMENT: f64 = 24.0;
/// The same to a column of a witness, whose scalars are short.
const SHORT: f64 = 4.0;
/// Transforms and products per column.
const COLUMN: f64 = 2.0;

/// The steps of a proof with their shares.
pub(super) struct Work {
    steps: Vec<(Step, f64)>,
    total: f64,
    done: f64,
}

impl Work {
    pub(super) fn new<B: Backend>(prepared: &Prepared<B>, circuits: usize) -> Self {
        let (cs, circuits) = (prepared.vk.cs(), circuits as f64);
        let pieces = prepared.quotient.pieces() as f64;
        let (lookups, sets) = (prepared.lookups.len() as f64, prepared.sets.len() as f64);
        let advice = cs.num_advice_columns() as f64;
        let columns = advice + cs.num_instance_columns() as f64 + sets + 3.0 * lookups;
        let of_phase = |phase| cs.advice_column_phase().iter().filter(|of| **of == phase).count() as f64;
        let mut steps: Vec<(Step, f64)> =
            (0..Self::phases(cs)).map(|phase| (Step::Commit(phase), circuits * SHORT * of_phase(phase))).collect();
        steps.extend([
            (Step::Lookups, circuits * lookups * (2.0 * COMMITMENT + COLUMN)),
            (Step::Products, circuits * (sets + lookups) * (COMMITMENT + COLUMN) + COMMITMENT),
            (Step::Quotient, pieces * (COMMITMENT + circuits * columns * COLUMN)),
            (Step::Evaluation, circuits * columns * COLUMN / 4.0),
            (Step::Opening, 2.0 * COMMITMENT + circuits * columns * COLUMN / 4.0),
        ]);
        let total = steps.iter().map(|(_, share)| share).sum();
        Self { steps, total, done: 0.0 }
    }

    /// Phases of a constraint system.
    pub(super) fn phases(cs: &plonk::ConstraintSystem<Fr>) -> u8 {
        cs.advice_column_phase().into_iter().chain(cs.challenge_phase()).max().map_or(1, |last| last + 1)
    }

    /// The fraction after this step: 1 after the last.
    pub(super) fn done(&mut self, step: Step) -> f64 {
        self.done += self.steps.iter().find(|(of, _)| *of == step).map_or(0.0, |(_, share)| *share);
        if step == Step::Opening { 1.0 } else { (self.done / self.total).min(1.0) }
    }
}
