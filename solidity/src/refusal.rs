//! Why a verifier contract refuses: its custom errors, for the renderer and for those who read revert data.

use sha3::{Digest, Keccak256};
use std::fmt;

/// What an error says about the proof that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// No call with this proof and these instances will ever succeed, whatever its gas.
    Rejected,
    /// Nothing: the call asks for another key, or is not what an encoder writes. The same call fails again, a right one
    /// may succeed.
    WrongCall,
    /// Nothing: with more gas, or on a chain that has the precompiles, the same call may succeed.
    TryAgain,
}

/// The custom errors of `IHalo2Verifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Calldata that an ABI encoder would not write.
    NonCanonicalEncoding,
    /// Bytes: expected, got.
    WrongProofLength,
    /// Expected, got.
    WrongInstanceCount,
    /// Expected, got.
    WrongKeyCodeHash,
    /// Expected, got.
    WrongKeyShape,
    /// Index of the instance.
    InstanceNotCanonical,
    /// Index of the proof's element.
    ScalarNotCanonical,
    /// Index of the proof's element.
    CoordinateNotCanonical,
    /// Index of the proof's element.
    PointAtInfinity,
    /// Index of the proof's element.
    PointNotOnCurve,
    /// A denominator is zero.
    DegenerateChallenge,
    /// Needed, available.
    InsufficientGas,
    /// A precompile failed.
    PrecompileFailed,
    /// The proof does not hold.
    ProofRejected,
}

impl RefusalKind {
    /// All that `verifyProof` reverts with.
    pub const ALL: [RefusalKind; 14] = [
        RefusalKind::NonCanonicalEncoding,
        RefusalKind::WrongProofLength,
        RefusalKind::WrongInstanceCount,
        RefusalKind::WrongKeyCodeHash,
        RefusalKind::WrongKeyShape,
        RefusalKind::InstanceNotCanonical,
        RefusalKind::ScalarNotCanonical,
        RefusalKind::CoordinateNotCanonical,
        RefusalKind::PointAtInfinity,
        RefusalKind::PointNotOnCurve,
        RefusalKind::DegenerateChallenge,
        RefusalKind::InsufficientGas,
        RefusalKind::PrecompileFailed,
        RefusalKind::ProofRejected,
    ];

    /// The name in Solidity and the types of its arguments.
    pub fn signature(self) -> &'static str {
        match self {
            RefusalKind::NonCanonicalEncoding => "NonCanonicalEncoding()",
            RefusalKind::WrongProofLength => "WrongProofLength(uint256,uint256)",
            RefusalKind::WrongInstanceCount => "WrongInstanceCount(uint256,uint256)",
            RefusalKind::WrongKeyCodeHash => "WrongKeyCodeHash(bytes32,bytes32)",
            RefusalKind::WrongKeyShape => "WrongKeyShape(bytes32,bytes32)",
            RefusalKind::InstanceNotCanonical => "InstanceNotCanonical(uint256)",
            RefusalKind::ScalarNotCanonical => "ScalarNotCanonical(uint256)",
            RefusalKind::CoordinateNotCanonical => "CoordinateNotCanonical(uint256)",
            RefusalKind::PointAtInfinity => "PointAtInfinity(uint256)",
            RefusalKind::PointNotOnCurve => "PointNotOnCurve(uint256)",
            RefusalKind::DegenerateChallenge => "DegenerateChallenge()",
            RefusalKind::InsufficientGas => "InsufficientGas(uint256,uint256)",
            RefusalKind::PrecompileFailed => "PrecompileFailed()",
            RefusalKind::ProofRejected => "ProofRejected()",
        }
    }

    /// What the error says about the proof. `RevertData.sol` says the same on chain.
    pub fn meaning(self) -> Meaning {
        match self {
            RefusalKind::WrongProofLength
            | RefusalKind::InstanceNotCanonical
            | RefusalKind::ScalarNotCanonical
            | RefusalKind::CoordinateNotCanonical
            | RefusalKind::PointAtInfinity
            | RefusalKind::PointNotOnCurve
            | RefusalKind::DegenerateChallenge
            | RefusalKind::ProofRejected => Meaning::Rejected,
            RefusalKind::NonCanonicalEncoding
            | RefusalKind::WrongInstanceCount
            | RefusalKind::WrongKeyCodeHash
            | RefusalKind::WrongKeyShape => Meaning::WrongCall,
            RefusalKind::InsufficientGas | RefusalKind::PrecompileFailed => Meaning::TryAgain,
        }
    }

    /// The name without arguments.
    pub fn name(self) -> &'static str {
        self.signature().split('(').next().unwrap_or_default()
    }

    fn num_arguments(self) -> usize {
        match self.signature().split_once('(') {
            Some((_, ")")) | None => 0,
            Some((_, arguments)) => arguments.split(',').count(),
        }
    }

    /// First four bytes of the revert data.
    pub fn selector(self) -> [u8; 4] {
        let [a, b, c, d, ..]: [u8; 32] = Keccak256::digest(self.signature()).into();
        [a, b, c, d]
    }

    /// `PointNotOnCurve` as `POINT_NOT_ON_CURVE`.
    pub(crate) fn constant_name(self) -> String {
        let mut name = String::from("ERROR");
        for c in self.name().chars() {
            if c.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(c.to_ascii_uppercase());
        }
        name
    }
}

/// Revert data of a verifier, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which error.
    pub kind: RefusalKind,
    /// Its arguments, as the signature says.
    pub arguments: Vec<[u8; 32]>,
}

impl Refusal {
    /// Decodes revert data; `None` if it is none of the verifier's errors, spelled exactly.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (selector, rest) = data.split_first_chunk::<4>()?;
        let kind = RefusalKind::ALL.into_iter().find(|kind| kind.selector() == *selector)?;
        let (words, tail) = rest.as_chunks::<32>();
        (tail.is_empty() && words.len() == kind.num_arguments()).then(|| Self { kind, arguments: words.to_vec() })
    }

    /// First argument as a number: the index that an error names.
    pub fn index(&self) -> Option<u64> {
        let (_, low) = self.arguments.first()?.split_last_chunk::<8>()?;
        Some(u64::from_be_bytes(*low))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.kind.name())?;
        for (position, argument) in self.arguments.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            let digits = hex::encode(argument);
            let digits = digits.trim_start_matches('0');
            write!(f, "{separator}0x{}", if digits.is_empty() { "0" } else { digits })?;
        }
        write!(f, ")")
    }
}
