//! `cargo xtask mutants [--check | --list] [PATTERN..]`: do the tests notice when a check is missing?
//!
//! `mutants/*.toml` list mutants: one edit of one file each, and the tests that must fail with it. The edits are applied
//! one at a time to a copy of the tree below `target/mutants`; the tree itself is never touched. What came of each is
//! committed as `mutants/results.md`.
//!
//! | module | what it knows |
//! |---|---|
//! | `list` | the lists and what must hold of them |
//! | `tree` | the copy: what is edited, built and restored |
//! | `trial` | one mutant's fate |
//! | `results` | `mutants/results.md` |

mod list;
mod results;
#[cfg(test)]
mod tests;
mod tree;
mod trial;

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Result, bail, ensure};

use crate::step::root;
use list::{Mutant, lists};
use results::{Results, Row};
use tree::Tree;
use trial::{Fate, Trial, said, try_mutant, try_unchanged};

const USAGE: &str = "usage: cargo xtask mutants [--check | --list] [PATTERN..]
  PATTERN  part of LIST/ID: only these mutants (`verifier/`, `batch-seed`)
  --list   name the mutants and what they change
  --check  compare the lists with the sources and with mutants/results.md, run nothing";

/// Runs what the arguments name.
///
/// # Errors
/// What is wrong with the lists, and which mutants came out otherwise than they should.
pub(crate) fn mutants(arguments: &[String]) -> Result<()> {
    let (options, patterns): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with('-'));
    let root = root();
    match options[..] {
        ["--check"] if patterns.is_empty() => check(&root),
        ["--list"] => {
            for mutant in chosen(&lists(&root)?, &patterns)? {
                println!("{}\n    {}\n    {}", mutant.name, mutant.what, mutant.file);
            }
            Ok(())
        }
        [] => run(&root, &patterns),
        _ => bail!(USAGE),
    }
}

/// Whether the lists fit the sources, and the committed results the lists: part of `cargo xtask lint`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mutants = lists(root)?;
    list::check(root, &mutants)?;
    results::check(root, &mutants)?;
    eprintln!("{} mutants: each edit fits, the results are theirs", mutants.len());
    Ok(())
}

fn chosen<'a>(mutants: &'a [Mutant], patterns: &[&str]) -> Result<Vec<&'a Mutant>> {
    for pattern in patterns {
        ensure!(
            mutants.iter().any(|mutant| mutant.name.contains(pattern)),
            "no mutant's name contains \"{pattern}\": `cargo xtask mutants --list` names them"
        );
    }
    let named = |mutant: &&Mutant| patterns.is_empty() || patterns.iter().any(|part| mutant.name.contains(part));
    Ok(mutants.iter().filter(named).collect())
}

fn run(root: &Path, patterns: &[&str]) -> Result<()> {
    let mutants = lists(root)?;
    list::check(root, &mutants)?;
    let chosen = chosen(&mutants, patterns)?;
    let tree = Tree::new(root)?;
    let limits = unchanged(&tree, &chosen)?;

    let mut results = Results::read(root)?;
    let place = results::place(root)?;
    let mut wrong = Vec::new();
    for (index, mutant) in chosen.iter().enumerate() {
        let limit = limits.get(&mutant.tests).copied().unwrap_or(LEAST_TIME);
        let Trial { fate, seconds } = try_mutant(&tree, mutant, limit)?;
        eprintln!("[{}/{}] {}: {fate} ({seconds} s)", index + 1, chosen.len(), mutant.name);
        wrong.extend(complaint(mutant, &fate));
        if !matches!(fate, Fate::DoesNotBuild { .. }) {
            results.set(&mutant.name, Row { fate: fate.to_string(), place: place.clone() });
            // Each at once: a run takes hours, and what ends it early takes nothing away.
            results.write(root, &mutants)?;
        }
    }
    tree.restore()?;
    ensure!(wrong.is_empty(), "{} of {} mutants:\n  {}", wrong.len(), chosen.len(), wrong.join("\n  "));
    Ok(())
}

/// Each distinct command on the tree as it is: a test that fails anyway would kill every mutant. Gives the time that
/// a mutant may take.
fn unchanged<'a>(tree: &Tree, mutants: &[&'a Mutant]) -> Result<BTreeMap<&'a Vec<String>, Duration>> {
    let mut limits = BTreeMap::new();
    for mutant in mutants {
        if !limits.contains_key(&mutant.tests) {
            let taken = try_unchanged(tree, &mutant.tests)?;
            eprintln!("unchanged: `{}` holds in {} s", said(&mutant.tests), taken.as_secs());
            limits.insert(&mutant.tests, LEAST_TIME + taken * 10);
        }
    }
    Ok(limits)
}

/// A test that takes this long, and ten times what it took unchanged, does not end.
const LEAST_TIME: Duration = Duration::from_secs(60);

/// What is wrong if this came of that mutant.
fn complaint(mutant: &Mutant, fate: &Fate) -> Option<String> {
    let name = &mutant.name;
    match (fate, &mutant.survives) {
        (Fate::DoesNotBuild { why }, _) => Some(format!("{name} does not build, mend the list: {why}")),
        (Fate::Survived, None) => Some(format!("{name} survived: write a test that fails with it, or say why not")),
        (Fate::Killed { .. } | Fate::TimedOut { .. }, Some(_)) => {
            Some(format!("{name} was killed: take its `survives` out of the list"))
        }
        (Fate::Survived, Some(_)) | (Fate::Killed { .. } | Fate::TimedOut { .. }, None) => None,
    }
}
