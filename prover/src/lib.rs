//! Keys, the structured reference string and proofs.
