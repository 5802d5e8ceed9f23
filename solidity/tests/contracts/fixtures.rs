//! Committed proofs and compiled verifiers, deployed.

use crate::{
    chain::create,
    shapes::{TestedShape, shapes},
};
use apodict_solidity::{
    Fixture, artifacts,
    evm::{Outcome, VerifierOnEvm},
};
use apodict_verifier::SrsPolicy;
use apodict_verifier::VerifyingKey;
use std::fs;

/// A genuine proof and the compiled contract of its shape.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) fixture: Fixture,
    creation_code: Vec<u8>,
}

/// One for each shape.
pub(crate) fn samples() -> Vec<Sample> {
    shapes().iter().map(sample).collect()
}

/// That of one shape.
pub(crate) fn sample_of(name: &str) -> Sample {
    shapes().iter().find(|shape| shape.name == name).map(sample).expect("a shape")
}

fn sample(shape: &TestedShape) -> Sample {
    let text = fs::read_to_string(shape.fixture_path()).expect("committed");
    let bytecode = fs::read_to_string(shape.bytecode_path()).expect("committed");
    Sample {
        name: shape.name,
        fixture: Fixture::from_json(&text).expect("consistent"),
        creation_code: hex::decode(bytecode.trim()).expect("hexadecimal"),
    }
}

impl Sample {
    /// The verifier and the fixture's key.
    pub(crate) fn deploy(&self) -> VerifierOnEvm {
        self.deploy_with(&self.fixture.key)
    }

    /// The verifier and another key.
    pub(crate) fn deploy_with(&self, key: &VerifyingKey) -> VerifierOnEvm {
        let policy = SrsPolicy::AllowUnsafe;
        VerifierOnEvm::deploy_with(self.creation_code.clone(), key, policy).expect("deployed")
    }

    /// The code that its constructor leaves.
    pub(crate) fn runtime(&self) -> Vec<u8> {
        let (Outcome::Returned(runtime), _) = create(self.creation_code(), None) else { panic!("not deployed") };
        runtime
    }

    /// Creation bytecode of the verifier.
    pub(crate) fn creation_code(&self) -> Vec<u8> {
        self.creation_code.clone()
    }
}

/// What Rust embeds is what the tests below run.
#[test]
fn embedded_bytecode_is_the_committed_one() {
    for artifact in artifacts::ALL {
        let sample = sample_of(artifact.shape);
        assert_eq!(artifact.creation_code().expect("hexadecimal"), sample.creation_code);
        let found = artifacts::for_shape(&sample.fixture.key.constraint_system).expect("known");
        assert_eq!(found.shape, artifact.shape);
    }
    let unknown = sample_of("ladder").fixture.key.constraint_system;
    let error = artifacts::for_shape(&unknown).expect_err("only a test's shape");
    assert!(error.to_string().contains("lean, wide"), "{error}");
}
