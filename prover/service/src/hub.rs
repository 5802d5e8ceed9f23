//! Who waits for a job hears when it changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Signals within this process, by the name of the job. Whoever hears one looks into the store.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Mutex<HashMap<String, watch::Sender<()>>>>);

/// Somebody who waits. The last who waits for a job takes its entry along.
#[derive(Debug)]
pub struct Listener {
    job: String,
    hub: Hub,
    // None only while it is dropped.
    changes: Option<watch::Receiver<()>>,
}

impl Hub {
    /// Hears of every change from now on.
    pub fn listen(&self, job: &str) -> Listener {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = jobs.entry(job.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe();
        Listener { job: job.to_owned(), hub: self.clone(), changes: Some(changes) }
    }

    /// Tells those who listen.
    pub fn changed(&self, job: &str) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(job) {
            sender.send_replace(());
        }
    }
}

impl Listener {
    /// Waits for a change since the last.
    pub async fn changed(&mut self) {
        let heard = match &mut self.changes {
            Some(changes) => changes.changed().await.is_ok(),
            None => false,
        };
        // The sender stands in the hub as long as somebody listens.
        if !heard {
            std::future::pending().await
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut jobs = self.hub.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes = None;
        if jobs.get(&self.job).is_some_and(|sender| sender.receiver_count() == 0) {
            jobs.remove(&self.job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_those_who_listen_and_forgets_the_others() {
        let hub = Hub::default();
        hub.changed("nobody listens");
        let (mut one, mut two) = (hub.listen("one"), hub.listen("one"));
        hub.changed("one");
        one.changed().await;
        two.changed().await;
        drop(one);
        hub.changed("one");
        two.changed().await;
        assert_eq!(hub.0.lock().unwrap().len(), 1);
        drop(two);
        assert!(hub.0.lock().unwrap().is_empty());
    }
}
