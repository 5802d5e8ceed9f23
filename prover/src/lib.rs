//! Keys, the structured reference string and proofs.

pub mod export;
pub mod transcript;
