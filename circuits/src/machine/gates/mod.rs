//! The gates: each file has what a gate states, which fixed cells say so in a layout, and the witness that it is about.
//! Why they suffice is shown in `docs/machine.md`.

pub(super) mod accumulate;
pub(super) mod equation;
pub(super) mod lookup;

use halo2_proofs::{halo2curves::bn256::Fr, plonk::Expression};

/// A gate of one polynomial, by its name.
fn one(name: &'static str, polynomial: Expression<Fr>) -> Vec<(&'static str, Expression<Fr>)> {
    vec![(name, polynomial)]
}
