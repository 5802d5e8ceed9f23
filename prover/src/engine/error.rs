//! What can go wrong while proving.

use std::io;

/// What can go wrong while proving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another number of instance columns than the circuit has.
    #[error("the circuit has {expected} instance columns, {got} came")]
    InstanceColumns {
        /// Of the circuit.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// More public values than usable rows.
    #[error("an instance column has {got} values, the circuit has {most} usable rows: use a larger k")]
    TooManyInstances {
        /// What came.
        got: usize,
        /// Usable rows.
        most: usize,
    },
    /// A structured reference string of another size than the key's.
    #[error("the structured reference string holds {got} powers, the proving key is for {expected}: cut it to size")]
    SrsSize {
        /// Rows of the circuit.
        expected: usize,
        /// Powers that came.
        got: usize,
    },
    /// Bases of different lengths.
    #[error("the monomial basis has {expected} points, the Lagrange basis {got}: take both from one string")]
    Basis {
        /// Of the monomial basis.
        expected: usize,
        /// Of the other.
        got: usize,
    },
    /// A circuit that does not fit.
    #[error("the circuit does not fit the usable ones of 2^{k} rows: use a larger k")]
    TooManyRows {
        /// log2 of the rows.
        k: u32,
    },
    /// A circuit whose synthesis fails.
    #[error("the circuit's synthesis fails without a witness: {0}")]
    Circuit(String),
    /// Commitments of another circuit.
    #[error(
        "{got:?} commitments to fixed and permutation columns came, the circuit has {expected:?}: make the key anew"
    )]
    Commitments {
        /// Of the circuit.
        expected: [usize; 2],
        /// What came.
        got: [usize; 2],
    },
    /// A proof of nothing.
    #[error("a proof needs at least one circuit: none came")]
    NoCircuit,
    /// Bases and prepared key are of different backends.
    #[error("bases and key were prepared for different backends: prepare both for the same")]
    AnotherBackend,
    /// Synthesis gave columns that the circuit does not have in this phase, or not all that it has.
    #[error("phase {phase} gave {got}: a defect of the witness, not of the inputs")]
    Phase {
        /// The phase.
        phase: u8,
        /// What is wrong.
        got: String,
    },
    /// A value is looked up in a table that does not hold it.
    #[error("lookup \"{lookup}\": a value is not in its table, so the witness does not satisfy the circuit")]
    NotInTable {
        /// Name of the lookup.
        lookup: String,
    },
    /// A key with selectors left in its expressions.
    #[error(
        "an expression holds a selector, where the key should have fixed columns: make the key with halo2's keygen"
    )]
    Selector,
    /// A domain of fewer than eight rows, or of more than the field has roots of unity.
    #[error("there is no evaluation domain for this k and the circuit's degree: use a k from 3 to about 26")]
    Domain,
    /// Rotations that mean the same row.
    #[error("rotations {first} and {second} are the same row of 2^{k}: use a larger k")]
    Rotations {
        /// One.
        first: i32,
        /// The other.
        second: i32,
        /// Of the key.
        k: u32,
    },
    /// Something panicked while proving.
    #[error("proving panicked: {0}; no proof was made, please report it")]
    Panicked(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The transcript's writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
