//! What turns a model into a program, and what looks at one: `compile`, `evaluate`, `inspect`.

use std::path::PathBuf;

use apodict_circuits::quantize::{DeclaredDecision, Tolerance};
use clap::{Args, ValueEnum, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The ONNX model.
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: PathBuf,

    /// Where the program goes.
    #[arg(short, long, value_name = "OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,

    #[cfg(feature = "service")]
    #[command(flatten)]
    pub(crate) on: super::OnServer,

    #[command(flatten)]
    pub(crate) options: CompileOptions,
}

/// How a model becomes a program.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CompileOptions {
    /// Samples that set the inputs' ranges and measure the error: JSON `{"batches": [{"inputs": ..}, ..]}`; .jsonl with `{"inputs": ..}`
    /// on each line; .npz, or for a model of one input .npy or an ONNX TensorProto (.pb), with an axis more, the leading one, that counts
    /// the samples. `-` for standard input.
    #[arg(long, value_name = "DATA", value_hint = ValueHint::FilePath)]
    pub(crate) calibrate: Option<PathBuf>,

    /// Fraction bits of the values between operators, instead of as many as the planner chooses.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=24))]
    pub(crate) bits: Option<u32>,

    /// Greatest error of an output against the float model on the samples, which the planner may use up: a number, `0.001`, or a share
    /// of what the output spans on them, `0.1%`; a 1024th of it if nothing is said. `OUTPUT=0.1%` for one output; may be given
    /// for each. A coarser one makes a smaller circuit.
    #[arg(long = "max-error", value_name = "[OUTPUT=]E", conflicts_with = "bits", value_parser = parse_max_error)]
    pub(crate) max_errors: Vec<MaxError>,

    /// What an output decides, which must not flip: `OUTPUT=argmax` for the greatest along its last axis, `OUTPUT=0.05` for whether it
    /// is at least that, `OUTPUT=none`. If nothing is said, softmax and ArgMax choose, and others decide nothing. May be given
    /// for each.
    #[arg(long = "decision", value_name = "OUTPUT=argmax|none|THRESHOLD", value_parser = parse_decision)]
    pub(crate) decisions: Vec<OutputDecision>,

    /// Take a program that misses the target, too, with a warning.
    #[arg(long)]
    pub(crate) allow_error: bool,

    /// Range that an input may take, checked by the circuit: `NAME=LOW,HIGH`, or of some of its elements, `NAME[2]=LOW,HIGH` for the
    /// third feature, `NAME[2:5]=..` for three of them. May be given for each.
    #[arg(long = "range", value_name = "NAME=LOW,HIGH", value_parser = parse_range)]
    pub(crate) ranges: Vec<InputRange>,

    /// Let an input saturate: far beyond its range it is clamped to it in the circuit, and the decision is still proved. May be given
    /// for each.
    #[arg(long = "saturate", value_name = "NAME")]
    pub(crate) saturate: Vec<String>,

    /// Number for an open dimension: `NAME=N` for a named one, `INPUT[AXIS]=N` for another. May be given for each.
    #[arg(long = "dim", value_name = "NAME=N", value_parser = parse_dim)]
    pub(crate) dims: Vec<Dim>,

    /// What the layout is chosen for: gas if nothing is said.
    #[arg(long, value_enum)]
    pub(crate) objective: Option<Objective>,
}

impl CompileOptions {
    /// The options given, for a message that one does not apply.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("--calibrate", self.calibrate.is_some()),
            ("--bits", self.bits.is_some()),
            ("--max-error", !self.max_errors.is_empty()),
            ("--decision", !self.decisions.is_empty()),
            ("--allow-error", self.allow_error),
            ("--range", !self.ranges.is_empty()),
            ("--saturate", !self.saturate.is_empty()),
            ("--dim", !self.dims.is_empty()),
            ("--objective", self.objective.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Objective {
    /// Cheapest to verify in a contract: few columns.
    #[default]
    Gas,
    /// Fastest to prove.
    Latency,
    /// Least memory.
    Memory,
}

/// The declared range of one input, or of some elements of one, in the model's units.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputRange {
    /// With the elements' indices, if it is for some.
    pub(crate) name: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// How far an output may be from the float model's, or all that are not named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxError {
    pub(crate) output: Option<String>,
    pub(crate) tolerance: Tolerance,
}

fn parse_max_error(text: &str) -> Result<MaxError, String> {
    let expected = "expected a number greater than 0, in the units of the model's outputs, as in 0.001, or a share of what they span, as in \
                    0.1%; before it OUTPUT= for one output alone";
    let (output, amount) = match text.rsplit_once('=') {
        Some((output, amount)) => (Some(output.to_owned()), amount),
        None => (None, text),
    };
    let (amount, share) = match amount.trim().strip_suffix('%') {
        Some(percent) => (percent, true),
        None => (amount, false),
    };
    let amount = amount.trim().parse().ok().filter(|amount: &f64| *amount > 0.0 && amount.is_finite());
    let tolerance = match (amount, share) {
        (Some(percent), true) if percent <= 100.0 => Tolerance::OfSpan(percent / 100.0),
        (Some(error), false) => Tolerance::Absolute(error),
        _ => return Err(expected.to_owned()),
    };
    match output {
        Some(output) if output.is_empty() => Err(expected.to_owned()),
        output => Ok(MaxError { output, tolerance }),
    }
}

/// What one output decides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputDecision {
    pub(crate) output: String,
    pub(crate) decision: DeclaredDecision,
}

