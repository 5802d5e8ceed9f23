//! `apodict chain` against a development node, and against nodes that lie, stall and break off.

#![cfg(feature = "chain")]

mod command;
mod node;

use std::process::Command;
use std::time::Duration;

use command::Workplace;
use node::{Between, CHAIN_ID, KEY, Reply, anvil, done, failed, result, run, states, workplace};
use serde_json::{Value, json};

fn deploy<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = ["chain", "deploy", "--rpc", url, "--chain-id", CHAIN_ID, "--key", "vk.json", "--json"];
    [&base[..], more].concat()
}

#[test]
fn deploys_registers_and_finds_it_all_again() {
    let (place, anvil) = (workplace(), anvil());
    let url = anvil.url();
    failed(&run(&place, Some(KEY), &deploy(url, &[])), &["UNSAFE", "--allow-unsafe-srs"]);
    assert!(!place.path("deployment.json").exists(), "nothing is sent before it is refused");

    let unsafe_ = ["--allow-unsafe-srs", "--consumer", "risk-oracle"];
    let planned = done(&run(&place, Some(KEY), &deploy(url, &[&unsafe_[..], &["--dry-run"]].concat())));
    assert!(states(&planned).iter().all(|state| *state == "planned"), "{planned}");
    assert!(planned["steps"][0]["gas"].as_u64().unwrap() > 1_000_000);
    assert!(!place.path("deployment.json").exists(), "nothing is written");

    let guardian = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    let all = [&unsafe_[..], &["--guardian", guardian]].concat();
    let first = done(&run(&place, Some(KEY), &deploy(url, &all)));
    assert!(states(&first).iter().all(|state| *state == "done"), "{first}");
    let record = place.read("deployment.json");
    let again = done(&run(&place, Some(KEY), &deploy(url, &all)));
    assert!(states(&again).iter().all(|state| *state == "kept"), "{again}");
    assert_eq!((&again["contracts"], place.read("deployment.json")), (&first["contracts"], record));

    let register = ["chain", "register", "--rpc", url, "--key", "vk.json", "--uri", "ipfs://model", "--json"];
    failed(&run(&place, Some(KEY), &register), &["UNSAFE"]);
    let register = [&register[..], &["--allow-unsafe-srs"]].concat();
    let registered = done(&run(&place, Some(KEY), &register));
    assert_eq!(states(&registered), ["kept", "kept", "done"]);
    assert_eq!(registered["model"], place.json(&["inspect", "vk.json"])["key_digest"]);
    assert_eq!(states(&done(&run(&place, Some(KEY), &register))), ["kept", "kept", "kept"]);

    // What is known to the registry is known, whoever asks.
    let other = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
    assert_eq!(states(&done(&run(&place, Some(other), &register))), ["kept", "kept", "kept"]);
}

/// A command that is cut off at any request goes on where it stopped, and deploys nothing twice.
#[test]
fn goes_on_where_it_was_cut_off() {
    let (place, anvil) = (workplace(), anvil());
    let mut cuts = 0;
    // Ever later, until one is not reached.
    for requests in (3..).step_by(7) {
        let between =
            Between::start(anvil.url(), move |_, before| if before < requests { Reply::Forward } else { Reply::Drop });
        let output = run(&place, Some(KEY), &deploy(&between.url, &["--allow-unsafe-srs", "--wait", "1"]));
        if output.status.success() {
            break;
        }
        failed(&output, &["does not answer", "run the same command again"]);
        cuts += 1;
    }
    assert!(cuts >= 4, "{cuts}");
    let report = done(&run(&place, Some(KEY), &deploy(anvil.url(), &["--allow-unsafe-srs"])));
    let kept = states(&report).iter().filter(|state| **state == "kept").count();
    assert!(kept >= 3, "{report}");
    // One transaction for each contract: the account's next number says so.
    let contracts = report["contracts"].as_object().unwrap().len();
    assert_eq!(transactions(anvil.url()), contracts as u64, "{report}");
}

/// How many transactions the account has sent.
fn transactions(url: &str) -> u64 {
    let rpc = apodict_chain::Rpc::new(url, 10).unwrap();
    let account = apodict_chain::Anvil::wallet().unwrap().address();
    let client = apodict_chain::Client::connect(rpc, CHAIN_ID.parse().ok()).unwrap();
    client.nonce(account).unwrap()
}

