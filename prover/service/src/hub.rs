//! Who waits for a job hears when it changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::store::{Lane, Progress};

/// What other processes of the same store may not be told yet. What is more is lost: they look into the store now and then.
const OUTSIDE: usize = 4096;

/// Signals within this process, by the name of the job. Whoever hears one looks into the store.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    jobs: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
    /// To other processes of the same store, if there are some.
    outside: Arc<OnceLock<mpsc::Sender<Signal>>>,
}

/// What processes of one store tell each other. It says where to look, and is nobody's only source, save of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A job waits in a lane.
    Waits(Lane),
    /// A job changed.
    Changed(String),
    /// An attempt of a job has ended.
    Ended {
        /// The job.
        job: String,
        /// Which attempt.
        attempt: u32,
    },
    /// A running job did a step.
    Step {
        /// The job.
        job: String,
        /// Which attempt.
        attempt: u32,
        /// The number of the last event that is stored.
        base: i64,
        /// The number of the event that the step will be.
        number: i64,
        /// The step.
        progress: Progress,
    },
}

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
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = jobs.entry(job.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe();
        Listener { job: job.to_owned(), hub: self.clone(), changes: Some(changes) }
    }

    /// Tells those who listen, in other processes, too.
    pub fn changed(&self, job: &str) {
        self.heard(job);
        self.tell_outside(|| Signal::Changed(job.to_owned()));
    }

    /// Tells other processes of the same store, if there are some.
    pub fn tell_outside(&self, signal: impl FnOnce() -> Signal) {
        if let Some(outside) = self.outside.get() {
            let _ = outside.try_send(signal());
        }
    }

    /// What is to be told to other processes from now on, for whoever asks first.
    pub fn outside(&self) -> Option<mpsc::Receiver<Signal>> {
        let (sender, receiver) = mpsc::channel(OUTSIDE);
        self.outside.set(sender).is_ok().then_some(receiver)
    }

    /// Tells those who listen in this process.
    pub fn heard(&self, job: &str) {
        if let Some(sender) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(job) {
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
        let mut jobs = self.hub.jobs.lock().unwrap_or_else(PoisonError::into_inner);
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
        assert_eq!(hub.jobs.lock().unwrap().len(), 1);
        drop(two);
        assert!(hub.jobs.lock().unwrap().is_empty());
    }

    #[test]
    fn what_nobody_takes_outside_is_bounded() {
        let hub = Hub::default();
        hub.changed("nobody is outside");
        let mut outside = hub.outside().unwrap();
        assert!(hub.outside().is_none(), "one tells them");
        for number in 0..2 * OUTSIDE {
            hub.changed(&number.to_string());
        }
        assert_eq!(outside.try_recv(), Ok(Signal::Changed("0".to_owned())));
        assert_eq!(outside.len(), OUTSIDE - 1);
    }
}
