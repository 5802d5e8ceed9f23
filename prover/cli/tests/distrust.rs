//! What `apodict chain` does where a node lies, lags or asks too much, and where the chain is not as the record has it.

#![cfg(all(feature = "chain", unix))]

mod command;
mod node;

use std::process::{Command, Output};

use apodict_chain::abi::{AccessManager, ModelRegistry};
use apodict_chain::primitives::{Address, B256, keccak256};
use apodict_chain::sol_types::SolCall;
use apodict_chain::{Client, Record, Rpc};
use command::{PEGS, Workplace};
use node::{Between, CHAIN_ID, KEY, Reply, anvil, done, failed, result, states};
use serde_json::{Value, json};

/// The first two accounts of a development node, for which it signs.
const OWN: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const UNSAFE: &[&str] = &["--allow-unsafe-srs"];

/// A folder with `vk.json` of the small model, and the digest of its string.
fn workplace() -> (Workplace, String) {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let model = format!("{PEGS}/model.onnx");
    let calibration = format!("{PEGS}/calibration.json");
    place.json(&["compile", &model, "--calibrate", &calibration, "-o", "program.apo"]);
    place.json(&["keys", "program.apo", "-o", "keys"]);
    place.write("vk.json", place.read("keys/vk.json"));
    let digest = place.json(&["inspect", "vk.json"])["srs_digest"].as_str().unwrap().to_owned();
    (place, digest)
}

/// `apodict chain ..` with the first account's key.
fn chain(place: &Workplace, command: &str, url: &str, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_apodict"));
    program.args(["chain", command, "--rpc", url, "--json"]);
    if matches!(command, "deploy" | "register") {
        program.args(["--chain-id", CHAIN_ID, "--key", "vk.json"]);
    }
    program.args(more).current_dir(place.folder.path()).env("APODICT_PRIVATE_KEY", KEY).output().unwrap()
}

fn client(url: &str) -> Client {
    Client::connect(Rpc::new(url, 10).unwrap(), CHAIN_ID.parse().ok()).unwrap()
}

/// How many transactions the account has in blocks.
fn transactions(url: &str) -> u64 {
    client(url).nonce(OWN.parse().unwrap()).unwrap()
}

/// Has the development node sign and send a call.
fn call(url: &str, from: &str, to: &str, data: &[u8]) {
    let data: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    let transaction = json!([{ "from": from, "to": to, "data": format!("0x{data}") }]);
    let hash: B256 = Rpc::new(url, 10).unwrap().ask("eth_sendTransaction", transaction).unwrap();
    assert_eq!(client(url).receipt(hash).unwrap().unwrap().status.to::<u64>(), 1);
}

/// A node in front that changes the answers to one method, where `of` says so.
fn liar(url: &str, method: &'static str, of: fn(&Value) -> bool, change: fn(&mut Value)) -> Between {
    Between::start(url, move |request, _| {
        if request["method"] == method && of(request) { Reply::Changed(Box::new(change)) } else { Reply::Forward }
    })
}

/// A string that is pinned is pinned for ever: it is the key's, whatever a node says.
#[test]
fn pins_no_string_that_a_node_makes_up() {
    let ((place, digest), anvil) = (workplace(), anvil());
    let pin = ["--srs-digest", &digest];
    done(&chain(&place, "deploy", anvil.url(), &pin));
    let before = transactions(anvil.url());
    let asks = |request: &Value| {
        let selector: String = ModelRegistry::srsOfCall::SELECTOR.iter().map(|byte| format!("{byte:02x}")).collect();
        request["params"][0]["data"].as_str().is_some_and(|data| data.starts_with(&format!("0x{selector}")))
    };
    let between = liar(anvil.url(), "eth_call", asks, |answer| answer["result"] = json!(B256::repeat_byte(7)));
    failed(
        &chain(&place, "register", &between.url, &pin),
        &["the reference string of the key", "do not trust this node"],
    );
    assert_eq!(transactions(anvil.url()), before, "nothing was sent");

    let registered = done(&chain(&place, "register", anvil.url(), &pin));
    assert_eq!(states(&registered), ["kept", "kept", "done", "done"]);
    let registry = registered["contracts"]["ModelRegistry"].as_str().unwrap().parse().unwrap();
    let model = registered["model"].as_str().unwrap().parse().unwrap();
    assert!(!client(anvil.url()).read(registry, &ModelRegistry::liveCall { model }).unwrap().unsafeSrs);
    let both = chain(&place, "deploy", anvil.url(), &[&pin[..], UNSAFE].concat());
    assert_eq!(both.status.code(), Some(2), "either this string, or any");
}

