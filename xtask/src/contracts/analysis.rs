//! What tools say of the hand-written contracts: slither's findings, halmos' proofs, the lines that tests reach.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use super::read;
use crate::step::{Step, root};
use crate::tools;

const TRIAGE: &str = "solidity/slither.toml";
const COVERAGE: &str = "solidity/coverage.json";
const SLITHER_PROJECT: &str = "target/slither";
const COVERAGE_PROJECT: &str = "target/coverage";

/// Coverage is counted without the optimizer, by which the rendered verifiers do not compile: tests that import one stay
/// out, others take their bytecode.
const IMPORT_VERIFIERS: [&str; 2] = ["test/Halo2Verifier.t.sol", "test/verifiers"];

/// Least share of a hand-written contract's lines, in percent, that tests reach in the sum of all.
const LEAST_COVERAGE: f64 = 95.0;

/// What slither reports and why it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triage {
    finding: Vec<Finding>,
}

/// `check`: slither's name of what it looks for. `at`: where, as `Contract.function`, each of them. `why`: why it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    check: String,
    at: Vec<String>,
    why: String,
}

/// Runs slither and compares what it finds with what was judged.
///
/// # Errors
/// Findings that nobody has judged, judgements without a finding.
pub(super) fn analyse() -> Result<()> {
    let report = root().join("target/slither.json");
    // slither writes no report where there is one.
    if report.is_file() {
        fs::remove_file(&report)?;
    }
    let (slither, forge) = (tools::slither()?, tools::forge()?);
    project(&root().join(SLITHER_PROJECT), &["contracts", "bin"])?;
    Step::new("slither", slither)
        .args([".", "--fail-none", "--filter-paths", "node_modules|Halo2Verifier"])
        .args(["--exclude-informational", "--exclude-optimization", "--json"])
        .args([&report])
        .env("PATH", path_with(&forge))
        .within(SLITHER_PROJECT)
        .run()?;
    let found = found(&serde_json::from_str(&read(&report)?).context("slither's report is not JSON")?)?;
    let triage: Triage =
        toml::from_str(&read(&root().join(TRIAGE))?).with_context(|| format!("cannot read {TRIAGE}"))?;
    let wrong = differences(&found, &triage);
    ensure!(wrong.is_empty(), "slither's findings and {TRIAGE} differ:\n  {}", wrong.join("\n  "));
    eprintln!("    {} findings, each with the reason why it stands in {TRIAGE}", found.len());
    Ok(())
}

