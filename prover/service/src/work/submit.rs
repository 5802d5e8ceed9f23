//! Jobs that come in and are cancelled, whatever becomes of whoever asked.

use std::sync::Arc;

use super::{WarmSlot, Works};
use crate::store::{Act, Cancelled, Lane, NewJob, StoreError, Submitted};

impl Works {
    /// Stores a job; with a child, as one that is begun at once. It goes on if whoever waits for this is gone: a job that stands as begun
    /// must be run by somebody.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn submit(self: &Arc<Self>, job: NewJob, slot: Option<WarmSlot>) -> Result<Submitted, StoreError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let (works, lane) = (Arc::clone(self), job.lane);
        // Counted before it is begun: a drain must not overlook it.
        let counted = self.count();
        tokio::spawn(async move {
            let run = slot.is_some().then_some(works.run.as_str());
            let submitted = works.store.submit(job, run).await;
            let begun = match (&submitted, slot) {
                (Ok(Submitted::New(job)), Some(slot)) => Some((job.clone(), slot)),
                _ => None,
            };
            // Whoever asked may be gone.
            let _ = sender.send(submitted);
            match begun {
                Some((job, slot)) => {
                    works.run_job(job, Some(slot)).await;
                    // Whoever waited for the child while it was taken.
                    works.wake(Lane::Short);
                }
                None => works.wake(lane),
            }
            drop(counted);
        });
        // Only a panic drops the sender.
        receiver.await.unwrap_or(Err(StoreError::Gone))
    }

    /// Cancels a job, with what was told of it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn cancel(&self, tenant: &str, id: &str, act: &Act) -> Result<Option<Cancelled>, StoreError> {
        let progress = self.live.close(id);
        let cancelled = self.store.cancel(tenant, id, &progress, act).await;
        // The job runs on: so does what is told of it.
        if !matches!(cancelled, Ok(Some(Cancelled::Now(_)))) {
            self.live.reopen(id);
        }
        let cancelled = cancelled?;
        if let Some(Cancelled::Now(job)) = &cancelled {
            self.metrics.ended(job.kind.name(), "cancelled");
            tracing::info!(job = job.id, "job cancelled");
            self.wake_messenger();
        }
        self.hub.changed(id);
        Ok(cancelled)
    }
}
