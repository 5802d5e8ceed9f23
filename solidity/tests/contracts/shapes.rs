//! The shapes that contracts are rendered for, each with a genuine proof.

use crate::{
    circuits::{Ladder, Sealed},
    genuine,
};
use apodict_circuits::machine::{Objective, Shape};
use apodict_prover::shape_constraint_system;
use apodict_solidity::{Fixture, contract_name};
use apodict_verifier::ConstraintSystem;
use std::path::PathBuf;

/// A shape, and how to make a genuine proof of it.
pub(crate) struct TestedShape {
    pub(crate) name: &'static str,
    pub(crate) constraint_system: ConstraintSystem,
    prove: fn() -> Fixture,
    /// Folder of the rendered source, below `solidity/`.
    sources: &'static str,
    /// Folder of the bytecode.
    artifacts: &'static str,
}

/// The product's shapes, and two that have what they have not: `ladder` several permutation products, rotations backwards,
/// public values on other rows, a column of zeros, several challenges; `sealed` no permutation, no public values and a
/// single group of openings.
pub(crate) fn shapes() -> Vec<TestedShape> {
    let product = |shape: Shape, prove| TestedShape {
        name: shape.name(),
        constraint_system: shape_constraint_system(shape).expect("a shape"),
        prove,
        sources: "contracts/verifiers",
        artifacts: "artifacts",
    };
    vec![
        product(Shape::Lean, || genuine::decision(Shape::Lean, Objective::Gas, &[4])),
        product(Shape::Wide, || genuine::decision(Shape::Wide, Objective::Latency, &[64, 32])),
        TestedShape {
            name: "ladder",
            constraint_system: ladder().key.constraint_system,
            prove: ladder,
            sources: "test/verifiers",
            artifacts: "test/verifiers",
        },
        TestedShape {
            name: "sealed",
            constraint_system: sealed().key.constraint_system,
            prove: sealed,
            sources: "test/verifiers",
            artifacts: "test/verifiers",
        },
    ]
}

fn sealed() -> Fixture {
    genuine::circuit(4, Sealed { secret: 5 }, &[])
}

fn ladder() -> Fixture {
    let ladder = Ladder { seed: 3 };
    genuine::circuit(4, ladder, &ladder.instances())
}

/// A path below `solidity/`.
pub(crate) fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

impl TestedShape {
    pub(crate) fn prove(&self) -> Fixture {
        (self.prove)()
    }

    pub(crate) fn source_path(&self) -> PathBuf {
        path(&format!("{}/{}.sol", self.sources, contract_name(self.name)))
    }

    pub(crate) fn bytecode_path(&self) -> PathBuf {
        path(&format!("{}/{}.hex", self.artifacts, contract_name(self.name)))
    }

    pub(crate) fn fixture_path(&self) -> PathBuf {
        path(&format!("test/fixtures/{}.json", self.name))
    }
}
