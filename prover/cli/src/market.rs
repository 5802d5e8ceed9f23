//! The lending market of the demonstration: hours of prices, and what may be lent against them.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use apodict_verifier::files::Decision;

pub(crate) const MODEL: &[u8] = include_bytes!("../../../examples/risk_scoring/model.onnx");
pub(crate) const CALIBRATION: &[u8] = include_bytes!("../../../examples/risk_scoring/calibration.json");
pub(crate) const INPUT: &[u8] = include_bytes!("../../../examples/risk_scoring/inputs/slide.json");
const FEATURES: &[u8] = include_bytes!("../../../examples/risk_scoring/features.json");

/// Prices of the collateral in USD, with the hours since each.
pub(crate) struct Prices(Vec<(u32, f64)>);

#[derive(Deserialize)]
struct Feature {
    lag: u32,
}

#[derive(Deserialize)]
struct Input {
    inputs: Tensors,
}

#[derive(Deserialize)]
struct Tensors {
    prices: [Vec<f64>; 1],
}

impl Prices {
    /// Out of a normal week, a fall of 8 % within two hours.
    pub(crate) fn slide() -> Result<Self, Failure> {
        let features: Vec<Feature> = serde_json::from_slice(FEATURES)?;
        let Input { inputs: Tensors { prices: [values] } } = serde_json::from_slice(INPUT)?;
        Ok(Self(features.into_iter().map(|feature| feature.lag).zip(values).collect()))
    }
}

impl Display for Prices {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ether, as a feed told it to the chain:")?;
        for (hours, price) in &self.0 {
            match hours {
                0 => write!(formatter, " {price:.2} USD now")?,
                _ => write!(formatter, ", {price:.2} {hours} h ago")?,
            }
        }
        writeln!(formatter, ".")
    }
}

/// What the market sets: shares of the collateral's value, whole tokens, whole USD.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Parameters {
    pub(crate) loan_to_value: f64,
    pub(crate) threshold: f64,
    pub(crate) supply_cap: f64,
    pub(crate) borrow_cap: f64,
}

impl Parameters {
    /// Those that a statement carries.
    pub(crate) fn of(statement: &Decision) -> Result<Self, Failure> {
        let output = |name| {
            let value = statement.outputs.get(name).and_then(|value| value.pointer("/0/0"));
            value.and_then(|value| value.as_f64()).ok_or(Failure::Demonstration { name })
        };
        Ok(Self {
            loan_to_value: output("loan_to_value")?,
            threshold: output("threshold")?,
            supply_cap: output("supply_cap")?,
            borrow_cap: output("borrow_cap")?,
        })
    }

    /// In words.
    pub(crate) fn stance(&self) -> Stance {
        Stance::for_loan_to_value(self.loan_to_value)
    }
}

impl Display for Parameters {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "lend {:.1} % of its value, liquidate at {:.1} %, take {:.0} tokens, lend {:.0}k USD in all. {}",
            100.0 * self.loan_to_value,
            100.0 * self.threshold,
            self.supply_cap,
            self.borrow_cap / 1e3,
            self.stance()
        )
    }
}

/// What that is for who wants to borrow: the same bounds as in the example's `decision.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stance {
    Lends,
    Careful,
    Closed,
}

impl Stance {
    fn for_loan_to_value(ltv: f64) -> Self {
        if ltv < 0.6 {
            Self::Closed
        } else if ltv < 0.75 {
            Self::Careful
        } else {
            Self::Lends
        }
    }
}

impl Display for Stance {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lends => "That is 75 % or more: the market lends.",
            Self::Careful => "That is below 75 %: the market is careful.",
            Self::Closed => "That is below 60 %: the market is as good as closed.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_has_every_price_that_it_tells() {
        let prices = Prices::slide().unwrap();
        assert_eq!(prices.0.iter().map(|(hours, _)| *hours).collect::<Vec<_>>(), [0, 1, 2, 4, 8, 16, 32, 64]);
        let told = prices.to_string();
        assert!(told.contains("2290.00 USD now, 2410.53 1 h ago"), "{told}");
    }

    #[test]
    fn the_stance_has_two_thresholds() {
        let stances = [0.0, 0.599, 0.6, 0.749, 0.75, 1.0].map(Stance::for_loan_to_value);
        use Stance::*;
        assert_eq!(stances, [Closed, Closed, Careful, Careful, Lends, Lends]);
    }
}
