//! One module per verb.

#[cfg(feature = "service")]
pub(crate) mod api_key;
pub(crate) mod bench;
pub(crate) mod calldata;
#[cfg(feature = "chain")]
pub(crate) mod chain;
pub(crate) mod compile;
pub(crate) mod completions;
pub(crate) mod contract;
pub(crate) mod demo;
pub(crate) mod evaluate;
pub(crate) mod inspect;
mod inspect_key;
#[cfg(feature = "service")]
pub(crate) mod job;
pub(crate) mod keys;
#[cfg(feature = "service")]
pub(crate) mod model;
pub(crate) mod prove;
#[cfg(feature = "service")]
mod prove_on_server;
#[cfg(feature = "service")]
pub(crate) mod serve;
pub(crate) mod srs;
pub(crate) mod verify;
#[cfg(feature = "service")]
pub(crate) mod webhook_secret;
#[cfg(feature = "service")]
pub(crate) mod worker;
