//! Runs the built binary in a folder of its own.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// A model of tests: what `models/README.md` says.
pub(crate) const STORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/loan");
/// A small one.
pub(crate) const PEGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/pegs");

/// An ONNX model of operator set 14, `y = relu(x)` of one DOUBLE: `onnx.helper` makes these bytes.
pub(crate) const RECTIFIER_OF_A_DOUBLE: &[u8] = b"\x08\x08\x3a\x39\x0a\x12\x0a\x01x\x12\x01y\x1a\x04relu\"\x04Relu\x12\x01g\
    \x5a\x0f\x0a\x01x\x12\x0a\x0a\x08\x08\x0b\x12\x04\x0a\x02\x08\x01\x62\x0f\x0a\x01y\x12\x0a\x0a\x08\x08\x0b\x12\x04\x0a\x02\x08\x01\
    \x42\x02\x10\x0e";

/// What a command printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A `.npy` file of doubles of this shape, as Python writes one.
pub(crate) fn npy(shape: &str, values: &[f64]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
    let length = (header.len() as u16).to_le_bytes();
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &data].concat()
}

/// Runs `apodict` in `folder`, with a cache that all tests of one binary share.
pub(crate) fn apodict(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).stdin(Stdio::null()).output().unwrap()
}

/// As [`apodict`], with something to read on standard input.
pub(crate) fn apodict_reading(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = command(folder, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // Whoever refuses it need not read it to its end.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apodict"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", cache());
    command
}

/// What the tests of one binary share.
pub(crate) fn cache() -> &'static Path {
    static CACHE: OnceLock<tempfile::TempDir> = OnceLock::new();
    CACHE.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// Runs `apodict`, which must succeed, and reads its JSON.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = apodict(folder, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder with the risk model, its calibration data, an input, and what was made of them.
pub(crate) struct Workplace {
    pub(crate) folder: tempfile::TempDir,
}

impl Workplace {
    /// `model.onnx`, `calibration.json`, `input.json`.
    pub(crate) fn with_model() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (from, to) in [
            ("model.onnx", "model.onnx"),
            ("calibration.json", "calibration.json"),
            ("inputs/stretched.json", "input.json"),
        ] {
            std::fs::copy(Path::new(STORY).join(from), folder.path().join(to)).unwrap();
        }
        Self { folder }
    }

    /// And `program.apo`, `keys/`, `proof.json`.
    pub(crate) fn with_proof() -> Self {
        let place = Self::with_model();
        place.json(&["compile", "model.onnx", "--calibrate", "calibration.json", "-o", "program.apo"]);
        place.json(&["keys", "program.apo", "-o", "keys"]);
        place.json(&["prove", "program.apo", "--input", "input.json", "--keys", "keys", "-o", "proof.json"]);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        apodict(self.folder.path(), arguments)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        json(self.folder.path(), arguments)
    }

    /// Each mistake ends with its exit code, says these parts, prints no result and leaves nothing behind.
    pub(crate) fn assert_refused(&self, mistakes: &[(&[&str], i32, &[&str])]) {
        let before = self.names();
        for (arguments, exit_code, says) in mistakes {
            let output = self.run(arguments);
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(*exit_code), "{arguments:?}: {message}");
            assert!(output.stdout.is_empty() && self.names() == before, "{arguments:?}: {message}");
            for part in *says {
                assert!(message.contains(part), "{arguments:?}: no `{part}` in {message}");
            }
        }
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Reads a JSON file, changes it and writes it under another name.
    pub(crate) fn edit(&self, from: &str, to: &str, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_slice(&self.read(from)).unwrap();
        change(&mut value);
        self.write(to, value.to_string());
    }

    /// The names in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
