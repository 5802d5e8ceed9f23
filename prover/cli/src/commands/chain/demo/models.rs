//! The three models of the demonstration, whose whole input a chain derives.

use apodict_chain::primitives::B256;
use apodict_circuits::Program;
use apodict_prover::disk::Keys;
use apodict_prover::engine::Job;
use apodict_prover::{Context, Proof, ProvingKey, Srs};
use apodict_verifier::{Layout, VerifyingKey};

use crate::failure::Failure;
use crate::program;

macro_rules! files {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../../../../examples/on_chain/", $name, "/model.onnx")),
            include_bytes!(concat!("../../../../../../examples/on_chain/", $name, "/calibration.json")),
        )
    };
}

const MARKET: (&str, &[u8], &[u8]) = files!("market");
const SUPPLY: (&str, &[u8], &[u8]) = files!("supply");
const PROPOSALS: (&str, &[u8], &[u8]) = files!("proposals");

/// A model with its keys.
pub(super) struct Model {
    program: Program,
    keys: Keys,
}

/// Of a market, a token and a governor.
pub(super) struct Models {
    pub(super) market: Model,
    pub(super) supply: Model,
    pub(super) proposals: Model,
}

impl Models {
    /// Compiles them, and makes keys on one string that is for this demonstration alone.
    pub(super) fn make() -> Result<Self, Failure> {
        let compile = |(name, model, calibration): (&str, &[u8], &[u8])| {
            let failed =
                |source| Failure::Compile { path: format!("the model {name} of the demonstration").into(), source };
            program::compile_bytes(model, calibration).map_err(failed)
        };
        let programs = [compile(MARKET)?, compile(SUPPLY)?, compile(PROPOSALS)?];
        let k = programs.iter().map(|program| program.plan().k).max().unwrap_or_default();
        let srs = Srs::generate_unsafe(k)?;
        let [market, supply, proposals] = programs.map(|program| Model::new(program, &srs));
        Ok(Self { market: market?, supply: supply?, proposals: proposals? })
    }

    /// Their verifying keys.
    pub(super) fn keys(&self) -> Vec<VerifyingKey> {
        [&self.market, &self.supply, &self.proposals].map(|model| model.key().clone()).into()
    }
}

impl Model {
    fn new(program: Program, srs: &Srs) -> Result<Self, Failure> {
        let srs = srs.cut_to(program.plan().k)?;
        let proving = ProvingKey::generate(&program, &srs)?;
        Ok(Self { program, keys: Keys { srs, proving } })
    }

    pub(super) fn key(&self) -> &VerifyingKey {
        self.keys.proving.verifying_key()
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.key().layout
    }

    /// Proves what it decides on the integers that a chain derived, in the order of its public values.
    pub(super) fn prove(&self, inputs: &[i128], context: B256) -> Result<Proof, Failure> {
        let mut left = inputs.iter();
        let tensor = |tensor: &apodict_verifier::Tensor| {
            let integers = left.by_ref().take(tensor.num_elements());
            integers
                .map(|integer| i64::try_from(*integer).map_err(|_| Failure::Demonstration { name: "input" }))
                .collect()
        };
        let inputs: Vec<Vec<i64>> = self.layout().inputs.iter().map(tensor).collect::<Result<_, _>>()?;
        let Keys { srs, proving } = &self.keys;
        Ok(apodict_prover::prove(srs, proving, &self.program, &inputs, Context(context.0), &Job::default())?)
    }
}
