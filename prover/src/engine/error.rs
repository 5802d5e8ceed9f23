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
    /// Prepared from another proving key.
    #[error("what was prepared belongs to another proving key: prepare this one")]
    AnotherKey,
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
    /// A domain whose cosets coincide, or of fewer than eight rows.
    #[error("the key's evaluation domain is malformed: make the key with halo2's keygen")]
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
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The transcript's writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
