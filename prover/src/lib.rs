//! Keys, the structured reference string and proofs.
//!
//! [`Srs`] holds the powers of a secret, [`ProvingKey`] what one program needs, [`prove`] makes a proof of one
//! decision. The prover itself is the [`engine`].

mod context;
mod digesting;
pub mod disk;
pub mod engine;
mod error;
pub mod export;
mod key;
mod layout;
mod memory;
mod prove;
mod srs;
mod stock;
pub mod transcript;

pub use context::Context;
pub use error::Error;
pub use key::{ProvingKey, shape_constraint_system};
pub use layout::public_layout;
pub use memory::{MemoryLimit, MemoryPlan, Purpose, available_bytes, mapped_bytes, peak_memory_bytes, resident_bytes};
pub use prove::{Proof, Times, prove};
pub use srs::{CeremonyFile, ImportedSrs, MAX_K as SRS_MAX_K, MIN_K as SRS_MIN_K, Srs, SrsFile};
pub use stock::StockProver;
