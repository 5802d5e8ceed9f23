//! What can go wrong with input files.

use std::path::PathBuf;

use crate::float::ElementType;
use crate::{escaped, onnx};

/// Why an input or calibration file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", escaped(path.display()))]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No extension that names a format.
    #[error("{}: neither its name nor its content tells its format: expected {expected}", escaped(path.display()))]
    Extension {
        /// The file.
        path: PathBuf,
        /// Known extensions.
        expected: &'static str,
    },
    /// A format without names for a model that does not have one input.
    #[error(
        "the file holds one tensor without a name, but the model has {inputs} inputs: use .json or .npz, which name them"
    )]
    Unnamed {
        /// How many inputs the model has.
        inputs: usize,
    },
    /// Beyond one of [`super::Limits`].
    #[error("the file holds more than {limit} {what}: split it, or raise the limit")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// No JSON, or JSON of another structure.
    #[error("not the expected JSON: {}", escaped(.0))]
    Json(String),
    /// No NumPy array or archive, or one that is not supported.
    #[error("{what}: {reason}", what = escaped(what), reason = escaped(reason))]
    Numpy {
        /// The array or archive.
        what: String,
        /// What does not fit.
        reason: String,
    },
    /// No ONNX tensor.
    #[error("not an ONNX tensor file: {0}")]
    TensorProto(#[source] onnx::Error),
    /// A calibration file without records.
    #[error("the file holds no calibration records: give at least one, better a few hundred typical ones")]
    NoRecords,
    /// Arrays of a calibration archive that count their records differently.
    #[error(
        "array `{name}` holds {got} records, others hold {expected}: the leading axis of all must be the same",
        name = escaped(name)
    )]
    RecordCount {
        /// The array.
        name: String,
        /// What the first array has.
        expected: usize,
        /// What this one has.
        got: usize,
    },
    /// A calibration record that does not fit the graph.
    #[error("calibration record {record}: {error}{}", counting(error))]
    Record {
        /// From 0.
        record: usize,
        /// What is wrong with it.
        #[source]
        error: Box<Error>,
    },
    /// An input has no tensor.
    #[error("input `{input}` is missing; the file has: {given}", input = escaped(input), given = escaped(given))]
    Missing {
        /// The input.
        input: String,
        /// Names in the file.
        given: String,
    },
    /// A tensor has no input.
    #[error(
        "the model has no input `{name}`; its inputs are: {inputs}",
        name = escaped(name),
        inputs = escaped(inputs)
    )]
    Unknown {
        /// The tensor's name.
        name: String,
        /// Names of the inputs.
        inputs: String,
    },
    /// A tensor of another shape.
    #[error(
        "input `{input}` needs shape {expected:?} (a leading dimension of 1 may be left out or added), got {got:?}",
        input = escaped(input)
    )]
    Shape {
        /// The input.
        input: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The tensor's.
        got: Vec<usize>,
    },
    /// A tensor whose values do not fill its shape: made by hand, no file yields it.
    #[error("the tensor for input `{input}` has shape {shape:?}, but {values} values", input = escaped(input))]
    Length {
        /// The input.
        input: String,
        /// The tensor's shape.
        shape: Vec<usize>,
        /// How many values it has.
        values: usize,
    },
    /// Values of another kind.
    #[error("input `{input}` has elements of type {expected}, got {got} values: {advice}", input = escaped(input))]
    Type {
        /// The input.
        input: String,
        /// Its type.
        expected: ElementType,
        /// What came.
        got: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// NaN or an infinity.
    #[error("input `{input}` holds {value} at element {element}: inputs must be finite", input = escaped(input))]
    NonFinite {
        /// The input.
        input: String,
        /// Flat index.
        element: usize,
        /// The value.
        value: f64,
    },
    /// A number that the input's type cannot hold.
    #[error(
        "input `{input}` holds {value} at element {element}, which {expected} cannot hold{}",
        exactness(*expected),
        input = escaped(input),
        value = escaped(value)
    )]
    Range {
        /// The input.
        input: String,
        /// Flat index.
        element: usize,
        /// The value, as it was given.
        value: String,
        /// The input's type.
        expected: ElementType,
    },
}

/// An integer for a float input is refused where it would be rounded, and can be rounded by whoever wrote it.
fn exactness(expected: ElementType) -> &'static str {
    if expected.is_float() { " exactly, or at all; if rounding is meant, round it in the file" } else { "" }
}

/// What a shape that does not fit may come from.
fn counting(error: &Error) -> &'static str {
    match error {
        Error::Shape { .. } => "; in .npy, .npz and .pb files the leading axis counts the records, one for each sample",
        _ => "",
    }
}
