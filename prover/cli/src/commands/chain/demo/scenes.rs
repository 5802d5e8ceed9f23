//! What happens: calm hours, a crash, two proposals; and what is refused.

use apodict_chain::abi::demo::{
    AgentVoter, ElasticToken, OverridableGovernor, ProposalAdvisor, ReferenceMarket, SupplyController,
};
use apodict_chain::abi::{BoundedConsumer, CollateralSteward, FeedBinder};
use apodict_chain::primitives::{Address, B256, I256, U256, keccak256};
use apodict_chain::sol_types::{SolCall, SolEvent};
use apodict_chain::{Accepted, Client, Error, Receipt, Record, Refusal, Request, Sender, Sources, context};
use serde::Serialize;

use super::feeds::{BEFORE, Feed, HOUR, named, next_block_at};
use super::models::{Model, Models, Round};
use super::world::{COLLATERAL_GROUP, COOLDOWN_HOURS, World, of_market, of_supply};
use crate::failure::Failure;

/// Prices that nothing happens to.
const CALM: (f64, f64) = (2_500.0, 1.004);
/// Ether and peg, hour by hour, while the market falls.
const CRASH: [(f64, f64); 4] = [(2_330.0, 0.998), (2_080.0, 0.991), (1_840.0, 0.983), (1_610.0, 0.972)];
/// What a proposal's call does: nothing that governance knows as routine.
const CALL: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
/// Seconds behind now until which a decision may be accepted.
const MINUTES: u64 = 20 * 60;

/// A market's parameters, in 1e-4 and whole tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Parameters {
    pub(super) ltv: u64,
    pub(super) threshold: u64,
    pub(super) supply_cap: u64,
    pub(super) borrow_cap: u64,
}

/// A decision that was accepted: the last one of its kind, with all that is needed to hand it in again.
pub(super) struct Taken {
    pub(super) accepted: Accepted,
    request: Request,
    sources: Sources,
    inputs: Vec<i128>,
    outputs: Vec<i128>,
    proof: Vec<u8>,
}

/// A vote of the agent on a proposal.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Vote {
    pub(super) proposal: String,
    /// 0 to 100.
    pub(super) risk: u8,
    /// `against`, `for` or `abstains`.
    pub(super) vote: &'static str,
    /// Votes that were cast, in whole ones.
    pub(super) weight: u64,
}

/// Everything that acts.
pub(super) struct Stage<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) record: Record,
    pub(super) world: World,
    pub(super) models: &'a Models,
    /// The hour that is to come.
    hour: u64,
}

impl<'a> Stage<'a> {
    /// Gives the feeds a calm past, and the token its first million.
    pub(super) fn open(sender: Sender<'a>, record: Record, world: World, models: &'a Models) -> Result<Self, Failure> {
        // What was configured has cooled down by then; from the beginning of an hour on there is time enough until the next.
        let begin = (sender.client.time()? / HOUR + 1 + COOLDOWN_HOURS) * HOUR;
        next_block_at(sender.client, begin + 1)?;
        let hour = begin + HOUR;
        let mut stage = Self { sender, record, world, models, hour };
        let oldest = models.market.oldest().max(models.supply.oldest());
        for hours in (1..=oldest).rev() {
            stage.push_past(hour - u64::from(hours) * HOUR, hours)?;
        }
        stage.pass(CALM)?;
        let million = U256::from(1_000_000_000_000u64);
        let deposit = SupplyController::depositCall { amount: million };
        sender.call(&mut stage.record, "deposit", stage.world.controller, &deposit)?;
        // What came in this second does not count yet: limits are shares of what was there when it began.
        next_block_at(sender.client, sender.client.time()? + 1)?;
        Ok(stage)
    }

