//! `apodict chain context` and `apodict chain submit`.

use std::fmt::{self, Display, Formatter};

use apodict_chain::primitives::{Address, B256, U256};
use apodict_chain::{Client, Core, Guarded, Request, Sender, Sources};
use apodict_prover::disk::origin_name;
use apodict_verifier::files::Bytes32;
use serde::Serialize;

use super::{Wei, connect, connect_to_sign, record_of, record_to_sign};
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
    #[serde(flatten)]
    on_chain: OnChain,
}

/// What the chain says of the model's reference string.
#[derive(Serialize)]
struct OnChain {
    gateway_takes_unsafe: bool,
    /// Absent where the model may not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_is_unsafe: Option<bool>,
}

impl OnChain {
    /// Asks, and warns of what a reader of decisions should know.
    fn of(client: &Client, core: &Core, model: B256, console: &Console) -> Result<Self, Failure> {
        let Guarded { takes_unsafe, is_unsafe } = apodict_chain::guarded(client, core, model)?;
        match is_unsafe {
            None => console.warn("warning: the registry has no such model in use: the gateway will refuse its decisions"),
            Some(true) if takes_unsafe => console.warn(
                "UNSAFE: the gateway takes decisions of this model, and nobody on this chain vouches for its reference string: whoever \
                 made that can forge them",
            ),
            Some(_) => (),
        }
        Ok(Self { gateway_takes_unsafe: takes_unsafe, model_is_unsafe: is_unsafe })
    }
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
    /// Where the structured reference string comes from, as far as this call knows.
    srs: &'static str,
    #[serde(flatten)]
    on_chain: OnChain,
    /// What was paid; of a dry run, the most that it would cost now.
    cost: Wei,
}

pub(super) fn context(arguments: &Context, console: &Console) -> Result<Outcome, Failure> {
    let client = connect(&arguments.node)?;
    let core = Core::of(&record_of(&arguments.node, &client)?, &client)?;
    let Request { consumer, subject, nonce, deadline, model, context } = next(&client, &core, &arguments.place)?;
    let (chain_id, gateway) = (client.chain_id(), core.gateway);
    let on_chain = OnChain::of(&client, &core, model, console)?;
    console.result(&Bound { chain_id, gateway, consumer, subject, model, nonce, deadline, context, on_chain })?;
    Ok(Outcome::Done)
}

pub(super) fn submit(arguments: &Submit, console: &Console) -> Result<Outcome, Failure> {
    let (key, proof) = read_pair(&arguments.key, &arguments.proof)?;
    arguments.pin.check(key.srs.digest())?;
    let origin = arguments.pin.policy().origin(&key.srs.digest());
    console.warn_of_origin(origin);
    let words = proof.words();
    let (client, wallet) = connect_to_sign(&arguments.node, &arguments.signing)?;
    let sender = Sender { client: &client, wallet: &wallet };
    let mut record = record_to_sign(&arguments.node, &arguments.signing, &client)?;
    let core = Core::of(&record, &client)?;
    let sources = Sources { observed: arguments.observed, rounds: arguments.rounds.clone() };
    let bound_to = key.layout.decode(&words).map_err(apodict_chain::Error::from)?.context;
    let request = next(&client, &core, &arguments.place)?.or_the_last(&client, &core, bound_to.into());
    let on_chain = OnChain::of(&client, &core, request.model, console)?;
    let report = |decision, gas, transaction, cost| Submitted {
        accepted: Option::is_some(&transaction),
        dry_run: arguments.signing.dry_run,
        decision,
        nonce: request.nonce,
        gas,
        transaction,
        key_digest: proof.key_digest,
        srs: origin_name(origin),
        on_chain,
        cost: Wei(cost),
    };
    let pair = (words.as_slice(), proof.proof.as_slice());
    if arguments.signing.dry_run {
        let (decision, gas) = sender.try_submit(&core, &request, &sources, &key, pair)?;
        let cost = U256::from(gas) * U256::from(client.fees()?.max);
        console.result(&report(decision, gas, None, cost))?;
        return Ok(Outcome::Done);
    }
    let done = console.stage("submit", || sender.submit(&mut record, &core, &request, &sources, &key, pair));
    let (accepted, _) = done?;
    let (gas, transaction) = (accepted.receipt.gas_used.to(), accepted.receipt.transaction_hash);
    console.result(&report(accepted.id, gas, Some(transaction), accepted.receipt.cost()))?;
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
                    "accepted for {} gas ({}), decision {}, in {transaction}",
                    format_count(self.gas),
                    self.cost,
                    self.decision
                )
            }
            None => {
                let Self { gas, cost, decision, .. } = self;
                write!(
                    formatter,
                    "would be accepted for {} gas (at most {cost}), decision {decision}",
                    format_count(*gas)
                )
            }
        }
    }
}
