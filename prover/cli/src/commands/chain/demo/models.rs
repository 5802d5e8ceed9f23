//! The three models of the demonstration, those of `examples/`: a chain derives their whole input.

use apodict_chain::primitives::B256;
use apodict_circuits::Program;
use apodict_prover::disk::Keys;
use apodict_prover::engine::Job;
use apodict_prover::{Context, Proof, ProvingKey, Srs};
use apodict_verifier::{Layout, VerifyingKey};
use serde::Deserialize;

use crate::failure::Failure;
use crate::program;

macro_rules! files {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../../../../examples/", $name, "/model.onnx")),
            include_bytes!(concat!("../../../../../../examples/", $name, "/calibration.json")),
            include_bytes!(concat!("../../../../../../examples/", $name, "/features.json")),
        )
    };
}

type Files = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

const MARKET: Files = files!("risk_scoring");
const SUPPLY: Files = files!("supply_adjustment");
const PROPOSALS: Files = files!("governance_analysis");

/// A model with its keys.
pub(super) struct Model {
    /// The example's name.
    pub(super) name: &'static str,
    /// Which round each of its inputs is, where they are rounds.
    pub(super) rounds: Vec<Round>,
    program: Program,
    keys: Keys,
}

/// A feed's round, so many periods before the time that is bound.
pub(super) struct Round {
    pub(super) feed: String,
    pub(super) lag: u16,
}

/// An entry of `features.json`; an input that is no round has neither.
#[derive(Deserialize)]
struct Feature {
    feed: Option<String>,
    lag: Option<u16>,
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
        let compile = |(name, model, calibration, features): Files| {
            let failed =
                |source| Failure::Compile { path: format!("the model {name} of the demonstration").into(), source };
            let program = program::compile_bytes(model, calibration).map_err(failed)?;
            let features: Vec<Feature> = serde_json::from_slice(features)?;
            let round = |Feature { feed, lag }| Some(Round { feed: feed?, lag: lag? });
            Ok::<_, Failure>((name, program, features.into_iter().filter_map(round).collect::<Vec<_>>()))
        };
        let compiled = [compile(MARKET)?, compile(SUPPLY)?, compile(PROPOSALS)?];
        let k = compiled.iter().map(|(_, program, _)| program.plan().k).max().unwrap_or_default();
        let srs = Srs::generate_unsafe(k)?;
        let [market, supply, proposals] =
            compiled.map(|(name, program, rounds)| Model::new(name, program, rounds, &srs));
        Ok(Self { market: market?, supply: supply?, proposals: proposals? })
    }

    /// Their verifying keys.
    pub(super) fn keys(&self) -> Vec<VerifyingKey> {
        [&self.market, &self.supply, &self.proposals].map(|model| model.key().clone()).into()
    }
}

impl Model {
    fn new(name: &'static str, program: Program, rounds: Vec<Round>, srs: &Srs) -> Result<Self, Failure> {
        let srs = srs.cut_to(program.plan().k)?;
        let proving = ProvingKey::generate(&program, &srs)?;
        Ok(Self { name, rounds, program, keys: Keys { srs, proving } })
    }

    /// How many periods before a time its oldest input is.
    pub(super) fn oldest(&self) -> u16 {
        self.rounds.iter().map(|round| round.lag).max().unwrap_or_default()
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
