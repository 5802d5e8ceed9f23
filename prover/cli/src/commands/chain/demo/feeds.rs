//! Time and prices of the demonstration: both are the script's.

use apodict_chain::abi::demo::MockFeed;
use apodict_chain::abi::{FeedSet, Port, Source};
use apodict_chain::primitives::{Address, FixedBytes, U256, aliases::I192};
use apodict_chain::{Client, Error, Record, Sender};
use serde_json::{Value, json};

use super::models::Model;
use crate::failure::Failure;

/// Seconds of a period of the binder: decisions are about whole hours.
pub(super) const HOUR: u64 = 3_600;
/// How long before the hour a feed answers: the chain's clock goes on with this machine's, however slow that is.
pub(super) const BEFORE: u64 = 600;
/// Decimals of every feed here.
pub(super) const DECIMALS: u8 = 8;
/// The phase that the demonstration's feeds stay in.
const PHASE: u128 = 1 << 64;

/// A feed, and the rounds that it was given.
pub(super) struct Feed {
    pub(super) name: &'static str,
    pub(super) address: Address,
    /// When each was updated, in seconds.
    rounds: Vec<u64>,
}

impl Feed {
    pub(super) fn new(name: &'static str, address: Address) -> Self {
        Self { name, address, rounds: Vec::new() }
    }

    /// Answers shortly before an hour. `price` in units.
    pub(super) fn push(
        &mut self,
        sender: &Sender<'_>,
        record: &mut Record,
        hour: u64,
        price: f64,
    ) -> Result<(), Error> {
        let answer = (price * 10f64.powi(DECIMALS.into())).round() as i64;
        let call = MockFeed::pushCall { answer: I192::unchecked_from(answer), updatedAt: U256::from(hour - BEFORE) };
        let name = format!("round {} of {}", self.rounds.len() + 1, self.name);
        sender.call(record, &name, self.address, &call)?;
        self.rounds.push(hour - BEFORE);
        Ok(())
    }

    /// The last round at a time.
    pub(super) fn round_at(&self, time: u64) -> u128 {
        PHASE + self.rounds.iter().filter(|updated| **updated <= time).count() as u128
    }
}

/// What the binder binds for a model: of feeds that the example names so, the rounds that it says.
pub(super) fn sources(model: &Model, feeds: &[(&str, &Feed)]) -> Result<Vec<Source>, Failure> {
    let source = |target, lag| Source {
        kind: 0,
        target,
        selector: FixedBytes::ZERO,
        arg: FixedBytes::ZERO,
        decimals: DECIMALS,
        lag,
        maxAge: 2 * HOUR as u32,
        maxMoveBps: 0,
        lo: I192::unchecked_from(1),
        hi: I192::unchecked_from(i64::MAX),
    };
    model.rounds.iter().map(|round| Ok(source(named(feeds, &round.feed)?.address, round.lag))).collect()
}

/// The feed of a name.
pub(super) fn named<'a>(feeds: &[(&str, &'a Feed)], name: &str) -> Result<&'a Feed, Failure> {
    let found = feeds.iter().find(|(known, _)| *known == name);
    found.map(|(_, feed)| *feed).ok_or(Failure::Demonstration { name: "feed" })
}

/// A set of the binder without a sequencer.
pub(super) fn set_of(sources: Vec<Source>, ports: &[Port]) -> FeedSet {
    FeedSet { sources, ports: ports.to_vec(), period: HOUR as u32, sequencerFeed: Address::ZERO, grace: 0 }
}

/// The next block's time, in seconds.
pub(super) fn next_block_at(client: &Client, time: u64) -> Result<(), Error> {
    client.rpc().ask::<Value>("evm_setNextBlockTimestamp", json!([time]))?;
    client.rpc().ask::<Value>("evm_mine", json!([]))?;
    Ok(())
}
