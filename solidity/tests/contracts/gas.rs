//! What a verifying transaction costs, kept in `test/gas.json`.

use crate::{
    fixtures::{Sample, samples},
    profile::{Sections, sections},
    rendered::bless,
    shapes::path,
};
use apodict_solidity::evm::Verdict;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs};

/// The project's bound for the lean shape.
const LEAN_LIMIT: u64 = 400_000;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cost {
    instances: usize,
    proof_bytes: usize,
    calldata_bytes: usize,
    /// 4 for each zero byte, 16 for each other (EIP-2028), part of `gas`.
    calldata_gas: u64,
    /// The whole transaction.
    gas: u64,
    runtime_bytes: usize,
    verifier_deployment_gas: u64,
    key_deployment_gas: u64,
    /// Where `gas` goes.
    sections: Sections,
}

fn cost(sample: &Sample) -> Cost {
    let fixture = &sample.fixture;
    let mut evm = sample.deploy();
    let calldata = apodict_solidity::encode_call(evm.key, evm.key_code_hash, &fixture.proof, &fixture.instances);
    let calldata_gas = calldata.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
    let verification = evm.call(calldata).expect("run");
    assert_eq!(verification.verdict, Verdict::Accepted, "{}", sample.name);
    Cost {
        instances: fixture.instances.len(),
        proof_bytes: fixture.proof.len(),
        calldata_bytes: verification.calldata_bytes,
        calldata_gas,
        gas: verification.gas,
        runtime_bytes: evm.evm.code_len(evm.verifier),
        verifier_deployment_gas: evm.deployment_gas.0,
        key_deployment_gas: evm.deployment_gas.1,
        sections: sections(sample).0,
    }
}

#[test]
fn gas_is_what_the_snapshot_says() {
    let costs: BTreeMap<_, _> = samples().iter().map(|sample| (sample.name.to_owned(), cost(sample))).collect();
    let now = serde_json::to_string_pretty(&costs).expect("JSON") + "\n";
    println!("{now}");
    if bless() {
        fs::write(path("test/gas.json"), &now).expect("writable");
    }
    let snapshot = fs::read_to_string(path("test/gas.json")).expect("committed");
    assert_eq!(now, snapshot, "run `cargo xtask bless` if that is meant");
    assert!(costs["lean"].gas <= LEAN_LIMIT, "{:?}", costs["lean"]);
}
