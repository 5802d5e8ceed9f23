//! Numbers, times and names for people.

use apodict_circuits::escaped;

/// `2026-11-28 09:05:07`, in UTC.
pub(super) fn utc(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hours, minutes, seconds) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}")
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    // 400 years have 146,097 days: no more than that many years are counted one by one.
    let (mut year, mut left) = (1970 + 400 * days.div_euclid(146_097), days.rem_euclid(146_097));
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

/// `12 ms`, `3.4 s`, `5 min 6 s`.
pub(super) fn duration(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms < 60_000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round();
        format!("{} min {} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// `1 234 567`, with narrow spaces that do not break.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Six significant digits, without needless zeros.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (5.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `3.1e-5`: errors, of which the magnitude counts.
pub(super) fn error(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if (0.1..100.0).contains(&value) {
        format!("{value:.1}")
    } else {
        format!("{value:.1e}")
    }
}

/// `1.5 MiB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// The beginning of a name that nobody can guess, enough to tell it from others: `job_0a1b2c3d`.
pub(super) fn short(id: &str) -> String {
    match id.split_once('_') {
        Some((kind, digits)) => format!("{kind}_{}", digits.chars().take(8).collect::<String>()),
        None => id.chars().take(12).collect(),
    }
}

/// A name that strangers chose, with nothing in it that turns the text around it. Templates escape it for HTML.
pub(super) fn name(text: &str) -> String {
    /// The most of a name that a page shows.
    const CHARACTERS: usize = 120;
    let shown: String = escaped(text).to_string().chars().flat_map(plain).collect();
    if shown.chars().count() <= CHARACTERS {
        return shown;
    }
    shown.chars().take(CHARACTERS).chain(['…']).collect()
}

/// Marks that order text otherwise than it is written are shown as numbers.
fn plain(character: char) -> Vec<char> {
    if turns_text(character) { character.escape_unicode().collect() } else { vec![character] }
}

fn turns_text(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// JSON that means the same, with nothing in it that turns the text around it.
pub(super) fn json(text: &str) -> String {
    let escaped = |character: char| {
        if turns_text(character) { format!("\\u{:04x}", u32::from(character)) } else { character.to_string() }
    };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @SECONDS` gives these.
    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_210_096, "2024-02-29 12:34:56"),
            (1_796_083_199, "2026-11-30 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(utc(seconds * 1000), text);
        }
        // Bounded, whatever stands in a row.
        utc(i64::MAX);
        utc(i64::MIN);
    }

    #[test]
    fn figures_are_short() {
        let durations = [(0.42, "0.4 ms"), (23.4, "23 ms"), (1234.0, "1.2 s"), (125_400.0, "2 min 5 s")];
        for (ms, text) in durations {
            assert_eq!(duration(ms), text);
        }
        let numbers = [
            (0.0, "0"),
            (0.5, "0.5"),
            (-1.25, "-1.25"),
            (0.023_056_522_011, "0.0230565"),
            (123_456_789.0, "123456789"),
            (1e12, "1.000e12"),
            (3e-9, "3.000e-9"),
            (100.0, "100"),
        ];
        for (value, text) in numbers {
            assert_eq!(number(value), text);
        }
        assert_eq!([0.0, 0.000_031_2, 3.26].map(error), ["0", "3.1e-5", "3.3"]);
        for (count, text) in [(12, "12 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (u64::MAX, "16777216.0 TiB")] {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(short("job_00112233445566"), "job_00112233");
    }

    #[test]
    fn names_do_not_act() {
        assert_eq!(name("a\u{202e}b\u{1b}[2K\n"), "a\\u{202e}b\\u{1b}[2K\\n");
        assert_eq!(name(&"é".repeat(500)).chars().count(), 121);
        let text = "{\"a\u{202e}é\": 1}";
        assert_eq!(json(text), "{\"a\\u202eé\": 1}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&json(text)), read(text));
    }
}
