//! The contracts of `solidity/` on a chain: deploy them, register models, submit proved decisions.
//!
//! Types and the ABI are alloy's. Requests are made one by one by [`Rpc`], whose answers have a size and a time: a node is
//! not trusted. What it says of a transaction counts only with what the chain holds afterwards: code is compared byte for byte with
//! what was compiled, state is read back. What was sent stands in a [`Record`] before it is sent, so that a command that was cut off
//! goes on where it stopped.

pub mod abi;
mod anvil;
mod client;
mod compiled;
mod deploy;
mod error;
mod keystore;
mod record;
mod refusal;
mod register;
mod rpc;
mod submit;
mod transaction;
mod wallet;

pub use alloy_primitives as primitives;
pub use alloy_sol_types as sol_types;
pub use anvil::Anvil;
pub use client::{Client, Fees, Log, Receipt, Sender};
pub use compiled::{Code, Contract};
pub use deploy::{Core, CoreOptions, Deployer, Mode, Step, StepState};
pub use error::Error;
pub use record::{Record, Sent};
pub use refusal::Refusal;
pub use register::{ModelOptions, Registered};
pub use rpc::Rpc;
pub use submit::{Accepted, Guarded, Request, Sources, context, guarded};
pub use wallet::{KEY_VARIABLE, PASSWORD_VARIABLE, Wallet};
