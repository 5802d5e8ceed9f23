//! The table of tampering tests: one way of breaking a genuine proof, or a key, at a time.
//!
//! It is data, so that every verifier is put through the same table: this library, halo2's and the contract. Feature
//! `tampering`, for tests only. A mutant that happens to equal the original is left out, so each one must be refused,
//! and the error that this library must give stands beside it.

mod invalid;
mod key;
mod proof;

pub use key::{KeyMutant, key_mutants};
pub use proof::{Mutant, Target, proof_mutants};
