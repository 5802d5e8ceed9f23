//! Memory that a child may take: a limit of the system's, so that what needs more ends the child and nothing else.

use apodict_prover::mapped_bytes;

/// For stacks of threads, and for what an allocator holds beside what is asked for.
const SLACK_BYTES: u64 = 128 << 20;

/// Lets this process map `bytes` more than it has now, and no more than that, ever.
#[cfg(unix)]
pub(super) fn allow(bytes: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = mapped_bytes().unwrap_or(0).saturating_add(bytes).saturating_add(SLACK_BYTES);
    let had = getrlimit(Resource::As);
    let limit = had.maximum.map_or(limit, |most| limit.min(most));
    // Without it, the prediction alone bounds what is taken.
    if let Err(error) = setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: had.maximum }) {
        tracing::warn!(%error, "this process's memory cannot be limited");
    }
}

#[cfg(not(unix))]
pub(super) fn allow(_bytes: u64) {
    let _ = (mapped_bytes, SLACK_BYTES);
}
