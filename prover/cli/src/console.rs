//! What a person or a script sees: results on stdout, progress and warnings on stderr.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use apodict_circuits::escaped;
use apodict_circuits::report::ErrorReport;
use apodict_prover::engine::Job;
use apodict_verifier::SrsOrigin;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::Diagnostic;
use serde::Serialize;

use crate::arguments::Global;
use crate::failure::Failure;

/// Parts of a proof's bar.
const BAR: u64 = 1000;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    /// One line.
    Json,
}

/// Whether anything but results is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Shown,
    Hidden,
}

pub(crate) struct Console {
    format: Format,
    progress: Progress,
    warnings: Progress,
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        let hidden = |condition| if condition { Progress::Hidden } else { Progress::Shown };
        Self {
            format: if global.json { Format::Json } else { Format::Text },
            // A spinner would break the lines of the log.
            progress: hidden(global.quiet || global.verbose > 0 || !io::stderr().is_terminal()),
            warnings: hidden(global.quiet),
        }
    }

    /// Runs a stage under a spinner. Returns what it gave and the milliseconds it took.
    pub(crate) fn stage<T, E>(&self, name: &'static str, work: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
        self.under(name, &ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner()), work)
    }

    /// As [`stage`](Self::stage), of several steps, each of which `work` says before it begins.
    pub(crate) fn steps<T, E>(
        &self,
        name: &'static str,
        work: impl FnOnce(&dyn Fn(&'static str)) -> Result<T, E>,
    ) -> Result<(T, f64), E> {
        let bar = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
        let step = |step: &'static str| {
            tracing::info!(stage = name, step);
            bar.set_message(format!("{name}: {step}"));
        };
        self.under(name, &bar, || work(&step))
    }

    /// Runs a stage under a bar that shows how many of `count` are done.
    pub(crate) fn counted<T, E>(
        &self,
        name: &'static str,
        count: usize,
        work: impl FnOnce(&mut dyn FnMut(usize)) -> Result<T, E>,
    ) -> Result<(T, f64), E> {
        let bar = ProgressBar::new(count as u64).with_style(ProgressStyle::default_bar());
        let mut done = |done: usize| {
            tracing::debug!(stage = name, done, of = count);
            bar.set_position(done as u64);
        };
        self.under(name, &bar, || work(&mut done))
    }

    /// Runs a proof under a bar that shows how far it is.
    pub(crate) fn proof<T, E>(
        &self,
        name: &'static str,
        prove: impl FnOnce(&Job<'_>) -> Result<T, E>,
    ) -> Result<(T, f64), E> {
        let bar = ProgressBar::new(BAR).with_style(ProgressStyle::default_bar());
        let shown = bar.clone();
        let job = Job::default().on_progress(move |progress| {
            tracing::debug!(step = ?progress.step, fraction = progress.fraction, "proving");
            shown.set_position((progress.fraction * BAR as f64) as u64);
        });
        self.under(name, &bar, || prove(&job))
    }

    fn under<T, E>(
        &self,
        name: &'static str,
        bar: &ProgressBar,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, f64), E> {
        match self.progress {
            Progress::Shown => {
                bar.set_message(name);
                bar.enable_steady_tick(Duration::from_millis(100));
            }
            Progress::Hidden => bar.set_draw_target(ProgressDrawTarget::hidden()),
        }
        let start = Instant::now();
        let result = work();
        let elapsed_ms = milliseconds(start.elapsed());
        bar.finish_and_clear();
        tracing::info!(stage = name, elapsed_ms, ok = result.is_ok());
        Ok((result?, elapsed_ms))
    }

    /// Prints a result: as text, or as one line of JSON.
    pub(crate) fn result<R: Serialize + Display>(&self, result: &R) -> Result<(), Failure> {
        match self.format {
            Format::Text => print(&Printable(result)),
            Format::Json => print(&serde_json::to_string(result)?),
        }
    }

    /// Prints one line of a story as it happens; scripts get the whole at the end.
    pub(crate) fn tell(&self, line: impl Display) -> Result<(), Failure> {
        match self.format {
            Format::Text => print(&Printable(&line)),
            Format::Json => Ok(()),
        }
    }

    pub(crate) fn warn(&self, warning: impl Display) {
        if self.warnings == Progress::Shown {
            // Nothing is lost if nobody listens.
            let _ = writeln!(io::stderr(), "{}", Printable(&warning));
        }
    }

    /// Warns of what a report says that a reader should know.
    pub(crate) fn warn_of_accuracy(&self, report: &ErrorReport) {
        for warning in &report.warnings {
            self.warn(format_args!("warning: {}", escaped(warning)));
        }
    }

    /// Warns of an imported string whose digest nobody pins.
    pub(crate) fn warn_of_import(&self, origin: SrsOrigin) {
        if origin == SrsOrigin::Unsafe {
            self.warn(UNPINNED_SRS);
        }
    }

    /// Warns of keys that convince nobody but their maker.
    pub(crate) fn warn_of_origin(&self, origin: SrsOrigin) {
        if origin == SrsOrigin::Unsafe {
            self.warn(UNSAFE_SRS);
        }
    }
}

/// What a string means that nobody vouches for, where it is not our own.
const UNPINNED_SRS: &str = "UNSAFE: the powers are those of one secret, and nothing says who knows it. Take the digest of the string from the ceremony's own \
    record, not from this file, and pass it with --srs-digest, here and wherever the string is used.";

/// What an SRS for development means.
const UNSAFE_SRS: &str = "UNSAFE: the structured reference string was made for development; whoever made it can forge proofs. Protect nothing with it.";

fn print(text: &impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Failure::Print)
}

