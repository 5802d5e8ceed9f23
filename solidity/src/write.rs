//! Contracts as files for someone to deploy.

use crate::{Error, artifacts, contract_name, key_code_hash, key_creation_code, key_data, render_verifier};
use apodict_verifier::{SrsOrigin, SrsPolicy, VerifyingKey};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The interface that every verifier implements.
const INTERFACE: &str = include_str!("../contracts/verifiers/IHalo2Verifier.sol");

/// Shape name of a verifier that is rendered for a key of no known shape.
const CUSTOM_SHAPE: &str = "custom";

/// Writes the contracts for a key into `directory`, which is made if it is not there, and returns the files: the
/// interface, the verifier of the key's shape, the key data as Solidity and as creation bytecode, a README that says how
/// to deploy and to call them. A file appears under its name only once it is whole.
///
/// # Errors
/// [`Error::Key`] by `policy`; [`Error::Key`] and [`Error::AdviceNotOpened`] if there is no contract for the key;
/// [`Error::Write`].
pub fn write_contracts(key: &VerifyingKey, directory: &Path, policy: SrsPolicy<'_>) -> Result<Vec<PathBuf>, Error> {
    policy.check(&key.srs)?;
    let origin = policy.origin(&key.srs.digest());
    let (shape, verifier) = match artifacts::for_shape(&key.constraint_system) {
        Ok(artifact) => (artifact.shape, artifact.source.to_owned()),
        Err(Error::UnknownShape { .. }) => (CUSTOM_SHAPE, render_verifier(CUSTOM_SHAPE, &key.constraint_system)?),
        Err(error) => return Err(error),
    };
    let contract = contract_name(shape);
    let files = [
        ("IHalo2Verifier.sol".to_owned(), INTERFACE.to_owned()),
        (format!("{contract}.sol"), verifier),
        (format!("{}.sol", key_contract_name(origin)), key_contract(key, origin)?),
        ("key-creation-code.hex".into(), format!("0x{}\n", hex::encode(key_creation_code(key)?))),
        ("README.md".into(), readme(key, &contract, origin)?),
    ];
    fs::create_dir_all(directory).map_err(|source| Error::Write { path: directory.into(), source })?;
    files.into_iter().map(|(name, text)| write(directory.join(name), &text)).collect()
}

/// Under another name first, so that a reader never sees half a file.
fn write(path: PathBuf, text: &str) -> Result<PathBuf, Error> {
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".unfinished");
    let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path));
    if let Err(source) = written {
        // What is left of it is of no use; that it cannot be removed either is not the error to report.
        let _ = fs::remove_file(&unfinished);
        return Err(Error::Write { path, source });
    }
    Ok(path)
}

fn key_contract_name(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Unsafe => "UNSAFE_VerifyingKeyData",
        SrsOrigin::Ceremony => "VerifyingKeyData",
    }
}

fn origin_warning(origin: SrsOrigin) -> &'static str {
    match origin {
        SrsOrigin::Unsafe => {
            "UNSAFE: the structured reference string was generated on one machine. Whoever made it can forge any proof."
        }
        SrsOrigin::Ceremony => "The structured reference string comes from a ceremony.",
    }
}

/// A contract whose constructor leaves the key data as its code.
fn key_contract(key: &VerifyingKey, origin: SrsOrigin) -> Result<String, Error> {
    Ok(format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Rendered by apodict-solidity.

/// @title Key data of one model, as code: pass its address and code hash to the verifier.
/// @notice {warning}
/// @dev k = {k}, {instances} instances. Code hash once deployed:
/// 0x{hash}
/// SRS digest: 0x{srs}
contract {name} {{
    constructor() {{
        bytes memory data = hex\"{data}\";
        assembly {{
            return(add(data, 0x20), mload(data))
        }}
    }}
}}
",
        warning = origin_warning(origin),
        k = key.k,
        instances = key.num_instances,
        hash = hex::encode(key_code_hash(key)?),
        srs = hex::encode(key.srs.digest()),
        name = key_contract_name(origin),
        data = hex::encode(key_data(key)?),
    ))
}

fn readme(key: &VerifyingKey, contract: &str, origin: SrsOrigin) -> Result<String, Error> {
    Ok(format!(
        "# Verifier contracts

{warning}

| file | what it is |
|---|---|
| `IHalo2Verifier.sol` | the interface and its errors |
| `{contract}.sol` | the verifier, the same for every model of its shape: deploy it once per chain |
| `{key_name}.sol` | this model's key: a contract whose code is the data |
| `key-creation-code.hex` | the same key as bare creation bytecode, for tools that do not compile |

k = {k}, {instances} instances, proofs of {proof_len} bytes.

## Deploy

Compile with solc 0.8.37, EVM version osaka (or cancun), optimizer on with 1000000 runs, **not** through the IR (`via_ir = false`).

    forge create {contract} --broadcast
    cast send --create $(cat key-creation-code.hex)

The key's code hash must then be (`cast codehash ADDRESS`)

    0x{hash}

## Call

    function verifyProof(address key, bytes32 keyCodeHash, bytes calldata proof, uint256[] calldata instances)
        external view returns (bool);

It returns `true` or reverts with a named error, never `false`. A caller must

- pin `keyCodeHash` (a constant or a registry's record, never an argument of whoever hands in the proof),
- compute `instances` itself, the context (instances 0 and 1) included, and never forward them unread,
- see to it that one proof is not used twice.
",
        warning = origin_warning(origin),
        key_name = key_contract_name(origin),
        k = key.k,
        instances = key.num_instances,
        proof_len = key.constraint_system.proof_len(),
        hash = hex::encode(key_code_hash(key)?),
    ))
}
