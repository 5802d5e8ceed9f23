//! Requests that wait for jobs: each holds a connection, so a tenant has a part of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Problem;
use crate::codes;

/// How many wait, by tenant.
#[derive(Clone, Debug)]
pub(crate) struct WaitingRoom {
    most: usize,
    of: Arc<Mutex<HashMap<String, usize>>>,
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    tenant: String,
    room: WaitingRoom,
}

impl WaitingRoom {
    pub(super) fn new(most: usize) -> Self {
        Self { most, of: Arc::default() }
    }

    pub(super) fn enter(&self, tenant: &str) -> Result<Waiting, Problem> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = of.entry(tenant.to_owned()).or_default();
        if *waiting >= self.most {
            let what = format_args!(
                "{} requests of this tenant wait for jobs already: end some, or ask now and then",
                self.most
            );
            return Err(Problem::new(codes::RATE_LIMITED, what));
        }
        *waiting += 1;
        Ok(Waiting { tenant: tenant.to_owned(), room: self.clone() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut of = self.room.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = of.get_mut(&self.tenant) {
            *waiting -= 1;
            if *waiting == 0 {
                of.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_part() {
        let room = WaitingRoom::new(2);
        let held = (room.enter("a").unwrap(), room.enter("a").unwrap());
        assert_eq!(room.enter("a").unwrap_err().code, codes::RATE_LIMITED);
        drop(room.enter("b").unwrap());
        drop(held);
        drop(room.enter("a").unwrap());
        assert!(room.of.lock().unwrap().is_empty());
    }
}
