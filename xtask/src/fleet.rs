//! `cargo xtask fleet [--long]`: several servers and workers on one database, which needs Postgres on this machine.

use anyhow::{Result, bail};

use crate::step::Step;

const USAGE: &str = "usage: cargo xtask fleet [--long]
  --long  kill 200 processes among 2000 jobs, instead of 30 among 200";

/// The store's tests on a Postgres of their own, and processes that are killed.
///
/// # Errors
/// What failed; Postgres, if it is missing.
pub(crate) fn fleet(arguments: &[String]) -> Result<()> {
    let (jobs, kills) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ("200", "30"),
        ["--long"] => ("2000", "200"),
        _ => bail!(USAGE),
    };
    let feature = ["--locked", "--release", "--workspace", "--features", "apodict/fleet"];
    Step::cargo("jobs in Postgres").args(["test"]).args(feature).args(["--lib", "--", "postgres", "fleet::"]).run()?;
    Step::cargo("servers and workers of a fleet")
        .args(["test"])
        .args(feature)
        .args(["--test", "fleet", "--", "--nocapture", "--test-threads", "1"])
        .env("APODICT_FLEET_JOBS", jobs)
        .env("APODICT_FLEET_KILLS", kills)
        .run()
}
