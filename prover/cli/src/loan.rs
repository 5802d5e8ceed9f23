//! The loan of the demonstration, and the policy that acts on its score.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use apodict_verifier::files::Decision;

pub(crate) const MODEL: &[u8] = include_bytes!("../../../examples/risk_scoring/model.onnx");
pub(crate) const CALIBRATION: &[u8] = include_bytes!("../../../examples/risk_scoring/calibration.json");
pub(crate) const INPUT: &[u8] = include_bytes!("../../../examples/risk_scoring/inputs/stretched.json");
const FEATURES: &[u8] = include_bytes!("../../../examples/risk_scoring/features.json");

/// Name of the model's output.
const OUTPUT: &str = "bad_debt_probability";

/// What the model is told of a loan, by name.
pub(crate) struct Loan(BTreeMap<String, f64>);

#[derive(Deserialize)]
struct Feature {
    name: String,
}

#[derive(Deserialize)]
struct Input {
    inputs: Tensors,
}

#[derive(Deserialize)]
struct Tensors {
    features: [Vec<f64>; 1],
}

impl Loan {
    /// A leveraged staker, close to the threshold.
    pub(crate) fn stretched() -> Result<Self, Failure> {
        let features: Vec<Feature> = serde_json::from_slice(FEATURES)?;
        let Input { inputs: Tensors { features: [values] } } = serde_json::from_slice(INPUT)?;
        Ok(Self(features.into_iter().map(|feature| feature.name).zip(values).collect()))
    }

    /// A feature in its own unit; NaN shows one that the example no longer has.
    fn feature(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }
}

impl Display for Loan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let usd = |name| 10f64.powf(self.feature(name)) / 1e3;
        let percent = |name| 100.0 * self.feature(name);
        writeln!(
            formatter,
            "The borrower holds {:.0}k USD, {:.0} % of it in staking derivatives, and owes {:.0}k USD.",
            usd("collateral_value"),
            percent("staked_share"),
            usd("debt_value")
        )?;
        writeln!(
            formatter,
            "Health factor {:.3}, loan to value {:.1} %. In the last month the collateral fell {:.0} % from its high,",
            self.feature("health_factor"),
            percent("loan_to_value"),
            percent("drawdown_30d")
        )?;
        writeln!(
            formatter,
            "with a volatility of {:.0} % a year; keepers took {:.1} hours to liquidate.",
            percent("volatility_30d"),
            self.feature("keeper_delay")
        )
    }
}

/// The score that a statement carries.
pub(crate) fn probability(statement: &Decision) -> Result<f64, Failure> {
    let score = statement.outputs.get(OUTPUT).and_then(|score| score.pointer("/0/0")).and_then(|score| score.as_f64());
    score.ok_or(Failure::Demonstration { name: OUTPUT })
}

/// What the market does with a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Policy {
    MayGrow,
    Stays,
    MustShrink,
}

impl Policy {
    /// Bad debt of 1 % is what this market's spread pays for, and 5 % is what its reserve bears.
    pub(crate) fn for_probability(probability: f64) -> Self {
        if probability < 0.01 {
            Self::MayGrow
        } else if probability < 0.05 {
            Self::Stays
        } else {
            Self::MustShrink
        }
    }
}

impl Display for Policy {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::MayGrow => "That is below 1 %: the loan may grow.",
            Self::Stays => "That is between 1 % and 5 %: the loan may stay as it is, and must not grow.",
            Self::MustShrink => "That is 5 % or more: the borrower must repay or add collateral.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_has_every_feature_that_it_tells() {
        let told = Loan::stretched().unwrap().to_string();
        assert!(!told.contains("NaN"), "{told}");
        assert!(told.contains("owes 262k USD"), "{told}");
    }

    #[test]
    fn the_policy_has_two_thresholds() {
        let policies = [0.0, 0.0099, 0.01, 0.049, 0.05, 1.0].map(Policy::for_probability);
        use Policy::*;
        assert_eq!(policies, [MayGrow, MayGrow, Stays, Stays, MustShrink, MustShrink]);
    }
}
