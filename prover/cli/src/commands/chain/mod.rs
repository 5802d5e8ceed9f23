//! `apodict chain`: the contracts on a chain.

mod demo;
mod deploy;
mod submit;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use apodict_chain::primitives::utils::format_ether;
use apodict_chain::primitives::{Address, U256};
use apodict_chain::{Client, Record, Rpc, Step, StepState, Wallet};
use apodict_prover::disk;
use apodict_verifier::VerifyingKey;
use apodict_verifier::files;
use serde::{Serialize, Serializer};

use crate::arguments::{Chain, Node, Signing};
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};

pub(crate) fn run(arguments: &Chain, console: &Console) -> Result<Outcome, Failure> {
    match arguments {
        Chain::Deploy(arguments) => deploy::deploy(arguments, console),
        Chain::Register(arguments) => deploy::register(arguments, console),
        Chain::Context(arguments) => submit::context(arguments, console),
        Chain::Submit(arguments) => submit::submit(arguments, console),
        Chain::Demo(arguments) => demo::run(arguments, console),
    }
}

/// The node, on the chain that was said or that the record is of.
fn connect(node: &Node) -> Result<Client, Failure> {
    let recorded = Record::chain_id_of(&node.record)?;
    Ok(Client::connect(Rpc::new(&node.rpc, node.timeout)?, node.chain_id.or(recorded))?)
}

/// The same, with what signs.
fn connect_to_sign(node: &Node, signing: &Signing) -> Result<(Client, Wallet), Failure> {
    let wallet = Wallet::load(signing.keystore.as_deref(), signing.password_file.as_deref())?;
    Ok((connect(node)?.waiting(signing.wait).paying(signing.max_fee), wallet))
}

/// What was sent on this chain.
fn record_of(node: &Node, client: &Client) -> Result<Record, Failure> {
    Ok(Record::open(&node.record, client.chain_id(), client.genesis())?)
}

/// The same, for this command alone if it sends.
fn record_to_sign(node: &Node, signing: &Signing, client: &Client) -> Result<Record, Failure> {
    if signing.dry_run {
        return record_of(node, client);
    }
    Ok(Record::open_to_write(&node.record, client.chain_id(), client.genesis())?)
}

fn read_key(path: &Path) -> Result<VerifyingKey, Failure> {
    let unusable = |source| disk::Error::VerifyingKey { path: path.to_owned(), source: Box::new(source) };
    let key = files::read_key(path).map_err(unusable)?;
    if key.layout.is_empty() { Err(Failure::NothingDescribed { path: path.to_owned() }) } else { Ok(key) }
}

/// A step for scripts.
#[derive(Serialize)]
struct ToldStep {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<u64>,
    /// What was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Wei>,
}

/// An amount: for scripts in wei and decimal, for people in ether.
#[derive(Clone, Copy, Debug, Default)]
struct Wei(U256);

impl Serialize for Wei {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Display for Wei {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let ether = format_ether(self.0);
        write!(formatter, "{} ether", ether.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl ToldStep {
    fn new(step: &Step) -> Self {
        let (state, gas, cost) = match step.state {
            StepState::Kept => ("kept", None, None),
            StepState::Done { gas, cost } => ("done", Some(gas), Some(Wei(cost))),
            StepState::Planned { gas } => ("planned", gas, None),
            _ => ("unknown", None, None),
        };
        Self { name: step.name.clone(), address: step.address, state, gas, cost }
    }

    /// A line for people.
    fn line(&self) -> String {
        let gas = self.gas.map(|gas| format!("{} gas", format_count(gas))).unwrap_or_default();
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        format!("  {:<8} {:>13}  {:<42}  {}", self.state, gas, address, self.name)
    }
}
