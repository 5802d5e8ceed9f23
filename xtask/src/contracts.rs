//! `cargo xtask contracts test|bless|describe|compile|check|analyse|prove|coverage`: the rendered and compiled verifier contracts,
//! and what tools say of the hand-written ones.
//!
//! Rust tests of `apodict-solidity` render the sources and the fixtures, or compare them with what is committed; this
//! compiles them and does the same with the bytecode that Rust embeds, of the verifiers and of what is deployed around them.

mod analysis;
mod descriptions;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
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

/// What the chain client deploys: source file, contract, and where its bytecode and its description go.
const DEPLOYED: [(&str, &str, &str); 19] = [
    ("Halo2VerifierLean", "Halo2VerifierLean", "artifacts"),
    ("Halo2VerifierWide", "Halo2VerifierWide", "artifacts"),
    ("AccessManager", "AccessManager", "artifacts"),
    ("ModelRegistry", "ModelRegistry", "artifacts"),
    ("FeedBinder", "FeedBinder", "artifacts"),
    ("DecisionGateway", "DecisionGateway", "artifacts"),
    ("Groups", "Groups", "artifacts"),
    ("TextBinder", "TextBinder", "artifacts"),
    ("ProvenRiskOracle", "ProvenRiskOracle", "artifacts"),
    ("CollateralSteward", "CollateralSteward", "artifacts"),
    ("ElasticToken", "ElasticToken", "artifacts"),
    ("SupplyController", "SupplyController", "artifacts"),
    ("ProposalAdvisor", "ProposalAdvisor", "artifacts"),
    ("AgentVoter", "AgentVoter", "artifacts"),
    ("ReferenceMarket", "ReferenceMarket", "artifacts"),
    // Of tests, for demonstrations.
    ("MockFeed", "MockFeed", "artifacts/demo"),
    ("MockToken", "MockToken", "artifacts/demo"),
    ("TestGovernors", "TestVotes", "artifacts/demo"),
    ("TestGovernors", "OverridableGovernor", "artifacts/demo"),
];

/// The errors of all of these, by which a revert is named.
const ERRORS: &str = "artifacts/errors.abi.json";

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

/// Creation bytecode of each contract in hexadecimal, its description, the interface's ABI and all errors, each with the file that
/// holds it.
fn compiled() -> Result<Vec<(PathBuf, String)>> {
    forge_build()?;
    let solidity = root().join("solidity");
    let (interface, abi_path) = INTERFACE;
    let mut compiled = vec![(solidity.join(abi_path), abi(&output(&solidity, interface, interface)?)?)];
    for (sources, artifacts) in FOLDERS {
        let folder = solidity.join(sources);
        for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some(contract) = name.strip_suffix(".sol").filter(|name| name.starts_with("Halo2Verifier")) else {
                continue;
            };
            let text = bytecode(&output(&solidity, contract, contract)?)?;
            compiled.push((solidity.join(artifacts).join(format!("{contract}.hex")), text));
        }
    }
    let mut errors = BTreeMap::new();
    for (source, contract, artifacts) in DEPLOYED {
        let built = output(&solidity, source, contract)?;
        collect_errors(&built, &mut errors);
        let folder = solidity.join(artifacts);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if !contract.starts_with("Halo2Verifier") {
            compiled.push((folder.join(format!("{contract}.hex")), bytecode(&built)?));
        }
        compiled.push((folder.join(format!("{contract}.json")), description(&built)?));
    }
    let errors: Vec<_> = errors.into_values().collect();
    compiled.push((solidity.join(ERRORS), serde_json::to_string_pretty(&errors)? + "\n"));
    Ok(compiled)
}

/// By what distinguishes one from another: name and types.
fn collect_errors(Built { output, .. }: &Built, errors: &mut BTreeMap<String, Value>) {
    for entry in output["abi"].as_array().into_iter().flatten().filter(|entry| entry["type"] == "error") {
        let inputs = entry["inputs"].as_array().into_iter().flatten();
        let inputs: Vec<_> = inputs.map(|input| json!({ "name": input["name"], "type": input["type"] })).collect();
        let kinds: Vec<_> = inputs.iter().map(|input| input["type"].to_string()).collect();
        let key = format!("{}({})", entry["name"], kinds.join(","));
        errors.insert(key, sorted(&json!({ "type": "error", "name": entry["name"], "inputs": inputs })));
    }
}

/// Where the code that stays stands in the creation code, what in it the constructor fills in, where libraries' addresses go, and the
/// functions' selectors. Places in bytes.
fn description(Built { path, output }: &Built) -> Result<String> {
    let object = |field: &str| output[field]["object"].as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
    let (creation, runtime) = (object("bytecode"), object("deployedBytecode"));
    let begin = creation.find(&runtime).filter(|begin| begin % 2 == 0 && !runtime.is_empty());
    let begin = begin.with_context(|| format!("{}: its code does not stand in its creation code", path.display()))?;
    let place = |place: &Value| json!([place["start"], place["length"]]);
    let immutables = output["deployedBytecode"]["immutableReferences"].as_object().into_iter().flatten();
    let mut immutables: Vec<_> =
        immutables.flat_map(|(_, places)| places.as_array().into_iter().flatten().map(place)).collect();
    // A library begins with its own address, PUSH20, which it is given when it is deployed.
    if runtime.starts_with(&format!("73{}", "00".repeat(20))) {
        immutables.push(json!([1, 20]));
    }
    immutables.sort_by_key(|place| place[0].as_u64());
    let libraries = output["bytecode"]["linkReferences"].as_object().into_iter().flatten();
    let libraries = libraries.flat_map(|(_, libraries)| libraries.as_object().into_iter().flatten());
    let links: BTreeMap<_, Vec<_>> = libraries
        .map(|(library, places)| {
            (library.clone(), places.as_array().into_iter().flatten().map(|place| place["start"].clone()).collect())
        })
        .collect();
    let description = json!({
        "runtime": [begin / 2, runtime.len() / 2],
        "immutables": immutables,
        "links": links,
        "methods": output["methodIdentifiers"],
    });
    Ok(serde_json::to_string(&sorted(&description))? + "\n")
}

/// What forge writes about a contract, and where.
struct Built {
    path: PathBuf,
    output: Value,
}

fn output(solidity: &Path, source: &str, contract: &str) -> Result<Built> {
    let path = solidity.join(format!("out/{source}.sol/{contract}.json"));
    let output = serde_json::from_str(&read(&path)?).with_context(|| format!("{} is not JSON", path.display()))?;
    Ok(Built { path, output })
}

fn abi(Built { path, output }: &Built) -> Result<String> {
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

fn bytecode(Built { path, output }: &Built) -> Result<String> {
    let object = |field: &str| {
        let code = output[field]["object"].as_str().and_then(|code| code.strip_prefix("0x"));
        code.map(str::to_owned).with_context(|| format!("{}: no {field}", path.display()))
    };
    let runtime_bytes = object("deployedBytecode")?.len() / 2;
    let contract = path.file_stem().unwrap_or_default().display();
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
