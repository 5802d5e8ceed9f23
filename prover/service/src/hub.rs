//! Who waits for a job hears when it changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Signals within this process, by the name of the job. Whoever hears one looks into the store.
#[derive(Debug, Default)]
pub struct Hub(Mutex<HashMap<String, watch::Sender<()>>>);

impl Hub {
    /// Hears of every change from now on.
    pub fn listen(&self, job: &str) -> watch::Receiver<()> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.entry(job.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Tells those who listen.
    pub fn changed(&self, job: &str) {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.get(job).is_some_and(|sender| sender.send(()).is_err()) {
            jobs.remove(job);
        }
        // What nobody listens to any more is forgotten, now and then.
        if jobs.len().is_power_of_two() {
            jobs.retain(|_, sender| sender.receiver_count() > 0);
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
        let mut one = hub.listen("one");
        hub.changed("one");
        one.changed().await.unwrap();
        drop(one);
        hub.changed("one");
        assert!(hub.0.lock().unwrap().is_empty());
    }
}