/// A project of its own with some of the folders: tools have forge throw away what was compiled, or compile it otherwise.
fn project(folder: &Path, parts: &[&str]) -> Result<()> {
    let solidity = root().join("solidity");
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    for part in parts {
        copy(&solidity.join(part), &folder.join(part))?;
    }
    fs::copy(solidity.join("foundry.toml"), folder.join("foundry.toml"))?;
    std::os::unix::fs::symlink(solidity.join("node_modules"), folder.join("node_modules"))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir().with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Check and place of each finding, and what slither says.
fn found(report: &Value) -> Result<BTreeMap<(String, String), String>> {
    ensure!(report["success"] == true, "slither failed: {}", report["error"]);
    let empty = Vec::new();
    let mut found = BTreeMap::new();
    for finding in report["results"]["detectors"].as_array().unwrap_or(&empty) {
        let check = finding["check"].as_str().context("a finding without a name")?.to_owned();
        let place = place(&finding["elements"][0]);
        let text = finding["description"].as_str().unwrap_or_default().trim().to_owned();
        found.insert((check, place), text);
    }
    Ok(found)
}

/// `Contract.function` around the first thing that a finding names, or that thing's own name.
fn place(element: &Value) -> String {
    let mut names = Vec::new();
    let mut at = element;
    while at.is_object() {
        if matches!(at["type"].as_str(), Some("function" | "contract" | "variable" | "event" | "struct")) {
            names.push(at["name"].as_str().unwrap_or_default());
        }
        at = &at["type_specific_fields"]["parent"];
    }
    names.reverse();
    names.join(".")
}

fn differences(found: &BTreeMap<(String, String), String>, triage: &Triage) -> Vec<String> {
    let mut judged: BTreeMap<(String, String), &str> = BTreeMap::new();
    let mut wrong = Vec::new();
    for finding in &triage.finding {
        for place in &finding.at {
            if judged.insert((finding.check.clone(), place.clone()), &finding.why).is_some() {
                wrong.push(format!("{} at {place} is judged twice", finding.check));
            }
        }
        if finding.why.trim().is_empty() {
            wrong.push(format!("{}: no reason", finding.check));
        }
    }
    wrong.extend(
        found
            .iter()
            .filter(|(at, _)| !judged.contains_key(at))
            .map(|((check, place), text)| format!("{check} at {place}: mend it, or judge it: {text}")),
    );
    wrong.extend(
        judged
            .keys()
            .filter(|at| !found.contains_key(at))
            .map(|(check, place)| format!("{check} at {place} is judged and not found: take it out")),
    );
    wrong
}

/// Proves the properties in `solidity/proofs`, which are compiled alone.
///
/// # Errors
/// A property with a counterexample, or that the solver did not decide.
pub(super) fn prove() -> Result<()> {
    let build = root().join("target/proofs");
    Step::new("properties of Bounds for all values", tools::halmos()?)
        .args(["--contract", "BoundsProof", "--loop", "3", "--solver-timeout-assertion", "300s", "--forge-build-out"])
        .args([build.join("out")])
        .env("PATH", path_with(&tools::forge()?))
        .env("FOUNDRY_SRC", "proofs")
        .env("FOUNDRY_TEST", "proofs")
        .env("FOUNDRY_OUT", build.join("out"))
        .env("FOUNDRY_CACHE_PATH", build.join("cache"))
        .within("solidity")
        .run()
}

/// Lines of each hand-written file that tests reach, of all that it has.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    reached: u64,
    all: u64,
}

/// Runs forge's tests without the optimizer, counting lines.
///
/// # Errors
/// Too few lines, or others than are committed.
pub(super) fn coverage(bless: bool) -> Result<()> {
    let report = root().join("target/contracts.lcov");
    let forge = tools::forge()?;
    let folder = root().join(COVERAGE_PROJECT);
    project(&folder, &["contracts", "bin", "test", "artifacts"])?;
    for part in IMPORT_VERIFIERS {
        let path = folder.join(part);
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    for entry in folder.join("contracts/verifiers").read_dir()? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("Halo2Verifier")) {
            fs::remove_file(path)?;
        }
    }
    let config = folder.join("foundry.toml");
    fs::write(&config, one_profile(&read(&config)?))?;
    Step::new("coverage of the contracts", forge)
        .args(["coverage", "--report", "lcov", "--report-file"])
        .args([&report])
        .args(["--no-match-path", "test/core/Gas.t.sol", "--no-match-test", "invariant"])
        .env("FORGE_SNAPSHOT_CHECK", "false")
        .within(COVERAGE_PROJECT)
        .run()?;
    let files = lines(&read(&report)?);
    let sum = files
        .values()
        .fold(Lines::default(), |sum, lines| Lines { reached: sum.reached + lines.reached, all: sum.all + lines.all });
    ensure!(sum.all != 0, "no lines were counted");
    #[expect(clippy::cast_precision_loss, reason = "a few thousand lines")]
    let percent = 100.0 * sum.reached as f64 / sum.all as f64;
    eprintln!("    {} of {} lines: {percent:.1} %", sum.reached, sum.all);
    ensure!(percent >= LEAST_COVERAGE, "less than {LEAST_COVERAGE} % of the lines are tested");
    let text = serde_json::to_string_pretty(&files)? + "\n";
    let path = root().join(COVERAGE);
    if bless {
        return fs::write(&path, text).with_context(|| format!("cannot write {COVERAGE}"));
    }
    if read(&path)? != text {
        bail!("{COVERAGE} is not what was counted: run `cargo xtask contracts coverage --bless` and commit");
    }
    Ok(())
}

