//! `cargo xtask page [--bless]`: the service's web page, which has files that are made elsewhere, and needs a browser to be tested.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::step::{Step, root};
use crate::tools;

const USAGE: &str = "usage: cargo xtask page [--bless]
  --bless  write the files that are made from the verifier in TypeScript and taken from npm";

/// Where the service has its files.
const STATIC: &str = "prover/service/static";

/// Compares the files with what they are made of, and goes through the page in a browser; or writes the files.
///
/// # Errors
/// What differs; the browser, if there is none; a test that failed.
pub(crate) fn page(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--bless"] => bless(),
        [] => check(),
        _ => bail!(USAGE),
    }
}

/// Each committed file, with the one that it must be equal to.
fn made() -> Result<[(PathBuf, PathBuf); 2]> {
    tools::typescript_packages()?;
    Step::new("build the verifier for browsers", "npm")
        .args(["run", "--silent", "build"])
        .within("verifier/ts")
        .run()?;
    let verifier = root().join("verifier/ts/dist/apodict-verifier.min.js");
    let committed = |name| root().join(STATIC).join(name);
    Ok([(committed("apodict-verifier.min.js"), verifier), (committed("htmx.min.js"), tools::htmx()?)])
}

fn bless() -> Result<()> {
    for (committed, made) in made()? {
        std::fs::copy(&made, &committed).with_context(|| format!("cannot write {}", committed.display()))?;
    }
    Ok(())
}

fn check() -> Result<()> {
    for (committed, made) in made()? {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if read(&committed)? != read(&made)? {
            bail!(
                "{} is not what it is made of: `cargo xtask page --bless` writes it, then read the diff",
                committed.strip_prefix(root()).unwrap_or(&committed).display()
            );
        }
    }
    Step::cargo("the page in a browser")
        .args(["test", "--locked", "--release", "--workspace", "--test", "page_in_browser", "--", "--ignored"])
        .env("CHROMIUM", tools::chromium()?)
        .env("APODICT_SCREENSHOTS", root().join("target/page"))
        .run()
}
