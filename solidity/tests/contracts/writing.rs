//! Contracts as files.

use crate::{
    fixtures::{Sample, sample_of},
    shapes::path,
};
use apodict_solidity::{
    Error, RefusalKind, call_gas,
    evm::{Verdict, VerifierOnEvm},
    key_code_hash, key_creation_code, write_contracts,
};
use apodict_verifier::{KeyError, Query, SrsPolicy};
use std::fs;

#[test]
fn an_unsafe_string_needs_an_express_permission() {
    let key = sample_of("lean").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    let target = directory.path().join("contracts");
    let error = write_contracts(&key, &target, SrsPolicy::Ceremony(&[])).expect_err("refused");
    assert!(matches!(error, Error::Key(KeyError::UnsafeSrs { .. })), "{error}");
    assert!(!target.exists(), "nothing is written");
    let error = VerifierOnEvm::deploy(&key, SrsPolicy::Ceremony(&[])).expect_err("refused");
    assert!(matches!(error, Error::Key(KeyError::UnsafeSrs { .. })), "{error}");

    let files = write_contracts(&key, &target, SrsPolicy::AllowUnsafe).expect("written");
    let text = |name: &str| fs::read_to_string(target.join(name)).expect(name);
    assert!(text("UNSAFE_VerifyingKeyData.sol").contains("contract UNSAFE_VerifyingKeyData"));
    assert!(text("README.md").contains("UNSAFE"));
    assert_eq!(files.len(), fs::read_dir(&target).expect("a folder").count(), "no unfinished file is left");
}

#[test]
fn what_is_written_is_what_is_deployed() {
    let key = sample_of("lean").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    write_contracts(&key, directory.path(), SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let text = |name: &str| fs::read_to_string(directory.path().join(name)).expect(name);
    assert_eq!(text("Halo2VerifierLean.sol"), apodict_solidity::artifacts::ALL[0].source);
    assert!(!text("VerifyingKeyData.sol").contains("UNSAFE"));
    let hash = hex::encode(key_code_hash(&key).expect("valid"));
    assert!(text("VerifyingKeyData.sol").contains(&hash) && text("README.md").contains(&hash));
    let code = hex::encode(key_creation_code(&key).expect("valid"));
    assert_eq!(text("key-creation-code.hex"), format!("0x{code}\n"));
    let committed = |name: &str| fs::read_to_string(path(&format!("contracts/verifiers/{name}"))).expect("committed");
    for name in ["IHalo2Verifier.sol", "PublicValues.sol", "RevertData.sol"] {
        assert_eq!(text(name), committed(name));
        assert!(text(name).contains("pragma solidity ^0.8.4;"), "{name} compiles in other projects");
    }
}

/// The bytecode beside the sources is a verifier; what the README says of deployment is what it costs.
#[test]
fn the_bytecode_that_is_written_verifies() {
    let Sample { fixture, .. } = sample_of("lean");
    let key = fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    write_contracts(&key, directory.path(), SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let text = |name: &str| fs::read_to_string(directory.path().join(name)).expect(name);
    let code = text("Halo2VerifierLean.bytecode.hex");
    let code = hex::decode(code.trim().strip_prefix("0x").expect("0x")).expect("hexadecimal");
    let mut evm = VerifierOnEvm::deploy_with(code, &key, SrsPolicy::Ceremony(&[key.srs.digest()])).expect("deployed");
    let verification = evm.verify(&fixture.proof, &fixture.instances).expect("run");
    assert_eq!(verification.verdict, Verdict::Accepted);

    let readme = text("README.md");
    let (verifier_gas, key_gas) = evm.deployment_gas;
    for gas in [verifier_gas, key_gas, call_gas(&key).expect("valid")] {
        let (thousands, rest) = (gas / 1_000, gas % 1_000);
        let grouped = match thousands / 1_000 {
            0 => format!("{thousands},{rest:03}"),
            millions => format!("{millions},{:03},{rest:03}", thousands % 1_000),
        };
        assert!(readme.contains(&format!("{grouped} gas")), "{grouped}: {readme}");
    }
}

/// Every error and function of the interface, with its selector's signature.
#[test]
fn the_abi_that_is_written_has_every_error() {
    let key = sample_of("lean").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    write_contracts(&key, directory.path(), SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let text = fs::read_to_string(directory.path().join("IHalo2Verifier.abi.json")).expect("written");
    let abi: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let signatures: Vec<String> = abi
        .iter()
        .map(|entry| {
            let inputs = entry["inputs"].as_array().expect("inputs");
            let types: Vec<_> = inputs.iter().map(|input| input["type"].as_str().expect("a type")).collect();
            format!("{}({})", entry["name"].as_str().expect("a name"), types.join(","))
        })
        .collect();
    let errors = RefusalKind::ALL.map(RefusalKind::signature);
    for signature in errors.into_iter().chain(["verifyProof(address,bytes32,bytes,uint256[])", "SHAPE_DIGEST()"]) {
        assert!(signatures.iter().any(|known| known == signature), "{signature}");
    }
}

/// Links that somebody planted under the names that are written, or that used to be written first.
#[cfg(unix)]
#[test]
fn planted_links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let key = sample_of("lean").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    let target = directory.path().join("contracts");
    let files = write_contracts(&key, &target, SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let victim = directory.path().join("victim");
    fs::write(&victim, "precious").expect("writable");
    // What an unfinished file is called without its random part.
    symlink(&victim, target.join(".apodict-")).expect("planted");
    for file in &files {
        fs::remove_file(file).expect("there");
        symlink(&victim, file).expect("planted");
        let mut unfinished = file.clone().into_os_string();
        unfinished.push(".unfinished");
        symlink(&victim, unfinished).expect("planted");
    }
    write_contracts(&key, &target, SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    for file in files {
        assert!(fs::symlink_metadata(&file).expect("there").is_file(), "{}: a file of its own", file.display());
    }
}

/// A shape that no contract is compiled for is rendered all the same.
#[test]
fn a_key_of_another_shape_gets_a_verifier_of_its_own() {
    let key = sample_of("ladder").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    write_contracts(&key, directory.path(), SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let source = fs::read_to_string(directory.path().join("Halo2VerifierCustom.sol")).expect("written");
    assert!(source.contains("contract Halo2VerifierCustom is IHalo2Verifier"));
    assert!(!directory.path().join("Halo2VerifierCustom.bytecode.hex").exists(), "nobody has compiled it");
}

/// From 64 KiB on, its creation code would deploy the beginning of it.
#[test]
fn a_key_that_fits_no_contract_is_refused() {
    let mut key = sample_of("sealed").fixture.key;
    for num_columns in [400, 1_024] {
        let cs = &mut key.constraint_system;
        cs.fixed_queries.extend((cs.num_fixed_columns..num_columns).map(|column| Query { column, rotation: 0 }));
        cs.num_fixed_columns = num_columns;
        key.fixed_commitments.resize(num_columns, key.srs.g1);
        let error = key_creation_code(&key).expect_err("too large");
        assert!(matches!(error, Error::KeySize { max: 24_576, got } if got > 64 * num_columns), "{error}");
    }
}

#[test]
fn an_unwritable_folder_is_an_error() {
    let key = sample_of("lean").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("writable");
    let error =
        write_contracts(&key, &file, SrsPolicy::Ceremony(&[key.srs.digest()])).expect_err("a file stands there");
    assert!(matches!(error, Error::Write { .. }), "{error}");
}
