//! Files on their way in.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};

use super::ArtifactError;
use crate::ids::Digest;

/// A whole file without a name: dropped, it is removed.
#[derive(Debug)]
pub struct StagedFile {
    pub(super) digest: Digest,
    pub(super) length: u64,
    pub(super) staged: Staged,
}

/// A file that is not whole yet, or has no name: dropped, it is removed.
pub(super) struct Staged {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) location: Path,
    pub(super) state: StagedState,
}

pub(super) enum StagedState {
    Written(WriteMultipart),
    Whole,
    Gone,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Staged {
    pub(super) async fn write_all<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &mut self,
        source: impl Stream<Item = Result<Bytes, E>>,
        max: u64,
    ) -> Result<(Digest, u64), ArtifactError> {
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0u64);
        let mut source = std::pin::pin!(source);
        while let (Some(piece), StagedState::Written(writer)) = (source.next().await, &mut self.state) {
            let piece = piece.map_err(|error| ArtifactError::Source(error.into()))?;
            length += piece.len() as u64;
            if length > max {
                return Err(ArtifactError::TooLong { max });
            }
            hasher.update(&piece);
            // No more pieces in memory than are being written.
            writer.wait_for_capacity(2).await?;
            writer.put(piece);
        }
        // Even if finishing breaks off, there may be a file.
        if let StagedState::Written(writer) = std::mem::replace(&mut self.state, StagedState::Whole) {
            writer.finish().await?;
        }
        Ok((Digest(*hasher.finalize().as_bytes()), length))
    }

    pub(super) async fn discard(mut self) {
        remove(Arc::clone(&self.store), self.location.clone(), std::mem::replace(&mut self.state, StagedState::Gone))
            .await;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, StagedState::Gone);
        if let (StagedState::Written(_) | StagedState::Whole, Ok(runtime)) =
            (&state, tokio::runtime::Handle::try_current())
        {
            runtime.spawn(remove(Arc::clone(&self.store), self.location.clone(), state));
        }
    }
}

async fn remove(store: Arc<dyn ObjectStore>, location: Path, state: StagedState) {
    let removed = match state {
        StagedState::Written(writer) => writer.abort().await,
        StagedState::Whole => store.delete(&location).await,
        StagedState::Gone => return,
    };
    match removed {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => tracing::warn!(%error, "an upload that broke off cannot be removed: the next start does"),
    }
}
