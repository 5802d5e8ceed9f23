//! The copy of the tree that mutants are made in: `target/mutants/tree`, with a target folder of its own. What the tree
//! was when the run began stays beside it, in `target/mutants/original`: a run takes hours, in which people work on.

use std::{
    collections::BTreeSet,
    fs::{self, File, FileTimes, TryLockError},
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};

/// Installed by package managers, not by cargo: too large to copy, and only read.
const BORROWED: &str = "solidity/node_modules";

/// What builds leave in the copy, there for the next.
const KEPT: [&str; 4] = ["target", BORROWED, "solidity/out", "solidity/cache"];

/// A copy of all files that are committed, or could be.
pub(super) struct Tree {
    original: PathBuf,
    to: PathBuf,
    /// Held for as long as the copy is used.
    _lock: File,
}

impl Tree {
    /// Makes the copy, or brings it up to date. What the original's dependencies compiled to is copied too, once.
    pub(super) fn new(from: &Path) -> Result<Self> {
        let folder = from.join("target/mutants");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let lock = File::create(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another `cargo xtask mutants` runs: wait for it"),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock target/mutants"),
        }
        let tree = Self { original: folder.join("original"), to: folder.join("tree"), _lock: lock };
        make_equal(from, &listed(from)?, &tree.original)?;
        tree.restore()?;
        borrow_packages(from, &tree.to)?;
        if !tree.target().exists() {
            eprintln!("copying compiled dependencies to {}", tree.target().display());
            seed(&from.join("target/release"), &tree.target().join("release"))?;
        }
        Ok(tree)
    }

    pub(super) fn path(&self) -> &Path {
        &self.to
    }

    fn target(&self) -> PathBuf {
        self.to.join("target")
    }

    /// A command that runs in the copy and builds into its own target folder.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.to).env("CARGO_TARGET_DIR", self.target());
        // Builds follow each other and nobody reads what a debugger would.
        command.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        command.env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
        command
    }

    /// The cargo that runs this program.
    pub(super) fn cargo(&self) -> Command {
        self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Makes the copy equal to what the tree was: edited files, and what a command generated from them.
    pub(super) fn restore(&self) -> Result<()> {
        let mut files = BTreeSet::new();
        walk(&self.original, &self.original, &mut files)?;
        make_equal(&self.original, &files, &self.to)
    }
}

/// Makes `to` hold these files of `from`, and no others but what builds left.
fn make_equal(from: &Path, files: &BTreeSet<PathBuf>, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in files {
        let (from, to) = (from.join(file), to.join(file));
        let contents = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        if fs::read(&to).is_ok_and(|copied| copied == contents) {
            continue;
        }
        // Later than any build of what stood there before, so that cargo notices.
        let known = to.exists();
        copy(&from, &to)?;
        if known {
            File::options().write(true).open(&to)?.set_modified(SystemTime::now())?;
        }
    }
    let mut found = BTreeSet::new();
    walk(to, to, &mut found)?;
    for file in found.difference(files) {
        fs::remove_file(to.join(file))?;
    }
    Ok(())
}

/// The files below a folder, relative to `root`, without what builds left.
fn walk(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let name = path.strip_prefix(root)?;
        if KEPT.iter().any(|kept| name == Path::new(kept)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(root, &path, files)?;
        } else {
            files.insert(name.to_path_buf());
        }
    }
    Ok(())
}

#[cfg(unix)]
fn borrow_packages(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.join(BORROWED), to.join(BORROWED));
    if from.is_dir() && to.symlink_metadata().is_err() {
        std::os::unix::fs::symlink(from, to)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn borrow_packages(_: &Path, _: &Path) -> Result<()> {
    Ok(())
}

/// The files of a tree that git knows or would take, relative to it.
fn listed(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    // What is committed and was removed since is still listed.
    let files = names.split_terminator('\0').map(PathBuf::from).filter(|file| root.join(file).is_file());
    Ok(files.collect())
}

/// Copies what dependencies compiled to; what members compiled to depends on their path and would not be used.
fn seed(from: &Path, to: &Path) -> Result<()> {
    for part in ["deps", "build", ".fingerprint"] {
        let Ok(entries) = from.join(part).read_dir() else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let member = name.to_string_lossy();
            let member = member.trim_start_matches("lib");
            let own = ["apodict", "xtask"].iter().any(|own| member.starts_with(own));
            // Programs have no extension: tests, of members only.
            if own || (part == "deps" && Path::new(&name).extension().is_none()) {
                continue;
            }
            copy_all(&entry.path(), &to.join(part).join(&name))?;
        }
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return copy(from, to);
    }
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Copies a file with its time, which cargo compares.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // A file that is read only must make place too.
    if to.exists() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    let modified = from.metadata()?.modified()?;
    let times = FileTimes::new().set_modified(modified);
    match File::options().write(true).open(to) {
        Ok(file) => Ok(file.set_times(times)?),
        // Read only: its time decides nothing that cargo would build again.
        Err(_) => Ok(()),
    }
}
