//! A proof under way, as others see it: how far it is, and that it may stop.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::Error;

/// Stops a proof: shared with whoever may want that.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks to stop. The proof ends with [`Error::Cancelled`] some milliseconds later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a proof is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Executor and witness columns.
    Witness,
    /// Advice columns of a phase, from 0.
    Commit(u8),
    /// Permuted columns of lookups.
    Lookups,
    /// Running products and the random polynomial.
    Products,
    /// The quotient and its commitments.
    Quotient,
    /// Values of all polynomials at the challenge.
    Evaluation,
    /// The opening proof.
    Opening,
}

/// How far a proof is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What was just done.
    pub step: Step,
    /// Work done, of all, by estimate: from 0 to 1, never less than before.
    pub fraction: f64,
}

type Callback<'a> = dyn FnMut(Progress) + Send + 'a;

/// A proof under way.
#[derive(Default)]
pub struct Job<'a> {
    cancel: Cancel,
    callback: Option<Mutex<Box<Callback<'a>>>>,
    multiplications: AtomicU64,
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

impl<'a> Job<'a> {
    /// One that `cancel` may stop.
    pub fn new(cancel: Cancel) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// Tells `callback` of what is done, between steps, on the thread that proves.
    #[must_use]
    pub fn on_progress(mut self, callback: impl FnMut(Progress) + Send + 'a) -> Self {
        self.callback = Some(Mutex::new(Box::new(callback)));
        self
    }

    /// Multiplications of field elements until now, as the backend counts them: those of the algorithms, whatever a processor
    /// does for one. What goes from an element's form to another's, and what is done once and not for every row, is left out.
    pub fn multiplications(&self) -> u64 {
        self.multiplications.load(Ordering::Relaxed)
    }

    /// Counts multiplications.
    pub(crate) fn count(&self, multiplications: usize) {
        self.multiplications.fetch_add(multiplications as u64, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Goes on, or not.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Tells of progress, and goes on or not.
    pub(crate) fn done(&self, step: Step, fraction: f64) -> Result<(), Error> {
        if let Some(callback) = &self.callback {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            callback(Progress { step, fraction });
        }
        self.check()
    }
}
