//! `apodict worker`.

use apodict_service::child::ChildCommand;
use apodict_service::config::{Config, PageSwitch};

use crate::arguments::{Worker, fleet};
use crate::commands::serve::{limits, runtime};
use crate::failure::{Failure, Outcome};

pub(crate) fn run(arguments: &Worker) -> Result<Outcome, Failure> {
    let config = config(arguments)?;
    runtime()?.block_on(work(config))
}

#[cfg(feature = "fleet")]
async fn work(config: Config) -> Result<Outcome, Failure> {
    use std::io::Write;

    let worker = apodict_service::fleet::worker::Worker::start(config).await?;
    // For scripts, which wait for it.
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "working as {}", worker.run_name()).and_then(|()| stdout.flush()).map_err(Failure::Print)?;
    drop(stdout);
    worker.run().await?;
    Ok(Outcome::Done)
}

#[cfg(not(feature = "fleet"))]
async fn work(_: Config) -> Result<Outcome, Failure> {
    Err(apodict_service::server::ServeError::NoFleet.into())
}

fn config(arguments: &Worker) -> Result<Config, Failure> {
    Ok(Config {
        data: arguments.data.folder()?,
        // It does not.
        listen: ([127, 0, 0, 1], 0).into(),
        srs: arguments.srs.path.clone(),
        srs_digest: arguments.srs.pin.digest,
        ask_for_keys: false,
        child: ChildCommand::of_this_program().map_err(Failure::System)?,
        limits: limits(&arguments.children),
        drain: arguments.drain.duration(),
        page: PageSwitch::Off,
        // Servers tell.
        webhooks: None,
        fleet: Some(fleet(&arguments.database, arguments.artifacts.clone(), &arguments.lease)?),
    })
}
