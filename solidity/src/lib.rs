//! halo2 proofs on the EVM: renders verifier contracts, encodes calls to them, runs them on an in-process EVM.
//!
//! A verifier is rendered once per *shape* ([`render_verifier`]) and serves every model of it; what belongs to a model
//! stands in a *key data contract* whose code is data ([`key_creation_code`]) and whose code hash ([`key_code_hash`]) a
//! caller pins. [`write_contracts`] writes both for someone to deploy; [`evm::VerifierOnEvm`] deploys and calls them in
//! memory, with the gas that a transaction costs.
//!
//! Compiled verifiers of the known shapes are embedded ([`artifacts`]); `cargo xtask contracts check` compiles them
//! again and compares.

mod arithmetic;
pub mod artifacts;
mod calldata;
mod error;
pub mod evm;
mod fixture;
mod key_data;
mod key_layout;
mod memory;
mod refusal;
mod render;
mod write;

pub use calldata::{Call, CallError, decode_call, encode_call, encode_call_words, instance_words};
pub use error::Error;
pub use fixture::{Fixture, FixtureError};
pub use key_data::{KEY_DATA_PREFIX, key_code_hash, key_creation_code, key_data};
pub use refusal::{Meaning, Refusal, RefusalKind};
pub use render::{contract_name, render_verifier};
pub use write::{contract_files, write_contracts};

/// Gas that a call of `verifyProof` needs with this key: what a caller must have forwarded when the call begins. The
/// transaction adds 21,000 and its calldata, and a contract that calls keeps a 64th back.
///
/// # Errors
/// [`Error::Key`] if the key is not valid, [`Error::AdviceNotOpened`] if its shape has no contract.
pub fn call_gas(key: &apodict_verifier::VerifyingKey) -> Result<u64, Error> {
    key.validate()?;
    render::call_gas(&key.constraint_system, key.num_instances, key.k)
}
