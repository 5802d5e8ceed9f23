//! The apodict command line.

#![allow(clippy::result_large_err, reason = "a failure is told once and ends the process")]

mod accuracy;
mod agreement;
mod arguments;
mod commands;
mod comparison;
mod console;
mod cost;
mod failure;
mod market;
mod memory;
mod program;
#[cfg(feature = "service")]
mod remote;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::filter::LevelFilter;

use arguments::{Arguments, Command};
use console::{Console, Told};
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    memory::share_between_threads();
    let arguments = Arguments::parse();
    log_to_stderr(verbosity(&arguments));
    let console = Console::new(&arguments.global);
    match run(&arguments.command, &console) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            let exit_code = failure.exit_code();
            render_for_this_terminal();
            eprintln!("{:?}", miette::Report::new(Told::new(&failure)));
            exit_code
        }
    }
}

fn run(command: &Command, console: &Console) -> Result<Outcome, Failure> {
    match command {
        Command::Demo => commands::demo::run(console),
        Command::Compile(arguments) => commands::compile::run(arguments, console),
        Command::Evaluate(arguments) => commands::evaluate::run(arguments, console),
        Command::Inspect(arguments) => commands::inspect::run(arguments, console),
        Command::Keys(arguments) => commands::keys::run(arguments, console),
        Command::Prove(arguments) => commands::prove::run(arguments, console),
        Command::Bench(arguments) => commands::bench::run(arguments, console),
        Command::Verify(arguments) => commands::verify::run(arguments, console),
        Command::Srs(arguments) => commands::srs::run(arguments, console),
        Command::Contract(arguments) => commands::contract::run(arguments, console),
        Command::Calldata(arguments) => commands::calldata::run(arguments, console),
        #[cfg(feature = "service")]
        Command::Serve(arguments) => commands::serve::run(arguments),
        #[cfg(feature = "service")]
        Command::Worker(arguments) => commands::worker::run(arguments),
        #[cfg(feature = "service")]
        Command::ApiKey(arguments) => commands::api_key::run(arguments, console),
        #[cfg(feature = "service")]
        Command::WebhookSecret(arguments) => commands::webhook_secret::run(arguments, console),
        #[cfg(feature = "service")]
        Command::Job(arguments) => commands::job::run(arguments, console),
        #[cfg(feature = "service")]
        Command::Model(arguments) => commands::model::run(arguments, console),
        #[cfg(feature = "service")]
        Command::WorkerChild => commands::serve::child(),
        #[cfg(feature = "chain")]
        Command::Chain(arguments) => commands::chain::run(arguments, console),
        Command::Completions(arguments) => commands::completions::run(arguments),
    }
}

/// A server's log says when it starts and stops, without being asked.
fn verbosity(arguments: &Arguments) -> u8 {
    #[cfg(feature = "service")]
    if matches!(arguments.command, Command::Serve(_) | Command::Worker(_)) && !arguments.global.quiet {
        return arguments.global.verbose + 1;
    }
    arguments.global.verbose
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// In a log, lines stay whole and plain, so that they can be searched.
fn render_for_this_terminal() {
    let plain = !std::io::stderr().is_terminal();
    // Setting it twice fails and does no harm.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = miette::MietteHandlerOpts::new();
        Box::new(if plain { options.color(false).unicode(false).wrap_lines(false) } else { options }.build())
    }));
}
