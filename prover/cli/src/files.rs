//! Reading what the user names, and writing it whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// Larger JSON files than this are no keys or proofs of this program.
const MAX_JSON_BYTES: u64 = 16 << 20;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| Failure::read(path, source))
}

/// Reads a JSON file; `what` says what it should hold.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, Failure> {
    let size = fs::metadata(path).map_err(|source| Failure::read(path, source))?.len();
    if size > MAX_JSON_BYTES {
        let reason = format!("it has {size} bytes, expected at most {MAX_JSON_BYTES}");
        return Err(Failure::Malformed { path: path.to_owned(), what, reason });
    }
    serde_json::from_slice(&read(path)?).map_err(|error| Failure::Malformed {
        path: path.to_owned(),
        what,
        reason: error.to_string(),
    })
}

/// A file that does not exist under its name until it is complete.
///
/// It is made before the work that fills it, so that a place that cannot be written is found at once. Dropped without
/// [`commit`](Self::commit), it leaves nothing behind.
pub(crate) struct PendingFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let fail = |source| Failure::Write { path: path.to_owned(), source };
        if path.is_dir() {
            return Err(fail(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".apodict-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the process's mask applies.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder_of(path)).map_err(fail)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Writes the content and gives the file its name, in place of what had it.
    pub(crate) fn commit(self, content: &[u8]) -> Result<(), Failure> {
        self.commit_with(|file| file.write_all(content).map_err(Failure::from))
    }

    /// As [`commit`](Self::commit), with content that is written piece by piece.
    pub(crate) fn commit_with(
        self,
        content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let path = self.path.clone();
        self.fill(content)?.persist(&path).map_err(|error| Failure::Write { path, source: error.error })?;
        Ok(())
    }

    /// As [`commit_with`](Self::commit_with), but keeps what has the name already: of several processes, the first
    /// decides.
    pub(crate) fn commit_if_new(
        self,
        content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let path = self.path.clone();
        match self.fill(content)?.persist_noclobber(&path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Failure::Write { path, source: error.error })
            }
            _ => Ok(()),
        }
    }

    fn fill(self, content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Failure>) -> Result<NamedTempFile, Failure> {
        let mut buffer = BufWriter::new(self.file.as_file());
        content(&mut buffer).map_err(|failure| failure.while_writing(&self.path))?;
        let flushed = buffer.flush();
        drop(buffer);
        let written = flushed.and_then(|()| self.file.as_file().sync_all());
        written.map_err(|source| Failure::Write { path: self.path, source })?;
        Ok(self.file)
    }
}

/// What the content of a pending file goes through.
pub(crate) type Buffer<'a> = BufWriter<&'a fs::File>;

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        drop(PendingFile::create(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_committed_file_replaces_or_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        PendingFile::create(&path).unwrap().commit(b"first").unwrap();
        PendingFile::create(&path).unwrap().commit_if_new(|file| Ok(file.write_all(b"second")?)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        PendingFile::create(&path).unwrap().commit(b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        assert!(PendingFile::create(folder.path()).is_err());
        assert!(PendingFile::create(&folder.path().join("missing/out.json")).is_err());
    }
}
