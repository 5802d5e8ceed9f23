//! The Fiat-Shamir transcript, Keccak-256 in the layout that an EVM verifier hashes from memory.
//!
//! Scalars are absorbed as 32 big-endian bytes, points as `x || y`. A challenge is `keccak256(buffer) mod r`, and the
//! hash becomes the new buffer; if nothing was absorbed since the last challenge, a byte `0x01` follows it, so that
//! two challenges in a row differ. Everything absorbed has 32 or 64 bytes and the number of elements between two
//! challenges is fixed by the key, so the concatenation is unambiguous.

use crate::{
    domain::reduced,
    encoding::{fr_to_be_bytes, g1_to_be_bytes},
};
use alloc::vec::Vec;
use ark_bn254::{Fr, G1Affine};
use sha3::{Digest, Keccak256};

/// What the prover has said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript {
    buffer: Vec<u8>,
}

impl Transcript {
    pub(crate) fn absorb_scalar(&mut self, scalar: &Fr) {
        self.buffer.extend_from_slice(&fr_to_be_bytes(scalar));
    }

    pub(crate) fn absorb_point(&mut self, point: &G1Affine) {
        self.buffer.extend_from_slice(&g1_to_be_bytes(point));
    }

    pub(crate) fn squeeze(&mut self) -> Fr {
        if self.buffer.len() == 32 {
            self.buffer.push(1);
        }
        let hash = Keccak256::digest(&self.buffer);
        self.buffer.clear();
        self.buffer.extend_from_slice(&hash);
        reduced(&hash)
    }
}
