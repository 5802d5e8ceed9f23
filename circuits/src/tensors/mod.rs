//! Input and calibration files.
//!
//! | file | one input record | calibration |
//! |---|---|---|
//! | `.json` | `{"inputs": {"name": nested arrays}}` | `{"batches": [{"inputs": {..}}, ..]}` |
//! | `.jsonl` | | `{"inputs": {..}}` on each line |
//! | `.npz` | one array per input | one array per input, whose leading axis counts the records |
//! | `.npy` | one array, for a model of one input | as `.npz`, for a model of one input |
//! | `.pb` | one ONNX `TensorProto`, for a model of one input | the same, whose leading axis counts the records |
//!
//! [`read_inputs`] and [`read_calibration`] read a file and fit it to a graph; [`read_record`] and [`read_records`] read it
//! before there is one. A file whose name ends otherwise, a pipe say, is told by how it begins, unless it is a `TensorProto`; JSON
//! that is told so may be of either kind. [`records_from`] reads what has no name at all.
//! Files may come from anyone: [`Limits`] bound what is read, and nothing panics.
//!
//! # How records fit a graph: [`NamedTensors::conform`]
//! - Every input of the graph has exactly one tensor, and there are no others.
//! - Shapes are equal, or become so by adding or dropping one leading dimension of 1: the batch, which some tools write
//!   and others leave out. Nothing else is reshaped or broadcast.
//! - A tensor without a name, as `.npy` has them, is that of the only input.
//! - Integers are never held as floats on the way. An integer input takes integers only. A float input takes integers
//!   that its type represents exactly: `16777217` is refused for float32, which would make it `16777216`.
//! - Numbers with a fraction or an exponent, for a float32 input, are rounded to single precision, as every runtime
//!   does; the float graph, the float32 reference and the quantizer then see the same values. For a float64 input nothing
//!   is rounded but a decimal number to its nearest double.
//! - A boolean input takes booleans only, in calibration data as in an input to be proved.
//! - NaN and infinities are refused.

mod conform;
mod error;
mod json;
mod npy;
mod npz;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use error::Error;

use crate::float::{Graph, Tensor};
use crate::onnx;

/// The name of a tensor that has none.
const UNNAMED: &str = "";

/// The most records of one file: each takes up to a kilobyte of memory, however small it is.
const MAX_RECORDS: usize = 1 << 20;

/// How much a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file, and of what a `.npz` unpacks to.
    pub max_bytes: usize,
    /// Elements of all its tensors together.
    pub max_elements: usize,
}

impl Default for Limits {
    /// 64 MiB, 2^23 elements.
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_elements: 1 << 23 }
    }
}

/// Tensors by the names of inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedTensors {
    /// By name; a single tensor named `""` is that of whatever input is the only one.
    pub tensors: BTreeMap<String, Tensor>,
}

impl NamedTensors {
    /// One tensor.
    pub fn single(name: impl Into<String>, tensor: Tensor) -> Self {
        Self { tensors: BTreeMap::from([(name.into(), tensor)]) }
    }

    /// Reads `{"inputs": {"name": nested arrays}}`. A tensor's shape is its nesting; a number alone is a scalar.
    ///
    /// # Errors
    /// No JSON, another structure, ragged or empty arrays, what is no finite number or boolean, a name twice, the
    /// limits.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        check_size(bytes.len(), limits)?;
        json::record(bytes, limits.max_elements)
    }

    /// Reads a NumPy archive, one array per input.
    ///
    /// # Errors
    /// No archive, an array that is damaged or of an unsupported type, the limits.
    pub fn from_npz(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        check_size(bytes.len(), limits)?;
        npz::read(bytes, limits)
    }
}

/// Reads a NumPy array: floats, integers or booleans, either byte order, C or Fortran layout.
///
/// # Errors
/// No array, a damaged one, an unsupported type, the limits.
pub fn tensor_from_npy(bytes: &[u8], limits: &Limits) -> Result<Tensor, Error> {
    check_size(bytes.len(), limits)?;
    npy::read(bytes, limits.max_elements)
}

/// Reads calibration records: `{"batches": [{"inputs": {..}}, ..]}`.
///
/// # Errors
/// As [`NamedTensors::from_json`]; no record at all.
pub fn calibration_from_json(bytes: &[u8], limits: &Limits) -> Result<Vec<NamedTensors>, Error> {
    check_size(bytes.len(), limits)?;
    json::batches(bytes, limits.max_elements)
}

/// Reads calibration records from a NumPy archive: the leading axis of every array counts the records.
///
/// # Errors
/// As [`NamedTensors::from_npz`]; arrays that disagree on the number of records; no record at all.
pub fn calibration_from_npz(bytes: &[u8], limits: &Limits) -> Result<Vec<NamedTensors>, Error> {
    npz::records(NamedTensors::from_npz(bytes, limits)?)
}

/// Reads an input file and fits it to `graph`: one tensor per input, in its order.
///
/// # Errors
/// Those of [`read_record`]; the file does not fit the graph.
pub fn read_inputs(path: &Path, graph: &Graph, limits: &Limits) -> Result<Vec<Tensor>, Error> {
    read_record(path, limits)?.conform(graph)
}

