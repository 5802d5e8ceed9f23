//! Compiled verifiers, one for each shape that the product proves.
//!
//! To add a shape, add a line to [`ALL`] and its constraint system to `shapes` in `tests/contracts/shapes.rs`, then run
//! `cargo xtask contracts bless`.

use crate::{Error, render_verifier};
use apodict_verifier::ConstraintSystem;

/// A rendered and compiled verifier.
#[derive(Clone, Copy, Debug)]
pub struct Artifact {
    /// Name of the shape, such as `lean`.
    pub shape: &'static str,
    /// Solidity source, as [`render_verifier`] writes it.
    pub source: &'static str,
    /// Creation bytecode in hexadecimal.
    pub creation_code_hex: &'static str,
}

macro_rules! artifact {
    ($shape:literal, $contract:literal) => {
        Artifact {
            shape: $shape,
            source: include_str!(concat!("../contracts/verifiers/", $contract, ".sol")),
            creation_code_hex: include_str!(concat!("../artifacts/", $contract, ".hex")),
        }
    };
}

/// Every shape.
pub const ALL: &[Artifact] = &[artifact!("lean", "Halo2VerifierLean"), artifact!("wide", "Halo2VerifierWide")];

impl Artifact {
    /// Creation bytecode.
    ///
    /// # Errors
    /// [`Error::Artifact`] if the embedded text is not hexadecimal.
    pub fn creation_code(&self) -> Result<Vec<u8>, Error> {
        hex::decode(self.creation_code_hex.trim()).map_err(|source| Error::Artifact { name: self.shape.into(), source })
    }
}

/// The compiled verifier of a shape: the one whose source is exactly what the shape renders to.
///
/// # Errors
/// [`Error::UnknownShape`] if there is none, otherwise as [`render_verifier`].
pub fn for_shape(cs: &ConstraintSystem) -> Result<&'static Artifact, Error> {
    for artifact in ALL {
        if render_verifier(artifact.shape, cs)? == artifact.source {
            return Ok(artifact);
        }
    }
    let known = ALL.iter().map(|artifact| artifact.shape).collect::<Vec<_>>().join(", ");
    Err(Error::UnknownShape { digest: cs.shape_digest()?, known })
}
