//! The one kind of transaction that is sent: EIP-1559, without value and access list.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Encodable, Header};

use crate::Wallet;

/// EIP-2718's number of the kind.
const KIND: u8 = 2;
/// An empty list, as RLP has it.
const NO_ACCESS_LIST: u8 = 0xc0;

/// What is signed.
pub(crate) struct Transaction<'a> {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) tip: u128,
    pub(crate) max_fee: u128,
    pub(crate) gas_limit: u64,
    /// `None` creates a contract.
    pub(crate) to: Option<Address>,
    pub(crate) data: &'a [u8],
}

/// A transaction as it is sent.
pub(crate) struct Signed {
    pub(crate) hash: B256,
    pub(crate) bytes: Vec<u8>,
}

impl Transaction<'_> {
    /// `None` if the key's curve refuses, which has never been seen.
    pub(crate) fn signed(&self, wallet: &Wallet) -> Option<Signed> {
        let mut fields = Vec::with_capacity(self.data.len() + 200);
        self.encode(&mut fields);
        let (r, s, is_odd) = wallet.sign(keccak256(enveloped(&fields)))?;
        is_odd.encode(&mut fields);
        U256::from_be_bytes(r).encode(&mut fields);
        U256::from_be_bytes(s).encode(&mut fields);
        let bytes = enveloped(&fields);
        Some(Signed { hash: keccak256(&bytes), bytes })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        self.nonce.encode(out);
        self.tip.encode(out);
        self.max_fee.encode(out);
        self.gas_limit.encode(out);
        match self.to {
            Some(to) => to.encode(out),
            None => [0u8; 0][..].encode(out),
        }
        U256::ZERO.encode(out);
        self.data.encode(out);
        out.push(NO_ACCESS_LIST);
    }
}

/// The kind, then the fields as a list.
fn enveloped(fields: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(fields.len() + 10);
    bytes.push(KIND);
    Header { list: true, payload_length: fields.len() }.encode(&mut bytes);
    bytes.extend(fields);
    bytes
}
