//! `cargo xtask soak`: load and faults for the proving service, on loopback, bounded in time and count.
//!
//! | part | what it does |
//! |---|---|
//! | `latency` | one request after the other, on an idle server |
//! | `throughput` | many clients, against the prover alone in the same minute |
//! | `reads` | clients that look at jobs while the server proves |
//! | `queue` | a long queue of several tenants: order, limits, one result each |
//! | `kills` | children and the server killed while clients hand in jobs |
//! | `disk` | the disk full under load |
//! | `memory` | what the server has in memory after many jobs |
//! | `schema` | schemathesis on the OpenAPI document |
//!
//! `http` and `service` are the client and the server, `load` clients at the same time, `report` what comes of it. A part fails if
//! anything is wrong: a job lost, a request failed, a second result. A goal of speed or size that is missed fails the long form alone.
//!
//! A further way to run the service is a further [`Mode`]: what starts it, and which processes are killed.

mod disk;
mod http;
mod kills;
mod latency;
mod load;
mod memory;
mod queue;
mod reads;
mod report;
mod schema;
mod service;
mod throughput;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::client::server;
use crate::measure::target;
use crate::step::root;
use load::Random;
use report::Report;
use service::{Mode, Model, Service, push};

pub(crate) use report::write_table;

/// Set, names the `apodict` that is loaded, instead of the one that this tree builds.
const BINARY: &str = "APODICT_BINARY";

/// Where a server listens that nobody has to find again.
const ANY_PORT: &str = "127.0.0.1:0";

/// What the parts are given.
struct Plan {
    mode: Mode,
    length: Length,
    binary: PathBuf,
    model: Model,
    /// Where servers have their folders.
    folder: PathBuf,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// For continuous integration: nothing may be wrong, however fast it is.
    Short,
    /// On a quiet machine: figures that are kept.
    Long,
}

struct Part {
    name: &'static str,
    run: fn(&Plan) -> Result<Report>,
    lengths: &'static [Length],
}

const BOTH: &[Length] = &[Length::Short, Length::Long];

const PARTS: [Part; 8] = [
    Part { name: "latency", run: latency::latency, lengths: BOTH },
    Part { name: "throughput", run: throughput::throughput, lengths: BOTH },
    Part { name: "reads", run: reads::reads, lengths: BOTH },
    Part { name: "queue", run: queue::queue, lengths: BOTH },
    Part { name: "kills", run: kills::kills, lengths: BOTH },
    Part { name: "disk", run: disk::disk, lengths: BOTH },
    // Of few jobs it says nothing.
    Part { name: "memory", run: memory::memory, lengths: &[Length::Long] },
    Part { name: "schema", run: schema::schema, lengths: BOTH },
];

/// `[--short | --bless] [--mode MODE] [--model FOLDER] [--seed N] [PART..]`. `--bless` keeps the figures.
///
/// # Errors
/// What is wrong with the service; in the long form also goals that were missed; options that are none.
pub(crate) fn soak(arguments: &[String]) -> Result<()> {
    let (mut length, mut bless, mut mode, mut names) = (Length::Long, false, Mode::Single, Vec::new());
    let mut model = root().join("examples/risk_scoring");
    let mut seed = std::time::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument}: its value is missing"));
        match argument.as_str() {
            "--short" => length = Length::Short,
            "--bless" => bless = true,
            "--mode" => mode = Mode::parse(value()?)?,
            "--model" => model = root().join(value()?),
            "--seed" => seed = value()?.parse().context("--seed: expected a number")?,
            name if name.starts_with('-') => {
                bail!("there is no option {name}: --short, --bless, --mode, --model, --seed")
            }
            name => names.push(name),
        }
    }
    if bless && length == Length::Short {
        bail!("--short and --bless exclude each other: figures of so few requests say little");
    }
    let parts = parts(&names, length)?;
    let plan = Plan { mode, length, binary: binary()?, model: Model::in_folder(&model)?, folder: folder()?, seed };
    eprintln!("\n==> load and faults for the service, mode {}, seed {seed}", mode.name());
    plan.prepare()?;
    let mut missed = Vec::new();
    for part in parts {
        let start = Instant::now();
        let report = (part.run)(&plan).with_context(|| {
            format!("{}: seed {seed}, and what the servers left is in {}", part.name, plan.folder.display())
        })?;
        eprintln!("    {} ({:.0} s)", part.name, start.elapsed().as_secs_f64());
        for row in &report.rows {
            let misses = length == Length::Long && !row.holds;
            eprintln!("      {row}{}", if misses { ": MISSED" } else { "" });
            missed.extend(misses.then(|| row.what.clone()));
        }
        if bless {
            report.keep(mode.name(), part.name, &plan.model.name)?;
        }
    }
    std::fs::remove_dir_all(&plan.folder)?;
    if !missed.is_empty() {
        bail!("goals that were missed: {}", missed.join("; "));
    }
    Ok(())
}

/// Those that are named, or all of this length.
fn parts(names: &[&str], length: Length) -> Result<Vec<&'static Part>> {
    const ALL: &[Part] = &PARTS;
    if names.is_empty() {
        return Ok(ALL.iter().filter(|part| part.lengths.contains(&length)).collect());
    }
    let part = |name: &&str| {
        let found = ALL.iter().find(|part| part.name == *name && part.lengths.contains(&length));
        let known = ALL.iter().filter(|part| part.lengths.contains(&length)).map(|part| part.name);
        found.with_context(|| format!("there is no part \"{name}\" here: {}", known.collect::<Vec<_>>().join(", ")))
    };
    names.iter().map(part).collect()
}

fn binary() -> Result<PathBuf> {
    match std::env::var_os(BINARY) {
        Some(named) => Ok(root().join(named)),
        None => server(),
    }
}

/// An empty one.
fn folder() -> Result<PathBuf> {
    let folder = target().join("soak");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

impl Plan {
    fn pick<T>(&self, short: T, long: T) -> T {
        match self.length {
            Length::Short => short,
            Length::Long => long,
        }
    }

    fn is_short(&self) -> bool {
        self.length == Length::Short
    }

    fn random(&self) -> Random {
        Random::new(self.seed)
    }

    /// A folder of a server that has compiled the model, to copy: to compile takes as long as many proofs.
    fn prepare(&self) -> Result<()> {
        let service = Service::start(self.mode, &self.binary, &self.prepared(), ANY_PORT, &[])?;
        push(&mut service.client(), &self.model)?;
        service.stop()
    }

    fn prepared(&self) -> PathBuf {
        self.folder.join("prepared")
    }

    /// A new folder whose server has compiled the model.
    fn data(&self, part: &str) -> Result<PathBuf> {
        let data = self.folder.join(part);
        copy(&self.prepared(), &data)?;
        Ok(data)
    }

    /// A server that has compiled the model, and the model's name.
    fn start(&self, part: &str, more: &[&str]) -> Result<(Service, String)> {
        let service = Service::start(self.mode, &self.binary, &self.data(part)?, ANY_PORT, more)?;
        // Known already, and answered at once.
        let model = push(&mut service.client(), &self.model)?;
        Ok((service, model))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir(to).with_context(|| to.display().to_string())?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}
