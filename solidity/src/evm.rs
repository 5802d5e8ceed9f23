//! Verifier contracts on an in-process EVM (revm, rules of Osaka): deploy, verify, count gas.

use crate::{
    Error, Refusal, artifacts,
    calldata::{encode_call_words, instance_words},
    key_code_hash, key_creation_code,
};
use apodict_verifier::{Fr, SrsPolicy, VerifyingKey};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext,
    context::TxEnv,
    context_interface::result::ExecutionResult,
    database::{CacheDB, EmptyDB},
    primitives::{Address, Bytes, TxKind, hardfork::SpecId},
};
use std::fmt;

/// Gas that a transaction may use: Osaka's cap (EIP-7825).
const GAS_LIMIT: u64 = 1 << 24;

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Returned(Vec<u8>),
    /// It reverted with data.
    Reverted(Vec<u8>),
    /// It was stopped: out of gas, invalid instruction and the like.
    Halted(String),
}

/// A transaction that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// How it ended.
    pub outcome: Outcome,
    /// Gas that its sender pays for: 21,000, calldata and execution, or the calldata floor if that is more.
    pub gas: u64,
}

/// A chain of one sender, in memory.
#[derive(Debug)]
pub struct Evm {
    state: CacheDB<EmptyDB>,
    nonce: u64,
}

impl Default for Evm {
    fn default() -> Self {
        Self::new()
    }
}

impl Evm {
    /// An empty chain.
    pub fn new() -> Self {
        Self { state: CacheDB::new(EmptyDB::new()), nonce: 0 }
    }

    /// Deploys a contract: its address and the gas of the transaction.
    ///
    /// # Errors
    /// [`Error::Deployment`] if the creation code did not return a contract with code, [`Error::Evm`].
    pub fn deploy(&mut self, what: &'static str, creation_code: Vec<u8>) -> Result<([u8; 20], u64), Error> {
        let result = self.run(TxKind::Create, creation_code, GAS_LIMIT)?;
        match result.created_address() {
            // An account without code accepts every call.
            Some(address) if result.is_success() && self.code_len(address.into_array()) > 0 => {
                Ok((address.into_array(), result.tx_gas_used()))
            }
            Some(_) if result.is_success() => Err(Error::Deployment { what, reason: "it returned no code".into() }),
            _ => Err(Error::Deployment { what, reason: format!("{:?}", transaction(result).outcome) }),
        }
    }

    /// Sends a transaction to a contract.
    ///
    /// # Errors
    /// [`Error::Evm`] if the transaction is not valid at all, not if it reverts.
    pub fn call(&mut self, to: [u8; 20], calldata: Vec<u8>) -> Result<Transaction, Error> {
        self.call_with_gas(to, calldata, GAS_LIMIT)
    }

    /// As [`Self::call`], with a gas limit for the transaction: 21,000 and its calldata included, at most 2^24.
    ///
    /// # Errors
    /// [`Error::Evm`] if the transaction is not valid at all, such as with a limit below what its calldata costs.
    pub fn call_with_gas(&mut self, to: [u8; 20], calldata: Vec<u8>, gas_limit: u64) -> Result<Transaction, Error> {
        Ok(transaction(self.run(TxKind::Call(Address::from(to)), calldata, gas_limit)?))
    }

    /// The code of a contract.
    pub fn code_len(&self, of: [u8; 20]) -> usize {
        let account = self.state.cache.accounts.get(&Address::from(of));
        account.and_then(|account| account.info.code.as_ref()).map_or(0, |code| code.len())
    }

    fn run(&mut self, kind: TxKind, data: Vec<u8>, gas_limit: u64) -> Result<ExecutionResult, Error> {
        let tx = TxEnv::builder()
            .kind(kind)
            .data(Bytes::from(data))
            .gas_limit(gas_limit)
            .nonce(self.nonce)
            .build()
            .map_err(|error| Error::Evm(format!("{error:?}")))?;
        let mut evm = Context::mainnet()
            .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA))
            .with_db(&mut self.state)
            .build_mainnet();
        let result = evm.transact_commit(tx).map_err(|error| Error::Evm(error.to_string()))?;
        self.nonce += 1;
        Ok(result)
    }
}

