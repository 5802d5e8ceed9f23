//! This project's verifier and halo2's must say the same about every proof.
//!
//! halo2's `verify_proof` is the oracle. The circuits are small, but between them they have what a machine's circuit
//! has: phases and challenges, rotations to both sides, copy constraints over several permutation products, selectors,
//! a fixed column of zeros, public values read by gates and by copies.

mod backwards;
mod batch;
mod circuits;
mod export;
mod genuine;
mod mutations;
mod sample;
mod tampering;
mod vectors;
