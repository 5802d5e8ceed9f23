//! `cargo xtask contracts test|bless|check`: the rendered and compiled verifier contracts.
//!
//! The shapes are those of `apodict_solidity::artifacts::ALL`. Each has a genuine proof in `solidity/test/fixtures`, whose
//! key says what the shape is.

use anyhow::{Context, Result, bail, ensure};
use apodict_solidity::{Fixture, artifacts, contract_name, render_verifier};
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::step::{Step, root};
use crate::tools;

/// Largest runtime code that the EVM accepts (EIP-170).
const MAX_RUNTIME_BYTES: usize = 24_576;

const USAGE: &str = "usage: cargo xtask contracts test|bless|check
  test   forge's tests
  bless  render and compile the verifiers, write source and bytecode
  check  render and compile the verifiers, compare with what is committed";

/// Runs the mode that the only argument names.
///
/// # Errors
/// What is wrong with the arguments, the fixtures, the compiler's output or the committed files.
pub(crate) fn contracts(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => Step::new("contract tests", tools::forge()?).args(["test"]).within("solidity").run(),
        ["bless"] => bless(),
        ["check"] => check(),
        _ => bail!(USAGE),
    }
}

struct Verifier {
    shape: &'static str,
    source: String,
}

impl Verifier {
    fn contract(&self) -> String {
        contract_name(self.shape)
    }

    fn source_path(&self) -> PathBuf {
        solidity().join(format!("contracts/verifiers/{}.sol", self.contract()))
    }

    fn bytecode_path(&self) -> PathBuf {
        solidity().join(format!("artifacts/{}.hex", self.contract()))
    }

    /// Creation bytecode as compiled from the file, in hexadecimal and a newline.
    fn compiled(&self) -> Result<String> {
        let contract = self.contract();
        let path = solidity().join(format!("out/{contract}.sol/{contract}.json"));
        let output: serde_json::Value = serde_json::from_str(&read(&path)?)?;
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
}

fn solidity() -> PathBuf {
    root().join("solidity")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn rendered() -> Result<Vec<Verifier>> {
    let verifier = |artifact: &artifacts::Artifact| {
        let shape = artifact.shape;
        let path = solidity().join(format!("test/fixtures/{shape}.json"));
        let fixture = Fixture::from_json(&read(&path)?).with_context(|| path.display().to_string())?;
        Ok(Verifier { shape, source: render_verifier(shape, &fixture.key.constraint_system)? })
    };
    artifacts::ALL.iter().map(verifier).collect()
}

fn compile() -> Result<()> {
    Step::new("contracts", tools::forge()?).args(["build", "--skip", "test"]).within("solidity").run()
}

fn bless() -> Result<()> {
    let verifiers = rendered()?;
    for verifier in &verifiers {
        fs::write(verifier.source_path(), &verifier.source)?;
    }
    compile()?;
    for verifier in &verifiers {
        fs::write(verifier.bytecode_path(), verifier.compiled()?)?;
    }
    Ok(())
}

fn check() -> Result<()> {
    let verifiers = rendered()?;
    compile()?;
    for verifier in &verifiers {
        for (path, now) in
            [(verifier.source_path(), verifier.source.clone()), (verifier.bytecode_path(), verifier.compiled()?)]
        {
            ensure!(
                read(&path)? == now,
                "{} is not what is rendered and compiled now: run `cargo xtask contracts bless` and commit",
                path.display()
            );
        }
    }
    Ok(())
}
