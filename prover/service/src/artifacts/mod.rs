//! Files that never change: each is called by the BLAKE3 digest of what it holds.
//!
//! A file is written whole or not at all, and compared with its name whenever it is read: what a disk or a bucket gives back is what
//! was put in, or an error. It is written again only if what is there is damaged: then whoever has it mends it by handing it in.

mod collect;
mod staged;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart};
use tempfile::TempPath;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use collect::Recent;
pub use collect::{Collected, GRACE};
pub use staged::StagedFile;
use staged::{Staged, StagedState};

use crate::ids::{Digest, random};

/// Pieces that a stream is written in.
const PIECE_BYTES: usize = 5 << 20;

/// Where files stand.
const FILES: &str = "b3";

/// How old a file is that another process has left half written, and does not write any more.
const LEFT: Duration = Duration::from_secs(86_400);

/// Where files stand that are not whole yet.
const INCOMING: &str = "incoming";

/// Why an artifact cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The store's own.
    #[error("the artifacts cannot be reached: {0}")]
    Store(#[from] object_store::Error),
    /// There is none of this name.
    #[error("there is no artifact {0}: it was removed from the store")]
    Missing(Digest),
    /// What the store gives is not what was put in.
    #[error("the artifact {expected} is damaged: its content has the digest {got}; restore it from a backup")]
    Damaged {
        /// Its name.
        expected: Digest,
        /// Of what it holds.
        got: Digest,
    },
    /// More than may be stored.
    #[error("more than {max} bytes")]
    TooLong {
        /// The most.
        max: u64,
    },
    /// The source broke off.
    #[error("the upload broke off: {0}")]
    Source(Box<dyn std::error::Error + Send + Sync>),
    /// The folder cannot be made or used.
    #[error("the folder of the artifacts cannot be used: {0}")]
    Folder(#[from] std::io::Error),
}

/// The files.
#[derive(Clone, Debug)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
    /// The store's folder, of one on this machine's disk.
    folder: Option<PathBuf>,
    /// A folder on this machine's disk for files that are read or written by other processes.
    spool: PathBuf,
    recent: Arc<Recent>,
}

/// An artifact as a file of this machine, not yet compared with its name: whoever reads it does that, as [`read_file`] does.
#[derive(Debug)]
pub struct ArtifactFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Removed when this is dropped, if it was fetched.
    _fetched: Option<TempPath>,
}

