//! NumPy's `.npz`: a ZIP archive of `.npy` files, stored or deflated.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{Error, Limits, MAX_RECORDS, NamedTensors, npy};
use crate::float::{Tensor, Values};

/// More arrays than any model has inputs.
const MAX_ARRAYS: usize = 1024;

/// Reads all arrays. What they unpack to counts against the limits, not what the archive says of itself.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<NamedTensors, Error> {
    let refuse = |what: &str, reason: String| Error::Numpy { what: what.to_owned(), reason };
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| refuse("not a .npz file", error.to_string()))?;
    if archive.len() > MAX_ARRAYS {
        return Err(Error::TooLarge { what: "arrays", limit: MAX_ARRAYS });
    }
    let (mut bytes_left, mut elements_left) = (limits.max_bytes, limits.max_elements);
    let mut tensors = BTreeMap::new();
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(|error| refuse("a damaged .npz file", error.to_string()))?;
        let what = format!("array `{}`", file.name());
        let name = file.name().strip_suffix(".npy").map(str::to_owned);
        let name = name.ok_or_else(|| refuse(&what, "its name does not end in .npy".into()))?;
        let mut unpacked = vec![];
        let most = u64::try_from(bytes_left).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut unpacked).map_err(|error| refuse(&what, error.to_string()))?;
        let too_large = || Error::TooLarge { what: "bytes when unpacked", limit: limits.max_bytes };
        bytes_left = bytes_left.checked_sub(unpacked.len()).ok_or_else(too_large)?;
        let tensor = npy::read(&unpacked, elements_left).map_err(|error| match error {
            Error::Numpy { what: kind, reason } => refuse(&what, format!("{kind}: {reason}")),
            Error::TooLarge { what, .. } => Error::TooLarge { what, limit: limits.max_elements },
            other => other,
        })?;
        elements_left = elements_left.saturating_sub(tensor.values.len());
        if tensors.insert(name, tensor).is_some() {
            return Err(refuse(&what, "it stands there twice".into()));
        }
    }
    Ok(NamedTensors { tensors })
}

/// Takes records apart: the leading axis of every array counts them.
pub(super) fn records(arrays: NamedTensors) -> Result<Vec<NamedTensors>, Error> {
    let mut records: Option<Vec<NamedTensors>> = None;
    for (name, array) in arrays.tensors {
        let (count, shape) = match array.shape.split_first() {
            Some((&count, shape)) => (count, shape.to_vec()),
            None => {
                let reason = "it is a scalar, without a leading axis that counts records".to_owned();
                let what = if name.is_empty() { "the array".to_owned() } else { format!("array `{name}`") };
                return Err(Error::Numpy { what, reason });
            }
        };
        // A record is two words at least, and an array without elements may claim any number of them.
        if count == 0 || array.values.is_empty() {
            return Err(Error::NoRecords);
        }
        if count > MAX_RECORDS {
            return Err(Error::TooLarge { what: "records", limit: MAX_RECORDS });
        }
        let records = records.get_or_insert_with(|| vec![NamedTensors::default(); count]);
        if records.len() != count {
            return Err(Error::RecordCount { name, expected: records.len(), got: count });
        }
        for (record, values) in records.iter_mut().zip(chunks(&array.values, array.values.len() / count)) {
            record.tensors.insert(name.clone(), Tensor { shape: shape.clone(), values });
        }
    }
    records.ok_or(Error::NoRecords)
}

fn chunks(values: &Values, len: usize) -> Vec<Values> {
    match values {
        Values::Float(values) => values.chunks(len).map(|chunk| Values::Float(chunk.to_vec())).collect(),
        Values::Int(values) => values.chunks(len).map(|chunk| Values::Int(chunk.to_vec())).collect(),
        Values::Bool(values) => values.chunks(len).map(|chunk| Values::Bool(chunk.to_vec())).collect(),
    }
}