/// Reads an input file, of the format that its extension names or that it begins like.
///
/// # Errors
/// The file cannot be read, is not of its format, or exceeds the limits.
pub fn read_record(path: &Path, limits: &Limits) -> Result<NamedTensors, Error> {
    let bytes = read_file(path, limits)?;
    match Format::of(path, &bytes)? {
        Format::Json | Format::JsonLines => NamedTensors::from_json(&bytes, limits),
        Format::Npz => NamedTensors::from_npz(&bytes, limits),
        Format::Npy => Ok(NamedTensors::single(UNNAMED, tensor_from_npy(&bytes, limits)?)),
        Format::TensorProto => tensor_from_proto(&bytes, limits),
    }
}

/// Reads a calibration file and fits each record to `graph`.
///
/// # Errors
/// Those of [`read_records`]; a record does not fit the graph.
pub fn read_calibration(path: &Path, graph: &Graph, limits: &Limits) -> Result<Vec<Vec<Tensor>>, Error> {
    conform_all(&read_records(path, limits)?, graph)
}

/// Reads a calibration file, of the format that its extension names or that it begins like: at least one record.
///
/// # Errors
/// The file cannot be read, is not of its format, holds no record, or exceeds the limits.
pub fn read_records(path: &Path, limits: &Limits) -> Result<Vec<NamedTensors>, Error> {
    decode_records(path, &read_file(path, limits)?, limits)
}

/// Reads calibration records from a stream, which `name` names in messages, of the format that it begins like: at least one record.
///
/// # Errors
/// It cannot be read, is of no format that can be told, holds no record, or exceeds the limits.
pub fn records_from(stream: impl Read, name: &str, limits: &Limits) -> Result<Vec<NamedTensors>, Error> {
    let bytes = read_stream(stream, Path::new(name), limits)?;
    if bytes.trim_ascii().is_empty() {
        return Err(Error::NoRecords);
    }
    decode_records(Path::new(name), &bytes, limits)
}

fn decode_records(path: &Path, bytes: &[u8], limits: &Limits) -> Result<Vec<NamedTensors>, Error> {
    match Format::of(path, bytes)? {
        Format::Json => calibration_from_json(bytes, limits),
        Format::JsonLines => json::sequence(bytes, limits.max_elements),
        Format::Npz => calibration_from_npz(bytes, limits),
        Format::Npy => npz::records(NamedTensors::single(UNNAMED, tensor_from_npy(bytes, limits)?)),
        Format::TensorProto => npz::records(tensor_from_proto(bytes, limits)?),
    }
}

/// Fits calibration records to `graph`.
///
/// # Errors
/// The first record that does not fit, with its position.
pub(crate) fn conform_all(records: &[NamedTensors], graph: &Graph) -> Result<Vec<Vec<Tensor>>, Error> {
    let conform = |(record, tensors): (usize, &NamedTensors)| {
        tensors.conform(graph).map_err(|error| Error::Record { record, error: Box::new(error) })
    };
    records.iter().enumerate().map(conform).collect()
}

/// An ONNX `TensorProto`, by its own name if it has one.
fn tensor_from_proto(bytes: &[u8], limits: &Limits) -> Result<NamedTensors, Error> {
    let (name, tensor) = onnx::read_tensor_file(bytes, limits.max_elements).map_err(Error::TensorProto)?;
    Ok(NamedTensors::single(name, tensor))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    /// Objects, one after the other.
    JsonLines,
    Npz,
    Npy,
    TensorProto,
}

impl Format {
    fn of(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("npz") => Ok(Self::Npz),
            Some("npy") => Ok(Self::Npy),
            Some("pb") => Ok(Self::TensorProto),
            Some("jsonl") => Ok(Self::JsonLines),
            _ if bytes.trim_ascii_start().starts_with(b"{") => Ok(Self::JsonLines),
            _ if bytes.starts_with(b"PK") => Ok(Self::Npz),
            _ if bytes.starts_with(npy::MAGIC) => Ok(Self::Npy),
            _ => Err(Error::Extension { path: path.to_owned(), expected: ".json, .jsonl, .npz, .npy or .pb" }),
        }
    }
}

/// Reads no more than the limit and one byte, whatever the file system says of the file's length: a device has none, and a
/// pipe may go on for ever.
fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, Error> {
    let refuse = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(refuse)?;
    // Said before anything is read, where it is known.
    let stated = file.metadata().map_err(refuse)?.len();
    check_size(usize::try_from(stated).unwrap_or(usize::MAX), limits)?;
    read_stream(file, path, limits)
}

fn read_stream(stream: impl Read, path: &Path, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![];
    let most = u64::try_from(limits.max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let read = stream.take(most).read_to_end(&mut bytes);
    read.map_err(|source| Error::File { path: path.to_owned(), source })?;
    check_size(bytes.len(), limits)?;
    Ok(bytes)
}

fn check_size(got: usize, limits: &Limits) -> Result<(), Error> {
    match got <= limits.max_bytes {
        true => Ok(()),
        false => Err(Error::TooLarge { what: "bytes", limit: limits.max_bytes }),
    }
}
