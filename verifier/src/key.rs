//! The verifying key: a shape together with one model's commitments, the structured reference string, and what the public
//! values mean.

use crate::{ConstraintSystem, Fr, G1Affine, G2Affine, KeyError, Layout, encoding};
use alloc::vec::Vec;
use sha3::{Digest, Keccak256};

/// Where a structured reference string comes from.
///
/// No file says so of itself: a string comes from a ceremony if its digest is one that somebody pinned, else it is unsafe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrsOrigin {
    /// Its secret may be known, and whoever knows it can forge any proof.
    Unsafe,
    /// A multi-party ceremony: sound if one participant forgot their secret.
    Ceremony,
}

/// Digests of strings that are known to come from ceremonies.
///
/// None is built in until one has been imported and checked; pin the digest of yours by [`SrsPolicy::Ceremony`].
pub const CEREMONIES: &[[u8; 32]] = &[];

/// Which structured reference strings are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrsPolicy<'a> {
    /// Only those with one of these digests, or one of [`CEREMONIES`]: what protects anything of value must say this.
    Ceremony(&'a [[u8; 32]]),
    /// Any, for development: whoever made the string may be able to forge every proof.
    AllowUnsafe,
}

impl SrsPolicy<'_> {
    /// Where a string with this digest comes from, as far as the policy knows.
    pub fn origin(&self, digest: &[u8; 32]) -> SrsOrigin {
        let pinned = match self {
            Self::Ceremony(pinned) => *pinned,
            Self::AllowUnsafe => &[],
        };
        if pinned.iter().chain(CEREMONIES).any(|known| known == digest) {
            SrsOrigin::Ceremony
        } else {
            SrsOrigin::Unsafe
        }
    }

    /// Whether the policy accepts the string.
    ///
    /// # Errors
    /// [`KeyError::UnsafeSrs`].
    pub fn check(&self, srs: &Srs) -> Result<(), KeyError> {
        let digest = srs.digest();
        match (self, self.origin(&digest)) {
            (Self::Ceremony(_), SrsOrigin::Unsafe) => Err(KeyError::UnsafeSrs { digest }),
            _ => Ok(()),
        }
    }
}

/// What a verifier needs of the structured reference string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srs {
    /// `[1]_1`
    pub g1: G1Affine,
    /// `[s]_1`: no equation needs it, the digest covers it.
    pub s_g1: G1Affine,
    /// `[1]_2`
    pub g2: G2Affine,
    /// `[s]_2`
    pub s_g2: G2Affine,
}

impl Srs {
    /// What identifies the string, and is the same for every size of it: Keccak-256 of `[1]_1`, `[s]_1`, `[1]_2`, `[s]_2` in the
    /// EVM's spelling, twelve words.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        for point in [&self.g1, &self.s_g1] {
            hash.update(encoding::g1_to_be_bytes(point));
        }
        for point in [&self.g2, &self.s_g2] {
            hash.update(encoding::g2_to_be_bytes(point));
        }
        hash.finalize().into()
    }
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
    /// How the instances are read: names, shapes, scales, ranges. Empty for a circuit that is no compiled model.
    pub layout: Layout,
    /// Keccak-256 of the program that the circuit was made of; zeros for a circuit that is no compiled model.
    pub program_digest: [u8; 32],
}

impl VerifyingKey {
    /// The *key digest*: the one value to pin. Whoever has pinned it has pinned what a proof under this key means.
    ///
    /// `keccak256(abi.encode(TYPE, circuit, srs, ports, shapes, program))`, six words, with
    /// `TYPE = keccak256("ApodictKey(bytes32 circuit,bytes32 srs,bytes32 ports,bytes32 shapes,bytes32 program)")`.
    ///
    /// | part | is | protects from |
    /// |---|---|---|
    /// | `circuit` | [`circuit_digest`](Self::circuit_digest) | another model, shape or reference string: what is proved |
    /// | `srs` | [`Srs::digest`] | a string whose secret somebody knows |
    /// | `ports` | [`Layout::ports_hash`] | the same integers read at another scale, offset, range or element name; a contract can compute it |
    /// | `shapes` | [`Layout::shapes_digest`] | the same values as other tensors, or an input read as an output |
    /// | `program` | [`program_digest`](Self::program_digest) | a claim that the circuit is another program's: recompile and compare |
    ///
    /// # Errors
    /// [`KeyError`] if the key is not valid.
    pub fn digest(&self) -> Result<[u8; 32], KeyError> {
        let circuit = self.circuit_digest()?;
        let mut hash = Keccak256::new();
        hash.update(Keccak256::digest(KEY_TYPE));
        let (ports, shapes) = (self.layout.ports_hash(), self.layout.shapes_digest());
        for part in [circuit, self.srs.digest(), ports, shapes, self.program_digest] {
            hash.update(part);
        }
        Ok(hash.finalize().into())
    }
}

/// What the key digest's first word is the hash of.
const KEY_TYPE: &str = "ApodictKey(bytes32 circuit,bytes32 srs,bytes32 ports,bytes32 shapes,bytes32 program)";
