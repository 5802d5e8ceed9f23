//! The machine against the executor, and against liars.
//!
//! [honest] runs pass. [attacks] are lies with a purpose, each with the constraint that refuses it, [tags] those that look
//! up in tables that are not theirs, [numbers] those about steps, zeros, roots and quotients; [forgeries] are blind ones.
//! [bounds] and [labels] are the compiler's own checks. [uniqueness] leaves
//! no lie to try, as far as wires go; that cells of a wire are equal and that lookups add up, which it takes for granted, is
//! shown in [copies] and [lookups].

mod attacks;
mod bounds;
mod copies;
mod forgeries;
mod honest;
mod knowledge;
mod labels;
mod liar;
mod lookups;
mod models;
mod numbers;
mod room;
mod roots;
mod solver;
mod tags;
mod uniqueness;
mod units;

use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::bn256::Fr,
};

use super::{Error, Layout, Machine, Shape, Values, Witness, lower::lower};
use crate::int::{Graph, execute};

/// A context for tests.
const CONTEXT: [u64; 2] = [7, 11];

/// The names of the constraints that fail, and `"copy"` for broken copy constraints; each once.
fn failures(layout: &Layout, witness: &Witness) -> Vec<String> {
    failures_of(layout, &Machine::with_witness(layout, witness), witness)
}

/// As [`failures`], of a circuit whose second phase may be forged.
fn failures_of(layout: &Layout, circuit: &Machine<'_>, witness: &Witness) -> Vec<String> {
    let instance = CONTEXT.map(Fr::from).into_iter().chain(witness.public.iter().copied()).collect();
    let prover = MockProver::run(layout.k(), circuit, vec![instance]).expect("the circuit synthesizes");
    let name_of = |failure: VerifyFailure| match failure {
        VerifyFailure::ConstraintNotSatisfied { constraint, .. } => {
            let text = constraint.to_string();
            text.split('\'').nth(1).unwrap_or(&text).to_owned()
        }
        VerifyFailure::Permutation { .. } => "copy".to_owned(),
        other => format!("{other:?}"),
    };
    let mut names: Vec<String> = prover.verify().err().unwrap_or_default().into_iter().map(name_of).collect();
    names.sort();
    names.dedup();
    names
}

/// Lowers `graph` and lays it out.
fn lay_out(graph: &Graph, shape: Shape, limb_bits: u32) -> Result<Layout, Error> {
    Layout::new(lower(graph, limb_bits)?, shape)
}

/// Lays `graph` out and computes the wires of an honest run.
fn run(graph: &Graph, shape: Shape, limb_bits: u32, inputs: &[Vec<i64>]) -> (Layout, Values) {
    let layout = lay_out(graph, shape, limb_bits).expect("the graph fits the machine");
    let trace = execute(graph, inputs).expect("the inputs are in range");
    let values = layout.values(&trace).expect("the trace is one of this graph");
    (layout, values)
}
