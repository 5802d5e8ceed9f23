//! Names from models and files, as they may be printed.
//!
//! A model calls its tensors, nodes and dimensions what its maker likes. Printed as it is, a name could move a terminal's cursor,
//! erase what stands there, reverse the order of letters, or look like a line that the program wrote.

use std::fmt::{self, Display, Formatter};

/// See [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<T>(T);

/// Displays `text` with every character escaped that moves, hides or reorders others: controls, line ends, marks of direction,
/// whatever is not printable. `"a\n\u{1b}[2K"` becomes `a\n\u{1b}[2K`, in letters. Letters of all scripts, quotes and backslashes
/// stay, so that to escape twice is to escape once.
pub fn escaped<T: Display>(text: T) -> Escaped<T> {
    Escaped(text)
}

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                // These would be escaped too, and stand in names that harm nobody.
                '\'' | '"' | '\\' => shown.push(character),
                other => shown.extend(other.escape_debug()),
            }
        }
        f.pad(&shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_acts_on_a_terminal() {
        for (name, shown) in [
            ("features", "features"),
            ("größe/尺寸 'x' \"y\" \\z", "größe/尺寸 'x' \"y\" \\z"),
            ("a\u{1b}[2K\rprogram 0x00", "a\\u{1b}[2K\\rprogram 0x00"),
            ("a\nvalid\tb\0", "a\\nvalid\\tb\\0"),
            // The 8-bit form of ESC [, a mark that reverses what follows, a line separator, a space of no width.
            ("\u{9b}2J\u{202e}evil\u{2028}\u{200b}", "\\u{9b}2J\\u{202e}evil\\u{2028}\\u{200b}"),
            ("\u{7f}", "\\u{7f}"),
        ] {
            assert_eq!(escaped(name).to_string(), shown);
            assert_eq!(escaped(shown).to_string(), shown, "twice");
        }
    }

    #[test]
    fn keeps_columns() {
        assert_eq!(format!("{:<6}|", escaped("a\n")), "a\\n   |");
    }
}
