//! What comes of a part: lines for whoever runs it, figures that are kept, and the table of `docs/service.md`.

use std::fmt::{Display, Formatter};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    pub(super) fn keep(&self, mode: &str, part: &str, model: &str) -> Result<()> {
        let mut all = kept()?;
        let figures = rounded(&self.figures);
        all[mode][part] = json!({ "machine": machine(), "model": model, "rows": self.rows, "figures": figures });
        write(FILE, &all)?;
        write_table()
    }
}

/// Figures to a thousandth: what lies below is chance.
fn rounded(figures: &Value) -> Value {
    match figures {
        Value::Array(items) => items.iter().map(rounded).collect(),
        Value::Object(fields) => fields.iter().map(|(name, figure)| (name.clone(), rounded(figure))).collect(),
        Value::Number(number) if number.is_f64() => {
            json!(number.as_f64().map(|figure| (figure * 1e3).round() / 1e3))
        }
        other => other.clone(),
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

/// The table and the machines; of nothing, nothing.
fn table(kept: &Value) -> Result<String> {
    let modes = kept.as_object().context("the figures are no object")?;
    let (mut lines, mut machines) = (String::new(), Vec::new());
    // In the order in which they run.
    for part in &super::PARTS {
        for (mode, parts) in modes {
            let Some(found) = parts.get(part.name) else { continue };
            let rows: Vec<Row> = serde_json::from_value(found["rows"].clone()).context("rows of the figures")?;
            for Row { what, goal, got, holds } in rows {
                lines += &format!("| {what} | {mode} | {goal} | {got}{} |\n", if holds { "" } else { ": missed" });
            }
            let of = |name: &str| found[name].as_str().with_context(|| format!("no {name} beside the figures"));
            let machine = format!("`{}` on {}", of("model")?, of("machine")?);
            if !machines.contains(&machine) {
                machines.push(machine);
            }
        }
    }
    if lines.is_empty() {
        return Ok(lines);
    }
    let head = "\n| what | mode | goal | measured |\n|---|---|---|---|\n";
    Ok([head, &lines, "\nMeasured: ", &machines.join("; "), ".\n\n"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_what_is_kept() {
        let row = |what: &str, holds| json!({ "what": what, "goal": "<= 1 ms", "got": "2 ms", "holds": holds });
        let part = |row| json!({ "machine": "one core", "model": "small", "rows": [row], "figures": {} });
        let kept = json!({ "single": { "kills": part(row("last", true)), "latency": part(row("first", false)) } });
        let table = table(&kept).unwrap();
        let lines: Vec<_> = table.lines().filter(|line| line.contains("2 ms")).collect();
        assert_eq!(lines, ["| first | single | <= 1 ms | 2 ms: missed |", "| last | single | <= 1 ms | 2 ms |"]);
        assert!(table.ends_with("\nMeasured: `small` on one core.\n\n"), "{table}");
        assert_eq!(super::table(&json!({})).unwrap(), "");
    }

    #[test]
    fn figures_are_rounded_wherever_they_stand() {
        let figures = json!({ "times": [1.23456, 7], "of": { "all": 0.5 }, "name": "x" });
        assert_eq!(rounded(&figures), json!({ "times": [1.235, 7], "of": { "all": 0.5 }, "name": "x" }));
    }
}