/// A text of several lines, without any character that acts on a terminal. Names are escaped where they are put into it: here is what
/// was forgotten, and what other libraries say.
struct Printable<'a, T>(&'a T);

impl<T: Display> Display for Printable<'_, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (at, line) in self.0.to_string().split('\n').enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}", escaped(line))?;
        }
        Ok(())
    }
}

/// A failure with its causes, each a line without any character that acts on a terminal.
#[derive(Debug)]
pub(crate) struct Told {
    message: String,
    help: Option<String>,
    cause: Option<Box<Told>>,
}

impl Told {
    pub(crate) fn new(failure: &Failure) -> Self {
        let help = failure.help().map(|help| escaped(help).to_string()).filter(|help| !help.is_empty());
        Self { help, ..Self::cause(failure) }
    }

    fn cause(error: &dyn Error) -> Self {
        let cause = error.source().map(|source| Box::new(Self::cause(source)));
        Self { message: escaped(error).to_string(), help: None, cause }
    }
}

impl Display for Told {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Told {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Told {
    fn help(&self) -> Option<Box<dyn Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }
}

/// With a microsecond's precision.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// `1536` as `1.5 KB`, powers of 1000.
pub(crate) fn format_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1e3;
    let mut units = UNITS.iter();
    let mut unit = units.next().unwrap_or(&"");
    for larger in units {
        if value < 1000.0 {
            break;
        }
        value /= 1e3;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// `1234567` as `1,234,567`.
pub(crate) fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        assert_eq!(Printable(&"a\u{1b}[2Jb\nc\u{9b}\rd\n").to_string(), "a\\u{1b}[2Jb\nc\\u{9b}\\rd\n");
        let source = io::Error::other("cause\u{1b}\nVALID");
        let told =
            Told::new(&Failure::Disk(apodict_prover::disk::Error::Read { path: "evil\u{7}\n.apo".into(), source }));
        assert_eq!(told.to_string(), "cannot read evil\\u{7}\\n.apo");
        assert_eq!(told.source().unwrap().to_string(), "cause\\u{1b}\\nVALID");
        assert!(told.help().unwrap().to_string().contains("check the name"));
    }

    #[test]
    fn formats_sizes() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (1_536_000, "1.5 MB"), (u64::MAX, "18446744.1 TB")]
        {
            assert_eq!(format_bytes(bytes), text);
        }
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(format_count(count), text);
        }
    }
}
