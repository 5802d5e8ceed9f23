//! Children that serve many jobs, one at a time each.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::child::Child;

/// Warm children, started when they are first needed.
#[derive(Clone, Debug)]
pub(crate) struct WarmPool {
    permits: Arc<Semaphore>,
    // The one used last on top: its keys are those used last.
    idle: Arc<Mutex<Vec<Child>>>,
}

/// The right to use one of them. A child that is left in it goes back to the pool.
#[derive(Debug)]
pub(crate) struct WarmSlot {
    pub(crate) child: Option<Child>,
    pool: WarmPool,
    _permit: OwnedSemaphorePermit,
}

impl WarmPool {
    pub(crate) fn new(children: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(children)), idle: Arc::default() }
    }

    /// Waits for a child; none once the pool is closed.
    pub(crate) async fn acquire(&self) -> Option<WarmSlot> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some(self.slot(permit))
    }

    /// A child that nobody uses.
    pub(crate) fn try_acquire(&self) -> Option<WarmSlot> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(self.slot(permit))
    }

    /// The child that was used last, out of the pool.
    #[cfg(test)]
    pub(crate) fn take_idle(&self) -> Option<Child> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn slot(&self, permit: OwnedSemaphorePermit) -> WarmSlot {
        let child = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        WarmSlot { child, pool: self.clone(), _permit: permit }
    }

    /// Ends all children.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let children = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for child in children {
            child.kill().await;
        }
    }
}

impl WarmSlot {
    /// Its child, unless that ended while nobody looked.
    pub(crate) fn take_alive(&mut self) -> Option<Child> {
        let mut child = self.child.take()?;
        child.is_alive().then_some(child)
    }
}

impl Drop for WarmSlot {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        }
    }
}
