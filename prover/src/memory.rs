//! How much memory a proof of a program takes, and what may be done with what there is.

use apodict_circuits::{Program, machine::configure};
use halo2_proofs::plonk;
use halo2curves::bn256::Fr;

use crate::{
    Error,
    engine::{Budget, Memory, host_footprint},
};

/// What is spent to save time when nobody says how much: an eighth of what there is, within these bounds.
const SPARE: std::ops::RangeInclusive<u64> = 256 << 20..=2 << 30;

/// How often a process proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Once: what takes longer to prepare than it saves in one proof is left out.
    OneProof,
    /// Many times.
    ManyProofs,
}

/// Bytes that a process may have resident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Somebody said so: what proving does not need is offered to whatever saves time.
    Said(u64),
    /// As many as there are, for others too: of what proving does not need, an eighth is spent to save time, at least 256 MiB and at
    /// most 2 GiB.
    Available(u64),
}

/// A decision about memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// For [`Srs::with_budget`](crate::Srs::with_budget).
    pub budget: Budget,
    /// The most that the process will have resident, by estimate.
    pub predicted_bytes: u64,
}

impl MemoryPlan {
    /// A fast way to prove within the limit, for a process that has `resident` bytes before the structured reference string
    /// and the keys are read.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is none.
    pub fn new(program: &Program, purpose: Purpose, resident: u64, limit: MemoryLimit) -> Result<Self, Error> {
        let mut cs = plonk::ConstraintSystem::<Fr>::default();
        configure(&mut cs, program.plan().shape);
        let k = program.plan().k;
        let predict = |budget: Budget| -> Result<u64, Error> {
            Ok(resident + Memory::predict(&cs, k, 1, host_footprint(), budget)?.total())
        };
        let budget = |bytes: u64| {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            match purpose {
                Purpose::OneProof => Budget::for_one_proof(bytes),
                Purpose::ManyProofs => Budget::for_many_proofs(bytes, k),
            }
        };
        let least = predict(budget(0))?;
        let (limit, mut spare) = match limit {
            MemoryLimit::Said(limit) => (limit, limit.saturating_sub(least)),
            MemoryLimit::Available(limit) => {
                let eighth = (limit.saturating_sub(least) / 8).clamp(*SPARE.start(), *SPARE.end());
                (limit, eighth)
            }
        };
        // A budget has parts, and not all that is in one is used: less, until it fits.
        loop {
            let predicted_bytes = predict(budget(spare))?;
            if predicted_bytes <= limit {
                return Ok(Self { budget: budget(spare), predicted_bytes });
            }
            if spare == 0 {
                return Err(Error::Memory { needed: predicted_bytes, limit });
            }
            spare = if spare < 1 << 20 { 0 } else { spare / 8 * 7 };
        }
    }
}

impl MemoryPlan {
    /// How this process proves within the limit in MiB, or else within what the machine has left.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn here(program: &Program, purpose: Purpose, limit_mib: Option<usize>) -> Result<Self, Error> {
        let resident = resident_bytes().unwrap_or(0);
        let limit = match limit_mib {
            Some(mib) => MemoryLimit::Said((mib as u64) << 20),
            None => MemoryLimit::Available(available_bytes().map_or(u64::MAX, |available| available + resident)),
        };
        Self::new(program, purpose, resident, limit)
    }
}

/// The most memory that this process has had resident, in bytes, where the system tells it.
pub fn peak_memory_bytes() -> Option<u64> {
    kernel_bytes("/proc/self/status", "VmHWM:")
}

/// What this process has resident now, in bytes, where the system tells it.
pub fn resident_bytes() -> Option<u64> {
    kernel_bytes("/proc/self/status", "VmRSS:")
}

/// What this process has mapped, in bytes, where the system tells it: what limits of the system's count.
pub fn mapped_bytes() -> Option<u64> {
    kernel_bytes("/proc/self/status", "VmSize:")
}

/// What the machine has left for new work, in bytes, where the system tells it.
pub fn available_bytes() -> Option<u64> {
    kernel_bytes("/proc/meminfo", "MemAvailable:")
}

/// A line of a file of the kernel's.
fn kernel_bytes(path: &str, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn reads_what_the_kernel_counts() {
        // The peak after it: other tests take memory in between.
        let resident = super::resident_bytes().unwrap();
        let peak = super::peak_memory_bytes().unwrap();
        assert!((100_000..1 << 40).contains(&peak), "{peak}");
        assert!((100_000..=peak).contains(&resident), "{resident} of {peak}");
        assert!(super::mapped_bytes().unwrap() >= resident);
        assert!(super::available_bytes().unwrap() > 1 << 20);
    }
}
