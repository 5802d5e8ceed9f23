//! What can be wrong: with a key (an operator's matter) or with a proof (the prover's).

use crate::proof::Element;
use alloc::{boxed::Box, string::String};
use core::fmt;
use thiserror::Error;

/// Why a key cannot be used. Nothing is said about any proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes end too early.
    #[error("the key ends in the middle of its {what}: the file is truncated, export it again")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// Bytes are left over.
    #[error("{count} bytes follow the key: a key file holds nothing else, export it again")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// Not a key at all.
    #[error("not a verifying key: it does not start with the bytes \"APVK\"")]
    Magic,
    /// Another version of the format.
    #[error("key format version {got}, this build reads version {expected}: export the key again")]
    Version {
        /// [`FORMAT_VERSION`](crate::FORMAT_VERSION).
        expected: u16,
        /// In the file.
        got: u16,
    },
    /// A byte that must be one of a few.
    #[error("unknown tag {got} for {what}")]
    Tag {
        /// What was being read.
        what: &'static str,
        /// The byte.
        got: u8,
    },
    /// More than any sensible key has.
    #[error("{what}: {got} is out of range, at most {max} is accepted")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The largest accepted.
        max: u64,
        /// In the key.
        got: u64,
    },
    /// Less than any sensible key has.
    #[error("{what}: {got} is too small, at least {min} is needed")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// The smallest accepted.
        min: u64,
        /// In the key.
        got: u64,
    },
    /// A number that follows from the rest of the key is another one.
    #[error("{what}: expected {expected}, got {got}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// As the rest of the key says.
        expected: u64,
        /// In the key.
        got: u64,
    },
    /// A scalar `>= r` or a coordinate `>= p`.
    #[error("{what} is not canonical: a field element must be smaller than its modulus")]
    NotCanonical {
        /// Which.
        what: &'static str,
    },
    /// Not a point.
    #[error("{what} is not on the curve")]
    NotOnCurve {
        /// Which.
        what: &'static str,
    },
    /// A point of the twist that is not in G2.
    #[error("{what} is not in the subgroup of prime order")]
    NotInSubgroup {
        /// Which.
        what: &'static str,
    },
    /// The identity where no honest key has it.
    #[error("{what} is the identity")]
    Identity {
        /// Which.
        what: &'static str,
    },
    /// A query, column or challenge that does not exist.
    #[error("{what} {got} does not exist, there are {len}")]
    Dangling {
        /// What is referred to.
        what: &'static str,
        /// The index.
        got: usize,
        /// How many there are.
        len: usize,
    },
    /// Twice the same where each must differ: the opening argument would not bind.
    #[error("{what} {index} repeats an earlier one")]
    Duplicate {
        /// Which list.
        what: &'static str,
        /// Position of the repetition.
        index: usize,
    },
    /// A column with copy constraints whose current row is not opened.
    #[error("column {index} of the permutation argument is not queried at rotation 0")]
    PermutationColumnNotQueried {
        /// Position in the permutation argument.
        index: usize,
    },
    /// A phase without a column that belongs to it.
    #[error("no advice column is committed in phase {phase}")]
    EmptyPhase {
        /// The phase.
        phase: u8,
    },
    /// A gate that the quotient cannot hold.
    #[error("gate {gate} has degree {got}, the shape is made for {max}: generate the key with a larger minimum degree")]
    GateDegree {
        /// Position among the gates.
        gate: usize,
        /// [`ConstraintSystem::degree`](crate::ConstraintSystem::degree).
        max: usize,
        /// Of the gate.
        got: usize,
    },
    /// A description of the public values that no program has.
    #[error("the layout of the public values is wrong at {tensor:?}: {reason}; export the key again")]
    Layout {
        /// Name of the tensor.
        tensor: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A structured reference string that nobody pinned.
    #[error(
        "the structured reference string 0x{} is UNSAFE: whoever made it may be able to forge proofs; pin the digest of a \
         ceremony's, or allow unsafe ones for development",
        Hexadecimal(digest)
    )]
    UnsafeSrs {
        /// What identifies the string.
        digest: [u8; 32],
    },
    /// Another key than the pinned one.
    #[error(
        "the key's digest is 0x{}, not the pinned 0x{}: proofs under it mean something else",
        Hexadecimal(got),
        Hexadecimal(expected)
    )]
    Digest {
        /// What was pinned.
        expected: [u8; 32],
        /// Of the key.
        got: [u8; 32],
    },
}

/// Bytes as hexadecimal digits.
struct Hexadecimal<'a>(&'a [u8; 32]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The key itself is at fault.
    #[error("the verifying key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// Too few or too many instances.
    #[error("the key is for {expected} instances, got {got}")]
    InstanceCount {
        /// Of the key.
        expected: usize,
        /// Handed in.
        got: usize,
    },
    /// An instance of at least `r`, which would alias another one.
    #[error("instance {index} is not smaller than the scalar field's modulus")]
    InstanceNotCanonical {
        /// Its position.
        index: usize,
    },
    /// Bytes are missing or left over.
    #[error("a proof for this key has {expected} bytes, got {got}")]
    ProofLength {
        /// Of the shape.
        expected: usize,
        /// Handed in.
        got: usize,
    },
    /// A scalar of at least `r`.
    #[error("{element}: the scalar is not smaller than the field's modulus")]
    ScalarNotCanonical {
        /// Which part of the proof.
        element: Element,
    },
    /// A coordinate of at least `p`.
    #[error("{element}: a coordinate is not smaller than the field's modulus")]
    CoordinateNotCanonical {
        /// Which part of the proof.
        element: Element,
    },
    /// Not a point.
    #[error("{element}: the point is not on the curve")]
    PointNotOnCurve {
        /// Which part of the proof.
        element: Element,
    },
    /// The identity, which no honest prover sends.
    #[error("{element}: the point is the identity")]
    PointAtInfinity {
        /// Which part of the proof.
        element: Element,
    },
    /// A challenge fell on a point where the argument divides by zero. It happens with probability below 2^-200.
    #[error("a challenge fell into the evaluation domain: draw a new proof")]
    DegenerateChallenge,
    /// Well-formed, but it does not prove these instances under this key.
    #[error("the proof does not hold for this key and these instances")]
    Rejected,
    /// A key with an empty layout, as of a circuit that is no compiled model: whether a proof holds it can say, what it says not.
    #[error("the key does not say what its instances mean: of such a key, only verify the proof")]
    NothingDescribed,
    /// The halves of a context have 128 bits each.
    #[error("instance 0 or 1, half of the context, has more than 128 bits")]
    Context,
    /// An integer that the layout does not have there.
    #[error("element {element} of {tensor:?} is not an integer from {lo} to {hi}")]
    PublicValue {
        /// Name of the tensor.
        tensor: String,
        /// Position in it, row-major.
        element: usize,
        /// The least it can be.
        lo: i128,
        /// The greatest it can be.
        hi: i128,
    },
    /// A batch without a proof says nothing, so it is not valid either.
    #[error("the batch is empty")]
    EmptyBatch,
    /// Proofs of one batch must stand on the same structured reference string.
    #[error("proof {index} of the batch is on another structured reference string than the first")]
    BatchSrs {
        /// Position in the batch.
        index: usize,
    },
    /// A proof of a batch is malformed.
    #[error("proof {index} of the batch: {source}")]
    BatchItem {
        /// Position in the batch.
        index: usize,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// At least one proof of the batch does not hold.
    #[error("at least one of {count} proofs does not hold: verify them one by one to find it")]
    BatchRejected {
        /// Size of the batch.
        count: usize,
    },
}
