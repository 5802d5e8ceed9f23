//! Files that never change: each is called by the BLAKE3 digest of what it holds.
//!
//! A file is written whole or not at all, never written again, and compared with its name whenever it is read: what a disk or a
//! bucket gives back is what was put in, or an error.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart};

use crate::ids::{Digest, random};

/// Pieces that a stream is written in.
const PIECE_BYTES: usize = 5 << 20;

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
    Source(String),
    /// The folder cannot be made.
    #[error("the folder of the artifacts cannot be made: {0}")]
    Folder(#[from] std::io::Error),
}

/// The files.
#[derive(Clone, Debug)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
}

impl Artifacts {
    /// In a folder, which is made if need be. What is written is on the disk before the write returns.
    ///
    /// # Errors
    /// [`ArtifactError::Folder`], [`ArtifactError::Store`].
    pub fn on_disk(folder: &FilePath) -> Result<Self, ArtifactError> {
        std::fs::create_dir_all(folder)?;
        Ok(Self::new(Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))))
    }

    /// In any object store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// Stores bytes. What is there already is left alone.
    ///
    /// # Errors
    /// [`ArtifactError::Store`].
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, ArtifactError> {
        let digest = Digest::of(&bytes);
        let written = self.store.put_opts(&path(&digest), PutPayload::from_bytes(bytes), PutMode::Create.into()).await;
        match written {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(digest),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a stream of at most `max` bytes. Returns its digest and length.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`], [`ArtifactError::Source`] and [`ArtifactError::Store`]: then nothing stays behind.
    pub async fn put_stream<E: std::fmt::Display>(
        &self,
        source: impl Stream<Item = Result<Bytes, E>>,
        max: u64,
    ) -> Result<(Digest, u64), ArtifactError> {
        let staged = Path::from(format!("incoming/{}", hex::encode(random::<16>())));
        let mut writer = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&staged).await?, PIECE_BYTES);
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0u64);
        let mut source = std::pin::pin!(source);
        while let Some(piece) = source.next().await {
            let failure = match piece {
                Ok(piece) => {
                    length += piece.len() as u64;
                    if length <= max {
                        hasher.update(&piece);
                        // No more pieces in memory than are being written.
                        writer.wait_for_capacity(2).await?;
                        writer.put(piece);
                        continue;
                    }
                    ArtifactError::TooLong { max }
                }
                Err(error) => ArtifactError::Source(error.to_string()),
            };
            writer.abort().await?;
            return Err(failure);
        }
        writer.finish().await?;
        let digest = Digest(*hasher.finalize().as_bytes());
        match self.store.rename_if_not_exists(&staged, &path(&digest)).await {
            Ok(()) => Ok((digest, length)),
            Err(object_store::Error::AlreadyExists { .. }) => {
                self.store.delete(&staged).await?;
                Ok((digest, length))
            }
            Err(error) => Err(error.into()),
        }
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
        match self.store.head(&Path::from("incoming/none")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn open(&self, digest: &Digest) -> Result<object_store::GetResult, ArtifactError> {
        match self.store.get(&path(digest)).await {
            Err(object_store::Error::NotFound { .. }) => Err(ArtifactError::Missing(*digest)),
            found => Ok(found?),
        }
    }
}

fn check(expected: &Digest, got: Digest) -> Result<(), ArtifactError> {
    if *expected == got { Ok(()) } else { Err(ArtifactError::Damaged { expected: *expected, got }) }
}

/// Two digits make a folder, so that none has millions of files.
fn path(digest: &Digest) -> Path {
    let name = digest.to_string();
    Path::from(format!("b3/{}/{name}", name.get(..2).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(of: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, String>> {
        stream::iter(of.iter().map(|piece| Ok(Bytes::from_static(piece))).collect::<Vec<_>>())
    }

    async fn read(artifacts: &Artifacts, digest: &Digest) -> Result<Vec<u8>, ArtifactError> {
        let (length, stream) = artifacts.stream(digest).await?;
        let mut stream = std::pin::pin!(stream);
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            all.extend_from_slice(&piece?);
        }
        assert_eq!(all.len() as u64, length);
        Ok(all)
    }

    fn files(folder: &FilePath) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    #[tokio::test]
    async fn gives_back_what_was_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::on_disk(folder.path()).unwrap();
        let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(digest, Digest::of(b"hello"));
        assert_eq!(artifacts.put(Bytes::from_static(b"hello")).await.unwrap(), digest, "again");
        assert_eq!(artifacts.get(&digest).await.unwrap(), "hello");
        assert_eq!(read(&artifacts, &digest).await.unwrap(), b"hello");
        let streamed = artifacts.put_stream(pieces(&[b"he", b"", b"llo"]), 5).await.unwrap();
        assert_eq!(streamed, (digest, 5));
        let empty = artifacts.put_stream(pieces(&[]), 5).await.unwrap().0;
        assert_eq!(read(&artifacts, &empty).await.unwrap(), b"");
        assert_eq!(files(folder.path()).len(), 2, "each content once, nothing staged");
        artifacts.ping().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_too_long_or_breaks_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::on_disk(folder.path()).unwrap();
        let long = artifacts.put_stream(pieces(&[b"abc", b"def"]), 5).await;
        assert!(matches!(long, Err(ArtifactError::TooLong { max: 5 })), "{long:?}");
        let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err("gone")]);
        let broken = artifacts.put_stream(broken, 5).await;
        assert!(matches!(&broken, Err(ArtifactError::Source(why)) if why == "gone"), "{broken:?}");
        assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
    }

    #[tokio::test]
    async fn what_was_changed_or_removed_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::on_disk(folder.path()).unwrap();
        let digest = artifacts.put(Bytes::from_static(b"hello")).await.unwrap();
        let file = files(folder.path()).pop().unwrap();
        std::fs::write(&file, b"hullo").unwrap();
        assert!(matches!(artifacts.get(&digest).await, Err(ArtifactError::Damaged { .. })));
        assert!(matches!(read(&artifacts, &digest).await, Err(ArtifactError::Damaged { .. })));
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(artifacts.get(&digest).await, Err(ArtifactError::Missing(_))));
    }
}
