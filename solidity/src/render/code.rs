//! Lines of Yul.

use std::fmt::Write;

/// How often a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    Once,
    /// Once for each instance.
    PerInstance,
    /// `k` times, for `2^k` rows.
    PerLogRow,
}

/// Statements in order, indented by the braces that they open and close.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    lines: Vec<(String, Runs)>,
}

impl Code {
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.lines.push((line.into(), Runs::Once));
    }

    pub(crate) fn lines<L: Into<String>>(&mut self, lines: impl IntoIterator<Item = L>) {
        self.lines.extend(lines.into_iter().map(|line| (line.into(), Runs::Once)));
    }

    /// A loop: its `for .. {`, what stands inside, and the brace.
    pub(super) fn repeated<L: Into<String>>(&mut self, runs: Runs, head: &str, body: impl IntoIterator<Item = L>) {
        self.lines.push((head.into(), runs));
        self.lines.extend(body.into_iter().map(|line| (line.into(), runs)));
        self.line("}");
    }

    /// A headline above what follows.
    pub(crate) fn section(&mut self, title: &str) {
        self.lines([String::new(), format!("// ---- {title}")]);
    }

    pub(crate) fn append(&mut self, other: Code) {
        self.lines.extend(other.lines);
    }

    /// Each line without its comment, and how often it runs.
    pub(super) fn statements(&self) -> impl Iterator<Item = (&str, Runs)> {
        self.lines.iter().map(|(line, runs)| (line.split("//").next().unwrap_or_default(), *runs))
    }

    /// The text, four spaces for each open brace, starting at `depth`.
    pub(crate) fn indented(&self, depth: usize) -> String {
        let mut depth = depth;
        let mut text = String::new();
        for (line, _) in &self.lines {
            let code = line.split("//").next().unwrap_or_default();
            let (opened, closed) = (code.matches('{').count(), code.matches('}').count());
            let leading = code.chars().take_while(|c| *c == '}').count();
            let here = depth.saturating_sub(leading);
            if line.is_empty() {
                text.push('\n');
            } else {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{}{line}", "    ".repeat(here));
            }
            depth = (depth + opened).saturating_sub(closed);
        }
        text
    }
}
