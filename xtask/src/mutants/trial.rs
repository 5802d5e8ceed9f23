//! One mutant's trial: is it noticed?

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    list::{FORGE, Mutant, mutated},
    tree::Tree,
};
use crate::tools;

/// A compiler that takes longer does not end.
const BUILD_TIME: Duration = Duration::from_secs(3600);

/// Failing tests that are named.
const NAMED: usize = 3;

/// What came of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// These tests failed; none if the test program itself ended, as on a stack overflow.
    Killed { by: BTreeSet<String> },
    /// The tests did not end.
    TimedOut { limit: Duration },
    /// Nothing failed.
    Survived,
    /// Says nothing about the tests: the list is at fault.
    DoesNotBuild { why: String },
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed { by } if by.is_empty() => write!(f, "killed: the test program crashed"),
            Self::Killed { by } => {
                let named: Vec<_> = by.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
                write!(f, "killed by {}", named.join(", "))?;
                match by.len().saturating_sub(NAMED) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::TimedOut { limit } => write!(f, "killed: did not end in {} s", limit.as_secs()),
            Self::Survived => write!(f, "survived"),
            Self::DoesNotBuild { .. } => write!(f, "does not build"),
        }
    }
}

/// A fate and the time it took to learn it.
pub(super) struct Trial {
    pub(super) fate: Fate,
    pub(super) seconds: u64,
}

/// Makes the mutant in `tree`, runs its tests for at most `limit`, and leaves the edit there: the next restores it.
pub(super) fn try_mutant(tree: &Tree, mutant: &Mutant, limit: Duration) -> Result<Trial> {
    let start = Instant::now();
    tree.restore()?;
    let path = tree.path().join(&mutant.file);
    fs::write(&path, mutated(tree.path(), mutant)?).with_context(|| format!("cannot write {}", path.display()))?;
    let fate = fate(tree, mutant, limit)?;
    tree.restore()?;
    Ok(Trial { fate, seconds: start.elapsed().as_secs() })
}

fn fate(tree: &Tree, mutant: &Mutant, limit: Duration) -> Result<Fate> {
    if let Some((program, arguments)) = mutant.prepare.split_first() {
        let program = if program == "cargo" { tree.cargo() } else { tree.command(program) };
        if let Some(why) = failure(tree, program, arguments)? {
            return Ok(Fate::DoesNotBuild { why });
        }
    }
    if let Some(why) = failure(tree, build(tree, &mutant.tests)?, &[])? {
        return Ok(Fate::DoesNotBuild { why });
    }
    Ok(match output(tree, tests(tree, &mutant.tests)?, limit)? {
        Ended::Success { .. } => Fate::Survived,
        Ended::Failure { output } => Fate::Killed { by: failed_tests(&output) },
        Ended::Late => Fate::TimedOut { limit },
    })
}

/// Runs tests on the tree as it is, gives the time they took.
pub(super) fn try_unchanged(tree: &Tree, arguments: &[String]) -> Result<Duration> {
    let said = said(arguments);
    if let Some(why) = failure(tree, build(tree, arguments)?, &[])? {
        bail!("`{said}` does not build without any mutant: {why}");
    }
    let start = Instant::now();
    match output(tree, tests(tree, arguments)?, BUILD_TIME)? {
        Ended::Success { output } => {
            // A name that no test has would let every mutant survive, and nobody would know why.
            if !output.lines().any(is_passed) {
                bail!("`{said}` runs no test");
            }
            Ok(start.elapsed())
        }
        Ended::Failure { output } => {
            let failed = Fate::Killed { by: failed_tests(&output) };
            bail!("`{said}` fails without any mutant, {failed}")
        }
        Ended::Late => bail!("`{said}` does not end"),
    }
}

/// The command as people would give it.
pub(super) fn said(arguments: &[String]) -> String {
    match arguments.split_first() {
        Some((first, rest)) if first == FORGE => format!("forge test {}", rest.join(" ")),
        _ => format!("cargo test {}", arguments.join(" ")),
    }
}

/// Compiles what the tests need.
fn build(tree: &Tree, arguments: &[String]) -> Result<Command> {
    if arguments.first().is_some_and(|first| first == FORGE) {
        return forge(tree, "build");
    }
    let mut command = tree.cargo();
    command.args(["test", "--release", "--no-run"]).args(arguments);
    Ok(command)
}

fn tests(tree: &Tree, arguments: &[String]) -> Result<Command> {
    match arguments.split_first() {
        Some((first, rest)) if first == FORGE => {
            let mut command = forge(tree, "test")?;
            command.args(rest);
            Ok(command)
        }
        _ => {
            let mut command = tree.cargo();
            command.args(["test", "--release", "--no-fail-fast"]).args(arguments);
            Ok(command)
        }
    }
}

/// A mutant may use other gas: that alone is not what its tests look for.
fn forge(tree: &Tree, mode: &str) -> Result<Command> {
    let mut command = tree.command(tools::forge()?);
    command.arg(mode).current_dir(tree.path().join("solidity")).env("FORGE_SNAPSHOT_CHECK", "false");
    Ok(command)
}

/// The first error line of a command that fails.
fn failure(tree: &Tree, mut command: Command, arguments: &[String]) -> Result<Option<String>> {
    command.args(arguments);
    Ok(match output(tree, command, BUILD_TIME)? {
        Ended::Success { .. } => None,
        Ended::Failure { output } => {
            let error = output.lines().find(|line| line.starts_with("error") || line.starts_with("Error"));
            Some(error.or(output.lines().last()).unwrap_or("it fails and says nothing").to_owned())
        }
        Ended::Late => Some("it does not end".into()),
    })
}

enum Ended {
    Success { output: String },
    Failure { output: String },
    Late,
}

/// Runs a command, at most for `limit`. What it prints goes through a file: a pipe that nobody reads would stop it.
fn output(tree: &Tree, mut command: Command, limit: Duration) -> Result<Ended> {
    let path = tree.path().with_extension("output");
    let file = File::create(&path)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            end(&mut child)?;
            return Ok(Ended::Late);
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let output = read(&path)?;
    Ok(if status.success() { Ended::Success { output } } else { Ended::Failure { output } })
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Ends a command and all that it started: cargo's test programs outlive it. They share this program's group, so that
/// an interrupt from the terminal reaches them too.
fn end(child: &mut Child) -> Result<()> {
    let processes = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().map(|output| output.stdout);
    let processes = String::from_utf8_lossy(&processes.unwrap_or_default()).into_owned();
    let pairs: Vec<(u32, u32)> = processes
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect();
    let mut family = vec![child.id()];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    child.kill()?;
    for process in family.iter().skip(1) {
        // It may have ended by itself.
        Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status()?;
    }
    child.wait()?;
    Ok(())
}

/// What `cargo test` or `forge test` prints of a test that holds.
fn is_passed(line: &str) -> bool {
    line.starts_with("[PASS] ") || (line.starts_with("test ") && line.ends_with("... ok"))
}

/// The tests that a run of `cargo test` or `forge test` says failed.
pub(super) fn failed_tests(output: &str) -> BTreeSet<String> {
    output.lines().filter_map(|line| failed_test(line.trim_end())).map(str::to_owned).collect()
}

fn failed_test(line: &str) -> Option<&str> {
    match line.strip_prefix("[FAIL") {
        // `[FAIL: why] name(types) (gas: 1)`; why may hold brackets too.
        Some(rest) => rest.rsplit("] ").next()?.split('(').next(),
        None => line.strip_prefix("test ")?.strip_suffix(" ... FAILED"),
    }
}
