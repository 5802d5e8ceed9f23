//! Verifies proofs of decisions.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

extern crate alloc;

mod constraint_system;
mod key;

pub use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
pub use constraint_system::{Column, ColumnKind, ConstraintSystem, Expression, Query};
pub use key::{Srs, SrsOrigin, VerifyingKey};
