//! Verifies proofs of decisions.
//!
//! A proof is a halo2 proof over BN254 with KZG commitments and SHPLONK openings, its transcript Keccak-256 in the
//! layout of the EVM. This crate is an implementation of its own over arkworks: it shares no code with the prover, so
//! that a mistake would have to be made twice. It allocates only in proportion to its input, never panics on any, and
//! needs no standard library, which fits it for nodes, keepers and embedded use.
//!
//! ```
//! use apodict_verifier::{Error, SrsPolicy, Statement, Verifier, VerifyingKey};
//!
//! /// The key digest of the model that this program trusts, as `apodict keys` prints it.
//! const KEY: [u8; 32] = [0; 32];
//! /// The digest of the ceremony's string that the key was made with.
//! const SRS: [u8; 32] = [0; 32];
//!
//! fn decision(key: &[u8], instances: &[[u8; 32]], proof: &[u8]) -> Result<Statement, Error> {
//!     let verifier = Verifier::pinned(VerifyingKey::from_bytes(key)?, &KEY, SrsPolicy::Ceremony(&[SRS]))?;
//!     verifier.statement(instances, proof)
//! }
//! # assert!(decision(b"not a key", &[], &[]).is_err());
//! ```
//!
//! # What a proof says
//! That its maker knew a witness of the circuit behind the *key* whose public instances are *these*. Who may choose
//! either is the caller's matter: pin the key digest ([`Verifier::pinned`]), compare the context and the inputs with those
//! that you computed yourself, and take the outputs from the [`Statement`].
//!
//! # Why the transcript's view of the key is stored
//! halo2 begins every transcript with a hash of the key's Rust `Debug` output, which only halo2 can compute, so
//! [`VerifyingKey::transcript_repr`] is stored rather than derived. That costs no soundness: what binds a proof to the
//! circuit is that the verifier itself uses this key's commitments and gates, and the value must only be one that the
//! prover could not choose after seeing challenges. It is part of what [`VerifyingKey::digest`] covers, and whoever pins
//! that digest pins it with the rest. A key with another value accepts no proof made for this one.
//!
//! # Where to start reading
//! [`Verifier::verify`] and its three steps: `conversation` (what is read, what is drawn), `constraints` (what the gates
//! demand at the drawn point), [`ConstraintSystem::opening_groups`] and `bdfg21` (that the evaluations are true).
#![no_std]
#![forbid(unsafe_code)]
// The same answer everywhere and for ever, and no way to stop it: nothing that wraps, truncates or panics, nothing that
// depends on a clock or on a random order (`clippy.toml` names types and methods), no variant that nobody thought of.
#![deny(
    clippy::allow_attributes_without_reason,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::dbg_macro,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::exit,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::get_unwrap,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::iter_over_hash_type,
    clippy::let_underscore_must_use,
    clippy::match_wildcard_for_single_variants,
    clippy::mem_forget,
    clippy::modulo_arithmetic,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::string_slice,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod batch;
mod bdfg21;
mod constraint_system;
mod constraints;
mod conversation;
mod domain;
mod encoding;
mod error;
#[cfg(feature = "std")]
pub mod files;
mod format;
mod key;
mod layout;
mod proof;
#[cfg(feature = "tampering")]
pub mod tampering;
mod transcript;
mod validate;
mod verify;

pub use ark_bn254::{Fr, G1Affine, G2Affine};
pub use batch::{BatchItem, verify_batch};
pub use bdfg21::{Opening, OpeningGroup, Polynomial};
pub use constraint_system::{Column, ColumnKind, ConstraintSystem, Expression, Query};
pub use domain::{DELTA, Domain};
pub use encoding::{fr_from_be_bytes, fr_to_be_bytes, g1_to_be_bytes, g2_to_be_bytes};
pub use error::{Error, KeyError};
pub use format::{FORMAT_VERSION, MAX_CIRCUIT_BYTES, MAX_KEY_BYTES};
pub use key::{CEREMONIES, Srs, SrsOrigin, SrsPolicy, VerifyingKey};
pub use layout::{CONTEXT_INSTANCES, Layout, Port, Quantization, Run, Statement, Tensor};
pub use proof::{Challenge, Element, Evaluation, Step};
pub use verify::{Verifier, instances_from_words, verify};
