//! What each hand-written contract shows to others: signatures, storage and documentation, one small file each in
//! `solidity/descriptions`, so that a change of any of them shows in review.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::read;
use crate::step::root;

const FOLDER: &str = "solidity/descriptions";

/// Writes the descriptions, and removes those of contracts that are no more. The contracts must be compiled.
///
/// # Errors
/// What is missing in the compiler's output, files that cannot be written.
pub(super) fn write() -> Result<()> {
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let described = described()?;
    for name in committed(&folder)? {
        if !described.contains_key(&name) {
            fs::remove_file(folder.join(name))?;
        }
    }
    for (name, text) in described {
        fs::write(folder.join(&name), text).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// Compares them with what is committed.
///
/// # Errors
/// The first that differs, or that belongs to no contract.
pub(super) fn check() -> Result<()> {
    let folder = root().join(FOLDER);
    let described = described()?;
    for name in committed(&folder)? {
        ensure!(described.contains_key(&name), "{FOLDER}/{name} describes no contract: {HOW}");
    }
    for (name, text) in &described {
        let path = folder.join(name);
        ensure!(path.is_file() && read(&path)? == *text, "{FOLDER}/{name} is not what the contract shows: {HOW}");
    }
    eprintln!("    {} contracts are as described", described.len());
    Ok(())
}

const HOW: &str = "run `cargo xtask contracts bless` and commit";

fn committed(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in folder.read_dir()? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// File name and text of each description.
fn described() -> Result<BTreeMap<String, String>> {
    let solidity = root().join("solidity");
    let mut described = BTreeMap::new();
    for source in sources(&solidity.join("contracts"))? {
        let file = source.file_name().unwrap_or_default();
        let folder = solidity.join("out").join(file);
        let mut artifacts: Vec<PathBuf> = folder
            .read_dir()
            .with_context(|| format!("{} was not compiled", source.display()))?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        artifacts.sort();
        for path in artifacts {
            // A file that is compiled with two settings has an artifact of each: what is shown here is the same.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(contract) = name.split('.').next() else { continue };
            let artifact: Value =
                serde_json::from_str(&read(&path)?).with_context(|| format!("{} is not JSON", path.display()))?;
            let place = source.strip_prefix(&solidity).unwrap_or(&source).to_string_lossy();
            let text = describe(contract, &place, &artifact).with_context(|| path.display().to_string())?;
            described.insert(format!("{contract}.txt"), text);
        }
    }
    Ok(described)
}

/// All sources but the rendered verifiers, whose bytecode is committed.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            sources.extend(self::sources(&path)?);
        } else if name.ends_with(".sol") && !name.starts_with("Halo2Verifier") {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

fn describe(contract: &str, place: &str, artifact: &Value) -> Result<String> {
    let mut text = format!("{contract} in {place}\n");
    let selectors: BTreeMap<&str, &Value> = artifact["methodIdentifiers"]
        .as_object()
        .map(|all| all.iter().map(|(signature, selector)| (signature.as_str(), selector)).collect())
        .unwrap_or_default();
    let mut lines = Vec::new();
    for entry in artifact["abi"].as_array().context("no ABI")? {
        lines.push(signature(entry, &selectors));
    }
    lines.sort();
    section(&mut text, "Interface", &lines);
    let layout = &artifact["storageLayout"];
    let empty = Vec::new();
    let slots = layout["storage"].as_array().unwrap_or(&empty);
    section(&mut text, "Storage", &slots.iter().map(|slot| variable(slot, &layout["types"])).collect::<Vec<_>>());
    let mut lines = Vec::new();
    for kind in ["userdoc", "devdoc"] {
        flatten("", &artifact[kind], &mut lines);
    }
    lines.retain(|line| !line.starts_with("kind: ") && !line.starts_with("version: "));
    lines.sort();
    section(&mut text, "Documentation", &lines);
    Ok(text)
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn signature(entry: &Value, selectors: &BTreeMap<&str, &Value>) -> String {
    let string = |field: &str| entry[field].as_str().unwrap_or_default();
    let (kind, name) = (string("type"), string("name"));
    let inputs = parameters(&entry["inputs"], true);
    let mut line = if name.is_empty() { format!("{kind}{inputs}") } else { format!("{kind} {name}{inputs}") };
    if !matches!(string("stateMutability"), "" | "nonpayable") {
        let _ = write!(line, " {}", string("stateMutability"));
    }
    if entry["outputs"].as_array().is_some_and(|outputs| !outputs.is_empty()) {
        let _ = write!(line, " returns {}", parameters(&entry["outputs"], true));
    }
    let types = format!("{name}{}", parameters(&entry["inputs"], false));
    if let Some(selector) = (kind == "function").then(|| selectors.get(types.as_str())).flatten() {
        let _ = write!(line, " [0x{}]", selector.as_str().unwrap_or_default());
    }
    line
}

/// `(type name, ..)`, structs as the types of their fields; only types for a selector's signature.
fn parameters(list: &Value, named: bool) -> String {
    let empty = Vec::new();
    let parts = list.as_array().unwrap_or(&empty).iter().map(|parameter| {
        let kind = parameter["type"].as_str().unwrap_or_default();
        let kind = match kind.strip_prefix("tuple") {
            Some(array) => format!("{}{array}", parameters(&parameter["components"], named)),
            None => kind.to_owned(),
        };
        let indexed = if named && parameter["indexed"] == true { " indexed" } else { "" };
        match parameter["name"].as_str() {
            Some(name) if named && !name.is_empty() => format!("{kind}{indexed} {name}"),
            _ => format!("{kind}{indexed}"),
        }
    });
    format!("({})", parts.collect::<Vec<_>>().join(if named { ", " } else { "," }))
}

/// Slot, offset in bytes, name and type; of a struct, or a mapping's, what it holds.
fn variable(slot: &Value, types: &Value) -> String {
    let text = |field: &str| slot[field].as_str().unwrap_or_default();
    format!("{}+{} {}: {}", text("slot"), slot["offset"], text("label"), type_of(text("type"), types))
}

fn type_of(name: &str, types: &Value) -> String {
    let kind = &types[name];
    let label = kind["label"].as_str().unwrap_or(name);
    if let Some(members) = kind["members"].as_array() {
        let members: Vec<_> = members.iter().map(|member| variable(member, types)).collect();
        return format!("{label} {{ {} }}", members.join("; "));
    }
    if let (Some(key), Some(value)) = (kind["key"].as_str(), kind["value"].as_str()) {
        return format!("{} => {}", type_of(key, types), type_of(value, types));
    }
    match kind["base"].as_str() {
        Some(base) => format!("{label} of {}", type_of(base, types)),
        None => label.to_owned(),
    }
}

/// `path: text` for each string.
fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, lines)),
        Value::Array(values) => values.iter().for_each(|value| flatten(path, value, lines)),
        Value::String(text) => lines.push(format!("{path}: {}", text.split_whitespace().collect::<Vec<_>>().join(" "))),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use serde_json::json;

    #[test]
    fn signatures_storage_and_documentation_are_told() {
        let artifact = json!({
            "abi": [
                {"type": "constructor", "inputs": [{"name": "authority", "type": "address"}], "stateMutability": "nonpayable"},
                {"type": "function", "name": "open", "stateMutability": "view",
                 "inputs": [{"name": "leaves", "type": "tuple[]", "components": [{"name": "at", "type": "uint256"}]}],
                 "outputs": [{"name": "", "type": "bool"}]},
                {"type": "event", "name": "Opened", "inputs": [{"name": "id", "type": "bytes32", "indexed": true}]},
            ],
            "methodIdentifiers": {"open((uint256)[])": "01020304"},
            "storageLayout": {
                "storage": [{"label": "_last", "slot": "3", "offset": 2, "type": "t_map"}],
                "types": {
                    "t_map": {"label": "mapping(bytes32 => struct Last)", "key": "t_bytes32", "value": "t_last"},
                    "t_bytes32": {"label": "bytes32"},
                    "t_last": {"label": "struct Last", "members": [
                        {"label": "count", "slot": "0", "offset": 0, "type": "t_uint64"}]},
                    "t_uint64": {"label": "uint64"},
                },
            },
            "userdoc": {"kind": "user", "version": 1, "methods": {"open((uint256)[])": {"notice": "Opens\n leaves."}}},
            "devdoc": {"kind": "dev", "version": 1, "title": "A gate."},
        });
        assert_eq!(
            describe("Gate", "contracts/Gate.sol", &artifact).expect("described"),
            "Gate in contracts/Gate.sol

Interface
  constructor(address authority)
  event Opened(bytes32 indexed id)
  function open((uint256 at)[] leaves) view returns (bool) [0x01020304]

Storage
  3+2 _last: bytes32 => struct Last { 0+0 count: uint64 }

Documentation
  methods open((uint256)[]) notice: Opens leaves.
  title: A gate.
"
        );
        assert!(describe("Gate", "contracts/Gate.sol", &json!({})).is_err(), "no ABI");
    }
}
