//! `apodict chain context` and `apodict chain submit`: from a feed's rounds to a decision that a consumer took.

#![cfg(feature = "chain")]

mod command;
mod node;

use apodict_chain::abi::demo::MockFeed;
use apodict_chain::abi::{Bound, BoundedConsumer, Consumer, FeedBinder, FeedSet, Policy, Source, num_inputs, ports_of};
use apodict_chain::primitives::aliases::{I192, U24, U48, U80};
use apodict_chain::primitives::{Address, B256, FixedBytes, U256, keccak256};
use apodict_chain::sol_types::{SolConstructor, SolValue};
use apodict_chain::{Client, Contract, Core, Deployer, Mode, Record, Rpc, Sender, Wallet};
use apodict_verifier::VerifyingKey;
use command::Workplace;
use node::{CHAIN_ID, KEY, anvil, done, failed, run, workplace};
use serde_json::json;

const HOUR: u64 = 3_600;
const DECIMALS: u8 = 8;
/// The answer of every round, a little above the peg.
const ANSWER: i64 = 100_400_000;

/// What governance and the feeds have done before anyone submits.
struct World {
    consumer: Address,
    subject: B256,
    observed: u64,
    rounds: Vec<u128>,
    /// What the binder makes of them, in steps.
    inputs: Vec<i128>,
}

fn client(url: &str) -> Client {
    Client::connect(Rpc::new(url, 10).unwrap(), CHAIN_ID.parse().ok()).unwrap()
}

/// A consumer that asks for the model's decisions about eight rounds of one feed, four hours twice.
fn govern(place: &Workplace, url: &str, key: &VerifyingKey) -> World {
    let (client, wallet) = (client(url), Wallet::of_hexadecimal(KEY).unwrap());
    let sender = Sender { client: &client, wallet: &wallet };
    let mut record = Record::open(&place.path("deployment.json"), client.chain_id(), client.genesis()).unwrap();
    let core = Core::of(&record, &client).unwrap();
    let consumer = record.address("ProvenRiskOracle").unwrap();
    let mut told = |_: &apodict_chain::Step| ();
    let mut deployer = Deployer::new(sender, &mut record, Mode::Send, &mut told);
    let code = Contract::MockFeed.code(&[], &MockFeed::constructorCall { decimals: DECIMALS }.abi_encode()).unwrap();
    let feed = deployer.contract("feed", &code).unwrap();

    let observed = client.time().unwrap() / HOUR * HOUR;
    for hours in (0..4).rev() {
        let updated = U256::from(observed - hours * HOUR - 60);
        let push = MockFeed::pushCall { answer: I192::try_from(ANSWER).unwrap(), updatedAt: updated };
        deployer.send(&format!("round {hours}"), feed, &push).unwrap();
    }
    let rounds: Vec<u128> = (0..8).map(|at| (1 << 64) + 4 - (at % 4)).collect();
    let source = |lag| Source {
        kind: 0,
        target: feed,
        selector: FixedBytes::ZERO,
        arg: FixedBytes::ZERO,
        decimals: DECIMALS,
        lag,
        maxAge: 2 * HOUR as u32,
        maxMoveBps: 0,
        lo: I192::try_from(1).unwrap(),
        hi: I192::try_from(i64::MAX).unwrap(),
    };
    let ports = ports_of(&key.layout);
    let set = FeedSet {
        sources: (0..8).map(|at| source(at % 4)).collect(),
        ports: ports[..num_inputs(&key.layout)].to_vec(),
        period: HOUR as u32,
        sequencerFeed: Address::ZERO,
        grace: 0,
    };
    let id = keccak256(set.abi_encode());
    deployer.send("set", core.binder, &FeedBinder::defineSetCall { set }).unwrap();
    let subject = keccak256("the subject");
    let policy_ = Policy {
        model: key.digest().unwrap().into(),
        feedSet: id,
        inputsHash: B256::ZERO,
        maxAge: 2 * HOUR as u32,
        minInterval: 0,
        ownInputs: 0,
        snapshots: false,
    };
    deployer.send("policy", consumer, &Consumer::setPolicyCall { subject, policy_, ports }).unwrap();
    let [zero, hundred] = [0, 100].map(U48::from);
    let bound = Bound {
        lo: zero,
        hi: hundred,
        stepUp: 100,
        stepDown: 100,
        delayUp: U24::ZERO,
        delayDown: U24::ZERO,
        cooldown: U24::ZERO,
        flags: 1,
    };
    let configure = BoundedConsumer::configureCall { group: subject, bounds: vec![bound], values: vec![U48::from(10)] };
    deployer.send("bounds", consumer, &configure).unwrap();
    let bind = FeedBinder::bindCall {
        setId: id,
        time: observed,
        rounds: rounds.iter().map(|round| U80::from(*round)).collect(),
    };
    let inputs = client.read(core.binder, &bind).unwrap();
    let inputs = inputs.iter().map(|input| i128::try_from(*input).unwrap()).collect();
    World { consumer, subject, observed, rounds, inputs }
}

