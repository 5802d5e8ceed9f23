//! Contracts as files for someone to deploy.

use crate::{
    Error,
    artifacts::{self, Artifact},
    call_gas, contract_name,
    evm::Evm,
    key_code_hash, key_creation_code, key_data, render_verifier,
};
use apodict_verifier::{SrsOrigin, SrsPolicy, VerifyingKey};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What other projects import: the interface that every verifier implements, and libraries beside it. Any solc since 0.8.4
/// compiles them, with any settings.
const IMPORTS: [(&str, &str); 3] = [
    ("IHalo2Verifier.sol", include_str!("../contracts/verifiers/IHalo2Verifier.sol")),
    ("PublicValues.sol", include_str!("../contracts/verifiers/PublicValues.sol")),
    ("RevertData.sol", include_str!("../contracts/verifiers/RevertData.sol")),
];

/// The interface for tools that do not read Solidity, errors included.
const ABI: &str = include_str!("../artifacts/IHalo2Verifier.abi.json");

/// Shape name of a verifier that is rendered for a key of no known shape.
const CUSTOM_SHAPE: &str = "custom";

/// Writes [`contract_files`] into `directory`, which is made if it is not there, and returns their paths. A file appears under its
/// name only once it is whole, in place of what had the name; links are not followed.
///
/// # Errors
/// Those of [`contract_files`]; [`Error::Write`].
pub fn write_contracts(key: &VerifyingKey, directory: &Path, policy: SrsPolicy<'_>) -> Result<Vec<PathBuf>, Error> {
    let files = contract_files(key, policy)?;
    fs::create_dir_all(directory).map_err(|source| Error::Write { path: directory.into(), source })?;
    files.into_iter().map(|(name, text)| write(directory, &name, &text)).collect()
}

/// Names and texts of the contracts for a key: what other contracts import, the interface's ABI, the verifier of the key's shape as
/// Solidity and (but for a shape that this crate has not compiled) as creation bytecode, the key data in both forms, a README that
/// says how to deploy and to call them.
///
/// # Errors
/// [`Error::Key`] by `policy`; [`Error::Key`], [`Error::KeySize`] and [`Error::AdviceNotOpened`] if there is no contract for the key.
pub fn contract_files(key: &VerifyingKey, policy: SrsPolicy<'_>) -> Result<Vec<(String, String)>, Error> {
    policy.check(&key.srs)?;
    let origin = policy.origin(&key.srs.digest());
    let compiled = match artifacts::for_shape(&key.constraint_system) {
        Ok(artifact) => Some(artifact),
        Err(Error::UnknownShape { .. }) => None,
        Err(error) => return Err(error),
    };
    let shape = compiled.map_or(CUSTOM_SHAPE, |artifact| artifact.shape);
    let contract = contract_name(shape);
    let creation_code = compiled.map(Artifact::creation_code).transpose()?;

    let mut files: Vec<(String, String)> = IMPORTS.map(|(name, text)| (name.into(), text.into())).into();
    files.push(("IHalo2Verifier.abi.json".into(), ABI.into()));
    files.push((format!("{contract}.sol"), render_verifier(shape, &key.constraint_system)?));
    if let Some(code) = &creation_code {
        files.push((format!("{contract}.bytecode.hex"), format!("0x{}\n", hex::encode(code))));
    }
    files.push((format!("{}.sol", key_contract_name(origin)), key_contract(key, origin)?));
    files.push(("key-creation-code.hex".into(), format!("0x{}\n", hex::encode(key_creation_code(key)?))));
    files.push(("README.md".into(), readme(key, &contract, creation_code, origin)?));
    Ok(files)
}

/// Under a name that nobody can know beforehand, made anew, then renamed: a reader never sees half a file, and a link that
/// stands under either name is neither followed nor written through.
fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = directory.join(name);
    let written = new_file(directory).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // A rename replaces a link, not what it points to. Dropped before, the file is removed.
        file.persist(&path).map_err(|error| error.error)
    });
    match written {
        Ok(_) => Ok(path),
        Err(source) => Err(Error::Write { path, source }),
    }
}

fn new_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".apodict-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: the process's mask applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
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
pragma solidity ^0.8.4;

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

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Gas of the transaction that deploys what `creation_code` returns.
fn deployment_gas(what: &'static str, creation_code: Vec<u8>) -> Result<String, Error> {
    Ok(grouped(Evm::new().deploy(what, creation_code)?.1))
}

