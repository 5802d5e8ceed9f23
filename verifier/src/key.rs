//! The verifying key: a shape together with one model's commitments and the structured reference string.

use crate::{ConstraintSystem, Fr, G1Affine, G2Affine};
use alloc::vec::Vec;

/// Where a structured reference string comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrsOrigin {
    /// Generated on one machine, for development: whoever made it can forge any proof.
    Unsafe,
    /// A multi-party ceremony: sound if one participant forgot their secret.
    Ceremony,
}

/// What a verifier needs of the structured reference string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srs {
    /// `[1]_1`
    pub g1: G1Affine,
    /// `[1]_2`
    pub g2: G2Affine,
    /// `[s]_2`
    pub s_g2: G2Affine,
    /// Whether its secret may be known.
    pub origin: SrsOrigin,
    /// Digest of the file it was read from.
    pub digest: [u8; 32],
}

/// Everything that says which statement a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    /// log2 of the number of rows.
    pub k: u32,
    /// The shape.
    pub constraint_system: ConstraintSystem,
    /// Length of the instance column, at most `2^k - blinding_factors - 1`.
    pub num_instances: usize,
    /// What the transcript absorbs first: halo2's hash of the key.
    pub transcript_repr: Fr,
    /// One for each fixed column; the identity if the column is all zeros.
    pub fixed_commitments: Vec<G1Affine>,
    /// One for each column of the permutation argument, in its order.
    pub permutation_commitments: Vec<G1Affine>,
    /// The structured reference string.
    pub srs: Srs,
}
