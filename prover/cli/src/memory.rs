//! How this process takes memory.

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