    fn client(&self) -> &'a Client {
        self.sender.client
    }

    /// Answers for an hour of the calm past, of those feeds that are asked for any that old.
    fn push_past(&mut self, hour: u64, hours: u16) -> Result<(), Error> {
        // A little up and down: an hour without any move is no calm one.
        let wobble = 1.0 + f64::from(hours % 3) * 0.002;
        let Self { sender, record, world, models, .. } = self;
        if hours <= models.market.oldest() {
            world.ether.push(sender, record, hour, CALM.0 * wobble)?;
        }
        if hours <= models.supply.oldest() {
            for feed in &mut world.pegs {
                feed.push(sender, record, hour, CALM.1)?;
            }
        }
        Ok(())
    }

    /// Answers of all feeds for an hour.
    fn push(&mut self, hour: u64, (ether, peg): (f64, f64)) -> Result<(), Error> {
        let Self { sender, record, world, .. } = self;
        world.ether.push(sender, record, hour, ether)?;
        // The second source sees a little of it later.
        world.pegs[0].push(sender, record, hour, peg)?;
        world.pegs[1].push(sender, record, hour, 1.0 + (peg - 1.0) * 0.9)?;
        for reserve in &mut world.reserves {
            reserve.push(sender, record, hour, 1.0)?;
        }
        Ok(())
    }

    /// One hour with these prices: the chain's time moves behind it.
    fn pass(&mut self, prices: (f64, f64)) -> Result<(), Error> {
        next_block_at(self.client(), self.hour - BEFORE + 10)?;
        self.push(self.hour, prices)?;
        next_block_at(self.client(), self.hour + 1)?;
        self.hour += HOUR;
        Ok(())
    }

    /// All hours of the crash.
    pub(super) fn crash(&mut self) -> Result<(), Failure> {
        for prices in CRASH {
            self.pass(prices)?;
        }
        Ok(())
    }

    /// Hours in which no feed answers.
    fn silence(&mut self, hours: u64) -> Result<(), Error> {
        self.hour += hours * HOUR;
        next_block_at(self.client(), self.hour - HOUR + 1)
    }

    /// The last hour that can be bound, and the rounds that a model reads then, in the order of its set.
    fn sources(&self, model: &Model, feeds: &[(&str, &Feed)]) -> Result<Sources, Failure> {
        let observed = self.hour - HOUR;
        let round = |round: &Round| {
            Ok::<_, Failure>(named(feeds, &round.feed)?.round_at(observed - u64::from(round.lag) * HOUR))
        };
        Ok(Sources { observed, rounds: model.rounds.iter().map(round).collect::<Result<_, _>>()? })
    }

    fn market_sources(&self) -> Result<Sources, Failure> {
        self.sources(&self.models.market, &of_market(&self.world.ether))
    }

    fn supply_sources(&self) -> Result<Sources, Failure> {
        self.sources(&self.models.supply, &of_supply(&self.world.pegs))
    }

    /// The integers that the chain makes of them.
    fn bound(&self, set: B256, sources: &Sources) -> Result<Vec<i128>, Error> {
        let call = FeedBinder::bindCall {
            setId: set,
            time: sources.observed,
            rounds: sources.rounds.iter().map(|round| apodict_chain::primitives::aliases::U80::from(*round)).collect(),
        };
        integers(&self.client().read(self.world.core.binder, &call)?)
    }

    fn request(&self, consumer: Address, subject: B256) -> Result<Request, Error> {
        let deadline = self.client().time()? + MINUTES;
        context(self.client(), &self.world.core, consumer, subject, deadline)
    }

    /// Proves what a model decides on inputs of the chain, and submits it.
    fn decide(
        &mut self,
        model: &Model,
        place: (Address, B256),
        sources: Sources,
        inputs: Vec<i128>,
    ) -> Result<Taken, Failure> {
        let request = self.request(place.0, place.1)?;
        let proof = model.prove(&inputs, request.context)?;
        let pair = (proof.instances.as_slice(), proof.bytes.as_slice());
        let accepted = self.sender.submit(&mut self.record, &self.world.core, &request, &sources, model.key(), pair)?;
        let outputs = model.layout().decode(&proof.instances).map_err(apodict_prover::Error::from)?.outputs.concat();
        Ok(Taken { accepted, request, sources, inputs, outputs, proof: proof.bytes })
    }

    /// A decision about the market's parameters.
    pub(super) fn decide_market(&mut self) -> Result<Taken, Failure> {
        let sources = self.market_sources()?;
        let inputs = self.bound(self.world.market_set, &sources)?;
        let place = (self.world.steward, self.world.market_subject);
        self.decide(&self.models.market, place, sources, inputs)
    }

    /// A decision about the token's supply: what was asked for, and what the limits gave, in whole tokens.
    pub(super) fn decide_supply(&mut self) -> Result<(Taken, f64, f64), Failure> {
        let sources = self.supply_sources()?;
        let inputs = self.bound(self.world.supply_set, &sources)?;
        let place = (self.world.controller, self.world.supply_subject);
        let taken = self.decide(&self.models.supply, place, sources, inputs)?;
        let moved: SupplyController::SupplyMoved = said(&taken.accepted.receipt, self.world.controller)?;
        Ok((taken, tokens(moved.asked), tokens(moved.got)))
    }

    /// The market's parameters now.
    pub(super) fn parameters(&self) -> Result<Parameters, Failure> {
        let (client, market) = (self.client(), self.world.market);
        Ok(Parameters {
            ltv: whole(client.read(market, &ReferenceMarket::ltvCall {})?),
            threshold: whole(client.read(market, &ReferenceMarket::liquidationThresholdCall {})?),
            supply_cap: whole(client.read(market, &ReferenceMarket::supplyCapCall {})?),
            borrow_cap: whole(client.read(market, &ReferenceMarket::borrowCapCall {})?),
        })
    }

    /// The token's supply now, in whole tokens.
    pub(super) fn supply(&self) -> Result<f64, Failure> {
        Ok(self.client().read(self.world.token, &ElasticToken::totalSupplyCall {})?.to::<u128>() as f64 / 1e18)
    }

    /// Proposes, lets the chain derive the model's inputs, rates, and has the agent vote; the guardian may take part.
    pub(super) fn propose(&mut self, text: &str, vetoed: bool) -> Result<(Vote, Refusal), Failure> {
        let World { governor, advisor, voter, .. } = self.world;
        let (targets, values) = (vec![governor], vec![U256::ZERO]);
        let calls = vec![CALL.to_vec().into()];
        let hash = keccak256(text);
        let number = OverridableGovernor::getProposalIdCall {
            targets: targets.clone(),
            values: values.clone(),
            calls: calls.clone(),
            descriptionHash: hash,
        };
        let id = self.client().read(governor, &number)?;
        let description = text.to_owned();
        let propose = OverridableGovernor::proposeCall {
            targets: targets.clone(),
            values: values.clone(),
            calls: calls.clone(),
            description: description.clone(),
        };
        self.sender.call(&mut self.record, &format!("propose {id}"), governor, &propose)?;
        let snapshot = self.client().read(governor, &OverridableGovernor::proposalSnapshotCall { proposalId: id })?;
        next_block_at(self.client(), whole(snapshot) + 1)?;
        let prepare = ProposalAdvisor::prepareCall { targets, values, calls, description };
        let receipt = self.sender.call(&mut self.record, &format!("prepare {id}"), advisor, &prepare)?;
        let prepared: ProposalAdvisor::Prepared = said(&receipt, advisor)?;
        let subject = B256::from(id);
        self.decide(&self.models.proposals, (advisor, subject), Sources::default(), integers(&prepared.inputs)?)?;
        let opinion = self.client().read(advisor, &ProposalAdvisor::opinionOfCall { proposalId: id })?;

        if vetoed {
            self.sender.call(
                &mut self.record,
                &format!("veto {id}"),
                voter,
                &AgentVoter::vetoCall { proposalId: id },
            )?;
        }
        let window = self.client().read(voter, &AgentVoter::windowOfCall { proposalId: id })?;
        next_block_at(self.client(), whole(window.from) + 1)?;
        let cast = AgentVoter::castCall { proposalId: id };
        let receipt = self.sender.call(&mut self.record, &format!("cast {id}"), voter, &cast)?;
        let told: AgentVoter::Cast = said(&receipt, voter)?;
        let vote = match told.support {
            0 => "against",
            1 => "for",
            _ => "abstains",
        };
        let weight = whole(told.weight / U256::from(10u64.pow(18)));
        let again = self.refused(voter, &cast)?;
        Ok((Vote { proposal: text.to_owned(), risk: opinion.risk, vote, weight }, again))
    }

    /// What the bounds cut off a decision: what it asked for, and what it got.
    pub(super) fn clamped(&self, taken: &Taken) -> Result<(u64, u64), Failure> {
        let event: BoundedConsumer::Clamped = said(&taken.accepted.receipt, self.world.steward)?;
        Ok((whole(event.asked), whole(event.got)))
    }

    /// The same decision again.
    pub(super) fn replay(&self, taken: &Taken) -> Result<Refusal, Failure> {
        let Taken { request, sources, inputs, outputs, proof, .. } = taken;
        self.refused(self.world.core.gateway, &request.submission(sources, inputs, outputs, proof))
    }

    /// A proof that is right in everything but the chain that it is bound to.
    pub(super) fn for_another_chain(&mut self) -> Result<Refusal, Failure> {
        if let Some(last) = CRASH.last() {
            self.pass(*last)?;
        }
        let sources = self.market_sources()?;
        let inputs = self.bound(self.world.market_set, &sources)?;
        let request = self.request(self.world.steward, self.world.market_subject)?;
        let elsewhere = request.on_chain(self.client().chain_id() + 1, &self.world.core);
        let model = &self.models.market;
        let proof = model.prove(&inputs, elsewhere.context)?;
        let outputs = model.layout().decode(&proof.instances).map_err(apodict_prover::Error::from)?.outputs.concat();
        self.refused(self.world.core.gateway, &request.submission(&sources, &inputs, &outputs, &proof.bytes))
    }

    /// What waits is executed before its time.
    pub(super) fn too_early(&self) -> Result<Refusal, Failure> {
        let World { steward, asset, .. } = self.world;
        let group = self.client().read(steward, &CollateralSteward::groupOfCall { asset, kind: COLLATERAL_GROUP })?;
        self.refused(steward, &BoundedConsumer::executeCall { group })
    }

    /// The last rounds that there are, hours after the feed fell silent.
    pub(super) fn stale(&mut self, taken: &Taken) -> Result<Refusal, Failure> {
        self.silence(4)?;
        let sources = self.market_sources()?;
        let request = self.request(self.world.steward, self.world.market_subject)?;
        let call = request.submission(&sources, &taken.inputs, &taken.outputs, &taken.proof);
        self.refused(self.world.core.gateway, &call)
    }

    fn refused<C: SolCall>(&self, to: Address, call: &C) -> Result<Refusal, Failure> {
        let tried = self.client().try_call(Some(self.sender.address()), to, &call.abi_encode(), C::SIGNATURE);
        match tried {
            Err(Error::Refused { refusal, .. }) => Ok(refusal),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Failure::NotRefused { what: C::SIGNATURE }),
        }
    }
}

/// The first event of a kind that a contract told.
fn said<E: SolEvent>(receipt: &Receipt, by: Address) -> Result<E, Error> {
    let told = receipt.logs.iter().filter(|log| log.address == by);
    let found = told.filter_map(|log| E::decode_raw_log(log.topics.iter().copied(), &log.data).ok()).next();
    found.ok_or_else(|| Error::Lied {
        what: format!("transaction {}", receipt.transaction_hash),
        reason: format!("its receipt has no {}", E::SIGNATURE),
    })
}

fn integers(list: &[I256]) -> Result<Vec<i128>, Error> {
    let narrow = |integer: &I256| {
        i128::try_from(*integer).map_err(|_| Error::Lied {
            what: "a model's inputs".to_owned(),
            reason: format!("{integer} is no integer of a circuit"),
        })
    };
    list.iter().map(narrow).collect()
}

fn whole(number: U256) -> u64 {
    number.saturating_to()
}

fn tokens(amount: I256) -> f64 {
    i128::try_from(amount).unwrap_or_default() as f64 / 1e18
}
