//! `results.md`: what came of each test.

use std::{collections::BTreeMap, fmt};

use crate::operators;

/// Letters of a reason that are kept.
const MOST_LETTERS: usize = 200;

const PASSES: &str = "pass";
const WITH_CONSTANTS: &str = "pass, constant: ";
const FAILS: &str = "FAIL: ";

/// What came of a test. Its text is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passes,
    /// With these inputs as constants of the model.
    PassesWithConstants(Vec<String>),
    Fails(String),
}

impl Outcome {
    /// From its text.
    pub(crate) fn parse(text: &str) -> Self {
        match (text.strip_prefix(WITH_CONSTANTS), text.strip_prefix(FAILS)) {
            (Some(names), _) => Self::PassesWithConstants(names.split(", ").map(str::to_owned).collect()),
            (_, Some(reason)) => Self::Fails(reason.to_owned()),
            _ if text == PASSES => Self::Passes,
            _ => Self::Fails(format!("the worker says `{text}`")),
        }
    }

    fn passes(&self) -> bool {
        !matches!(self, Self::Fails(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes => f.write_str(PASSES),
            Self::PassesWithConstants(names) => write!(f, "{WITH_CONSTANTS}{}", names.join(", ")),
            Self::Fails(reason) => {
                // What all unsupported operators have in common changes with every new one.
                let reason = reason.split("; supported are").next().unwrap_or_default().replace(['\n', '\r'], " ");
                let letters = reason.chars().count();
                let kept: String = reason.chars().take(MOST_LETTERS).collect();
                write!(f, "{FAILS}{kept}{}", if letters > MOST_LETTERS { ".." } else { "" })
            }
        }
    }
}

/// All outcomes, by operator.
pub(crate) struct List {
    all: usize,
    others: usize,
    excluded: BTreeMap<&'static str, usize>,
    groups: BTreeMap<String, Vec<(String, Outcome)>>,
}

impl List {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, others: 0, excluded: BTreeMap::new(), groups: BTreeMap::new() }
    }

    pub(crate) fn exclude(&mut self, why: &'static str) {
        *self.excluded.entry(why).or_default() += 1;
    }

    pub(crate) fn of_other_operators(&mut self) {
        self.others += 1;
    }

    pub(crate) fn add(&mut self, group: String, name: String, outcome: Outcome) {
        self.groups.entry(group).or_default().push((name, outcome));
    }

    /// How many pass, in one line.
    pub(crate) fn summary(&self) -> String {
        let outcomes = || self.groups.values().flatten().map(|(_, outcome)| outcome);
        let (passes, total) = (outcomes().filter(|outcome| outcome.passes()).count(), outcomes().count());
        let constant = outcomes().filter(|outcome| matches!(outcome, Outcome::PassesWithConstants(_))).count();
        let share = 100.0 * passes as f64 / total.max(1) as f64;
        format!("{passes} of {total} tests pass ({share:.1} %), {constant} of them with constant operands")
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# ONNX's node tests\n")?;
        writeln!(f, "Written by `cargo xtask node-tests --bless`; what is counted, and how, stands in `main.rs`.\n")?;
        writeln!(f, "**{}.**\n", self.summary())?;
        let excluded: Vec<String> = self.excluded.iter().map(|(why, count)| format!("{count} {why}")).collect();
        writeln!(
            f,
            "The package has {} tests. Not counted: {} of other operators; by type: {}.\n",
            self.all,
            self.others,
            excluded.join(", ")
        )?;
        let (with_tests, without): (Vec<&str>, Vec<&str>) =
            operators::names().into_iter().partition(|name| self.groups.contains_key(*name));
        let passing = |name: &&&str| {
            self.groups.get(**name).is_some_and(|tests| tests.iter().any(|(_, outcome)| outcome.passes()))
        };
        writeln!(
            f,
            "Of {} operators that have a test, {} pass at least one. No test that counts is of: {}.\n",
            with_tests.len(),
            with_tests.iter().filter(passing).count(),
            without.join(", ")
        )?;
        writeln!(f, "| operator | pass | of |\n|---|---|---|")?;
        for (group, tests) in &self.groups {
            let passes = tests.iter().filter(|(_, outcome)| outcome.passes()).count();
            writeln!(f, "| {group} | {passes} | {} |", tests.len())?;
        }
        for (group, tests) in &self.groups {
            writeln!(f, "\n## {group}\n")?;
            for (name, outcome) in tests {
                writeln!(f, "- `{name}`: {outcome}")?;
            }
        }
        Ok(())
    }
}

/// The lines that only one of two texts has.
pub(crate) fn differences(committed: &str, now: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let (before, after) = (lines(committed), lines(now));
    let gone = before.difference(&after).map(|line| format!("- {line}"));
    gone.chain(after.difference(&before).map(|line| format!("+ {line}"))).collect()
}
