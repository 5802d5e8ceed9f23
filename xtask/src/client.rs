//! `cargo xtask client`: the Python client of the proving service, against the server that this tree builds.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::measure::target;
use crate::step::{Step, root};
use crate::tools;

const FOLDER: &str = "prover/service/python";

/// Formatting, rules, types and tests of the client.
///
/// # Errors
/// What does not hold; packages that cannot be installed.
pub(crate) fn client() -> Result<()> {
    let path = root().join(FOLDER).join("requirements.txt");
    let pinned = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let packages: Vec<&str> =
        pinned.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let python = tools::python("client", &packages)?;
    let module = |name: &str, module: &str| Step::new(name, &python).args(["-m", module]).within(FOLDER);
    // The backup, which stands elsewhere, goes by the same rules.
    let judged = ["--no-cache", "--config", "pyproject.toml", ".", "../deploy"];
    module("formatting of the Python client", "ruff").args(["format", "--check"]).args(judged).run()?;
    module("rules of the Python client", "ruff").args(["check"]).args(judged).run()?;
    module("types of the Python client", "mypy").args(["--cache-dir", "/dev/null"]).run()?;
    let binary = server()?;
    module("tests of the Python client", "pytest")
        .args(["-q", "-p", "no:cacheprovider"])
        .env("APODICT_BINARY", binary)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .run()
}

/// Builds the server. Its program.
pub(crate) fn server() -> Result<PathBuf> {
    // The whole workspace, as the tests build it: another choice of packages would build the heavy ones twice.
    Step::cargo("the server").args(["build", "--locked", "--release", "--workspace"]).run()?;
    Ok(target().join("release/apodict"))
}
