//! `apodict chain deploy` and `apodict chain register`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use apodict_chain::primitives::{Address, B256, U256};
use apodict_chain::{Client, Core, CoreOptions, Deployer, Error, Mode, ModelOptions, Registered, Sender, Step, Wallet};
use apodict_verifier::{SrsPolicy, VerifyingKey};
use serde::Serialize;

use super::{ToldStep, Wei, connect_to_sign, read_key, record_to_sign};
use crate::arguments::{ConsumerKind, Deploy, Node, Origin, Register, Signing};
use crate::console::Console;
use crate::failure::{Failure, Outcome};

#[derive(Serialize)]
struct Report {
    chain_id: u64,
    account: Address,
    dry_run: bool,
    record: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<B256>,
    steps: Vec<ToldStep>,
    /// What was paid in all; of a dry run, the most that what could be estimated would cost now.
    cost: Wei,
    /// All contracts of the record, by their names there.
    contracts: BTreeMap<String, Address>,
}

pub(super) fn deploy(arguments: &Deploy, console: &Console) -> Result<Outcome, Failure> {
    let keys = arguments.keys.iter().map(|path| read_key(path)).collect::<Result<Vec<_>, _>>()?;
    warn(&keys, &arguments.origin, console);
    if arguments.origin.allow_unsafe_srs {
        console.warn(
            "UNSAFE: this gateway takes decisions of models whose reference string nobody vouches for, for ever.",
        );
    }
    let Deploy { node, signing, origin, consumers, .. } = arguments;
    run(node, signing, console, |deployer| {
        let options = CoreOptions {
            keys: &keys,
            policy: origin.pin.policy(),
            allow_unsafe_srs: origin.allow_unsafe_srs,
            admin: arguments.admin.unwrap_or(deployer.sender().address()),
            guardian: arguments.guardian,
        };
        let core = deployer.core(&options)?;
        for consumer in consumers {
            match consumer {
                ConsumerKind::RiskOracle => deployer.risk_oracle(&core)?,
                ConsumerKind::Steward { market } => deployer.steward(&core, *market)?,
            };
        }
        Ok(None)
    })
}

pub(super) fn register(arguments: &Register, console: &Console) -> Result<Outcome, Failure> {
    let Register { node, signing, origin, .. } = arguments;
    let key = read_key(&arguments.key)?;
    warn(std::slice::from_ref(&key), origin, console);
    run(node, signing, console, |deployer| {
        let core = Core::of(deployer.record(), deployer.sender().client)?;
        let options = ModelOptions {
            key: &key,
            policy: origin.pin.policy(),
            allow_unsafe_srs: origin.allow_unsafe_srs,
            report_digest: arguments.report_digest.unwrap_or_default(),
            uri: &arguments.uri,
        };
        let Registered { model, .. } = deployer.register(&core, &options)?;
        Ok(Some(model))
    })
}

/// Does steps, tells each, and reports.
fn run(
    node: &Node,
    signing: &Signing,
    console: &Console,
    steps: impl FnOnce(&mut Deployer<'_>) -> Result<Option<B256>, Error>,
) -> Result<Outcome, Failure> {
    let (client, wallet): (Client, Wallet) = connect_to_sign(node, signing)?;
    let sender = Sender { client: &client, wallet: &wallet };
    let mut record = record_to_sign(node, signing, &client)?;
    let mode = if signing.dry_run { Mode::DryRun } else { Mode::Send };
    let mut told = Vec::new();
    let mut tell = |step: &Step| {
        let step = ToldStep::new(step);
        // Who reads nothing any more still wants it done; the report below fails for them.
        let _ = console.tell(step.line());
        told.push(step);
    };
    let model = steps(&mut Deployer::new(sender, &mut record, mode, &mut tell))?;
    let cost = match signing.dry_run {
        true => U256::from(told.iter().filter_map(|step| step.gas).sum::<u64>()) * U256::from(client.fees()?.max),
        false => told.iter().filter_map(|step| step.cost).fold(U256::ZERO, |sum, cost| sum + cost.0),
    };
    let contracts = record.contracts().map(|(name, address)| (name.to_owned(), address)).collect();
    console.result(&Report {
        chain_id: client.chain_id(),
        account: sender.address(),
        dry_run: signing.dry_run,
        record: record.path().to_owned(),
        model,
        steps: told,
        cost: Wei(cost),
        contracts,
    })?;
    Ok(Outcome::Done)
}

fn warn(keys: &[VerifyingKey], origin: &Origin, console: &Console) {
    let policy: SrsPolicy<'_> = origin.pin.policy();
    if origin.allow_unsafe_srs
        && let Some(worst) = keys.iter().map(|key| policy.origin(&key.srs.digest())).min()
    {
        console.warn_of_origin(worst);
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(model) = self.model {
            writeln!(formatter, "model {model}")?;
        }
        match self.dry_run {
            true => write!(formatter, "at most {} at today's price; nothing was sent, nothing was written", self.cost),
            false => {
                let Self { chain_id, account, cost, .. } = self;
                write!(formatter, "chain {chain_id}, by {account} for {cost}; record: {}", self.record.display())
            }
        }
    }
}
