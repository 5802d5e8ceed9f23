//! Processes that run tests. A test can take one down, no more.

use std::{
    io::{BufRead, BufReader, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::Duration,
};

use crate::{DATA, list::Outcome};

/// A test that takes longer does not end: most take milliseconds.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// What would take minutes is not begun: what comes of it would hang on the machine.
const TOO_SLOW: [&str; 1] = ["test_lppool_3d_default"];

/// Address space of a worker, in KiB.
const MOST_MEMORY: u32 = 6_000_000;

/// Names that are no tests, and take their worker down: what [`a_test_takes_its_worker_down_at_most`] runs.
const PANICS: &str = "!panics";
const HANGS: &str = "!hangs";
const GROWS: &str = "!grows";

/// Starts a line that tells an outcome: the harness of Rust's tests prints lines of its own.
const MARK: &str = "outcome of ";

/// What comes of each test, in their order, if each may take so long. As many workers as there are processors.
pub(crate) fn outcomes(folder: &Path, names: &[String], longest: Duration) -> Vec<Outcome> {
    let next = Mutex::new(0..names.len());
    let outcomes = Mutex::new(vec![None; names.len()]);
    let work = || {
        let mut worker = Worker::start(folder);
        loop {
            let at = next.lock().expect("no worker panics").next();
            let Some(at) = at else { break };
            let outcome = worker.run(&names[at], longest).unwrap_or_else(|reason| {
                worker.stop();
                worker = Worker::start(folder);
                Outcome::Fails(reason)
            });
            outcomes.lock().expect("no worker panics")[at] = Some(outcome);
        }
        worker.stop();
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let outcomes = outcomes.into_inner().expect("no worker panics");
    outcomes.into_iter().map(|outcome| outcome.expect("each test was run")).collect()
}

struct Worker {
    process: Child,
    names: ChildStdin,
    outcomes: Receiver<String>,
}

impl Worker {
    fn start(folder: &Path) -> Self {
        let this = std::env::current_exe().expect("a test has a file");
        let run = format!("ulimit -v {MOST_MEMORY}; exec \"$0\" --exact one_worker --ignored --nocapture");
        let mut process = Command::new("sh")
            .args(["-c", &run])
            .arg(&this)
            .env(DATA, folder)
            // The workers are many already.
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let (sender, outcomes) = channel();
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            let lines =
                output.lines().map_while(Result::ok).filter_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
            lines.for_each(|line| drop(sender.send(line)));
        });
        Self { names: process.stdin.take().expect("it is piped"), process, outcomes }
    }

    /// What comes of a test.
    ///
    /// # Errors
    /// The worker is no longer of use.
    fn run(&mut self, name: &str, longest: Duration) -> Result<Outcome, String> {
        if TOO_SLOW.contains(&name) {
            return Ok(Outcome::Fails("takes minutes to compile, and is not begun".into()));
        }
        writeln!(self.names, "{name}").map_err(|error| format!("no worker: {error}"))?;
        match self.outcomes.recv_timeout(longest) {
            Ok(line) => match line.split_once(": ").filter(|(of, _)| *of == name) {
                Some((_, outcome)) => Ok(Outcome::parse(outcome)),
                None => Err(format!("the worker says `{line}`")),
            },
            Err(RecvTimeoutError::Timeout) => Err(format!("does not end within {} seconds", longest.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err("takes too much memory, or crashes".into()),
        }
    }

    fn stop(&mut self) {
        // It may have ended itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Runs the tests whose names come in, one a line.
pub(crate) fn serve(folder: &Path) {
    for name in std::io::stdin().lines().map_while(Result::ok) {
        let run = || match name.as_str() {
            PANICS => panic!("as it should"),
            HANGS => std::thread::sleep(Duration::MAX),
            GROWS => drop(std::hint::black_box(vec![1u8; MOST_MEMORY as usize * 1024])),
            _ => {}
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            run();
            Outcome::of(folder, &name)
        }));
        let outcome = outcome.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Outcome::Fails(format!("PANICS: {}", said.unwrap_or("without a word")))
        });
        println!("{MARK}{name}: {outcome}");
    }
}

#[test]
fn a_test_takes_its_worker_down_at_most() {
    let names = [PANICS, HANGS, "no test", GROWS, "neither"].map(str::to_owned);
    let outcomes = outcomes(Path::new("no folder"), &names, Duration::from_secs(3));
    let reasons = outcomes.iter().map(Outcome::to_string).collect::<Vec<_>>();
    let expected = ["PANICS: as it should", "within 3 seconds", "no folder", "memory", "no folder"];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with("FAIL") && reason.contains(expected), "{reason}");
    }
}
