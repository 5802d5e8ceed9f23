//! The compiled contracts on an in-process EVM, with genuine proofs and tampered ones.

mod fixtures;
mod genuine;
mod logup;
