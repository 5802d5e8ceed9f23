//! What can keep a model from being quantized, or a value from being an input.

use super::RealRange;
use crate::{escaped, float, int, machine};

/// Why a model could not be quantized, or an input not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The integer graph cannot hold it.
    #[error(transparent)]
    Int(#[from] int::Error),
    /// The circuit would be too large, however few bits there are.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// The float graph could not be run on calibration data.
    #[error(transparent)]
    Float(#[from] float::Error),
    /// Nothing says which values an input takes.
    #[error(
        "input `{input}` has no range: declare one, or give calibration samples to derive it from",
        input = escaped(input)
    )]
    NoRange {
        /// Which input.
        input: String,
    },
    /// A declared range that no value satisfies.
    #[error(
        "the range declared for input `{input}` is {range}: it needs finite ends, the lower one first",
        input = escaped(input)
    )]
    BadRange {
        /// Which input.
        input: String,
        /// What was declared.
        range: RealRange,
    },
    /// Values too large for the integers that hold them.
    #[error(
        "input `{input}` takes values in {range}, which with {frac_bits} fraction bits leave 62 bits: make it a real number in the model, \
         declare a narrower range (--range), or scale it outside of the model",
        input = escaped(input)
    )]
    RangeTooWide {
        /// Which input.
        input: String,
        /// Its range.
        range: RealRange,
        /// How many fraction bits it was to have.
        frac_bits: i32,
    },
    /// An output that quantization made the same for every input.
    #[error(
        "output `{output}` is the same on all samples once the model is quantized, but the model gives {range}: inputs or weights are too \
         small for the fraction bits that they may have; scale the inputs outside of the model, to values of about 1, or ask for a \
         smaller error (--max-error) or more bits (--bits)",
        output = escaped(output)
    )]
    ConstantOutput {
        /// Which output.
        output: String,
        /// What the model makes of the samples.
        range: RealRange,
    },
    /// A program whose inputs or outputs are not those of the model that it is compared with.
    #[error(
        "the program has {what} {got}, the model has {expected}: it is no program of this model",
        expected = escaped(expected),
        got = escaped(got)
    )]
    OtherInterface {
        /// `"inputs"` or `"outputs"`.
        what: &'static str,
        /// Those of the model, in words.
        expected: String,
        /// Those of the program, in words.
        got: String,
    },
    /// Neither one range for all elements nor one for each.
    #[error(
        "input `{input}` has {expected} elements, but {got} ranges were declared: declare one for all, or one for each",
        input = escaped(input)
    )]
    RangeCount {
        /// Which input.
        input: String,
        /// Its elements.
        expected: usize,
        /// Ranges.
        got: usize,
    },
    /// A range or a threshold is given for a name that the model does not have.
    #[error("the model has no {what} `{name}`: it has {known:?}", name = escaped(name))]
    UnknownName {
        /// `"input"` or `"output"`.
        what: &'static str,
        /// What was named.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// An output of which there is nothing to prove.
    #[error("output `{output}` is a tensor of shape {shape:?}, without elements: leave it out of the model", output = escaped(output))]
    EmptyOutput {
        /// Which output.
        output: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// More or fewer fraction bits than can be had.
    #[error("{got} fraction bits are asked for: choose 1 to {max}")]
    Bits {
        /// What was asked for.
        got: u32,
        /// The most.
        max: u32,
    },
    /// A target that no precision can reach.
    #[error("the maximum error is to be {got}: choose a positive number, or a positive share of the output's span")]
    MaxError {
        /// What was asked for.
        got: f64,
    },
    /// A constant too large for the integer graph.
    #[error(
        "node `{node}` has the constant {value}, which needs more than {bits} bits: scale the model's data",
        node = escaped(node)
    )]
    ConstantTooLarge {
        /// Whose constant.
        node: String,
        /// Its value.
        value: f64,
        /// What the integer graph allows.
        bits: u32,
    },
    /// An operator used in a way that has no lowering.
    #[error("{operator} `{node}`: {reason}", node = escaped(node))]
    Unsupported {
        /// Which node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// An argument that an operator may not be able to take.
    #[error("{operator} `{node}`: {what} can be anything in {got}: {advice}", node = escaped(node))]
    OutsideDomain {
        /// Which node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// Which argument.
        what: &'static str,
        /// What it is proven to lie in.
        got: RealRange,
        /// What it must be, and what to do.
        advice: &'static str,
    },
    /// An argument of too wide a range for a table.
    #[error("{operator} `{node}`: its argument can be anything in {got}: {advice}", node = escaped(node))]
    TooWide {
        /// Which node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// What its argument is proven to lie in.
        got: RealRange,
        /// Why that is too wide, and what to do.
        advice: &'static str,
    },
    /// No precision fits.
    #[error("no precision from 2 to {max} fraction bits fits this model; the last attempt: {last}")]
    NoPrecision {
        /// The most that was tried.
        max: u32,
        /// Why the last one failed.
        last: Box<Error>,
    },
    /// No scale that can be had holds the samples.
    #[error(
        "with none of 2 to {max} fraction bits do the inputs' ranges hold the samples: declare wider ranges (--range), or scale the \
         inputs outside of the model, to values of about 1"
    )]
    NoScale {
        /// The most that was tried.
        max: u32,
    },
    /// A decision that an output cannot make.
    #[error("output `{output}` has {reason}", output = escaped(output))]
    BadDecision {
        /// Which output.
        output: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A sample of the calibration data could not be used.
    #[error("calibration sample {sample}: {source}")]
    Sample {
        /// Its position, from 0.
        sample: usize,
        /// Why.
        source: Box<Error>,
    },
    /// An input that was not given.
    #[error("input `{input}` is missing: the model has {known:?}", input = escaped(input))]
    MissingInput {
        /// Which input.
        input: String,
        /// All inputs.
        known: Vec<String>,
    },
    /// A tensor of another shape than the input's.
    #[error(
        "input `{input}` has shape {expected:?}, but a tensor of shape {got:?} with {values} values was given",
        input = escaped(input)
    )]
    InputShape {
        /// Which input.
        input: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The tensor's.
        got: Vec<usize>,
        /// How many values came.
        values: usize,
    },
    /// Numbers for truth values, or the like.
    #[error("input `{input}` takes {expected}, but {got} values were given", input = escaped(input))]
    InputType {
        /// Which input.
        input: String,
        /// What it takes.
        expected: &'static str,
        /// What came.
        got: &'static str,
    },
    /// A value that is not finite, or outside the input's declared range.
    #[error("input `{input}`, element {element}: {value} is outside its range {allowed}", input = escaped(input))]
    InputValue {
        /// Which input.
        input: String,
        /// Which element.
        element: usize,
        /// What came.
        value: f64,
        /// What is allowed.
        allowed: RealRange,
    },
}

impl Error {
    /// Whether it may be for want of fraction bits: of an argument that must not be 0, and may have been rounded to it.
    pub(super) fn wants_bits(&self) -> bool {
        matches!(self, Self::OutsideDomain { got, .. } if got.lo == 0.0 || got.hi == 0.0)
    }

    /// Whether an argument may be what its operator does not take: narrower inputs may mend it.
    pub(super) fn wants_narrower_inputs(&self) -> bool {
        match self {
            Self::OutsideDomain { .. } | Self::Int(int::Error::OutsideDomain { .. }) => true,
            Self::NoPrecision { last, .. } => last.wants_narrower_inputs(),
            _ => false,
        }
    }
}
