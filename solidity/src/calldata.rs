//! Calldata of `verifyProof(address,bytes32,bytes,uint256[])`, in the one spelling that verifiers accept.

use apodict_verifier::{Fr, fr_to_be_bytes};
use sha3::{Digest, Keccak256};

/// What `verifyProof` is in the ABI.
pub(crate) const SIGNATURE: &str = "verifyProof(address,bytes32,bytes,uint256[])";

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
    let selector: [u8; 32] = Keccak256::digest(SIGNATURE).into();

    let mut calldata = Vec::with_capacity(4 + instances_offset + 32 + 32 * instances.len());
    calldata.extend(&selector[..4]);
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