#[test]
fn says_what_is_wrong_with_the_key_the_chain_and_the_funds() {
    let (place, anvil) = (workplace(), anvil());
    let url = anvil.url();
    let deploy_with = |key: Option<&str>| run(&place, key, &deploy(url, &["--allow-unsafe-srs"]));
    failed(&deploy_with(None), &["no key to sign with", "--keystore", "APODICT_PRIVATE_KEY"]);
    failed(&deploy_with(Some("0x12")), &["APODICT_PRIVATE_KEY", "32 bytes"]);
    failed(&deploy_with(Some(&"11".repeat(32))), &["has 0 wei", "send it ether"]);
    let on = |chain: &[&str]| {
        let arguments = [&["chain", "deploy", "--rpc", url, "--key", "vk.json", "--allow-unsafe-srs"], chain].concat();
        run(&place, Some(KEY), &arguments)
    };
    failed(&on(&["--chain-id", "1"]), &["on chain 31337, not on chain 1"]);
    failed(&on(&[]), &["--chain-id 31337"]);
    failed(&on(&["--chain-id", CHAIN_ID, "--max-fee", "0.000000001"]), &["gas costs", "--max-fee"]);
    for wrong in [
        "ftp://127.0.0.1/secret",
        "127.0.0.1:1",
        "http://user:secret@127.0.0.1:1",
        "wss://node.invalid/v3/secret",
        "http://user:s ecret@127.0.0.1:1",
        "http://[secret",
    ] {
        let output = run(
            &place,
            Some(KEY),
            &["chain", "deploy", "--rpc", wrong, "--chain-id", "1", "--key", "vk.json", "--allow-unsafe-srs"],
        );
        failed(&output, &["no address of a node"]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!message.contains("secret") && !message.contains("cret@"), "{message}");
    }
    // A node that was started anew has the same number and another beginning.
    done(&run(&place, Some(KEY), &deploy(url, &["--allow-unsafe-srs"])));
    place.edit("deployment.json", "deployment.json", |record| {
        record["genesis"] = json!(format!("0x{}", "11".repeat(32)))
    });
    failed(&deploy_with(Some(KEY)), &["another chain with the number 31337", "name another record"]);
}

#[test]
fn takes_its_key_from_a_keystore() {
    let (place, anvil) = (workplace(), anvil());
    // Of the key 0x11..11, made for this test with PBKDF2 and one iteration.
    place.write("key.json", KEYSTORE);
    place.write("password", "a password\n");
    let with = |more: &[&str]| {
        run(&place, None, &deploy(anvil.url(), &[&["--allow-unsafe-srs", "--keystore", "key.json"], more].concat()))
    };
    failed(&with(&[]), &["no password", "--password-file"]);
    failed(&with(&["--password-file", "password"]), &["0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A has 0 wei"]);
    place.write("password", "another");
    failed(&with(&["--password-file", "password"]), &["cannot open the keystore", "the password is another one"]);
}

const KEYSTORE: &str = include_str!("node/keystore.json");

/// Answers that are garbage, endless, late, of another request, or none.
#[test]
fn survives_nodes_that_do_not_answer_as_a_node_does() {
    let place = workplace();
    let against = |answer: fn(&Value) -> Reply, says: &[&str]| {
        let between = Between::start("", move |request, _| answer(request));
        let arguments = deploy(&between.url, &["--allow-unsafe-srs", "--timeout", "2"]);
        failed(&run(&place, Some(KEY), &arguments), says);
    };
    against(|_| Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()), &["eth_chainId"]);
    against(|_| Reply::Body("<html>".to_owned()), &["does not answer eth_chainId as a node does", "no JSON-RPC"]);
    against(|_| Reply::Body("[".repeat(100_000)), &["no JSON-RPC"]);
    against(|_| Reply::Body(format!("\"{}\"", "x".repeat(5 << 20))), &["more than 4194304 bytes"]);
    against(|_| Reply::Bytes(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()), &["no JSON-RPC"]);
    against(|_| Reply::Silence(Duration::from_secs(5)), &["within 2 s"]);
    against(|_| Reply::Drop, &["does not answer eth_chainId"]);
    against(|_| Reply::Body(r#"{"jsonrpc":"2.0","id":77,"result":"0x7a69"}"#.to_owned()), &["another request"]);
    against(|request| result(request, json!({ "chain": 1 })), &["of another kind"]);
    against(|request| result(request, json!("0xffffffffffffffffffffffff")), &["of another kind"]);
    against(|request| Reply::Body(json!({ "id": request["id"] }).to_string()), &["neither a result nor an error"]);
    against(
        |request| {
            Reply::Body(
                json!({ "id": request["id"], "error": { "code": -32000, "message": "no\u{1b}[2J" } }).to_string(),
            )
        },
        &["refuses eth_chainId: no\\u{1b}[2J (code -32000)"],
    );
    // One that begins as a node and then sends what never ends.
    let between =
        Between::start("", |_, _| Reply::Bytes([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 6 << 20]].concat()));
    failed(&run(&place, Some(KEY), &deploy(&between.url, &["--allow-unsafe-srs"])), &["more than 4194304 bytes"]);
}

