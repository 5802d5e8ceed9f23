//! Prepared keys: to load one takes as long as to prove with it, so a warm child keeps the ones it used last.
#![allow(clippy::result_large_err, reason = "an error is told once and ends what was asked for")]

use std::io::Cursor;

use apodict_circuits::Program;
use apodict_prover::disk::{Cache, Error, Keys, srs_for};
use apodict_prover::{MemoryLimit, MemoryPlan, ProvingKey, Purpose, resident_bytes};

use super::{Duty, Setup, limit};

/// A program that can be proved at once.
pub(super) struct Prepared {
    pub(super) program: Program,
    pub(super) keys: Keys,
}

/// Those used last, the newest at the end.
pub(super) struct KeyCache {
    kept: Vec<([u8; 32], Prepared)>,
    setup: Setup,
}

impl KeyCache {
    pub(super) fn new(setup: Setup) -> Self {
        Self { kept: Vec::new(), setup }
    }

    /// A program that was kept.
    pub(super) fn get(&mut self, program_digest: &[u8; 32]) -> Option<&Prepared> {
        let at = self.kept.iter().position(|(digest, _)| digest == program_digest)?;
        // The newest goes to the end.
        let found = self.kept.remove(at);
        self.kept.push(found);
        self.kept.last().map(|(_, prepared)| prepared)
    }

    /// Loads a program with its key, in place of the one that was used longest ago if there is no room.
    pub(super) fn load(&mut self, program: Program, proving_key: &[u8]) -> Result<&Prepared, Error> {
        let most = match self.setup.duty {
            Duty::Warm { keys } => keys.max(1),
            Duty::OneJob => 1,
        };
        while self.kept.len() >= most {
            self.kept.remove(0);
        }
        let resident = resident_bytes().unwrap_or(0);
        let plan = match self.setup.duty {
            Duty::Warm { .. } => {
                // Each key gets the same share, so that all of them fit.
                let share = self.setup.memory_bytes / (most as u64 + 1);
                MemoryPlan::new(&program, Purpose::ManyProofs, resident, MemoryLimit::Said(resident + share))
                    .or_else(|_| self.alone(&program, resident))
            }
            Duty::OneJob => self.alone(&program, resident),
        }?;
        if self.setup.duty == Duty::OneJob {
            // A quarter more than predicted, since estimates err.
            limit::allow(plan.predicted_bytes.saturating_sub(resident) / 4 * 5);
        }
        let srs = reference_string(&self.setup, program.plan().k)?.with_budget(plan.budget)?;
        let proving = ProvingKey::read(&mut Cursor::new(proving_key), &program, &srs)?;
        let prepared = Prepared { keys: Keys { srs, proving }, program };
        self.kept.push((prepared.program.digest(), prepared));
        match self.kept.last() {
            Some((_, prepared)) => Ok(prepared),
            None => Err(Error::NoCache),
        }
    }

    /// Within all that the child may take.
    fn alone(&self, program: &Program, resident: u64) -> Result<MemoryPlan, apodict_prover::Error> {
        MemoryPlan::new(program, Purpose::OneProof, resident, MemoryLimit::Available(self.setup.memory_bytes))
    }
}

/// The string that the server was given, or one for development, cut to `2^k` powers.
pub(super) fn reference_string(setup: &Setup, k: u32) -> Result<apodict_prover::Srs, Error> {
    let cache = Cache::at(setup.cache.clone());
    Ok(srs_for(k, setup.srs.as_deref(), setup.srs_digest.as_ref(), &cache)?.cut_to(k)?)
}