fn transaction(result: ExecutionResult) -> Transaction {
    let gas = result.tx_gas_used();
    let outcome = match result {
        ExecutionResult::Success { output, .. } => Outcome::Returned(output.into_data().to_vec()),
        ExecutionResult::Revert { output, .. } => Outcome::Reverted(output.to_vec()),
        ExecutionResult::Halt { reason, .. } => Outcome::Halted(format!("{reason:?}")),
    };
    Transaction { outcome, gas }
}

/// What a verifier contract says about a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It returned `true`.
    Accepted,
    /// It reverted with one of its errors.
    Refused(Refusal),
    /// Anything else: calldata that the ABI decoder gives up on, out of gas.
    Failed(Outcome),
}

impl Verdict {
    /// Reads how a call of `verifyProof` ended. Only the word 1 and nothing else is an acceptance: an account without code
    /// returns nothing, and another contract may return anything.
    pub fn of(outcome: Outcome) -> Self {
        let mut yes = [0u8; 32];
        yes[31] = 1;
        match outcome {
            Outcome::Returned(data) if data == yes => Verdict::Accepted,
            Outcome::Reverted(data) => match Refusal::decode(&data) {
                Some(refusal) => Verdict::Refused(refusal),
                None => Verdict::Failed(Outcome::Reverted(data)),
            },
            other => Verdict::Failed(other),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accepted => write!(f, "accepted"),
            Verdict::Refused(refusal) => write!(f, "refused: {refusal}"),
            Verdict::Failed(outcome) => write!(f, "failed: {outcome:?}"),
        }
    }
}

/// A verdict and its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// What the contract says.
    pub verdict: Verdict,
    /// Gas of the whole transaction, 21,000 and calldata included.
    pub gas: u64,
    /// Length of its calldata.
    pub calldata_bytes: usize,
}

/// A verifier and one key, deployed on a chain in memory.
#[derive(Debug)]
pub struct VerifierOnEvm {
    /// The chain.
    pub evm: Evm,
    /// Address of the verifier.
    pub verifier: [u8; 20],
    /// Address of the key data.
    pub key: [u8; 20],
    /// Pinned code hash of the key data.
    pub key_code_hash: [u8; 32],
    /// Gas of the two deployments: verifier, key.
    pub deployment_gas: (u64, u64),
}

impl VerifierOnEvm {
    /// Deploys the embedded verifier of the key's shape, and the key.
    ///
    /// # Errors
    /// [`Error::Key`], by `policy` too, [`Error::UnknownShape`], [`Error::Deployment`].
    pub fn deploy(key: &VerifyingKey, policy: SrsPolicy<'_>) -> Result<Self, Error> {
        let artifact = artifacts::for_shape(&key.constraint_system)?;
        Self::deploy_with(artifact.creation_code()?, key, policy)
    }

    /// Deploys a verifier from its creation code, and a key.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub fn deploy_with(verifier: Vec<u8>, key: &VerifyingKey, policy: SrsPolicy<'_>) -> Result<Self, Error> {
        policy.check(&key.srs)?;
        let mut evm = Evm::new();
        let (verifier, verifier_gas) = evm.deploy("the verifier", verifier)?;
        let (address, key_gas) = evm.deploy("the key data", key_creation_code(key)?)?;
        let key_code_hash = key_code_hash(key)?;
        Ok(Self { evm, verifier, key: address, key_code_hash, deployment_gas: (verifier_gas, key_gas) })
    }

    /// Verifies a proof in a transaction of its own.
    ///
    /// # Errors
    /// [`Error::Evm`] if the EVM could not run it. A refused proof is a verdict, not an error.
    pub fn verify(&mut self, proof: &[u8], instances: &[Fr]) -> Result<Verification, Error> {
        self.verify_words(proof, &instance_words(instances))
    }

    /// As [`Self::verify`], with instances as words, canonical or not.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_words(&mut self, proof: &[u8], instances: &[[u8; 32]]) -> Result<Verification, Error> {
        self.call(encode_call_words(self.key, self.key_code_hash, proof, instances))
    }

    /// Sends calldata as it is to the verifier.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn call(&mut self, calldata: Vec<u8>) -> Result<Verification, Error> {
        let calldata_bytes = calldata.len();
        let Transaction { outcome, gas } = self.evm.call(self.verifier, calldata)?;
        Ok(Verification { verdict: Verdict::of(outcome), gas, calldata_bytes })
    }
}
