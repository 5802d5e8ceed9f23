//! Lines of Yul.

use std::fmt::Write;

/// Statements in order, indented by the braces that they open and close.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    lines: Vec<String>,
}

impl Code {
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    pub(crate) fn lines<L: Into<String>>(&mut self, lines: impl IntoIterator<Item = L>) {
        self.lines.extend(lines.into_iter().map(Into::into));
    }

    /// A headline above what follows.
    pub(crate) fn section(&mut self, title: &str) {
        self.lines.extend([String::new(), format!("// ---- {title}")]);
    }

    pub(crate) fn append(&mut self, other: Code) {
        self.lines.extend(other.lines);
    }

    /// The text, four spaces for each open brace, starting at `depth`.
    pub(crate) fn indented(&self, depth: usize) -> String {
        let mut depth = depth;
        let mut text = String::new();
        for line in &self.lines {
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