/// forge's settings without those of a second compilation: it counts no lines of a file that is compiled twice.
fn one_profile(config: &str) -> String {
    let mut inside = false;
    let kept = config.lines().filter(|line| {
        let begins = line.starts_with("compilation_restrictions");
        let other = inside || begins || line.starts_with("additional_compiler_profiles");
        inside = (inside || begins) && *line != "]";
        !other
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// From lcov's records `SF:file`, `DA:line,count`, for `contracts` without the rendered verifiers.
fn lines(report: &str) -> BTreeMap<String, Lines> {
    let mut files: BTreeMap<String, Lines> = BTreeMap::new();
    let mut file = None;
    for line in report.lines() {
        if let Some(name) = line.strip_prefix("SF:") {
            file =
                Some(name.to_owned()).filter(|name| name.starts_with("contracts/") && !name.contains("/Halo2Verifier"));
        } else if let (Some(file), Some((_, count))) =
            (&file, line.strip_prefix("DA:").and_then(|rest| rest.split_once(',')))
        {
            let lines = files.entry(file.clone()).or_default();
            lines.all += 1;
            lines.reached += u64::from(count.trim() != "0");
        }
    }
    files
}

/// The folder of a program in front of those in which programs are looked for: tools call forge by its name.
fn path_with(program: &Path) -> OsString {
    let mut path = program.parent().map(Path::as_os_str).unwrap_or_default().to_owned();
    if let Some(others) = std::env::var_os("PATH") {
        path.push(":");
        path.push(others);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{Finding, Lines, Triage, differences, found, lines, one_profile};
    use serde_json::json;

    fn report() -> serde_json::Value {
        let parent = json!({"type": "contract", "name": "Gate"});
        let function = json!({"type": "function", "name": "open", "type_specific_fields": {"parent": parent}});
        let node = json!({"type": "node", "name": "x == y", "type_specific_fields": {"parent": function}});
        json!({"success": true, "results": {"detectors": [
            {"check": "timestamp", "description": "uses time\n", "elements": [node]}]}})
    }

    fn judged(check: &str, at: &[&str]) -> Triage {
        let at = at.iter().map(|&place| place.to_owned()).collect();
        Triage { finding: vec![Finding { check: check.to_owned(), at, why: "meant".to_owned() }] }
    }

    #[test]
    fn each_finding_is_judged_once() {
        let found = found(&report()).expect("a report");
        assert!(differences(&found, &judged("timestamp", &["Gate.open"])).is_empty());
        assert_eq!(differences(&found, &judged("timestamp", &["Gate.open", "Gate.open"])).len(), 1, "twice");
        assert_eq!(differences(&found, &judged("timestamp", &["Gate.open", "Gate.close"])).len(), 1, "not found");
        assert_eq!(differences(&found, &judged("reentrancy", &["Gate.open"])).len(), 2, "another one");
        assert_eq!(differences(&found, &Triage { finding: Vec::new() }).len(), 1, "not judged");
    }

    #[test]
    fn a_run_that_failed_is_no_report() {
        assert!(found(&json!({"success": false, "error": "no compiler"})).is_err());
    }

    #[test]
    fn files_are_compiled_once() {
        let config = "a = 1\nadditional_compiler_profiles = [{ name = \"small\" }]\ncompilation_restrictions = [\n    {},\n]\n\
                      b = [\n    2,\n]\n";
        assert_eq!(one_profile(config), "a = 1\nb = [\n    2,\n]\n");
        let ours = include_str!("../../../solidity/foundry.toml");
        assert!(ours.contains("compilation_restrictions") && !one_profile(ours).contains("optimizer_runs = 200"));
    }

    #[test]
    fn lines_are_counted_by_file() {
        let report = "TN:\nSF:contracts/A.sol\nDA:1,0\nDA:2,7\nend_of_record\nSF:test/B.sol\nDA:1,1\nend_of_record\n";
        let files = lines(report);
        assert_eq!(files.len(), 1);
        assert_eq!(files["contracts/A.sol"], Lines { reached: 1, all: 2 });
    }
}
