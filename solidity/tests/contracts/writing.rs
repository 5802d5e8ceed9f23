//! Contracts as files.

use crate::fixtures::sample_of;
use apodict_solidity::{Error, evm::VerifierOnEvm, key_code_hash, key_creation_code, write_contracts};
use apodict_verifier::{KeyError, SrsPolicy};
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
}

/// A shape that no contract is compiled for is rendered all the same.
#[test]
fn a_key_of_another_shape_gets_a_verifier_of_its_own() {
    let key = sample_of("ladder").fixture.key;
    let directory = tempfile::tempdir().expect("a folder");
    write_contracts(&key, directory.path(), SrsPolicy::Ceremony(&[key.srs.digest()])).expect("written");
    let source = fs::read_to_string(directory.path().join("Halo2VerifierCustom.sol")).expect("written");
    assert!(source.contains("contract Halo2VerifierCustom is IHalo2Verifier"));
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
