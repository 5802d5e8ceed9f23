//! Files that nothing names any more.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::sync::{RwLock, RwLockReadGuard};

use super::{ArtifactError, Artifacts};
use crate::ids::Digest;

/// How long a file stays that nothing names: whoever stored it may be about to name it.
pub const GRACE: Duration = Duration::from_secs(3600);

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What was handed in a while ago, whether or not it was there before: a file's own time says when it was first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    at: Mutex<HashMap<Digest, Instant>>,
    /// Held for reading while a file is stored, for writing while one is removed.
    storing: RwLock<()>,
}

impl Recent {
    /// A file that is about to be stored. As long as this is held, none is removed.
    pub(super) async fn store(&self, digest: &Digest) -> RwLockReadGuard<'_, ()> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).insert(*digest, Instant::now());
        self.storing.read().await
    }

    fn has(&self, digest: &Digest) -> bool {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest)
    }

    fn forget(&self, before: Instant) {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, at| *at >= before);
    }
}

impl Artifacts {
    /// Removes files that are not among these, and were stored longer than `age` ago. A file that is handed in meanwhile stays.
    ///
    /// # Errors
    /// [`ArtifactError::Store`]: what was removed until then is gone.
    pub async fn collect(&self, named: &HashSet<Digest>, age: Duration) -> Result<Collected, ArtifactError> {
        if let Some(before) = Instant::now().checked_sub(age) {
            self.recent.forget(before);
        }
        let before_ms = crate::clock::wall_ms().saturating_sub(crate::clock::milliseconds(age));
        let mut collected = Collected::default();
        let mut files = self.store.list(Some(&Path::from(super::FILES)));
        while let Some(file) = files.next().await.transpose()? {
            let digest = file.location.filename().and_then(|name| name.parse::<Digest>().ok());
            let Some(digest) = digest.filter(|digest| !named.contains(digest)) else { continue };
            if file.last_modified.timestamp_millis() >= before_ms {
                continue;
            }
            let _none_is_stored = self.recent.storing.write().await;
            if !self.recent.has(&digest) {
                self.store.delete(&file.location).await?;
                collected.files += 1;
                collected.bytes += file.size;
            }
        }
        Ok(collected)
    }
}
