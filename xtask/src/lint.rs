//! `cargo xtask lint`.

use anyhow::Result;

use crate::mutants;
use crate::step::{Step, root};
use crate::tools;

/// Everything that judges the code without running it. The quick judgements come first.
pub(crate) fn lint() -> Result<()> {
    Step::cargo("formatting of Rust").args(["fmt", "--all", "--check"]).run()?;
    Step::new("spelling", tools::typos()?).run()?;
    eprintln!("\n==> lists of mutants");
    mutants::check(&root())?;
    let forge = tools::forge()?;
    Step::new("formatting of Solidity", forge).args(["fmt", "--check"]).within("solidity").run()?;
    Step::new("solhint", "node_modules/.bin/solhint")
        .args(["--noPoster", "--max-warnings", "0", "contracts/**/*.sol", "test/**/*.sol"])
        .within("solidity")
        .run()?;
    // Advisories are not checked: their database is a git repository that builds without access to it cannot fetch.
    Step::new("licences, banned crates and sources", tools::cargo_deny()?)
        .args(["--locked", "check", "licenses", "bans", "sources"])
        .run()?;
    // With what only a fleet has, which no test of every day compiles.
    let workspace = ["--locked", "--release", "--workspace", "--features", "apodict/fleet"];
    Step::cargo("clippy").args(["clippy"]).args(workspace).args(["--all-targets", "--", "-D", "warnings"]).run()?;
    Step::cargo("documentation")
        .args(["doc"])
        .args(workspace)
        .args(["--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}
