//! Memory for bodies that are being read: so much in all, and a part of it for each who sends them, so that nobody keeps out the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::Problem;
use crate::codes;

/// Who sends a body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// Somebody with a key.
    Tenant(String),
    /// Somebody without one, from a network; nobody knows from where where connections have no address.
    Stranger(Option<IpAddr>),
}

impl Holder {
    pub(crate) fn tenant(tenant: &str) -> Self {
        Self::Tenant(tenant.to_owned())
    }
}

/// Bytes that are taken.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<Holder, usize>,
}

/// Memory for bodies that are being read.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    most: usize,
    share: usize,
    taken: Arc<Mutex<Taken>>,
}

/// Room that is taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    room: Room,
    holder: Holder,
    bytes: usize,
}

impl Room {
    /// Of `most` bytes, of which one holder has a quarter, but as much as `largest` body takes.
    pub(super) fn new(most: usize, largest: usize) -> Self {
        Self { most, share: (most / 4).max(largest).min(most), taken: Arc::default() }
    }

    /// Takes room, if there is any.
    pub(super) fn take(&self, holder: Holder, bytes: usize) -> Result<Held, Problem> {
        let mut held = Held { room: self.clone(), holder, bytes: 0 };
        held.grow(bytes)?;
        Ok(held)
    }
}

impl Held {
    /// Takes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.of.get(&self.holder).copied().unwrap_or_default().saturating_add(bytes);
        if own > self.room.share {
            return Err(Problem::new(
                codes::RATE_LIMITED,
                "too many large requests of yours are being read: send them one after the other, or try again as Retry-After says",
            ));
        }
        let all = taken.all.saturating_add(bytes);
        if all > self.room.most {
            return Err(Problem::new(
                codes::BUSY,
                "too many large requests are being read: try again as Retry-After says",
            ));
        }
        taken.all = all;
        taken.of.insert(self.holder.clone(), own);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(self.bytes);
        if let Some(own) = taken.of.get_mut(&self.holder) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                taken.of.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_part_which_comes_back() {
        let room = Room::new(1000, 10);
        let tenant = |name| Holder::tenant(name);
        let mut most = room.take(tenant("a"), 250).unwrap();
        assert_eq!(room.take(tenant("a"), 1).unwrap_err().code, codes::RATE_LIMITED);
        assert_eq!(most.grow(1).unwrap_err().code, codes::RATE_LIMITED);
        let others: Vec<_> = ["b", "c", "d"].map(|name| room.take(tenant(name), 250).unwrap()).into();
        assert_eq!(room.take(tenant("e"), 1).unwrap_err().code, codes::BUSY);
        drop(most);
        drop(room.take(tenant("a"), 250).unwrap());
        drop(others);
        let taken = room.taken.lock().unwrap();
        assert_eq!((taken.all, taken.of.len()), (0, 0));
    }

    /// A piece takes what it has, not a unit.
    #[test]
    fn small_pieces_take_little() {
        let room = Room::new(1000, 10);
        let mut held = room.take(Holder::tenant("a"), 0).unwrap();
        for _ in 0..60 {
            held.grow(4).unwrap();
        }
        assert_eq!(held.bytes, 240);
    }

    /// The largest body that is taken alone.
    #[test]
    fn the_largest_body_has_room() {
        let room = Room::new(1000, 600);
        drop(room.take(Holder::tenant("a"), 600).unwrap());
        assert_eq!(Room::new(1000, 2000).share, 1000);
    }
}
