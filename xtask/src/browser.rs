//! `cargo xtask browser`: the verifier in TypeScript.

use anyhow::Result;

use crate::step::Step;
use crate::tools;

/// Its types, and its tests: known answers and the tampering table that the Rust tests write.
pub(crate) fn browser() -> Result<()> {
    tools::typescript_packages()?;
    Step::new("tests of the verifier in TypeScript", "npm").args(["test"]).within("verifier/ts").run()
}
