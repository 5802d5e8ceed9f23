//! The compiled contracts on an in-process EVM, with genuine proofs and tampered ones.
//!
//! With `APODICT_BLESS=1`, tests named `rendered..` and `gas..` write what they otherwise compare with.

mod calldata;
mod chain;
#[path = "../../../prover/tests/differential/circuits.rs"]
#[allow(dead_code)]
mod circuits;
mod extremes;
mod fixtures;
mod gas;
mod gas_limits;
mod genuine;
mod mutations;
mod precompiles;
mod profile;
mod rendered;
mod shapes;
mod tampering;
mod verdict;
mod writing;
