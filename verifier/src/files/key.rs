//! `vk.json`: a verifying key and how its instances are read.

use super::{
    Bytes32, FILE_VERSION, FileError, KEY, MAX_KEY_FILE_BYTES, check_length, hexadecimal, malformed,
    strict::{Object, Word},
};
use crate::{KeyError, Layout, Quantization, Run, Tensor, VerifyingKey};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    format: Word<Format>,
    version: u32,
    /// [`VerifyingKey::digest`], for readers: it must be that of the rest.
    digest: Bytes32,
    /// [`VerifyingKey::program_digest`].
    program_digest: Bytes32,
    layout: Object<LayoutFile>,
    /// [`VerifyingKey::circuit_bytes`].
    #[serde(with = "hexadecimal::bytes")]
    circuit: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "apodict-key")]
    Key,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayoutFile {
    inputs: Vec<Object<TensorFile>>,
    outputs: Vec<Object<TensorFile>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorFile {
    name: String,
    shape: Vec<usize>,
    runs: Vec<Object<RunFile>>,
}

/// Numbers that do not fit a double stand as strings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunFile {
    count: usize,
    #[serde(with = "decimal")]
    num: u128,
    #[serde(with = "decimal")]
    den: u128,
    zero: i64,
    #[serde(with = "decimal")]
    lo: i128,
    #[serde(with = "decimal")]
    hi: i128,
}

impl KeyFile {
    /// The file of a key.
    ///
    /// # Errors
    /// [`KeyError`] if the key is not valid.
    pub fn new(key: &VerifyingKey) -> Result<Self, KeyError> {
        let tensors = |tensors: &[Tensor]| tensors.iter().map(TensorFile::new).map(Object).collect();
        Ok(Self {
            format: Word(Format::Key),
            version: FILE_VERSION,
            digest: Bytes32(key.digest()?),
            program_digest: Bytes32(key.program_digest),
            layout: Object(LayoutFile { inputs: tensors(&key.layout.inputs), outputs: tensors(&key.layout.outputs) }),
            circuit: key.circuit_bytes()?,
        })
    }

    /// As JSON.
    ///
    /// # Errors
    /// [`FileError::TooLong`] for so many public values, each with a range of its own, that the file could not be read.
    pub fn to_json(&self) -> Result<Vec<u8>, FileError> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| malformed(KEY, &error))?;
        check_length(KEY, &json, MAX_KEY_FILE_BYTES)?;
        Ok(json)
    }

    /// The key of a file.
    ///
    /// # Errors
    /// [`FileError`]: the first thing found wrong.
    pub fn parse(json: &[u8]) -> Result<VerifyingKey, FileError> {
        let Object(file) = super::parse::<Object<Self>>(KEY, json)?;
        let Self { format: Word(Format::Key), version: _, digest, program_digest, layout: Object(layout), circuit } =
            file;
        let tensors =
            |tensors: Vec<Object<TensorFile>>| tensors.into_iter().map(|tensor| tensor.0.into_tensor()).collect();
        let layout = Layout { inputs: tensors(layout.inputs), outputs: tensors(layout.outputs) };
        let key = VerifyingKey::from_circuit_bytes(&circuit, layout, program_digest.0)?;
        let got = Bytes32(key.digest()?);
        if got == digest { Ok(key) } else { Err(FileError::Changed { stated: digest, got }) }
    }
}

impl TensorFile {
    fn new(tensor: &Tensor) -> Self {
        let run = |run: &Run| {
            let Quantization { num, den, zero, lo, hi } = run.quantization;
            Object(RunFile { count: run.count, num, den, zero, lo, hi })
        };
        Self { name: tensor.name.clone(), shape: tensor.shape.clone(), runs: tensor.runs.iter().map(run).collect() }
    }

    fn into_tensor(self) -> Tensor {
        let run = |Object(RunFile { count, num, den, zero, lo, hi })| Run {
            count,
            quantization: Quantization { num, den, zero, lo, hi },
        };
        Tensor { name: self.name, shape: self.shape, runs: self.runs.into_iter().map(run).collect() }
    }
}

/// Integers as decimal digits in a string, in one spelling.
mod decimal {
    use alloc::string::{String, ToString};
    use core::{fmt::Display, str::FromStr};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(integer: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(integer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr + Display,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let integer: Option<T> = text.parse().ok();
        let spelled = integer.filter(|integer| integer.to_string() == text);
        spelled.ok_or_else(|| de::Error::custom("expected an integer as decimal digits in a string"))
    }
}
