//! Calldata of `verifyProof(address,bytes32,bytes,uint256[])`, in the one spelling that verifiers accept.

use crate::render::PROOF_CALLDATA as HEAD;
use apodict_verifier::{Fr, fr_from_be_bytes, fr_to_be_bytes};
use sha3::{Digest, Keccak256};
use thiserror::Error;

/// What `verifyProof` is in the ABI.
pub(crate) const SIGNATURE: &str = "verifyProof(address,bytes32,bytes,uint256[])";

/// A call of `verifyProof`, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Address of the key data.
    pub key: [u8; 20],
    /// What the caller pins.
    pub key_code_hash: [u8; 32],
    /// The proof.
    pub proof: Vec<u8>,
    /// The public values.
    pub instances: Vec<Fr>,
}

/// Why calldata is not a call of `verifyProof` as [`encode_call`] writes it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// Fewer bytes than the heads, or than the lengths in them promise.
    #[error("calldata of {got} bytes ends too early: expected {expected}")]
    Length {
        /// Bytes that it would take.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
    /// A call of another function.
    #[error("the selector is 0x{}, expected 0x{} of {SIGNATURE}", hex::encode(got), hex::encode(expected))]
    Selector {
        /// Of `verifyProof`.
        expected: [u8; 4],
        /// As it came.
        got: [u8; 4],
    },
    /// Not what an encoder writes: an offset, a padding or bytes behind the end.
    #[error("{what} is not what an ABI encoder writes: verifiers refuse such calldata")]
    NotCanonical {
        /// Which part.
        what: &'static str,
    },
    /// An instance that is at least `r`.
    #[error("instance {index} is not smaller than the scalar field's modulus: verifiers refuse it")]
    Instance {
        /// Position.
        index: usize,
    },
}

fn selector() -> [u8; 4] {
    let [a, b, c, d, ..]: [u8; 32] = Keccak256::digest(SIGNATURE).into();
    [a, b, c, d]
}

/// Reads calldata in the one spelling that [`encode_call`] writes and that verifiers accept; nothing else is read.
///
/// # Errors
/// [`CallError`]: the first thing found wrong.
pub fn decode_call(calldata: &[u8]) -> Result<Call, CallError> {
    let too_short = |expected| CallError::Length { expected, got: calldata.len() };
    if let Some(got) = calldata.first_chunk::<4>()
        && *got != selector()
    {
        return Err(CallError::Selector { expected: selector(), got: *got });
    }
    let ([_, _, _, _, head @ ..], tail) = calldata.split_first_chunk::<HEAD>().ok_or_else(|| too_short(HEAD))?;
    let [key, key_code_hash, proof_offset, instances_offset, proof_len] = head.as_chunks::<32>().0 else {
        return Err(too_short(HEAD));
    };
    let (padding, address) = key.split_last_chunk::<20>().ok_or_else(|| too_short(HEAD))?;
    if *padding != [0; 12] {
        return Err(CallError::NotCanonical { what: "the key's address" });
    }
    if *proof_offset != word(4 * 32) {
        return Err(CallError::NotCanonical { what: "the proof's offset" });
    }
    // What does not fit is longer than any calldata.
    let proof_len = number(proof_len).unwrap_or(usize::MAX / 4).min(usize::MAX / 4);
    let padded = proof_len.next_multiple_of(32);
    let (proof, rest) = tail.split_at_checked(padded).ok_or_else(|| too_short(HEAD + padded + 32))?;
    if *instances_offset != word(4 * 32 + 32 + padded) {
        return Err(CallError::NotCanonical { what: "the instances' offset" });
    }
    let (proof, padding) = proof.split_at_checked(proof_len).unwrap_or_default();
    if padding.iter().any(|byte| *byte != 0) {
        return Err(CallError::NotCanonical { what: "the padding behind the proof" });
    }
    let (count, rest) = rest.split_first_chunk::<32>().ok_or_else(|| too_short(HEAD + padded + 32))?;
    let count = number(count).unwrap_or(usize::MAX / 128).min(usize::MAX / 128);
    let (words, rest) = rest.split_at_checked(32 * count).ok_or_else(|| too_short(HEAD + padded + 32 + 32 * count))?;
    if !rest.is_empty() {
        return Err(CallError::NotCanonical { what: "what follows the instances" });
    }
    let instances = words.as_chunks::<32>().0.iter().enumerate();
    let instances = instances.map(|(index, word)| fr_from_be_bytes(word).ok_or(CallError::Instance { index }));
    Ok(Call {
        key: *address,
        key_code_hash: *key_code_hash,
        proof: proof.to_vec(),
        instances: instances.collect::<Result<_, _>>()?,
    })
}

/// Calldata for a proof and its public values. `key_code_hash` is what the caller pins, `key` where the data is.
pub fn encode_call(key: [u8; 20], key_code_hash: [u8; 32], proof: &[u8], instances: &[Fr]) -> Vec<u8> {
    encode_call_words(key, key_code_hash, proof, &instance_words(instances))
}

/// Public values as the 32-byte words of calldata.
pub fn instance_words(instances: &[Fr]) -> Vec<[u8; 32]> {
    instances.iter().map(fr_to_be_bytes).collect()
}

/// As [`encode_call`], with instances as words: any 256 bits, canonical or not.
pub fn encode_call_words(key: [u8; 20], key_code_hash: [u8; 32], proof: &[u8], instances: &[[u8; 32]]) -> Vec<u8> {
    let padded_proof_len = proof.len().next_multiple_of(32);
    let instances_offset = 4 * 32 + 32 + padded_proof_len;
    let mut calldata = Vec::with_capacity(4 + instances_offset + 32 + 32 * instances.len());
    calldata.extend(selector());
    calldata.extend([0; 12]);
    calldata.extend(key);
    calldata.extend(key_code_hash);
    calldata.extend(word(4 * 32));
    calldata.extend(word(instances_offset));
    calldata.extend(word(proof.len()));
    calldata.extend(proof);
    calldata.resize(4 + instances_offset, 0);
    calldata.extend(word(instances.len()));
    calldata.extend(instances.iter().flatten());
    calldata
}

fn word(number: usize) -> [u8; 32] {
    let mut word = [0; 32];
    if let Some(low) = word.last_chunk_mut::<8>() {
        *low = (number as u64).to_be_bytes();
    }
    word
}

/// A word as a number, if it is one.
fn number(word: &[u8; 32]) -> Option<usize> {
    let (high, low) = word.split_last_chunk::<8>()?;
    if high.iter().any(|byte| *byte != 0) {
        return None;
    }
    usize::try_from(u64::from_be_bytes(*low)).ok()
}
