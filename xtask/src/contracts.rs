//! `cargo xtask contracts test|bless|check`: the rendered and compiled verifier contracts.
//!
//! Rust tests of `apodict-solidity` render the sources and the fixtures, or compare them with what is committed; this
//! compiles them and does the same with the bytecode that Rust embeds.

use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::step::{Step, root};
use crate::tools;

/// Largest runtime code that the EVM accepts (EIP-170).
const MAX_RUNTIME_BYTES: usize = 24_576;

/// Folders with rendered verifiers, and where their bytecode goes.
const FOLDERS: [(&str, &str); 2] = [("contracts/verifiers", "artifacts"), ("test/verifiers", "test/verifiers")];

const USAGE: &str = "usage: cargo xtask contracts test|bless|check
  test   forge's tests
  bless  render and compile the verifiers, write source, fixtures and bytecode
  check  render and compile the verifiers, compare with what is committed";

/// Runs the mode that the only argument names.
///
/// # Errors
/// What is wrong with the arguments, the compiler's output or the committed files.
pub(crate) fn contracts(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => Step::new("contract tests", tools::forge()?).args(["test"]).within("solidity").run(),
        ["bless"] => bless(),
        ["check"] => check(),
        _ => bail!(USAGE),
    }
}

fn bless() -> Result<()> {
    rendered("render the verifiers").env("APODICT_BLESS", "1").run()?;
    for (path, bytecode) in compiled()? {
        fs::write(&path, bytecode).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn check() -> Result<()> {
    rendered("rendered verifiers").run()?;
    for (path, bytecode) in compiled()? {
        ensure!(
            read(&path)? == bytecode,
            "{} is not what the contract compiles to: run `cargo xtask contracts bless` and commit",
            path.display()
        );
    }
    Ok(())
}

/// The Rust tests that compare with, or write, what is rendered.
fn rendered(name: &str) -> Step {
    Step::cargo(name).args(["test", "--locked", "--release", "--workspace", "--test", "contracts", "--", "rendered"])
}

/// Creation bytecode of each verifier in hexadecimal, and the file that holds it.
fn compiled() -> Result<Vec<(PathBuf, String)>> {
    Step::new("compile the contracts", tools::forge()?).args(["build"]).within("solidity").run()?;
    let solidity = root().join("solidity");
    let mut compiled = Vec::new();
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

fn bytecode(solidity: &Path, contract: &str) -> Result<String> {
    let path = solidity.join(format!("out/{contract}.sol/{contract}.json"));
    let output: serde_json::Value =
        serde_json::from_str(&read(&path)?).with_context(|| format!("{} is not JSON", path.display()))?;
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
