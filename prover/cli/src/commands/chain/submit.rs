//! `apodict chain context` and `apodict chain submit`.

use std::fmt::{self, Display, Formatter};

use apodict_chain::primitives::{Address, B256};
use apodict_chain::{Client, Core, Request, Sender, Sources};
use apodict_verifier::files::Bytes32;
use serde::Serialize;

use super::{connect, connect_to_sign, record_of};
use crate::arguments::{Context, Place, Submit};
use crate::commands::verify::read_pair;
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};

#[derive(Serialize)]
struct Bound {
    chain_id: u64,
    gateway: Address,
    consumer: Address,
    subject: B256,
    model: B256,
    nonce: u64,
    deadline: u64,
    /// For `prove --context`.
    context: B256,
}

#[derive(Serialize)]
struct Submitted {
    accepted: bool,
    dry_run: bool,
    decision: B256,
    nonce: u64,
    gas: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<B256>,
    key_digest: Bytes32,
}

pub(super) fn context(arguments: &Context, console: &Console) -> Result<Outcome, Failure> {
    let client = connect(&arguments.node)?;
    let core = Core::of(&record_of(&arguments.node, &client)?)?;
    let Request { consumer, subject, nonce, deadline, model, context } = next(&client, &core, &arguments.place)?;
    let (chain_id, gateway) = (client.chain_id(), core.gateway);
    console.result(&Bound { chain_id, gateway, consumer, subject, model, nonce, deadline, context })?;
    Ok(Outcome::Done)
}

pub(super) fn submit(arguments: &Submit, console: &Console) -> Result<Outcome, Failure> {
    let (key, proof) = read_pair(&arguments.key, &arguments.proof)?;
    let words = proof.words();
    let (client, wallet) = connect_to_sign(&arguments.node, &arguments.signing)?;
    let sender = Sender { client: &client, wallet: &wallet };
    let mut record = record_of(&arguments.node, &client)?;
    let core = Core::of(&record)?;
    let sources = Sources { observed: arguments.observed, rounds: arguments.rounds.clone() };
    let bound_to = key.layout.decode(&words).map_err(apodict_chain::Error::from)?.context;
    let request = next(&client, &core, &arguments.place)?.or_the_last(&client, &core, bound_to.into());
    let report = |decision, gas, transaction| Submitted {
        accepted: Option::is_some(&transaction),
        dry_run: arguments.signing.dry_run,
        decision,
        nonce: request.nonce,
        gas,
        transaction,
        key_digest: proof.key_digest,
    };
    let pair = (words.as_slice(), proof.proof.as_slice());
    if arguments.signing.dry_run {
        let (decision, gas) = sender.try_submit(&core, &request, &sources, &key, pair)?;
        console.result(&report(decision, gas, None))?;
        return Ok(Outcome::Done);
    }
    let done = console.stage("submit", || sender.submit(&mut record, &core, &request, &sources, &key, pair));
    let (accepted, _) = done?;
    let (gas, transaction) = (accepted.receipt.gas_used.to(), accepted.receipt.transaction_hash);
    console.result(&report(accepted.id, gas, Some(transaction)))?;
    Ok(Outcome::Done)
}

fn next(client: &Client, core: &Core, place: &Place) -> Result<Request, Failure> {
    Ok(apodict_chain::context(client, core, place.consumer, place.subject, place.deadline)?)
}

impl Display for Bound {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "context  {}   pass it to prove --context", self.context)?;
        writeln!(formatter, "model    {}   the one that the consumer asks for", self.model)?;
        write!(formatter, "nonce    {}, until {} on chain {}", self.nonce, self.deadline, self.chain_id)
    }
}

impl Display for Submitted {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.transaction {
            Some(transaction) => {
                write!(
                    formatter,
                    "accepted for {} gas, decision {}, in {transaction}",
                    format_count(self.gas),
                    self.decision
                )
            }
            None => {
                write!(formatter, "would be accepted for {} gas, decision {}", format_count(self.gas), self.decision)
            }
        }
    }
}
