//! What the process needed.

/// The most memory that this process has had resident, where the system tells it.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn reads_the_peak() {
        let peak = super::peak_memory_bytes().unwrap();
        assert!((100_000..1 << 40).contains(&peak), "{peak}");
    }
}