fn parse_decision(text: &str) -> Result<OutputDecision, String> {
    let expected = || format!("expected OUTPUT=argmax, OUTPUT=none or a threshold, as in score=0.05; got {text}");
    let (output, decision) = text.rsplit_once('=').filter(|(output, _)| !output.is_empty()).ok_or_else(expected)?;
    let decision = match decision.trim() {
        "argmax" => DeclaredDecision::ArgMax,
        "none" => DeclaredDecision::None,
        threshold => {
            let threshold = threshold.parse().ok().filter(|threshold: &f64| threshold.is_finite());
            DeclaredDecision::Threshold(threshold.ok_or_else(expected)?)
        }
    };
    Ok(OutputDecision { output: output.to_owned(), decision })
}

fn parse_range(text: &str) -> Result<InputRange, String> {
    let expected = || format!("expected NAME=LOW,HIGH with finite LOW <= HIGH, as in features=-4,4; got {text}");
    let (name, bounds) = text.rsplit_once('=').ok_or_else(expected)?;
    let (low, high) = bounds.split_once(',').ok_or_else(expected)?;
    let low: f64 = low.trim().parse().map_err(|_| expected())?;
    let high: f64 = high.trim().parse().map_err(|_| expected())?;
    if name.is_empty() || !low.is_finite() || !high.is_finite() || low > high {
        return Err(expected());
    }
    Ok(InputRange { name: name.to_owned(), low, high })
}

/// A number for one open dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dim {
    pub(crate) name: String,
    pub(crate) extent: usize,
}

fn parse_dim(text: &str) -> Result<Dim, String> {
    let dim = text.rsplit_once('=').and_then(|(name, extent)| Some((name, extent.parse().ok()?)));
    match dim {
        Some((name, extent @ 1..)) if !name.is_empty() => Ok(Dim { name: name.to_owned(), extent }),
        _ => Err(format!("expected NAME=N with N of at least 1, as in sequence=64; got {text}")),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// An ONNX model, which is compiled first, or a program.
    #[arg(value_name = "MODEL.onnx|OUT.apo", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// The records, as --calibrate takes them; `-` for standard input.
    #[arg(long, value_name = "DATA", value_hint = ValueHint::FilePath)]
    pub(crate) data: PathBuf,

    /// The ONNX model that a program is compared with; without it, only what the program itself computes is shown. Of the options
    /// below, `--dim` and `--decision` apply to it.
    #[arg(long, value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Only with MODEL.onnx")]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The program, or a verifying key.
    #[arg(value_name = "OUT.apo|vk.json", value_hint = ValueHint::FilePath)]
    pub(crate) program: PathBuf,

    /// The ONNX model that it should be of: it is compiled again, with the options below, and if that gives another program this one
    /// is measured. Without it, the program's file is believed.
    #[arg(long, value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Only with --model")]
    pub(crate) options: CompileOptions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        let range = parse_range("a=b=-1.5,2").unwrap();
        assert_eq!(range, InputRange { name: "a=b".into(), low: -1.5, high: 2.0 });
        for wrong in ["", "x", "x=1", "=0,1", "x=2,1", "x=NaN,1", "x=0,inf", "x=0,1,2"] {
            parse_range(wrong).unwrap_err();
        }
    }

    #[test]
    fn reads_greatest_errors() {
        let of = |output: Option<&str>, tolerance| MaxError { output: output.map(str::to_owned), tolerance };
        for (text, expected) in [
            ("0.001", of(None, Tolerance::Absolute(0.001))),
            ("1e-9", of(None, Tolerance::Absolute(1e-9))),
            ("0.1%", of(None, Tolerance::OfSpan(0.001))),
            ("score=5", of(Some("score"), Tolerance::Absolute(5.0))),
            ("a=b:0=50 %", of(Some("a=b:0"), Tolerance::OfSpan(0.5))),
        ] {
            assert_eq!(parse_max_error(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0", "-1", "x", "nan", "inf", "0%", "%", "101%", "1%%", "=1", "y=", "y=0", "y=-1%"] {
            assert!(parse_max_error(wrong).unwrap_err().contains("greater than 0"), "{wrong}");
        }
    }

    #[test]
    fn reads_decisions() {
        let of = |output: &str, decision| OutputDecision { output: output.to_owned(), decision };
        for (text, expected) in [
            ("y=argmax", of("y", DeclaredDecision::ArgMax)),
            ("y=none", of("y", DeclaredDecision::None)),
            ("a=b=-0.5", of("a=b", DeclaredDecision::Threshold(-0.5))),
        ] {
            assert_eq!(parse_decision(text), Ok(expected), "{text}");
        }
        for wrong in ["", "y", "y=", "=none", "y=max", "y=nan", "y=inf", "argmax"] {
            assert!(parse_decision(wrong).unwrap_err().contains("expected OUTPUT=argmax"), "{wrong}");
        }
    }

    #[test]
    fn reads_dimensions() {
        assert_eq!(parse_dim("tokens[1]=64"), Ok(Dim { name: "tokens[1]".into(), extent: 64 }));
        for wrong in ["", "x", "x=0", "=1", "x=-1", "x=1.5"] {
            parse_dim(wrong).unwrap_err();
        }
    }
}
