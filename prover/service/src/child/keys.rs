//! Prepared keys: to load one takes as long as to prove with it, so a warm child keeps the ones it used last.
#![allow(clippy::result_large_err, reason = "an error is told once and ends what was asked for")]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use apodict_circuits::Program;
use apodict_prover::disk::{Cache, Error, Keys, srs_for};
use apodict_prover::{MemoryLimit, MemoryPlan, ProvingKey, Purpose, Srs, resident_bytes};

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

    /// Loads a program with its key, in place of those that were used longest ago if there is no room.
    pub(super) fn load(&mut self, program: Program, proving_key: &[u8]) -> Result<(), Error> {
        let most = match self.setup.duty {
            Duty::Warm { keys } => keys.max(1),
            Duty::OneJob => 1,
        };
        while self.kept.len() >= most {
            self.kept.remove(0);
        }
        let plan = loop {
            match self.plan(&program, most) {
                // What other programs' keys take is not this one's fault.
                Err(apodict_prover::Error::Memory { .. }) if !self.kept.is_empty() => drop(self.kept.remove(0)),
                plan => break plan?,
            }
        };
        if self.setup.duty == Duty::OneJob {
            limit::allow(self.setup.memory_bytes);
        }
        let srs = self.setup.reference_string(program.plan().k)?.with_budget(plan.budget)?;
        let proving = ProvingKey::read(&mut Cursor::new(proving_key), &program, &srs)?;
        self.kept.push((program.digest(), Prepared { keys: Keys { srs, proving }, program }));
        Ok(())
    }

    fn plan(&self, program: &Program, most: usize) -> Result<MemoryPlan, apodict_prover::Error> {
        let resident = resident_bytes().unwrap_or(0);
        let alone = || {
            // Within all that the child may take.
            MemoryPlan::new(program, Purpose::OneProof, resident, MemoryLimit::Available(self.setup.memory_bytes))
        };
        match self.setup.duty {
            Duty::Warm { .. } => {
                // Each key gets the same share, so that all of them fit.
                let share = self.setup.memory_bytes / (most as u64 + 1);
                MemoryPlan::new(program, Purpose::ManyProofs, resident, MemoryLimit::Said(resident + share))
                    .or_else(|_| alone())
            }
            Duty::OneJob => alone(),
        }
    }
}

/// The string that a server was given, or one for development, cut to `2^k` powers. A pinned digest is compared.
///
/// # Errors
/// The string cannot be read, is no string, is too small, or is not the pinned one.
pub(crate) fn reference_string(
    named: Option<&Path>,
    pinned: Option<&[u8; 32]>,
    cache: PathBuf,
    k: u32,
) -> Result<Srs, Error> {
    Ok(srs_for(k, named, pinned, &Cache::at(cache))?.cut_to(k)?)
}

impl Setup {
    /// The string for programs of `2^k` rows.
    pub(super) fn reference_string(&self, k: u32) -> Result<Srs, Error> {
        reference_string(self.srs.as_deref(), self.srs_digest.as_ref(), self.cache.clone(), k)
    }
}