fn readme(
    key: &VerifyingKey,
    contract: &str,
    creation_code: Option<Vec<u8>>,
    origin: SrsOrigin,
) -> Result<String, Error> {
    let (bytecode, deploy) = match creation_code {
        Some(code) => {
            let gas = deployment_gas("the verifier", code)?;
            (
                format!("| `{contract}.bytecode.hex` | its creation bytecode, compiled with the settings below |\n"),
                format!(
                    "    cast send --create $(cat {contract}.bytecode.hex)      # {gas} gas, once per chain and shape\n"
                ),
            )
        }
        None => (String::new(), format!("    forge create {contract} --broadcast      # once per chain and shape\n")),
    };
    Ok(format!(
        "# Verifier contracts

{warning}

| file | what it is |
|---|---|
| `IHalo2Verifier.sol` | the interface and its errors: what your contract imports |
| `PublicValues.sol` | outputs as signed numbers, inputs and context as instances |
| `RevertData.sol` | for callers that catch: was the proof rejected, or did the call go wrong? |
| `IHalo2Verifier.abi.json` | the ABI, errors included |
| `{contract}.sol` | the verifier, the same for every model of its shape: deploy it once per chain |
{bytecode}| `{key_name}.sol` | this model's key: a contract whose code is the data |
| `key-creation-code.hex` | the same key as bare creation bytecode, for tools that do not compile |

k = {k}, {instances} instances, proofs of {proof_len} bytes.

Your project compiles the first three only, with any solc since 0.8.4 and any settings. The verifier is hand-written
assembly: deploy its bytecode, or compile it on its own with solc 0.8.37, EVM version osaka (or cancun), optimizer on with
1000000 runs, metadata off, **not** through the IR (`via_ir = false`).

## Deploy

{deploy}    cast send --create $(cat key-creation-code.hex)      # {key_gas} gas, once per model

The key's code hash must then be (`cast codehash ADDRESS`)

    0x{hash}

## Call

    function verifyProof(address key, bytes32 keyCodeHash, bytes calldata proof, uint256[] calldata instances)
        external view returns (bool);

It returns `true` or reverts with a named error, never `false`. A caller must

- pin `keyCodeHash` (a constant or a registry's record, never an argument of whoever hands in the proof),
- compute the context (instances 0 and 1) and the inputs itself, and never forward them unread,
- **decode** the outputs, which it is handed: a negative one is `r - |x|`, so that `score >= threshold` on a `uint256`
  accepts every negative score. `PublicValues.toInt256(instances[i])` gives the number or reverts,
- see to it that one proof is not used twice.

## Gas

The call itself needs {call_gas} gas; a contract that makes it keeps a 64th of its gas back, so it must have a 63rd more, and
what it does afterwards. With less, the call reverts with `InsufficientGas(needed, available)`, or without data.

**A revert is not a rejection.** Somebody who sends a valid proof with too little gas makes the call fail. Who catches
reverts must tell them apart (`RevertData.isRejection`): *rejected* are WrongProofLength, InstanceNotCanonical,
ScalarNotCanonical, CoordinateNotCanonical, PointAtInfinity, PointNotOnCurve, DegenerateChallenge and ProofRejected.
NonCanonicalEncoding, WrongInstanceCount, WrongKeyCodeHash and WrongKeyShape say that the call is wrong. InsufficientGas,
PrecompileFailed and everything else, no data included, say nothing: try again.
",
        warning = origin_warning(origin),
        key_name = key_contract_name(origin),
        k = key.k,
        instances = key.num_instances,
        proof_len = key.constraint_system.proof_len(),
        key_gas = deployment_gas("the key data", key_creation_code(key)?)?,
        call_gas = grouped(call_gas(key)?),
        hash = hex::encode(key_code_hash(key)?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([7, 999, 1_000, 348_675, 1_923_213].map(grouped), ["7", "999", "1,000", "348,675", "1,923,213"]);
    }

    /// Whoever can guess the name beforehand could plant a link there.
    #[test]
    fn unfinished_files_have_names_that_nobody_knows() {
        let directory = tempfile::tempdir().expect("a folder");
        let names: Vec<_> = (0..2).map(|_| new_file(directory.path()).expect("made").path().to_owned()).collect();
        assert_ne!(names[0], names[1]);
        assert_eq!(fs::read_dir(&directory).expect("a folder").count(), 0, "dropped, they are removed");
    }
}
