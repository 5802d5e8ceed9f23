//! What can go wrong between a program and its proof.

use std::io;

use apodict_circuits::{int, machine};

use crate::{engine, export::ExportError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A structured reference string with too few powers.
    #[error(
        "the structured reference string holds 2^{got} powers, the program needs 2^{needed}: make or import a larger one"
    )]
    SrsTooSmall {
        /// log2 of the powers there are.
        got: u32,
        /// log2 of the powers needed.
        needed: u32,
    },
    /// A size that is out of range.
    #[error("k = {got} is out of range: {min} to {max}")]
    K {
        /// What came.
        got: u32,
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// A file that is not what it should be.
    #[error("not {expected}: {reason}")]
    File {
        /// What was expected.
        expected: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Powers that are not powers.
    #[error("the structured reference string is inconsistent: {0}; do not use it")]
    SrsInconsistent(&'static str),
    /// A key that was made for something else.
    #[error("the proving key belongs to program 0x{got}, not to 0x{expected}: make keys for this program")]
    KeyOfAnotherProgram {
        /// Digest of the program at hand.
        expected: String,
        /// Digest of the key's program.
        got: String,
    },
    /// A key that was made with another structured reference string.
    #[error("the proving key was made with another structured reference string: use that one, or make new keys")]
    KeyOfAnotherSrs,
    /// A key whose commitments are not those of the program that it names.
    #[error(
        "the proving key does not commit to what the program fixes, whoever made it meant another circuit: make keys for this \
         program"
    )]
    KeyOfAnotherCircuit,
    /// Less memory than a proof takes.
    #[error(
        "a proof takes about {} MiB of memory, the limit is {} MiB: raise it, compile with `--objective memory`, or use a \
         smaller model",
        needed >> 20, limit >> 20
    )]
    Memory {
        /// Bytes that the process would have resident.
        needed: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// Inputs that the program does not take.
    #[error(transparent)]
    Execute(#[from] int::Error),
    /// A run that does not fit the machine.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// A verifying key that does not export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A proof that our own verifier refuses.
    #[error("the proof just made does not verify ({0}): a defect, please report it")]
    SelfCheck(#[from] apodict_verifier::Error),
    /// A verifying key that is not well formed.
    #[error(transparent)]
    Key(#[from] apodict_verifier::KeyError),
    /// The proof engine's own.
    #[error(transparent)]
    Engine(engine::Error),
    /// halo2's own.
    #[error("halo2: {0}")]
    Halo2(String),
    /// Reading or writing.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Io(error) => Self::Io(error),
            other => Self::Engine(other),
        }
    }
}

impl From<halo2_proofs::plonk::Error> for Error {
    fn from(error: halo2_proofs::plonk::Error) -> Self {
        Self::Halo2(format!("{error:?}"))
    }
}
