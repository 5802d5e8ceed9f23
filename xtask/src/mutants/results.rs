//! `mutants/results.md`: what came of each mutant when it was last run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::list::Mutant;

const HEAD: &str = "\
# Mutants

Edits that take a check away or weaken it, and whether a test notices. Written by `cargo xtask mutants`, which applies
each edit of `mutants/*.toml` to a copy of the tree and runs the tests that its list names.
";

/// Between the cells of a row.
const CELLS: &str = " | ";

/// A mutant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// As [`Fate`](super::trial::Fate) says it.
    pub(super) fate: String,
    /// Commit and date.
    pub(super) place: String,
}

/// Rows by the mutants' names.
#[derive(Default)]
pub(super) struct Results(BTreeMap<String, Row>);

fn path(root: &Path) -> PathBuf {
    root.join("mutants/results.md")
}

/// The commit that is checked out, and today.
pub(super) fn place(root: &Path) -> Result<String> {
    let said = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program).args(arguments).current_dir(root).output();
        let output = output.with_context(|| format!("cannot start {program}"))?;
        ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), output.status);
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = said("git", &["rev-parse", "--short=9", "HEAD"])?;
    let changed = said("git", &["status", "--porcelain", "--", ".", ":!mutants/results.md"])?;
    let state = if changed.is_empty() { commit } else { format!("after {commit}") };
    Ok(format!("{state}, {}", said("date", &["-u", "+%Y-%m-%d"])?))
}

impl Results {
    /// What is committed; nothing if there is no such file.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = path(root);
        if !path.exists() {
            return Ok(Self::default());
        }
        Ok(Self::parse(&fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?))
    }

    pub(super) fn parse(text: &str) -> Self {
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.splitn(4, CELLS);
            let (name, fate, place) = (cells.next()?, cells.next()?, cells.next()?);
            cells.next()?;
            let row = Row { fate: fate.to_owned(), place: place.to_owned() };
            name.contains('/').then(|| (name.to_owned(), row))
        });
        Self(rows.collect())
    }

    pub(super) fn set(&mut self, name: &str, row: Row) {
        self.0.insert(name.to_owned(), row);
    }

    /// The whole file. Mutants that were never run are named as such, rows of mutants that no list has are left out.
    pub(super) fn render(&self, mutants: &[Mutant]) -> String {
        let run: Vec<(&Mutant, &Row)> =
            mutants.iter().filter_map(|mutant| Some((mutant, self.0.get(&mutant.name)?))).collect();
        let survivors = || run.iter().filter(|(_, row)| row.fate.starts_with("survived"));
        let places: BTreeSet<&str> = run.iter().map(|(_, row)| row.place.as_str()).collect();
        let places: Vec<&str> = places.into_iter().collect();
        let (all, survived) = (run.len(), survivors().count());
        let mut text = format!("{HEAD}\n{all} mutants: {} killed, {survived} survived.", all - survived);
        if !places.is_empty() {
            text += &format!(" Run at {}.", places.join("; "));
        }
        text.push('\n');
        let never: Vec<&Mutant> = mutants.iter().filter(|mutant| !self.0.contains_key(&mutant.name)).collect();
        if !never.is_empty() {
            text += &format!(
                "\n## Never run: {}\n\nTo be run before a release: nothing is known of these.\n\n",
                never.len()
            );
            text.extend(never.iter().map(|mutant| format!("- {}\n", mutant.name)));
        }
        if survived > 0 {
            text += "\n## Survivors\n\n| mutant | why that is accepted |\n|---|---|\n";
            for (mutant, _) in survivors() {
                let why = mutant.survives.as_deref().unwrap_or("**nothing is known: a test is missing**");
                text += &format!("| {} | {} |\n", mutant.name, cell(why));
            }
        }
        text += "\n## All\n\n| mutant | fate | run at | what it does |\n|---|---|---|---|\n";
        for (mutant, Row { fate, place }) in run {
            let cells = [mutant.name.clone(), cell(fate), place.clone(), cell(&mutant.what)];
            text += &format!("| {} |\n", cells.join(CELLS));
        }
        text
    }

    pub(super) fn write(&self, root: &Path, mutants: &[Mutant]) -> Result<()> {
        let path = path(root);
        fs::write(&path, self.render(mutants)).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Checks that every mutant that was run came out as its list says, that those that were not are named, and that nothing else
/// stands there.
pub(super) fn check(root: &Path, mutants: &[Mutant]) -> Result<()> {
    let results = Results::read(root)?;
    for mutant in mutants {
        let name = &mutant.name;
        let Some(row) = results.0.get(name) else { continue };
        ensure!(
            row.fate.starts_with("survived") == mutant.survives.is_some(),
            "{name}: mutants/results.md says \"{}\", its list says otherwise: run `cargo xtask mutants {name}`",
            row.fate
        );
    }
    let path = path(root);
    let committed = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        committed == results.render(mutants),
        "mutants/results.md is not what the lists and its rows give: run `cargo xtask mutants` for what changed"
    );
    Ok(())
}

/// A text that ends no cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
