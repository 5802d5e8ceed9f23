//! The tables, and what is asked of them. Each store compiles this source for its own database, whose types and few differences stand
//! in its `dialect`: functions that are generic over databases would repeat a dozen bounds each.
//!
//! | part | what it is |
//! |---|---|
//! | `traits` | the traits, by what the other parts do |
//! | `jobs` | jobs that come, wait, and are begun or cancelled |
//! | `attempts` | how attempts of jobs end |
//! | `events`, `lists`, `registry`, `audit` | what is told of jobs; what is asked; models, proofs and keys; who did what |
//! | `webhooks` | who is told of jobs' ends |
//! | `rows` | rows as what they stand for |

pub(in crate::store) mod attempts;
mod audit;
mod events;
pub(in crate::store) mod jobs;
pub(in crate::store) mod lists;
pub(in crate::store) mod registry;
mod rows;
mod traits;
mod webhooks;

use super::{Tables, dialect};
use crate::store::Lane;

/// What a write reads before it decides, and what nobody else may write meanwhile. A database with one writer locks all of it.
///
/// Where there are several, they are taken in this order, so that none waits for another that waits for it: one of these, then rows of
/// jobs, then rows of models.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "what a lock is on, a database with one writer does not ask")]
pub(in crate::store) enum Lock<'a> {
    /// What a tenant has: its open jobs, names of requests, contents of models, entries of its audit log.
    Tenant(&'a str),
    /// What waits in a lane, and whose turn it is.
    Lane(Lane),
    /// All that runs.
    Recovery,
    /// Nothing but rows that the write locks as it reads them.
    Rows,
}
