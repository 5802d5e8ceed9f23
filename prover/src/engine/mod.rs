//! The proof engine: a prover for halo2's proofs, over KZG on BN254 with SHPLONK.
//!
//! It takes a circuit, or a proving key of halo2's, and writes halo2's format: same transcript, same order of queries, same
//! blinding, so that `halo2_proofs::plonk::verify_proof` accepts what it makes. It serves any constraint system, of one circuit or
//! of several in one proof: gates, permuted lookups, permutations, several phases with challenges, several instance columns.
//!
//! Started from the same generator, a proof of one circuit has the commitments of halo2's prover, byte for byte, up to what halo2
//! does not take from that generator: the random polynomial, and before it the order of permuted lookups, which in halo2 is that of
//! a hash table.
//!
//! | part | what it does |
//! |---|---|
//! | [`create`] | the protocol, from the witness to the last point |
//! | [`backend`] | where columns lie and the arithmetic is done |
//! | `keys` | what a circuit fixes, and verifying keys |
//! | `bases` | the structured reference string |
//! | `prepared` | what depends on the key alone |
//! | `columns` | those of one circuit of a proof |
//! | `memory` | what all of it takes |
//! | `program` | expressions compiled into one straight-line program |
//! | `quotient` | on as many cosets as its degree asks for; those of the key computed once |
//! | `permutation`, `lookup` | factors of running products |
//! | `evaluation`, `opening` | which polynomial is opened where; SHPLONK |
//! | `synthesis` | where advice columns come from |
//! | `job`, `work` | progress and cancellation |
//! | `host` | the best backend that this machine has |
//! | `peak` | how fast it multiplies |
//!
//! # Zero knowledge
//! Nothing that halo2 blinds is left out: the last rows of every advice column, running product and permuted column, and
//! the polynomial of full degree that masks the quotient's opening. halo2 draws that polynomial from a generator of its
//! own; here ChaCha20, keyed from the caller's generator, does.

pub mod backend;
mod bases;
mod columns;
mod create;
mod error;
mod evaluation;
mod field;
mod host;
mod job;
mod keys;
mod lookup;
mod memory;
mod opening;
mod peak;
mod permutation;
mod prepared;
pub mod program;
mod quotient;
mod synthesis;
mod work;

pub use bases::{Bases, Basis};
pub use create::{EngineTimes, Stage, Statement, create};
pub use error::Error;
pub use host::{HostBases, HostPrepared, host_backend, host_footprint, host_threads};
pub use job::{Cancel, Job, Progress, Step};
pub use keys::{Assembly, Selectors};
pub use memory::Memory;
pub use peak::host_peak;
pub use prepared::{Budget, Prepared};
pub use synthesis::{MachineSynthesis, Phase, Synthesis};

use backend::Types;
