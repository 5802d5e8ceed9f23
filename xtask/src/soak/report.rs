//! What comes of a part: lines for whoever runs it, figures that are kept, and the table of `docs/service.md`.

use std::fmt::{Display, Formatter};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::measure::{machine, read, write};
use crate::step::root;

const FILE: &str = "service.json";

/// Between these lines of the document stands the table.
const BEGIN: &str = "<!-- The table is written by `cargo xtask soak --bless`. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// One thing that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) goal: String,
    pub(super) got: String,
    pub(super) holds: bool,
}

impl Display for Row {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { what, goal, got, .. } = self;
        write!(formatter, "{what}: {got} (goal: {goal})")
    }
}

/// What comes of a part.
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) figures: Value,
}

impl Report {
    /// Keeps it in `docs/measured`, in place of what the part gave before, and in the document.
    pub(super) fn keep(&self, mode: &str, part: &str) -> Result<()> {
        let mut all = kept()?;
        all[mode][part] = json!({ "machine": machine(), "rows": self.rows, "figures": self.figures });
        write(FILE, &all)?;
        write_table()
    }
}

fn kept() -> Result<Value> {
    let path = root().join("docs/measured").join(FILE);
    if path.is_file() { read(&path) } else { Ok(json!({})) }
}

/// Writes the table of what is kept into `docs/service.md`.
///
/// # Errors
/// Files that cannot be read or written, or are not as they were written.
pub(crate) fn write_table() -> Result<()> {
    let path: PathBuf = root().join("docs/service.md");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (before, rest) =
        text.split_once(BEGIN).with_context(|| format!("{} has no place for a table", path.display()))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the table of {} has no end", path.display()))?;
    std::fs::write(&path, [before, BEGIN, &table(&kept()?)?, END, after].concat())?;
    Ok(())
}

fn table(kept: &Value) -> Result<String> {
    let mut table = "\n| what | mode | goal | measured |\n|---|---|---|---|\n".to_owned();
    let mut machines: Vec<String> = Vec::new();
    let parts = |modes: &Map<String, Value>| -> Result<Vec<(String, Value)>> {
        // In the order in which they run.
        let of = |part: &super::Part| {
            modes.iter().map(|(mode, parts)| (mode.clone(), parts[part.name].clone())).collect::<Vec<_>>()
        };
        Ok(super::PARTS.iter().flat_map(of).filter(|(_, part)| !part.is_null()).collect())
    };
    for (mode, part) in parts(kept.as_object().context("the figures are no object")?)? {
        let rows: Vec<Row> = serde_json::from_value(part["rows"].clone()).context("rows of the figures")?;
        for Row { what, goal, got, holds } in rows {
            table += &format!("| {what} | {mode} | {goal} | {got}{} |\n", if holds { "" } else { ": missed" });
        }
        let machine = part["machine"].as_str().unwrap_or_default().to_owned();
        if !machines.contains(&machine) {
            machines.push(machine);
        }
    }
    Ok(table + "\nOn " + &machines.join("; ") + ".\n\n")
}
