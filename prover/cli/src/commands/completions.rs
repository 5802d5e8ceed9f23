//! `apodict completions`.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::arguments::{Arguments, Completions};
use crate::failure::{Failure, Outcome};

pub(crate) fn run(arguments: &Completions) -> Result<Outcome, Failure> {
    // Written at once: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "apodict", &mut script);
    io::stdout().write_all(&script).map_err(Failure::Print)?;
    Ok(Outcome::Done)
}