/// What a node says of its receipts counts only with what the chain holds.
#[test]
fn finds_a_node_that_lies() {
    let (place, anvil) = (workplace(), anvil());
    let against = |method: &'static str, change: fn(&mut Value), says: &[&str]| {
        let between = Between::start(anvil.url(), move |request, _| {
            if request["method"] == method { Reply::Changed(Box::new(change)) } else { Reply::Forward }
        });
        let record = format!("{method}-{}.json", says[0].len());
        let arguments = deploy(&between.url, &["--allow-unsafe-srs", "--wait", "5", "--record", &record]);
        failed(&run(&place, Some(KEY), &arguments), &[says, &["do not trust this node"]].concat());
    };
    // A receipt of success, and no contract, or another one.
    against("eth_getCode", |answer| answer["result"] = json!("0x"), &["there is no code"]);
    against("eth_getCode", |answer| answer["result"] = json!("0xfe"), &["it is another code, from byte 0 on"]);
    // Receipts of others' transactions.
    let other = |answer: &mut Value| {
        if !answer["result"].is_null() {
            answer["result"]["from"] = json!(format!("0x{}", "22".repeat(20)));
        }
    };
    against("eth_getTransactionReceipt", other, &["its receipt names other accounts"]);
    let of_another = |answer: &mut Value| {
        if !answer["result"].is_null() {
            answer["result"]["transactionHash"] = json!(format!("0x{}", "22".repeat(32)));
        }
    };
    against("eth_getTransactionReceipt", of_another, &["its receipt is that of"]);
    let sent_as = |answer: &mut Value| answer["result"] = json!(format!("0x{}", "22".repeat(32)));
    against("eth_sendRawTransaction", sent_as, &["it says that it was sent as"]);
    // State that is not what was deployed: every word that is read is another one.
    against(
        "eth_call",
        |answer| answer["result"] = json!(format!("0x{}", "0".repeat(62) + "07")),
        &["the registry's authority"],
    );
    against("eth_call", |answer| answer["result"] = json!("0x"), &["of another type"]);
}

/// The whole story, with what must come of it. A program that lies in the current folder is not run.
#[test]
fn tells_the_story_of_a_crash() {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let trap = place.path("solidity/node_modules/@foundry-rs/anvil-linux-amd64/bin");
    std::fs::create_dir_all(&trap).unwrap();
    program(&trap.join("anvil"), "touch trapped");
    let report = done(&run(&place, None, &["chain", "demo", "--json"]));
    let market = |when: &str, what: &str| report["market"][when][what].as_u64().unwrap();
    assert_eq!((market("before", "ltv"), market("crash", "ltv")), (7_500, 7_200), "down by its step, at once");
    assert_eq!(market("crash", "threshold"), 8_000, "nobody is liquidated by surprise");
    assert_eq!((market("crash", "supply_cap"), market("crash", "borrow_cap")), (200, 500_000));
    let supply = |when: &str| report["supply"][when].as_f64().unwrap();
    assert_eq!(supply("before"), 1_000_000.0);
    assert!(supply("calm") > supply("before") && supply("crash") < supply("calm"), "{report}");
    let votes = report["votes"].as_array().unwrap();
    assert_eq!((&votes[0]["vote"], &votes[0]["weight"]), (&json!("against"), &json!(10_000)));
    assert_eq!((&votes[1]["vote"], &votes[1]["weight"]), (&json!("abstains"), &json!(0)));
    assert!(report["clamped"]["asked"].as_u64().unwrap() < report["clamped"]["got"].as_u64().unwrap());
    let refused: Vec<_> =
        report["refused"].as_array().unwrap().iter().map(|one| one["error"].as_str().unwrap()).collect();
    assert_eq!(refused, ["NonceUsed", "NotDue", "ProofRejected", "StaleValue", "NotNow"]);
    assert_eq!(place.names(), ["solidity"], "nothing is left");
}

/// A script in the place of a program.
fn program(path: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn keeps_its_secrets_from_the_node_that_it_starts() {
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    program(&place.path("anvil"), "env > environment");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apodict"));
    command.args(["chain", "demo", "--anvil", "./anvil"]).current_dir(place.folder.path());
    let secrets = [("APODICT_PRIVATE_KEY", KEY), ("APODICT_KEYSTORE_PASSWORD", "a password"), ("ANOTHER", "a token")];
    failed(&command.envs(secrets).output().unwrap(), &["anvil does not start"]);
    let environment = String::from_utf8(place.read("environment")).unwrap();
    assert!(environment.contains("PATH="), "{environment}");
    for (name, secret) in secrets {
        assert!(!environment.contains(name) && !environment.contains(secret), "{environment}");
    }
}

/// The node ends with the demonstration, however that ends.
#[test]
#[cfg(unix)]
fn leaves_no_node_behind() {
    use std::io::{BufRead, BufReader};
    use std::net::TcpStream;
    use std::process::Stdio;
    let place = Workplace { folder: tempfile::tempdir().unwrap() };
    let mut command = Command::new(env!("CARGO_BIN_EXE_apodict"));
    let mut demo =
        command.args(["chain", "demo"]).current_dir(place.folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().split(',').next().unwrap().to_owned();
    TcpStream::connect(&address).unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();
    for _ in 0..100 {
        if TcpStream::connect(&address).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it still listens on {address}");
}