impl Artifacts {
    /// In a folder, which is made if need be. What is written is on the disk before the write returns. What an earlier process left
    /// half written is removed: the folder must be this process's alone.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`], [`ArtifactError::Store`].
    pub fn on_disk(folder: &FilePath) -> Result<Self, ArtifactError> {
        std::fs::create_dir_all(folder)?;
        sweep(folder, Duration::ZERO)?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true));
        Ok(Self { store, folder: Some(folder.to_owned()), spool: make_spool(folder)?, recent: Arc::default() })
    }

    /// In a folder that several processes share, on a file system of all their machines, with a folder of this process's own for what other
    /// processes of this machine write. What others left half written is removed after a day.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`], [`ArtifactError::Store`].
    pub fn shared(folder: &FilePath, spool: &FilePath) -> Result<Self, ArtifactError> {
        let mut builder = std::fs::DirBuilder::new();
        // Inputs are in it.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder)?;
        sweep(folder, LEFT)?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true));
        Ok(Self { store, folder: Some(folder.to_owned()), spool: make_spool(spool)?, recent: Arc::default() })
    }

    /// In any object store, with a folder for what other processes of this machine read and write.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`].
    pub fn in_store(store: Arc<dyn ObjectStore>, spool: &FilePath) -> Result<Self, ArtifactError> {
        Ok(Self { store, folder: None, spool: make_spool(spool)?, recent: Arc::default() })
    }

    /// Stores bytes. What is there already is left alone, unless it is damaged.
    ///
    /// # Errors
    /// [`ArtifactError::Store`].
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, ArtifactError> {
        let digest = Digest::of(&bytes);
        let _stays = self.recent.store(&digest).await;
        let payload = PutPayload::from_bytes(bytes);
        match self.store.put_opts(&path(&digest), payload.clone(), PutMode::Create.into()).await {
            Err(object_store::Error::AlreadyExists { .. }) => {
                if !self.is_whole(&digest).await? {
                    self.store.put_opts(&path(&digest), payload, PutMode::Overwrite.into()).await?;
                }
                Ok(digest)
            }
            written => written.map(|_| digest).map_err(Into::into),
        }
    }

    /// Stores a stream of at most `max` bytes. Returns its digest and length.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`], [`ArtifactError::Source`] and [`ArtifactError::Store`]: then nothing stays behind. Nor does it if the
    /// future is dropped.
    pub async fn put_stream<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &self,
        source: impl Stream<Item = Result<Bytes, E>>,
        max: u64,
    ) -> Result<(Digest, u64), ArtifactError> {
        let staged = self.stage(source, max).await?;
        let length = staged.length;
        Ok((self.keep(staged).await?, length))
    }

    /// Writes a stream of at most `max` bytes without giving it a name: it goes again unless it is kept.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`], [`ArtifactError::Source`] and [`ArtifactError::Store`].
    pub async fn stage<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &self,
        source: impl Stream<Item = Result<Bytes, E>>,
        max: u64,
    ) -> Result<StagedFile, ArtifactError> {
        let location = Path::from(format!("{INCOMING}/{}", hex::encode(random::<16>())));
        let upload = self.store.put_multipart(&location).await?;
        let writer = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES);
        let mut staged = Staged { store: Arc::clone(&self.store), location, state: StagedState::Written(writer) };
        match staged.write_all(source, max).await {
            Ok((digest, length)) => Ok(StagedFile { digest, length, staged }),
            Err(error) => {
                staged.discard().await;
                Err(error)
            }
        }
    }

    /// Gives a file that was staged its name.
    ///
    /// # Errors
    /// [`ArtifactError::Store`].
    pub async fn keep(&self, file: StagedFile) -> Result<Digest, ArtifactError> {
        let StagedFile { digest, mut staged, .. } = file;
        let _stays = self.recent.store(&digest).await;
        let kept = self.publish(&mut staged, &digest).await;
        staged.discard().await;
        kept.map(|()| digest)
    }

    /// Gives a file its name, unless it has it.
    async fn publish(&self, staged: &mut Staged, digest: &Digest) -> Result<(), ArtifactError> {
        let to = path(digest);
        match self.store.rename_if_not_exists(&staged.location, &to).await {
            Ok(()) => staged.state = StagedState::Gone,
            Err(object_store::Error::AlreadyExists { .. }) => {
                if !self.is_whole(digest).await? {
                    self.store.rename(&staged.location, &to).await?;
                    staged.state = StagedState::Gone;
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Stores a file that another process wrote. Returns its digest and length.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`], [`ArtifactError::Store`].
    pub async fn put_file(&self, file: &FilePath) -> Result<(Digest, u64), ArtifactError> {
        let file = tokio::fs::File::open(file).await?;
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = Vec::new();
            (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
            Ok::<_, std::io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        });
        self.put_stream(pieces, u64::MAX).await
    }

    /// An empty folder for what another process writes. It is removed when it is dropped.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`].
    pub fn spool(&self) -> Result<tempfile::TempDir, ArtifactError> {
        Ok(tempfile::tempdir_in(&self.spool)?)
    }

    /// An artifact as a file for another process: on a disk itself, from elsewhere a copy.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`], [`ArtifactError::Store`]; of a copy [`ArtifactError::Damaged`] and [`ArtifactError::Folder`], too.
    pub async fn file(&self, digest: &Digest) -> Result<ArtifactFile, ArtifactError> {
        if let Some(folder) = &self.folder {
            let found = self.store.head(&path(digest)).await;
            found.map_err(|error| missing(digest, error))?;
            return Ok(ArtifactFile { path: folder.join(path(digest).as_ref()), _fetched: None });
        }
        let (file, fetched) = tempfile::NamedTempFile::new_in(&self.spool)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let (_, pieces) = self.stream(digest).await?;
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            file.write_all(&piece?).await?;
        }
        file.flush().await?;
        Ok(ArtifactFile { path: fetched.to_path_buf(), _fetched: Some(fetched) })
    }

    /// Whether what is stored under a name is what was put in.
    async fn is_whole(&self, digest: &Digest) -> Result<bool, ArtifactError> {
        let (_, pieces) = match self.stream(digest).await {
            // Gone in between, or never there: it can be written.
            Err(ArtifactError::Missing(_)) => return Ok(false),
            found => found?,
        };
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(_) => {}
                Err(error @ ArtifactError::Damaged { .. }) => {
                    tracing::error!(%error, "a damaged artifact is replaced by what was handed in");
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads an artifact whole, and compares it with its name.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`], [`ArtifactError::Damaged`], [`ArtifactError::Store`].
    pub async fn get(&self, digest: &Digest) -> Result<Bytes, ArtifactError> {
        let bytes = self.open(digest).await?.bytes().await?;
        check(digest, Digest::of(&bytes))?;
        Ok(bytes)
    }

    /// Reads an artifact piece by piece. Its last piece comes only if all of them are what was put in. Returns its length, too.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`], [`ArtifactError::Store`]; in the stream, [`ArtifactError::Damaged`] too.
    pub async fn stream(
        &self,
        digest: &Digest,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, ArtifactError>> + use<>), ArtifactError> {
        let found = self.open(digest).await?;
        let length = found.meta.size;
        let state = (found.into_stream(), blake3::Hasher::new(), None::<Bytes>, *digest);
        let pieces = stream::try_unfold(state, |(mut source, mut hasher, mut held, digest)| async move {
            loop {
                let Some(piece) = source.next().await.transpose()? else {
                    check(&digest, Digest(*hasher.finalize().as_bytes()))?;
                    let ended = (stream::empty().boxed(), hasher, None, digest);
                    return Ok(held.map(|piece| (piece, ended)));
                };
                hasher.update(&piece);
                if let Some(before) = held.replace(piece) {
                    return Ok(Some((before, (source, hasher, held, digest))));
                }
            }
        });
        Ok((length, pieces))
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`ArtifactError::Store`].
    pub async fn ping(&self) -> Result<(), ArtifactError> {
        match self.store.head(&Path::from(format!("{INCOMING}/none"))).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn open(&self, digest: &Digest) -> Result<object_store::GetResult, ArtifactError> {
        self.store.get(&path(digest)).await.map_err(|error| missing(digest, error))
    }
}

fn make_spool(folder: &FilePath) -> Result<PathBuf, ArtifactError> {
    let spool = folder.join(INCOMING);
    std::fs::create_dir_all(&spool)?;
    Ok(spool)
}

/// Removes what processes left that were killed, if it is of this age: what is on its way in, and halves of files beside their whole.
fn sweep(folder: &FilePath, age: Duration) -> std::io::Result<()> {
    if let Ok(incoming) = std::fs::read_dir(folder.join(INCOMING)) {
        for entry in incoming {
            remove_old(&entry?, age)?;
        }
    }
    let Ok(digits) = std::fs::read_dir(folder.join(FILES)) else { return Ok(()) };
    for digits in digits {
        for file in std::fs::read_dir(digits?.path())? {
            let file = file?;
            // As the store calls them: a digest is without.
            if file.file_name().to_string_lossy().contains('#') {
                remove_old(&file, age)?;
            }
        }
    }
    Ok(())
}

/// Removes a file or folder that was last written so long ago.
fn remove_old(entry: &std::fs::DirEntry, age: Duration) -> std::io::Result<()> {
    let gone = |error: std::io::Error| match error.kind() {
        // Its owner ended with it, or another process removes it.
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    let metadata = match entry.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return gone(error),
    };
    let written = metadata.modified()?;
    // A time that is ahead is no age.
    if SystemTime::now().duration_since(written).unwrap_or_default() < age {
        return Ok(());
    }
    let removed =
        if metadata.is_dir() { std::fs::remove_dir_all(entry.path()) } else { std::fs::remove_file(entry.path()) };
    removed.or_else(gone)
}

/// Reads a file that has this digest.
///
/// # Errors
/// [`ArtifactError::Folder`], [`ArtifactError::Damaged`].
pub fn read_file(path: &FilePath, digest: &Digest) -> Result<Vec<u8>, ArtifactError> {
    let bytes = std::fs::read(path)?;
    check(digest, Digest::of(&bytes))?;
    Ok(bytes)
}

fn missing(digest: &Digest, error: object_store::Error) -> ArtifactError {
    match error {
        object_store::Error::NotFound { .. } => ArtifactError::Missing(*digest),
        error => error.into(),
    }
}

fn check(expected: &Digest, got: Digest) -> Result<(), ArtifactError> {
    if *expected == got { Ok(()) } else { Err(ArtifactError::Damaged { expected: *expected, got }) }
}

/// Two digits make a folder, so that none has millions of files.
fn path(digest: &Digest) -> Path {
    let name = digest.to_string();
    Path::from(format!("{FILES}/{}/{name}", name.get(..2).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
