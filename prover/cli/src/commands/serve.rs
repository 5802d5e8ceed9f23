//! `apodict serve`, and the processes that it starts.

use std::io::Write;
use std::time::Duration;

use apodict_service::child::{self, ChildCommand};
use apodict_service::config::{Config, Limits, PageSwitch};
use apodict_service::server::Server;
use apodict_service::webhooks::WebhookRules;

use crate::arguments::{Children, Serve, fleet};
use crate::failure::{Failure, Outcome};

pub(crate) fn run(arguments: &Serve) -> Result<Outcome, Failure> {
    let config = config(arguments)?;
    runtime()?.block_on(async {
        let is_unsafe = config.srs_digest.is_none();
        let server = Server::start(config).await?;
        if is_unsafe {
            tracing::warn!(
                "UNSAFE: no digest of a structured reference string is pinned: whoever made the string can forge proofs"
            );
        }
        let address = server.address().map_err(Failure::System)?;
        // For scripts, which wait for it.
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush()).map_err(Failure::Print)?;
        drop(stdout);
        server.run().await?;
        Ok(Outcome::Done)
    })
}

/// The hidden verb: proves and compiles what the server on the other end of its pipes asks for.
pub(crate) fn child() -> Result<Outcome, Failure> {
    child::serve().map_err(Failure::System)?;
    Ok(Outcome::Done)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::System)
}

fn config(arguments: &Serve) -> Result<Config, Failure> {
    let fleet = match &arguments.artifacts {
        Some(artifacts) if arguments.fleet => Some(fleet(&arguments.database, artifacts.clone(), &arguments.lease)?),
        _ if arguments.database.typed().is_some() => return Err(Failure::DatabaseOfNoFleet),
        _ => None,
    };
    Ok(Config {
        data: arguments.data.folder()?,
        listen: arguments.listen,
        srs: arguments.srs.path.clone(),
        srs_digest: arguments.srs.pin.digest,
        ask_for_keys: arguments.ask_for_keys,
        child: ChildCommand::of_this_program().map_err(Failure::System)?,
        limits: Limits {
            short_max_k: arguments.short_max_k,
            upload_bytes: arguments.max_upload << 20,
            open_jobs: arguments.max_jobs,
            job_time: Duration::from_secs(arguments.job_time),
            requests_per_s: f64::from(arguments.rate),
            ..limits(&arguments.children)
        },
        drain: arguments.drain.duration(),
        page: if arguments.no_page { PageSwitch::Off } else { PageSwitch::On },
        fleet,
        webhooks: arguments
            .webhooks
            .then(|| WebhookRules { allow: arguments.webhook_allow.clone(), ..WebhookRules::default() }),
    })
}

/// What the processes may take that prove and compile.
pub(crate) fn limits(children: &Children) -> Limits {
    Limits {
        warm_children: children.workers,
        long_children: children.long_workers,
        warm_memory_bytes: children.worker_memory << 20,
        job_memory_bytes: children.job_memory << 20,
        max_k: children.max_k,
        ..Limits::default()
    }
}
