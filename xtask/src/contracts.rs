//! `cargo xtask contracts test|bless|describe|compile|check|analyse|prove|coverage`: the rendered and compiled verifier contracts,
//! and what tools say of the hand-written ones.
//!
//! Rust tests of `apodict-solidity` render the sources and the fixtures, or compare them with what is committed; this
//! compiles them and does the same with the bytecode that Rust embeds.

mod analysis;
mod descriptions;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::step::{Step, root};
use crate::tools;

/// Largest runtime code that the EVM accepts (EIP-170).
const MAX_RUNTIME_BYTES: usize = 24_576;

/// Folders with rendered verifiers, and where their bytecode goes.
const FOLDERS: [(&str, &str); 2] = [("contracts/verifiers", "artifacts"), ("test/verifiers", "test/verifiers")];

/// What other projects import, and where its ABI goes.
const INTERFACE: (&str, &str) = ("IHalo2Verifier", "artifacts/IHalo2Verifier.abi.json");

const USAGE: &str = "usage: cargo xtask contracts test|bless|describe|compile|check|analyse|prove|coverage
  test      forge's tests
  bless     render and compile the verifiers, write source, fixtures, bytecode, ABI and the contracts' descriptions
  describe  compile, and write the contracts' descriptions alone
  compile   compile the verifiers as they stand, write bytecode and the interface's ABI
  check     render and compile the verifiers, compare with what is committed; compile what others import with the oldest solc
  analyse   slither: every finding must be in solidity/slither.toml with the reason why it stands
  prove     halmos: the properties of `Bounds` for all values
  coverage  lines that forge's tests reach, compared with solidity/coverage.json; `--bless` writes it";

/// Runs the mode that the only argument names.
///
/// # Errors
/// What is wrong with the arguments, the compiler's output or the committed files.
pub(crate) fn contracts(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => Step::new("contract tests", tools::forge()?).args(["test"]).within("solidity").run(),
        ["bless"] => bless(),
        ["compile"] => compile(),
        ["describe"] => {
            forge_build()?;
            descriptions::write()
        }
        ["analyse"] => analysis::analyse(),
        ["prove"] => analysis::prove(),
        ["coverage"] => analysis::coverage(false),
        ["coverage", "--bless"] => analysis::coverage(true),
        ["check"] => check(),
        _ => bail!(USAGE),
    }
}

fn bless() -> Result<()> {
    rendered("render the verifiers").env("APODICT_BLESS", "1").run()?;
    compile()?;
    descriptions::write()
}

fn compile() -> Result<()> {
    for (path, text) in compiled()? {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn check() -> Result<()> {
    rendered("rendered verifiers").run()?;
    for (path, text) in compiled()? {
        ensure!(
            read(&path)? == text,
            "{} is not what the contract compiles to: run `cargo xtask contracts bless` and commit",
            path.display()
        );
    }
    descriptions::check()?;
    Step::new("what other projects import, with the oldest solc", "node")
        .args(["bin/oldest.js"])
        .within("solidity")
        .run()
}

/// The Rust tests that compare with, or write, what is rendered.
fn rendered(name: &str) -> Step {
    Step::cargo(name).args(["test", "--locked", "--release", "--workspace", "--test", "contracts", "--", "rendered"])
}

fn forge_build() -> Result<()> {
    Step::new("compile the contracts", tools::forge()?).args(["build"]).within("solidity").run()
}

/// Creation bytecode of each verifier in hexadecimal and the interface's ABI, each with the file that holds it.
fn compiled() -> Result<Vec<(PathBuf, String)>> {
    forge_build()?;
    let solidity = root().join("solidity");
    let (interface, abi_path) = INTERFACE;
    let mut compiled = vec![(solidity.join(abi_path), abi(&solidity, interface)?)];
    for (sources, artifacts) in FOLDERS {
        let folder = solidity.join(sources);
        for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some(contract) = name.strip_suffix(".sol").filter(|name| name.starts_with("Halo2Verifier")) else {
                continue;
            };
            compiled.push((solidity.join(artifacts).join(format!("{contract}.hex")), bytecode(&solidity, contract)?));
        }
    }
    Ok(compiled)
}

/// What forge writes about a contract, and where.
fn output(solidity: &Path, contract: &str) -> Result<(PathBuf, Value)> {
    let path = solidity.join(format!("out/{contract}.sol/{contract}.json"));
    let output = serde_json::from_str(&read(&path)?).with_context(|| format!("{} is not JSON", path.display()))?;
    Ok((path, output))
}

fn abi(solidity: &Path, contract: &str) -> Result<String> {
    let (path, output) = output(solidity, contract)?;
    ensure!(output["abi"].is_array(), "{}: no ABI", path.display());
    Ok(serde_json::to_string_pretty(&sorted(&output["abi"]))? + "\n")
}

/// The same with the names of each object in alphabetical order, whatever order the JSON library keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn bytecode(solidity: &Path, contract: &str) -> Result<String> {
    let (path, output) = output(solidity, contract)?;
    let object = |field: &str| {
        let code = output[field]["object"].as_str().and_then(|code| code.strip_prefix("0x"));
        code.map(str::to_owned).with_context(|| format!("{}: no {field}", path.display()))
    };
    let runtime_bytes = object("deployedBytecode")?.len() / 2;
    ensure!(
        runtime_bytes <= MAX_RUNTIME_BYTES,
        "{contract}: {runtime_bytes} bytes of runtime code, the EVM accepts {MAX_RUNTIME_BYTES}"
    );
    eprintln!("    {contract}: {runtime_bytes} bytes of runtime code");
    Ok(object("bytecode")? + "\n")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
