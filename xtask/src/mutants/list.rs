//! The lists of mutants, `mutants/*.toml`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// First of the arguments where forge runs the tests.
pub(super) const FORGE: &str = "forge";

/// One edit of one file, and the tests that must fail with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutant {
    /// Unique among all lists, in kebab-case.
    pub(super) id: String,
    /// LIST/ID: how it is called in arguments and results.
    #[serde(skip)]
    pub(super) name: String,
    /// What the mutant does, for people.
    pub(super) what: String,
    /// Relative to the root.
    pub(super) file: String,
    /// Text that occurs exactly once in the file.
    pub(super) find: String,
    /// What stands there in the mutant.
    pub(super) replace: String,
    /// Arguments of `cargo test --release`; behind [`FORGE`], of `forge test` in `solidity`.
    pub(super) tests: Vec<String>,
    /// A command before the tests, for what is generated from the file.
    #[serde(default)]
    pub(super) prepare: Vec<String>,
    /// Why it is accepted that no test notices.
    pub(super) survives: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

/// All mutants, by list in alphabetical order, then as listed.
pub(super) fn lists(root: &Path) -> Result<Vec<Mutant>> {
    let folder = root.join("mutants");
    let mut paths = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut mutants = Vec::new();
    for path in paths {
        let list = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        mutants.extend(parse(&list, &text).with_context(|| path.display().to_string())?);
    }
    Ok(mutants)
}

/// The mutants of one list.
pub(super) fn parse(list: &str, text: &str) -> Result<Vec<Mutant>> {
    let List { mut mutant } = toml::from_str(text)?;
    for mutant in &mut mutant {
        mutant.name = format!("{list}/{}", mutant.id);
    }
    Ok(mutant)
}

/// Checks that identities differ, that every edit fits the tree at `root`, and that something is tested.
pub(super) fn check(root: &Path, mutants: &[Mutant]) -> Result<()> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for mutant in mutants {
        if !seen.insert(&mutant.id) {
            wrong.push(format!("{}: there is another mutant of this id", mutant.name));
        }
        if let Err(error) = fits(root, mutant) {
            wrong.push(format!("{}: {error:#}", mutant.name));
        }
    }
    ensure!(wrong.is_empty(), "the lists of mutants do not fit:\n  {}", wrong.join("\n  "));
    Ok(())
}

fn fits(root: &Path, mutant: &Mutant) -> Result<()> {
    let Mutant { id, what, find, replace, tests, prepare, survives, .. } = mutant;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(!id.is_empty() && id.chars().all(kebab), "an id is lower case letters, digits and hyphens");
    let named = tests.first().is_some_and(|first| first != FORGE || tests.len() > 1);
    ensure!(named, "`tests` is empty: name the tests that must fail");
    ensure!(find != replace, "`find` and `replace` are equal");
    for text in [Some(what), survives.as_ref()].into_iter().flatten() {
        ensure!(!text.trim().is_empty() && !text.contains('\n'), "`what` and `survives` are one line each");
    }
    ensure!(prepare.first().is_none_or(|program| !program.is_empty()), "`prepare` begins with a program");
    ensure!(tests.iter().all(|argument| argument != "--release"), "`--release` is added to `tests` anyway");
    mutated(root, mutant).map(drop)
}

/// The file's text with the edit.
pub(super) fn mutated(root: &Path, mutant: &Mutant) -> Result<String> {
    let path = Path::new(&mutant.file);
    let inside = path.components().all(|component| matches!(component, Component::Normal(_)));
    ensure!(inside, "`file` is a path from the repository's root: {}", mutant.file);
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {}", mutant.file))?;
    let places = text.matches(&mutant.find).count();
    ensure!(places == 1, "`find` must occur exactly once in {}, it occurs {places} times", mutant.file);
    Ok(text.replacen(&mutant.find, &mutant.replace, 1))
}