#[test]
fn submits_what_was_proved_for_this_place_once() {
    let (place, anvil) = (workplace(), anvil());
    let url = anvil.url();
    let deploy =
        ["--chain-id", CHAIN_ID, "--key", "vk.json", "--allow-unsafe-srs", "--consumer", "risk-oracle", "--json"];
    done(&run(&place, Some(KEY), &[&["chain", "deploy", "--rpc", url], &deploy[..]].concat()));
    let register = ["chain", "register", "--rpc", url, "--key", "vk.json", "--allow-unsafe-srs", "--json"];
    done(&run(&place, Some(KEY), &register));
    let key = apodict_verifier::files::read_key(&place.path("vk.json")).unwrap();
    let World { consumer, subject, observed, rounds, inputs } = govern(&place, url, &key);

    let [consumer, subject] = [consumer.to_string(), subject.to_string()];
    let deadline = (observed + 2 * HOUR).to_string();
    let at = ["--consumer", &consumer, "--subject", &subject, "--deadline", &deadline];
    let context = [&["chain", "context", "--rpc", url, "--json"], &at[..]].concat();
    let bound = done(&run(&place, None, &context));
    assert_eq!((&bound["nonce"], &bound["chain_id"]), (&json!(0), &json!(31_337)));
    assert_eq!(bound["model"], place.json(&["inspect", "vk.json"])["key_digest"]);

    // The numbers that the integers stand for: what a user passes.
    let ports = ports_of(&key.layout);
    let port = &ports[0];
    let number = |step: &i128| (step - i128::from(port.zero)) as f64 * port.den as f64 / port.num as f64;
    let numbers: Vec<f64> = inputs.iter().map(number).collect();
    place.write("input.json", json!({ "inputs": { "pegs": [numbers] } }).to_string());
    let prove = |context: &str, output: &str| {
        place.json(&[
            "prove",
            "program.apo",
            "--input",
            "input.json",
            "--keys",
            "keys",
            "--context",
            context,
            "-o",
            output,
        ]);
    };
    prove(bound["context"].as_str().unwrap(), "proof.json");
    prove(&format!("0x{}", "11".repeat(32)), "elsewhere.json");

    let (observed, rounds) = (observed.to_string(), rounds.iter().map(u128::to_string).collect::<Vec<_>>().join(","));
    let sources = ["--key", "vk.json", "--observed", &observed, "--rounds", &rounds, "--json"];
    let submit = |proof, more: &[&str]| {
        run(&place, Some(KEY), &[&["chain", "submit", proof, "--rpc", url], &at[..], &sources, more].concat())
    };
    failed(&submit("elsewhere.json", &[]), &["bound to the context 0x1111", "apodict chain context"]);
    place.edit("proof.json", "falsified.json", |proof| proof["instances"][10] = proof["instances"][9].clone());
    failed(&submit("falsified.json", &[]), &["the proof does not hold"]);
    let planned = done(&submit("proof.json", &["--dry-run"]));
    assert_eq!((&planned["accepted"], &planned["dry_run"]), (&json!(false), &json!(true)));

    let accepted = done(&submit("proof.json", &[]));
    assert_eq!((&accepted["accepted"], &accepted["decision"]), (&json!(true), &planned["decision"]));
    assert!(accepted["gas"].as_u64().unwrap() <= planned["gas"].as_u64().unwrap());
    assert_eq!(done(&run(&place, None, &context))["nonce"], 1);
    let again = done(&submit("proof.json", &[]));
    assert_eq!(again["transaction"], accepted["transaction"], "it is told again, not sent again");

    // Whoever has not sent it hears what the gateway says.
    place.edit("deployment.json", "other.json", |record| {
        record["sent"].as_object_mut().unwrap().retain(|name, _| !name.starts_with("decision"));
    });
    failed(
        &submit("proof.json", &["--record", "other.json"]),
        &["NonceUsed(expected = 1, got = 0)", "apodict chain context"],
    );
}
