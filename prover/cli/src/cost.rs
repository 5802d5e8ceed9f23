//! What proving and verifying will cost, before anything is proved.
//!
//! Sizes are exact. Gas follows a model whose terms are the operations of the contract; time grows with the number of
//! columns and rows, and its constants are rough: taken from proofs of 2^7 to 2^12 rows in the lean shape on two cores. Memory is
//! the engine's own prediction.

use apodict_circuits::Program;
use apodict_prover::{MemoryLimit, MemoryPlan, Purpose};
use apodict_verifier::ConstraintSystem;
use apodict_verifier::Expression;
use serde::Serialize;

/// An estimate, but for `proof_bytes`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Prediction {
    pub(crate) prove_ms: f64,
    pub(crate) peak_memory_bytes: u64,
    pub(crate) proof_bytes: usize,
    pub(crate) gas: u64,
}

/// A transaction's base fee, the pairing, the inversions.
const GAS_BASE: u64 = 159_500;
/// A commitment of the proof: calldata, hashing, one multiplication and addition.
const GAS_PER_COMMITMENT: u64 = 7_900;
/// A commitment of the key: one multiplication and addition.
const GAS_PER_KEY_COMMITMENT: u64 = 6_500;
/// An evaluation: calldata, hashing, its terms in the opening.
const GAS_PER_EVALUATION: u64 = 790;
/// A public value: calldata, hashing, its term of the instance column.
const GAS_PER_INSTANCE: u64 = 850;
const GAS_PER_FIELD_OPERATION: u64 = 22;

/// Of the process without a circuit.
const BASE_MEMORY: u64 = 12 << 20;
/// Without rows.
const BASE_MS: f64 = 15.0;
/// Of a committed cell.
const MS_PER_CELL: f64 = 0.005;

impl Prediction {
    /// For a proof of `program`, whose constraint system is `shape`.
    pub(crate) fn new(program: &Program, shape: &ConstraintSystem) -> Result<Self, apodict_prover::Error> {
        let (k, num_instances) = (program.plan().k, program.layout().num_instances());
        // On a machine that has plenty.
        let memory = MemoryPlan::new(program, Purpose::OneProof, BASE_MEMORY, MemoryLimit::Available(u64::MAX))?;
        let layout = shape.proof_layout();
        let points = layout.iter().filter(|(element, _)| element.num_bytes() == 64).count() as u64;
        let evaluations = layout.len() as u64 - points;
        // The two of the opening are part of the base.
        let commitments = points.saturating_sub(2);
        let key_commitments = (shape.num_fixed_columns + shape.permutation_columns.len()) as u64;
        let operations: u64 = shape.gates.iter().map(field_operations).sum();
        let cells = commitments as f64 * f64::from(k).exp2();
        Ok(Self {
            prove_ms: BASE_MS + MS_PER_CELL * cells,
            peak_memory_bytes: memory.predicted_bytes,
            proof_bytes: shape.proof_len(),
            gas: GAS_BASE
                + GAS_PER_COMMITMENT * commitments
                + GAS_PER_KEY_COMMITMENT * key_commitments
                + GAS_PER_EVALUATION * evaluations
                + GAS_PER_INSTANCE * num_instances as u64
                + GAS_PER_FIELD_OPERATION * operations,
        })
    }
}

/// Additions and multiplications of a gate.
fn field_operations(expression: &Expression) -> u64 {
    match expression {
        Expression::Sum(a, b) | Expression::Product(a, b) => 1 + field_operations(a) + field_operations(b),
        Expression::Negated(a) | Expression::Scaled(a, _) => 1 + field_operations(a),
        _ => 0,
    }
}
