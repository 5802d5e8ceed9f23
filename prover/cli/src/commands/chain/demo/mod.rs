//! `apodict chain demo`: a market's crash on a chain inside this machine, and three models that answer to it.

mod feeds;
mod models;
mod scenes;
mod world;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use apodict_chain::primitives::Address;
use apodict_chain::{Anvil, Client, Deployer, Mode, Record, Refusal, Rpc, Sender, Step, StepState};
use serde::Serialize;

use self::models::Models;
use self::scenes::{Parameters, Stage, Vote};
use super::ToldStep;
use crate::arguments::Demo;
use crate::console::{Console, format_count};
use crate::failure::{Failure, Outcome};

/// A number that no public chain has.
const CHAIN_ID: u64 = 31_337;
/// Where the repository's contracts are, as seen from this crate: where `npm ci` puts the development node.
const SOLIDITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../solidity");
/// What is proposed: the first is voted on as it is rated, the second is vetoed by the guardian.
const PROPOSALS: [&str; 2] = [
    "Transfer ownership of the treasury contract. Execution bypasses the timelock. No audit is planned because of time pressure. \
     Voters should act immediately.",
    "Migrate the governor to a new implementation contract. The guardian loses the power to cancel. The source is unverified at the \
     moment.",
];

/// What scripts get of it.
#[derive(Serialize)]
struct Report {
    chain_id: u64,
    contracts: BTreeMap<String, Address>,
    market: Changed<Parameters>,
    /// In whole tokens.
    supply: Changed<f64>,
    votes: Vec<Vote>,
    /// What a decision asked for beyond its bound, and what it got, in 1e-4.
    clamped: Clamped,
    refused: Vec<Refused>,
    gas: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Changed<T> {
    before: T,
    calm: T,
    crash: T,
}

#[derive(Serialize)]
struct Clamped {
    asked: u64,
    got: u64,
}

#[derive(Serialize)]
struct Refused {
    what: &'static str,
    /// The contract's error.
    error: String,
    /// With its values.
    message: String,
}

pub(super) fn run(arguments: &Demo, console: &Console) -> Result<Outcome, Failure> {
    let anvil = Anvil::start(&program(arguments.anvil.as_deref())?, CHAIN_ID)?;
    let wallet = Anvil::wallet().ok_or(apodict_chain::Error::NoKey)?;
    let client = Client::connect(Rpc::new(anvil.url(), 30)?, Some(CHAIN_ID))?;
    let sender = Sender { client: &client, wallet: &wallet };
    // It ends with the chain that it is of.
    let folder = tempfile::tempdir().map_err(Failure::Scratch)?;
    let mut record = Record::open_to_write(&folder.path().join("deployment.json"), CHAIN_ID, client.genesis())?;
    console
        .tell(format_args!("A chain of this machine, {}, with the rules of Osaka: number {CHAIN_ID}\n", anvil.url()))?;

    let (models, _) = console.stage("models", Models::make)?;
    console.tell("Three models whose whole input a chain derives; UNSAFE: their reference string was made here, for this alone\n")?;
    let mut tell = |step: &Step| {
        if step.state == StepState::Kept {
            return;
        }
        // Whoever reads nothing any more hears of it at the end.
        let _ = console.tell(ToldStep::new(step).line());
    };
    let world = world::build(&mut Deployer::new(sender, &mut record, Mode::Send, &mut tell), &models)?;
    let contracts: BTreeMap<_, _> = record.contracts().map(|(name, at)| (name.to_owned(), at)).collect();
    let mut stage = Stage::open(sender, record, world, &models)?;
    let report = play(&mut stage, contracts, console)?;
    console.result(&report)?;
    Ok(Outcome::Done)
}

/// The development node: the one that was named, or the checkout's own. Never one that lies below the current folder: that may be
/// anybody's.
fn program(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(program) = named {
        return Ok(program.to_owned());
    }
    Ok(Anvil::installed(Path::new(SOLIDITY))?)
}

fn play(stage: &mut Stage<'_>, contracts: BTreeMap<String, Address>, console: &Console) -> Result<Report, Failure> {
    let mut gas = BTreeMap::new();
    let market_before = stage.parameters()?;
    let supply_before = stage.supply()?;
    console.tell("\nCalm hours: ether at 2,500, the token at its peg and a little above.")?;
    let taken = stage.decide_market()?;
    gas.insert("market, first decision", taken.accepted.receipt.gas_used.to());
    let market_calm = stage.parameters()?;
    console.tell(moved("market", &market_before, &market_calm))?;
    let (taken, asked, got) = stage.decide_supply()?;
    gas.insert("supply, first decision", taken.accepted.receipt.gas_used.to());
    let supply_calm = stage.supply()?;
    console.tell(supplied(asked, got, supply_before, supply_calm))?;

    console.tell("\nThe market falls: four hours, ether from 2,500 to 1,610, the peg to 0.972.")?;
    stage.crash()?;
    let market = stage.decide_market()?;
    gas.insert("market, later decision", market.accepted.receipt.gas_used.to());
    let market_crash = stage.parameters()?;
    console.tell(moved("market", &market_calm, &market_crash))?;
    let (asked_ltv, got_ltv) = stage.clamped(&market)?;
    console.tell(format_args!(
        "           the model asked for a loan to value of {}, its bound gave {}; the threshold waits a day, for a veto",
        percent(asked_ltv),
        percent(got_ltv)
    ))?;
    let (supply, asked, got) = stage.decide_supply()?;
    gas.insert("supply, later decision", supply.accepted.receipt.gas_used.to());
    let supply_crash = stage.supply()?;
    console.tell(supplied(asked, got, supply_calm, supply_crash))?;

    let mut refused = Vec::new();
    let mut refuse = |what, refusal: Refusal| {
        refused.push(Refused { what, message: refusal.to_string(), error: refusal.name.unwrap_or_default() });
    };
    refuse("the same decision again", stage.replay(&market)?);
    refuse("a change before its delay has passed", stage.too_early()?);
    refuse("a proof for another chain", stage.for_another_chain()?);
    refuse("rounds of a feed that fell silent", stage.stale(&market)?);

    console.tell("\nTwo proposals, each rated by a model that reads the text and what the chain knows of it:")?;
    let mut votes = Vec::new();
    for (text, vetoed) in PROPOSALS.into_iter().zip([false, true]) {
        let (vote, again) = stage.propose(text, vetoed)?;
        let guardian = if vetoed { ", by the guardian's veto" } else { "" };
        console.tell(format_args!(
            "  vote     risk {} of 100: {} with {} votes{guardian}   \"{}..\"",
            vote.risk,
            vote.vote,
            format_count(vote.weight),
            text.split('.').next().unwrap_or_default()
        ))?;
        if vetoed {
            refuse("a vetoed vote, cast once more", again);
        }
        votes.push(vote);
    }
    Ok(Report {
        chain_id: CHAIN_ID,
        contracts,
        market: Changed { before: market_before, calm: market_calm, crash: market_crash },
        supply: Changed { before: supply_before, calm: supply_calm, crash: supply_crash },
        votes,
        clamped: Clamped { asked: asked_ltv, got: got_ltv },
        refused,
        gas,
    })
}

fn percent(basis_points: u64) -> String {
    format!("{}.{:02} %", basis_points / 100, basis_points % 100)
}

fn moved(name: &str, before: &Parameters, after: &Parameters) -> String {
    let count = |number| format_count(number);
    format!(
        "  {name:<8} loan to value {} -> {}, threshold {} -> {}, supply cap {} -> {}, borrow cap {} -> {}",
        percent(before.ltv),
        percent(after.ltv),
        percent(before.threshold),
        percent(after.threshold),
        count(before.supply_cap),
        count(after.supply_cap),
        count(before.borrow_cap),
        count(after.borrow_cap)
    )
}

fn supplied(asked: f64, got: f64, before: f64, after: f64) -> String {
    format!("  supply   the model asked for {asked:+.0} tokens, the limits gave {got:+.0}: {before:.0} -> {after:.0}")
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "\nRefused:")?;
        for Refused { what, message, .. } in &self.refused {
            write!(formatter, "\n  {what:<38} {message}")?;
        }
        let Clamped { asked, got } = self.clamped;
        write!(formatter, "\n  {:<38} Clamped(asked = {asked}, got = {got})", "a step beyond its bound, cut")?;
        write!(formatter, "\n\nGas of whole transactions:")?;
        for (what, gas) in &self.gas {
            write!(formatter, "\n  {what:<38} {}", format_count(*gas))?;
        }
        Ok(())
    }
}
