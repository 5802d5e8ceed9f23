//! The proving service: an HTTP API, jobs that outlive a crash, proofs in processes of their own.
//!
//! | module | what it is |
//! |---|---|
//! | [`server`] | a server from its configuration: opens, listens, drains |
//! | [`api`] | HTTP: routes, errors, API keys |
//! | [`work`] | jobs on their way through children |
//! | [`child`] | processes that prove and compile |
//! | [`store`] | jobs, models, proofs and keys: the traits, SQLite and, with the feature `fleet`, Postgres |
//! | `fleet` | servers and workers on several machines, with the feature `fleet` |
//! | [`places`] | where a process keeps jobs and files |
//! | `page` | the web page, over the same handlers |
//! | [`webhooks`] | telling others that jobs have ended |
//! | [`artifacts`] | files by the digest of their content |
//! | [`codes`] | stable codes of errors |
//! | [`folder`] | a server's folder: nobody else's, and one server's at a time |
//! | [`live`] | how far running jobs are |
//! | [`clock`] | the time |
//!
//! The binary is the command line's: `apodict serve`.

pub mod api;
pub mod artifacts;
pub mod child;
pub mod clock;
pub mod codes;
pub mod config;
mod connection;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod folder;
pub mod hub;
pub mod ids;
pub mod live;
pub mod metrics;
pub mod options;
mod page;
pub mod places;
pub mod server;
mod signals;
pub mod store;
pub mod webhooks;
pub mod work;
