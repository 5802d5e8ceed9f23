//! How a model is compiled, as a client says it.

use std::collections::{BTreeMap, BTreeSet};

use apodict_circuits::CompileOptions;
use apodict_circuits::machine::Objective;
use apodict_circuits::onnx::ImportOptions;
use apodict_circuits::quantize::{DeclaredDecision, Precision, RealRange, Tolerance};
use apodict_circuits::tensors::NamedTensors;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

/// How a model is compiled. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelOptions {
    /// Fraction bits of the values between operators, 1 to 24, instead of as many as the planner chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 24)]
    pub bits: Option<u32>,
    /// Greatest error of each output against the float model on the calibration samples: by the output's name, or `*` for those
    /// that are not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub max_error: BTreeMap<String, MaxError>,
    /// What an output decides, by name: a number for a threshold, `"argmax"`, or `"none"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: BTreeMap<String, DecisionOption>,
    /// Takes a program that misses the target, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_error: bool,
    /// Lowest and highest value of an input, by name, or of some of its elements, as in `x[2]` or `x[2:5]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(schema_with = ranges_schema)]
    pub ranges: BTreeMap<String, [f64; 2]>,
    /// Inputs that are clamped to their range, instead of refused beyond it. A name that stands twice counts once.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub saturate: BTreeSet<String>,
    /// Numbers for open dimensions, by name, or as `INPUT[AXIS]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dims: BTreeMap<String, usize>,
    /// What the layout is chosen for.
    #[serde(skip_serializing_if = "ObjectiveOption::is_default")]
    pub objective: ObjectiveOption,
}

/// An array of a known length is one of any length to the derived schema.
fn ranges_schema() -> Schema {
    let bound =
        ObjectBuilder::new().schema_type(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)));
    let range = ArrayBuilder::new().items(bound).min_items(Some(2)).max_items(Some(2));
    ObjectBuilder::new()
        .description(Some(
            "Lowest and highest value of an input, by name, or of some of its elements, as in `x[2]` or `x[2:5]`.",
        ))
        .additional_properties(Some(range))
        .into()
}

/// Greatest error of an output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxError {
    /// In the model's units, above 0.
    Absolute(f64),
    /// As a share of what the output spans on the samples, above 0, at most 1.
    OfSpan(f64),
}

/// What an output decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOption {
    /// The greatest along its last axis.
    Argmax,
    /// Nothing.
    None,
    /// Whether it is at least this.
    Threshold(f64),
}

/// What a layout is chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveOption {
    /// Cheapest to verify in a contract.
    #[default]
    Gas,
    /// Fastest to prove.
    Latency,
    /// Least memory.
    Memory,
}

impl ObjectiveOption {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Stands for all outputs that have no entry of their own.
const ALL_OUTPUTS: &str = "*";

impl ModelOptions {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A text for the client.
    pub fn check(&self) -> Result<(), String> {
        if self.bits.is_some_and(|bits| !(1..=24).contains(&bits)) {
            return Err("bits: expected 1 to 24".to_owned());
        }
        if self.bits.is_some() && !self.max_error.is_empty() {
            return Err("bits and max_error exclude each other: leave one of them out".to_owned());
        }
        for error in self.max_error.values() {
            let fits = match *error {
                MaxError::Absolute(error) => error > 0.0 && error.is_finite(),
                MaxError::OfSpan(share) => share > 0.0 && share <= 1.0,
            };
            if !fits {
                return Err("max_error: expected {\"absolute\": E} with E above 0, or {\"of_span\": S} with S above 0 and at most 1".to_owned());
            }
        }
        if self.ranges.values().any(|[low, high]| !low.is_finite() || !high.is_finite() || low > high) {
            return Err("ranges: expected two finite numbers, the lower first".to_owned());
        }
        if self.decisions.values().any(|decision| matches!(decision, DecisionOption::Threshold(at) if !at.is_finite()))
        {
            return Err("decisions: expected a finite threshold".to_owned());
        }
        if self.dims.values().any(|extent| *extent == 0) {
            return Err("dims: expected numbers of at least 1".to_owned());
        }
        Ok(())
    }

    /// As the compiler takes them.
    pub(crate) fn for_compiler(&self, calibration: Vec<NamedTensors>) -> CompileOptions {
        let mut tolerances: BTreeMap<_, _> = self
            .max_error
            .iter()
            .map(|(output, error)| {
                let tolerance = match *error {
                    MaxError::Absolute(error) => Tolerance::Absolute(error),
                    MaxError::OfSpan(share) => Tolerance::OfSpan(share),
                };
                (output.clone(), tolerance)
            })
            .collect();
        let decision = |decision: &DecisionOption| match *decision {
            DecisionOption::Argmax => DeclaredDecision::ArgMax,
            DecisionOption::None => DeclaredDecision::None,
            DecisionOption::Threshold(at) => DeclaredDecision::Threshold(at),
        };
        CompileOptions {
            import: ImportOptions { dims: self.dims.clone(), ..ImportOptions::default() },
            precision: self.bits.map_or(Precision::Auto, Precision::Bits),
            tolerance: tolerances.remove(ALL_OUTPUTS).unwrap_or_default(),
            tolerances,
            input_ranges: self
                .ranges
                .iter()
                .map(|(name, [low, high])| (name.clone(), vec![RealRange { lo: *low, hi: *high }]))
                .collect(),
            saturate: self.saturate.clone(),
            decisions: self.decisions.iter().map(|(output, what)| (output.clone(), decision(what))).collect(),
            calibration,
            objective: match self.objective {
                ObjectiveOption::Gas => Objective::Gas,
                ObjectiveOption::Latency => Objective::Latency,
                ObjectiveOption::Memory => Objective::Memory,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_documentation_shows() {
        let text = r#"{"max_error": {"*": {"of_span": 0.01}, "score": {"absolute": 0.5}}, "ranges": {"x[2]": [-1, 1]},
            "decisions": {"score": {"threshold": 0.05}, "class": "argmax"}, "dims": {"n": 4}, "objective": "latency"}"#;
        let options: ModelOptions = serde_json::from_str(text).unwrap();
        options.check().unwrap();
        let compiler = options.for_compiler(vec![]);
        assert_eq!(compiler.tolerance, Tolerance::OfSpan(0.01));
        assert_eq!(compiler.tolerances["score"], Tolerance::Absolute(0.5));
        assert_eq!(compiler.decisions["class"], DeclaredDecision::ArgMax);
        assert_eq!(serde_json::to_string(&ModelOptions::default()).unwrap(), "{}");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            (r#"{"bits": 25}"#, "1 to 24"),
            (r#"{"bits": 8, "max_error": {"*": {"absolute": 1}}}"#, "exclude each other"),
            (r#"{"max_error": {"*": {"absolute": 0}}}"#, "above 0"),
            (r#"{"ranges": {"x": [2, 1]}}"#, "the lower first"),
            (r#"{"dims": {"n": 0}}"#, "at least 1"),
        ] {
            let options: ModelOptions = serde_json::from_str(text).unwrap();
            assert!(options.check().unwrap_err().contains(part), "{text}");
        }
        serde_json::from_str::<ModelOptions>(r#"{"bit": 8}"#).unwrap_err();
    }
}
