//! What can go wrong before a contract runs. What a contract refuses is in [`Refusal`](crate::Refusal).

use apodict_verifier::KeyError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a contract, its key data or a call could not be made or run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The shape or the key is not valid in itself.
    #[error("the verifying key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A column that is committed but never opened: nothing would check its commitment.
    #[error(
        "advice column {column} is never queried: the contract would not check its commitment; query it or drop it"
    )]
    AdviceNotOpened {
        /// Position among the advice columns.
        column: usize,
    },
    /// A key that fits no contract.
    #[error("the key takes {got} bytes of code, the EVM accepts {max} (EIP-170): it has too many columns")]
    KeySize {
        /// What a contract's code may have.
        max: usize,
        /// What the key takes.
        got: usize,
    },
    /// Not a Solidity identifier.
    #[error("contract name {got:?} is not a Solidity identifier: use letters and digits, a letter first")]
    ContractName {
        /// As asked for.
        got: String,
    },
    /// No compiled contract of this crate is for the key's shape.
    #[error(
        "no compiled verifier for the shape {}: known are {known}; render and compile it with `cargo xtask contracts bless`",
        hex::encode(digest)
    )]
    UnknownShape {
        /// Digest of the shape.
        digest: [u8; 32],
        /// Names of the shapes whose contracts are compiled in.
        known: String,
    },
    /// Compiled bytecode that is not hexadecimal.
    #[error("the embedded bytecode of {name} is damaged ({source}): run `cargo xtask contracts bless`")]
    Artifact {
        /// Name of the contract.
        name: String,
        /// Why.
        source: hex::FromHexError,
    },
    /// The in-process EVM refused a transaction before running it.
    #[error("the EVM could not run the transaction: {0}")]
    Evm(String),
    /// A contract was not created.
    #[error("deployment of {what} failed: {reason}")]
    Deployment {
        /// Which contract.
        what: &'static str,
        /// What the EVM said.
        reason: String,
    },
    /// A file could not be written.
    #[error("could not write {path}: {source}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
