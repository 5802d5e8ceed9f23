//! What the process needed.

use apodict_circuits::Program;
use apodict_prover::{MemoryLimit, MemoryPlan, Purpose};

use crate::failure::Failure;

/// Makes all threads take memory from one place, so that what one gives back another can take: glibc would give each its own,
/// whose leftovers add up to a third of what a proof takes. To be called before there are threads.
pub(crate) fn share_between_threads() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it sets a number of the allocator's, which the allocator guards; a refusal changes nothing.
    #[allow(unsafe_code)]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// The most memory that this process has had resident, where the system tells it.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    bytes("/proc/self/status", "VmHWM:")
}

/// A line of a file of the kernel's.
fn bytes(path: &str, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// How to prove within the limit that the user gives, or else within what the machine has left.
pub(crate) fn plan(program: &Program, purpose: Purpose, limit_mib: Option<usize>) -> Result<MemoryPlan, Failure> {
    let resident = bytes("/proc/self/status", "VmRSS:").unwrap_or(0);
    let available = || bytes("/proc/meminfo", "MemAvailable:").map_or(u64::MAX, |available| available + resident);
    let limit = match limit_mib {
        Some(mib) => MemoryLimit::Said((mib as u64) << 20),
        None => MemoryLimit::Available(available()),
    };
    Ok(MemoryPlan::new(program, purpose, resident, limit)?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn reads_the_peak() {
        // The peak after it: other tests take memory in between.
        let resident = super::bytes("/proc/self/status", "VmRSS:").unwrap();
        let peak = super::peak_memory_bytes().unwrap();
        assert!((100_000..1 << 40).contains(&peak), "{peak}");
        assert!((100_000..=peak).contains(&resident), "{resident} of {peak}");
    }
}