/// Who administers is storage, which no code tells.
#[test]
fn reads_back_who_administers() {
    let ((place, _), anvil) = (workplace(), anvil());
    let first = done(&chain(&place, "deploy", anvil.url(), UNSAFE));
    let with_other = || chain(&place, "deploy", anvil.url(), &[UNSAFE, &["--admin", OTHER]].concat());
    failed(&with_other(), &["does not administer", "--admin"]);
    let manager = first["contracts"]["AccessManager"].as_str().unwrap();
    let grant = AccessManager::grantRoleCall { roleId: 0, account: OTHER.parse().unwrap(), executionDelay: 0 };
    call(anvil.url(), OWN, manager, &grant.abi_encode());
    failed(&with_other(), &["administers the AccessManager", OWN, "renounce role 0"]);
    call(anvil.url(), OWN, manager, &about_role("renounceRole(uint64,address)", 0, OWN));
    assert!(states(&done(&with_other())).iter().all(|state| *state == "kept"));
}

/// A function of a role and an account.
fn about_role(signature: &str, role: u64, account: &str) -> Vec<u8> {
    let account: Address = account.parse().unwrap();
    let mut number = [0; 32];
    number[24..].copy_from_slice(&role.to_be_bytes());
    [&keccak256(signature)[..4], &number, account.into_word().as_slice()].concat()
}

/// An account is not emptied into tips.
#[test]
fn pays_no_price_that_nobody_admitted() {
    let ((place, _), anvil) = (workplace(), anvil());
    let all = |_: &Value| true;
    let tips = liar(anvil.url(), "eth_maxPriorityFeePerGas", all, |answer| answer["result"] = json!("0x38d7ea4c68000"));
    failed(&chain(&place, "deploy", &tips.url, UNSAFE), &["a tip of 1000000000000000 wei", "--max-fee"]);
    let blocks = liar(anvil.url(), "eth_getBlockByNumber", all, |answer| {
        answer["result"]["baseFeePerGas"] = json!("0x38d7ea4c68000");
    });
    failed(&chain(&place, "deploy", &blocks.url, UNSAFE), &["gas costs", "200000000000", "--max-fee"]);
    assert_eq!(transactions(anvil.url()), 0);
    let nonces =
        liar(anvil.url(), "eth_getTransactionCount", all, |answer| answer["result"] = json!("0xffffffffffffffff"));
    failed(&chain(&place, "deploy", &nonces.url, &[UNSAFE, &["--dry-run"]].concat()), &["no account has as many"]);

    let cost = |report: &Value| report["cost"].as_str().unwrap().parse::<u128>().unwrap();
    let planned = done(&chain(&place, "deploy", anvil.url(), &[UNSAFE, &["--dry-run"]].concat()));
    let paid = done(&chain(&place, "deploy", anvil.url(), UNSAFE));
    assert!(cost(&paid) > 10_000_000 * 1_000_000_000 && cost(&planned) > 10_000_000 * 1_000_000_000, "{paid}");
}

/// Behind one address there may be several nodes, some of them behind.
#[test]
fn sends_nothing_twice_where_a_node_lags() {
    let ((place, _), anvil) = (workplace(), anvil());
    done(&chain(&place, "deploy", anvil.url(), UNSAFE));
    let (before, record) = (transactions(anvil.url()), place.read("deployment.json"));
    let lagging = Between::start(anvil.url(), |request, _| match request["method"].as_str() {
        Some("eth_getTransactionReceipt" | "eth_getTransactionByHash") => result(request, Value::Null),
        Some("eth_getCode") => result(request, json!("0x")),
        _ => Reply::Forward,
    });
    failed(&chain(&place, "deploy", &lagging.url, UNSAFE), &["that it is taken, but not by what", "sent twice"]);
    assert_eq!((transactions(anvil.url()), place.read("deployment.json")), (before, record));

    // A place that a node made up, in a record.
    let nowhere = json!(Address::repeat_byte(9));
    place.edit("deployment.json", "ahead.json", |record| {
        record["sent"]["AccessManager"]["nonce"] = json!(1000);
        record["sent"]["AccessManager"]["transaction"] = json!(B256::repeat_byte(9));
        record["sent"]["AccessManager"]["address"] = nowhere.clone();
    });
    let ahead = chain(&place, "deploy", anvil.url(), &[UNSAFE, &["--record", "ahead.json"]].concat());
    failed(&ahead, &["has place 1000", "remove the entry"]);
    assert_eq!(transactions(anvil.url()), before);
}

