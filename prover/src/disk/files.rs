//! Reading what the user names, and writing it whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Error;

/// How a kind of file begins.
const HEAD_BYTES: u64 = 8;

/// What a file should hold.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As in "it is not a proof".
    pub what: &'static str,
    /// The first bytes of every such file, at most eight.
    pub begins: &'static [u8],
    /// The most that is read.
    pub max_bytes: u64,
}

/// Reads a file of the first of `kinds` that it begins like, and no more of it than such a file may have: a device has no end, and
/// what a pipe still holds nobody knows. Of a file that begins like none of them, only the beginning, which tells.
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] if it is too long.
pub fn read(path: &Path, kinds: &[Kind]) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::read(path, source);
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    let Some(kind) = kinds.iter().find(|kind| bytes.starts_with(kind.begins)) else { return Ok(bytes) };
    let Kind { what, max_bytes, .. } = *kind;
    // Said before it is read, where it is known.
    let stated = file.metadata().map_err(unreadable)?.len();
    if stated <= max_bytes {
        let left = (max_bytes + 1).saturating_sub(HEAD_BYTES);
        file.take(left).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if stated > max_bytes || bytes.len() as u64 > max_bytes {
        let reason = format!("it has more than {} bytes, the most that are read", grouped(max_bytes));
        return Err(Error::Malformed { path: path.to_owned(), what, reason });
    }
    Ok(bytes)
}

/// A file that does not exist under its name until it is complete.
///
/// It is made before the work that fills it, so that a place that cannot be written is found at once. Dropped without
/// [`commit`](Self::commit), it leaves nothing behind.
#[derive(Debug)]
pub struct PendingFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// Makes it, without its name.
    ///
    /// # Errors
    /// [`Error::Write`] if the place cannot be written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let fail = |source| Error::Write { path: path.to_owned(), source };
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
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn commit(self, content: &[u8]) -> Result<(), Error> {
        self.commit_with(|file| file.write_all(content).map_err(Error::from))
    }

    /// As [`commit`](Self::commit), with content that is written piece by piece.
    ///
    /// # Errors
    /// [`Error::Write`], or what `content` fails with.
    pub fn commit_with(self, content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let path = self.path.clone();
        let folder = fs::File::open(folder_of(&path));
        self.fill(content)?.persist(&path).map_err(|error| Error::Write { path, source: error.error })?;
        if let Ok(folder) = folder {
            // The name, too, outlives a loss of power; not all systems can say so of a folder.
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// As [`commit_with`](Self::commit_with), but keeps what has the name already: of several processes, the first
    /// decides.
    ///
    /// # Errors
    /// As [`commit_with`](Self::commit_with).
    pub fn commit_if_new(self, content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let path = self.path.clone();
        match self.fill(content)?.persist_noclobber(&path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::Write { path, source: error.error })
            }
            _ => Ok(()),
        }
    }

    fn fill(self, content: impl FnOnce(&mut Buffer<'_>) -> Result<(), Error>) -> Result<NamedTempFile, Error> {
        let mut buffer = BufWriter::new(self.file.as_file());
        content(&mut buffer).map_err(|error| error.while_writing(&self.path))?;
        let flushed = buffer.flush();
        drop(buffer);
        let written = flushed.and_then(|()| self.file.as_file().sync_all());
        written.map_err(|source| Error::Write { path: self.path, source })?;
        Ok(self.file)
    }
}

/// What the content of a pending file goes through.
pub type Buffer<'a> = BufWriter<&'a fs::File>;

/// Makes a folder and those above it.
///
/// # Errors
/// [`Error::Write`].
pub fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// `1234567` as `1,234,567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: Kind = Kind { what: "letters", begins: b"abc", max_bytes: 10 };
    const ANYTHING: Kind = Kind { what: "anything", begins: b"", max_bytes: 20 };

    #[test]
    fn reads_up_to_the_limit_of_the_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let read = |content: &[u8], kinds: &[Kind]| {
            fs::write(&path, content).unwrap();
            read(&path, kinds).map_err(|error| error.to_string())
        };
        for content in [&b""[..], b"ab", b"abc", b"abcdefgh", b"abcdefghij"] {
            assert_eq!(read(content, &[LETTERS, ANYTHING]), Ok(content.to_vec()));
        }
        assert!(read(b"abcdefghijk", &[LETTERS, ANYTHING]).unwrap_err().contains("letters: it has more than 10 bytes"));
        assert_eq!(read(&[0; 20], &[LETTERS, ANYTHING]), Ok(vec![0; 20]));
        assert!(read(&[0; 21], &[LETTERS, ANYTHING]).unwrap_err().contains("anything: it has more than 20 bytes"));
        // What begins otherwise is not read to its end.
        assert_eq!(read(&[0; 21], &[LETTERS]), Ok(vec![0; 8]));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn reads_pipes_and_devices_up_to_the_limit() {
        let endless = read(Path::new("/dev/zero"), &[ANYTHING]).unwrap_err().to_string();
        assert!(endless.contains("more than 20 bytes"), "{endless}");
        let piped = |content: &'static [u8]| {
            use std::os::fd::AsRawFd;
            let (reader, mut writer) = io::pipe().unwrap();
            // Whoever reads may stop before the end.
            let writing = std::thread::spawn(move || drop(writer.write_all(content)));
            let got = read(Path::new(&format!("/proc/self/fd/{}", reader.as_raw_fd())), &[ANYTHING]);
            drop(reader);
            writing.join().unwrap();
            got.map_err(|error| error.to_string())
        };
        assert_eq!(piped(b"through a pipe"), Ok(b"through a pipe".to_vec()));
        assert!(piped(&[7; 1 << 20]).unwrap_err().contains("more than 20 bytes"));
    }

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
