//! Verifies proofs of decisions.