/// What pays too little is sent again in its place, and neither is forgotten.
#[test]
fn replaces_what_pays_too_little() {
    let ((place, _), anvil) = (workplace(), anvil());
    let rpc = Rpc::new(anvil.url(), 10).unwrap();
    let _: Value = rpc.ask("evm_setAutomine", json!([false])).unwrap();
    let waiting = [UNSAFE, &["--wait", "1"]].concat();
    failed(&chain(&place, "deploy", anvil.url(), &waiting), &["is in no block after 1 s"]);
    let sent = || {
        let record: Value = serde_json::from_slice(&place.read("deployment.json")).unwrap();
        record["sent"].as_object().unwrap().values().next().unwrap().clone()
    };
    let first = sent();
    failed(&chain(&place, "deploy", anvil.url(), &waiting), &["is in no block after 1 s"]);
    assert_eq!(sent(), first, "only waited for");
    let dearer = liar(
        anvil.url(),
        "eth_getBlockByNumber",
        |_| true,
        |answer| {
            answer["result"]["baseFeePerGas"] = json!("0x2540be400");
        },
    );
    failed(&chain(&place, "deploy", &dearer.url, &waiting), &["is in no block after 1 s"]);
    let second = sent();
    assert_eq!((&second["nonce"], &second["earlier"]), (&first["nonce"], &json!([first["transaction"]])));
    assert!(second["max_fee"].as_u64() > first["max_fee"].as_u64() && second["tip"].as_u64() > first["tip"].as_u64());

    let _: Value = rpc.ask("evm_setAutomine", json!([true])).unwrap();
    let _: Value = rpc.ask("evm_mine", json!([])).unwrap();
    let report = done(&chain(&place, "deploy", anvil.url(), UNSAFE));
    assert_eq!(transactions(anvil.url()), report["contracts"].as_object().unwrap().len() as u64, "{report}");
}

/// A record is written by one command at a time, and believed by none.
#[test]
fn takes_a_record_for_itself_and_asks_the_chain() {
    let ((place, _), anvil) = (workplace(), anvil());
    let oracle = [UNSAFE, &["--consumer", "risk-oracle"]].concat();
    let deployed = done(&chain(&place, "deploy", anvil.url(), &oracle));
    let genesis = client(anvil.url()).genesis();
    let held = Record::open_to_write(&place.path("deployment.json"), 31337, genesis).unwrap();
    failed(&chain(&place, "deploy", anvil.url(), &oracle), &["another command is at work with deployment.json"]);
    drop(held);

    let consumer = deployed["contracts"]["ProvenRiskOracle"].as_str().unwrap();
    let subject = B256::ZERO.to_string();
    let context = ["--consumer", consumer, "--subject", &subject, "--deadline", "1"];
    let output = chain(&place, "context", anvil.url(), &context);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such model"), "the consumer has no policy");
    let bound = done(&output);
    assert_eq!((&bound["gateway_takes_unsafe"], bound.get("model_is_unsafe")), (&json!(true), None));

    place.edit("deployment.json", "theirs.json", |record| {
        record["sent"]["DecisionGateway"]["address"] = deployed["contracts"]["ModelRegistry"].clone();
    });
    let theirs = chain(&place, "context", anvil.url(), &[&context[..], &["--record", "theirs.json"]].concat());
    failed(&theirs, &["the code of DecisionGateway", "it is another code"]);
}

/// What an honest node tells of governance's acts is no lie.
#[test]
fn does_again_what_was_undone_and_says_what_cannot_be() {
    let ((place, _), anvil) = (workplace(), anvil());
    let guarded = [UNSAFE, &["--guardian", OTHER]].concat();
    let first = done(&chain(&place, "deploy", anvil.url(), &guarded));
    let (manager, registry) = (&first["contracts"]["AccessManager"], &first["contracts"]["ModelRegistry"]);
    call(anvil.url(), OWN, manager.as_str().unwrap(), &about_role("revokeRole(uint64,address)", 1, OTHER));
    let again = done(&chain(&place, "deploy", anvil.url(), &guarded));
    assert_eq!(states(&again).iter().filter(|state| **state == "done").count(), 1, "{again}");

    let registered = done(&chain(&place, "register", anvil.url(), UNSAFE));
    let disable = ModelRegistry::disableCall { model: registered["model"].as_str().unwrap().parse().unwrap() };
    call(anvil.url(), OTHER, registry.as_str().unwrap(), &disable.abi_encode());
    let output = chain(&place, "register", anvil.url(), UNSAFE);
    failed(&output, &["is disabled in the registry"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("do not trust"));
}

/// Whoever submits says which string it trusts, as everywhere.
#[test]
fn submits_nothing_on_another_string_than_the_pinned_one() {
    let place = Workplace::with_proof();
    let pin = B256::repeat_byte(1).to_string();
    let (consumer, subject) = (Address::ZERO.to_string(), B256::ZERO.to_string());
    let output = Command::new(env!("CARGO_BIN_EXE_apodict"))
        .args([
            "chain",
            "submit",
            "proof.json",
            "--key",
            "keys/vk.json",
            "--rpc",
            "http://127.0.0.1:1",
            "--srs-digest",
            &pin,
        ])
        .args(["--consumer", &consumer, "--subject", &subject, "--deadline", "1"])
        .current_dir(place.folder.path())
        .output()
        .unwrap();
    failed(&output, &["not the pinned one"]);
}
