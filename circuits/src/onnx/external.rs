//! Weights that stand in files beside the model, as exporters write models of any size.
//!
//! A model comes from anyone, and so does what it says of where its data stands: a location is a relative path below
//! the model's own folder, links included, and nothing else is opened. Only as many bytes are read as the tensor's
//! shape and type take, and all together no more than [`Limits`] allow a model.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use prost::Message;
use tract_onnx::pb::{GraphProto, StringStringEntryProto, TensorProto, tensor_proto::DataLocation};

use super::{Error, Limits, decode, tensor};

/// Where a model's external data is had from.
pub trait ExternalData {
    /// Reads `length` bytes from byte `offset` on of what `location` names: a relative path with slashes, as the model
    /// has it, of which nothing has been checked.
    ///
    /// # Errors
    /// Why it cannot be had, for the user.
    fn read(&self, location: &str, offset: u64, length: usize) -> Result<Vec<u8>, String>;
}

/// The folder that a model's file lies in.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// `path` is the folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file that `location` names, which lies in this folder.
    fn resolve(&self, location: &str) -> Result<PathBuf, String> {
        let outside = || {
            "it lies outside of the model's folder; put it beside the model and export with a relative location"
                .to_owned()
        };
        // Windows reads backslashes and drives in a path; everywhere they are refused, so that a model is one
        // everywhere.
        let relative = Path::new(location);
        let names = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if location.is_empty() || !names || location.contains(['\\', ':', '\0']) {
            return Err(outside());
        }
        let unreadable = |error: std::io::Error| format!("it cannot be read ({error}); put it beside the model");
        let root = self.path.canonicalize().map_err(unreadable)?;
        let file = root.join(relative).canonicalize().map_err(unreadable)?;
        // Links are resolved: what they lead to counts.
        match file.starts_with(&root) {
            true => Ok(file),
            false => Err(outside()),
        }
    }
}

impl ExternalData for Folder {
    fn read(&self, location: &str, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        let path = self.resolve(location)?;
        let unreadable = |error: std::io::Error| format!("it cannot be read ({error})");
        // Before it is opened: opening a pipe would wait for a writer.
        let found = path.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err("it is no regular file".into());
        }
        let end = offset.checked_add(length as u64).filter(|&end| end <= found.len());
        if end.is_none() {
            return Err(format!(
                "it has {} bytes, but {length} are needed from byte {offset} on; copy or export it again",
                found.len()
            ));
        }
        let mut file = File::open(&path).map_err(unreadable)?;
        if !is_same(&found, &file.metadata().map_err(unreadable)?) {
            return Err("another file took its place while it was opened: try again".into());
        }
        file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }
}

/// Whether what was opened is what was looked at: a link may have been put in its place in between.
#[cfg(unix)]
fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.is_file() && (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

/// Reads the model that stands in the file at `path`, with its weights where they stand in files beside it: what
/// [`super::import`] takes. A model without external data is read as it is.
///
/// # Errors
/// The file cannot be read or is too large, and those of [`embed`].
pub fn read_model(path: &Path, limits: &Limits) -> Result<Vec<u8>, Error> {
    let refuse = |error: std::io::Error| Error::File { path: path.display().to_string(), reason: error.to_string() };
    let file = File::open(path).map_err(refuse)?;
    let mut bytes = vec![];
    // One more byte than may be, which tells that there are too many.
    let most = (limits.max_model_bytes as u64).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(refuse)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    embed(bytes, limits, &Folder::new(folder))
}

/// The model that `bytes` hold with its external data in it. Without such data the bytes are returned as they are.
///
/// # Errors
/// No model, data that is missing or lies elsewhere than it may, data that does not fit its tensor; the limits.
pub fn embed(bytes: Vec<u8>, limits: &Limits, data: &dyn ExternalData) -> Result<Vec<u8>, Error> {
    let mut proto = decode(&bytes, limits)?;
    let mut loader = Loader { data, limits, loaded: 0, tensors: 0 };
    if let Some(graph) = &mut proto.graph {
        loader.graph(graph)?;
    }
    match loader.tensors {
        0 => Ok(bytes),
        _ => Ok(proto.encode_to_vec()),
    }
}

/// Puts external data into tensors.
struct Loader<'a> {
    data: &'a dyn ExternalData,
    limits: &'a Limits,
    /// Bytes so far.
    loaded: usize,
    /// Tensors whose data stood elsewhere.
    tensors: usize,
}

impl Loader<'_> {
    /// Nesting is bounded by the walk over the file's bytes.
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), Error> {
        for tensor in &mut graph.initializer {
            let what = format!("initializer `{}`", tensor.name);
            self.tensor(tensor, &what)?;
        }
        for node in &mut graph.node {
            for attribute in &mut node.attribute {
                for tensor in attribute.t.iter_mut().chain(&mut attribute.tensors) {
                    self.tensor(tensor, &format!("attribute `{}` of node `{}`", attribute.name, node.name))?;
                }
                attribute.g.iter_mut().chain(&mut attribute.graphs).try_for_each(|graph| self.graph(graph))?;
            }
        }
        Ok(())
    }

    fn tensor(&mut self, proto: &mut TensorProto, what: &str) -> Result<(), Error> {
        if proto.data_location != Some(DataLocation::External as i32) {
            return Ok(());
        }
        let refuse = |reason: String| Error::Tensor { what: what.to_owned(), reason };
        // A type that is not supported is refused where the tensor is read.
        let Some(size) = tensor::element_bytes(proto.data_type) else { return Ok(()) };
        let (_, len) = tensor::extent(proto, what, self.limits.max_elements)?;
        // No overflow: the number of elements is limited.
        let length = len * size;
        let got = self.loaded.saturating_add(length);
        if got > self.limits.max_model_bytes {
            let limit = self.limits.max_model_bytes;
            return Err(Error::TooLarge { what: "bytes in the files of external data", limit, got });
        }
        let entry = |key: &str| {
            let mut found =
                proto.external_data.iter().filter(|entry| entry.key == key).map(|entry| entry.value.as_str());
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(refuse(format!("its external data names `{key}` twice"))),
                (value, None) => Ok(value),
            }
        };
        let number = |key: &str| match entry(key)?.map(|value| (value, value.parse::<u64>())) {
            None => Ok(None),
            Some((_, Ok(number))) => Ok(Some(number)),
            Some((value, Err(_))) => Err(refuse(format!("its external data has `{key}` {value}, expected a number"))),
        };
        let location = entry("location")?.ok_or_else(|| refuse("its external data names no location".into()))?;
        let offset = number("offset")?.unwrap_or(0);
        if let Some(declared) = number("length")?.filter(|&declared| declared != length as u64) {
            return Err(refuse(format!("its external data has {declared} bytes, but its shape needs {length}")));
        }
        let read = self.data.read(location, offset, length);
        let raw_data = read.map_err(|reason| refuse(format!("its data stands in `{location}`: {reason}")))?;
        if raw_data.len() != length {
            return Err(refuse(format!(
                "{} bytes of its external data came, but its shape needs {length}",
                raw_data.len()
            )));
        }
        (self.loaded, self.tensors) = (got, self.tensors + 1);
        (proto.raw_data, proto.data_location) = (raw_data, None);
        proto.external_data = Vec::<StringStringEntryProto>::new();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
