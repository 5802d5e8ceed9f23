//! What can go wrong between this machine and a chain.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use apodict_prover::disk;

use crate::Refusal;

/// The number of development nodes' chains, which begin anew with each.
const DEVELOPMENT: u64 = 31_337;

/// Why something was not done on a chain. [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that is no node's.
    #[error("{url:?} is no address of a node: {reason}")]
    Url {
        /// Without what could be a secret in it.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// No answer: refused, dropped, not found.
    #[error("{host} does not answer {method}: {reason}")]
    Connection {
        /// The node.
        host: String,
        /// What was asked.
        method: &'static str,
        /// What the system or the other side says.
        reason: String,
    },
    /// An answer that takes too long.
    #[error("{host} has not answered {method} within {seconds} s")]
    Slow {
        /// The node.
        host: String,
        /// What was asked.
        method: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// An answer that has no end in sight.
    #[error("{host} answers {method} with more than {max} bytes")]
    TooLong {
        /// The node.
        host: String,
        /// What was asked.
        method: &'static str,
        /// The most that is read.
        max: u64,
    },
    /// An answer that is none.
    #[error("{host} does not answer {method} as a node does: {reason}")]
    Garbage {
        /// The node.
        host: String,
        /// What was asked.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The node refuses a request, and not because a contract does.
    #[error("{host} refuses {method}: {message} (code {code})")]
    Node {
        /// The node.
        host: String,
        /// What was asked.
        method: &'static str,
        /// JSON-RPC's code.
        code: i64,
        /// In the node's words.
        message: String,
    },
    /// A contract refuses: nothing was sent.
    #[error("the contract refuses {what}: {refusal}")]
    Refused {
        /// What was tried.
        what: String,
        /// Its error.
        refusal: Refusal,
    },
    /// Another chain.
    #[error("the node is on chain {got}, not on chain {expected}")]
    ChainId {
        /// What was asked for, or stands in the record.
        expected: u64,
        /// What the node says.
        got: u64,
    },
    /// Nobody said which chain is meant.
    #[error("the node is on chain {got}, and nobody said which chain is meant")]
    NoChainId {
        /// What the node says.
        got: u64,
    },
    /// Another chain of the same number.
    #[error("{} is of another chain with the number {chain_id}: it began with block {expected}, the node's with {got}", path.display())]
    OtherGenesis {
        /// The record.
        path: PathBuf,
        /// Of both.
        chain_id: u64,
        /// In the record.
        expected: B256,
        /// What the node says.
        got: B256,
    },
    /// Too little ether.
    #[error("{account} has {have} wei, {what} takes up to {need}")]
    NoFunds {
        /// Who pays.
        account: Address,
        /// The balance.
        have: U256,
        /// Gas times the highest price, and value.
        need: U256,
        /// What for.
        what: String,
    },
    /// Gas costs more than was admitted.
    #[error("gas costs {got} wei now, at most {max} are to be paid")]
    GasPrice {
        /// The base fee and the tip.
        got: u128,
        /// As was asked for.
        max: u128,
    },
    /// A tip that nobody admitted.
    #[error("the node asks for a tip of {got} wei for a unit of gas, {max} is the most without --max-fee")]
    Tip {
        /// What the node says.
        got: u128,
        /// What is usual.
        max: u128,
    },
    /// More gas than a transaction may use.
    #[error("{what} would take {gas} gas, a transaction may use {max}")]
    TooMuchGas {
        /// What.
        what: String,
        /// The estimate with its reserve.
        gas: u64,
        /// EIP-7825's cap.
        max: u64,
    },
    /// Sent, and not in a block so far.
    #[error("{what} was sent as {hash} and is in no block after {seconds} s")]
    NotMined {
        /// What.
        what: String,
        /// The transaction.
        hash: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A recorded place that is further on than the account.
    #[error("{what} has place {nonce} of {account} in the record, and the node says that the next one is {next}")]
    NonceAhead {
        /// What.
        what: String,
        /// Whose.
        account: Address,
        /// In the record.
        nonce: u64,
        /// What the node says.
        next: u64,
    },
    /// A recorded place that something else took.
    #[error("{what} has place {nonce} of {account} in the record, and the node says that it is taken, but not by what")]
    NonceTaken {
        /// What.
        what: String,
        /// Whose.
        account: Address,
        /// In the record.
        nonce: u64,
        /// As in the record.
        name: String,
    },
    /// In a block, and reverted.
    #[error("{what} was sent as {hash} and failed in its block")]
    Failed {
        /// What.
        what: String,
        /// The transaction.
        hash: B256,
    },
    /// What a node says does not fit what it says elsewhere, or what was compiled.
    #[error("the node's word about {what} does not hold: {reason}")]
    Lied {
        /// What.
        what: String,
        /// What does not fit.
        reason: String,
    },
    /// No key.
    #[error("there is no key to sign with")]
    NoKey,
    /// A key that is none.
    #[error("the environment variable {variable} does not hold a private key: 32 bytes in hexadecimal")]
    BadKey {
        /// Its name.
        variable: &'static str,
    },
    /// A keystore without a password.
    #[error("there is no password for {}", path.display())]
    NoPassword {
        /// The keystore.
        path: PathBuf,
    },
    /// A keystore that cannot be opened.
    #[error("cannot open the keystore {}: {reason}", path.display())]
    Keystore {
        /// The keystore.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A key whose string nobody vouches for.
    #[error("the key {model} is on an UNSAFE structured reference string, {srs}: whoever made it can forge decisions")]
    UnsafeSrs {
        /// The key's digest.
        model: B256,
        /// The string's.
        srs: B256,
    },
    /// A record that is none.
    #[error("{} is no deployment record: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Something that must be deployed before.
    #[error("there is no {name} in {}", path.display())]
    NotDeployed {
        /// As in the record.
        name: String,
        /// The record.
        path: PathBuf,
    },
    /// Somebody else administers what is kept.
    #[error("{account} does not administer the AccessManager {manager}")]
    NotAdmin {
        /// That is kept.
        manager: Address,
        /// Who should.
        account: Address,
    },
    /// Who deployed administers beside who should.
    #[error("beside {admin}, who deploys administers the AccessManager {manager}, too: {account}")]
    AlsoAdmin {
        /// That is kept.
        manager: Address,
        /// Who deploys.
        account: Address,
        /// Who should.
        admin: Address,
    },
    /// A model that governance took back.
    #[error("the model {model} is disabled in the registry")]
    Disabled {
        /// The key's digest.
        model: B256,
    },
    /// A model that somebody else registered.
    #[error(
        "the registry has the model {model} with another verifier, key or number of inputs than this record: somebody else registered it"
    )]
    OtherRecord {
        /// The key's digest.
        model: B256,
    },
    /// A record that another process writes.
    #[error("another command is at work with {}", path.display())]
    InUse {
        /// The record.
        path: PathBuf,
    },
    /// A proof that was made for another use.
    #[error("the proof is bound to the context {got}, here it must be {expected}")]
    OtherContext {
        /// Of chain, gateway, consumer, model, subject, nonce and deadline.
        expected: B256,
        /// Of the proof.
        got: B256,
    },
    /// A consumer that asks for another model.
    #[error("the consumer asks for decisions of the model {expected} about this subject, the proof is of {got}")]
    OtherModel {
        /// By its policy.
        expected: B256,
        /// Of the proof's key.
        got: B256,
    },
    /// A development node that is not installed.
    #[error("anvil is not installed below {}", path.display())]
    NoAnvil {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A development node that does not start.
    #[error("anvil does not start: {reason}")]
    Anvil {
        /// What is known.
        reason: String,
    },
    /// Something compiled that does not fit this build.
    #[error("the contract {name} cannot be used: {reason}")]
    Artifact {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Of files.
    #[error(transparent)]
    Disk(#[from] disk::Error),
    /// Of keys and their contracts.
    #[error(transparent)]
    Contract(#[from] apodict_solidity::Error),
    /// Of keys.
    #[error(transparent)]
    Key(#[from] apodict_verifier::KeyError),
    /// A proof that does not hold.
    #[error("the proof does not hold: {0}")]
    Proof(#[from] apodict_verifier::Error),
}

impl Error {
    /// What to do about it, where anything helps that the message does not say.
    pub fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Url { .. } => "expected http://HOST:PORT or https://..",
            Self::Connection { .. } | Self::Slow { .. } => {
                "see that the node runs and can be reached, then run the same command again: it goes on where it stopped"
            }
            Self::TooLong { .. } | Self::Garbage { .. } => {
                "see that the address is that of a node's JSON-RPC, or take another node; what was sent stands in the record"
            }
            Self::Node { .. } => "the message is the node's; once it is mended, run the same command again",
            Self::ChainId { .. } => "name the node of the chain that is meant, or that chain with --chain-id",
            Self::NoChainId { got } => {
                return Some(format!("say --chain-id {got}, if that is the chain that is meant"));
            }
            Self::OtherGenesis { chain_id: DEVELOPMENT, .. } => {
                "if the development chain was started anew, name another record, or remove this one"
            }
            Self::OtherGenesis { .. } => "do not trust this node, and keep the record: ask another one",
            Self::NoFunds { .. } => "send it ether, then run the same command again: it goes on where it stopped",
            Self::GasPrice { .. } => "wait, or admit more with --max-fee",
            Self::Tip { .. } => {
                "if this chain's tips are that high, admit a price with --max-fee; else do not trust this node: ask another one"
            }
            Self::NotMined { .. } => "run the same command again: it goes on waiting for this transaction",
            Self::NonceAhead { .. } => {
                "this node is behind, or the one that was asked then said too high a number: ask again, and another node. If they agree, \
                 remove the entry from the record: the transaction never gets into a block"
            }
            Self::NonceTaken { name, .. } => {
                return Some(format!(
                    "this node is behind: ask again, or another one, so that nothing is sent twice. If another program has used that place, \
                     remove the entry {name:?} from the record"
                ));
            }
            Self::Disabled { .. } => "a model that is disabled stays so: make another key",
            Self::OtherRecord { .. } => "use the record of who registered it",
            Self::InUse { .. } => "wait until it has ended: two would send in each other's place",
            Self::Failed { .. } => {
                "run the same command again: it is tried before it is sent, and the contract's error shows"
            }
            Self::Lied { .. } => "do not trust this node: ask another one, with the same record",
            Self::NoKey => {
                return Some(format!(
                    "name a keystore file with --keystore, or put a private key into the environment variable {}; keys are never arguments",
                    crate::KEY_VARIABLE
                ));
            }
            Self::NoPassword { .. } => {
                return Some(format!(
                    "name a file with --password-file, or set the environment variable {}",
                    crate::PASSWORD_VARIABLE
                ));
            }
            Self::UnsafeSrs { .. } => {
                "make keys with a ceremony's string (`apodict srs import`) and pass its digest with --srs-digest; on a test chain, say \
                 --allow-unsafe-srs"
            }
            Self::Record { .. } => "name the file that `apodict chain deploy` wrote, or a new one",
            Self::NotDeployed { .. } => "run `apodict chain deploy` with this record first",
            Self::NotAdmin { .. } => {
                "the record's AccessManager was deployed with another --admin, or its rights were given away since: name who administers it \
                 with --admin, or another record to deploy anew"
            }
            Self::AlsoAdmin { .. } => {
                "let it renounce role 0, so that one lost key does not undo the other's rights, then run the same command again; or name \
                 another record to deploy anew"
            }
            Self::OtherContext { .. } => {
                "prove again with the context that `apodict chain context` prints: chain, consumer, subject, nonce and deadline are in it"
            }
            Self::OtherModel { .. } => "prove with the model that the consumer's policy names",
            Self::NoAnvil { .. } => {
                "install it with one line, in a checkout of the repository: `npm ci --prefix solidity`; or name a program with --anvil"
            }
            Self::Disk(error) => return error.advice(),
            Self::Refused { refusal, .. } => return refusal.advice(),
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_remove_the_record_of_a_public_chain() {
        let advice = |chain_id| {
            let (path, expected, got) = (PathBuf::new(), B256::ZERO, B256::ZERO);
            Error::OtherGenesis { path, chain_id, expected, got }.advice().unwrap()
        };
        assert!(advice(31_337).contains("remove"));
        assert!(advice(1).contains("keep the record") && !advice(1).contains("remove"));
    }
}
