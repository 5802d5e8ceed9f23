//! Measurements: what `docs/measured` holds, from `apodict bench` and criterion's results.
//!
//! | file | what it holds |
//! |---|---|
//! | `proofs.json` | reports of `apodict bench --against stock`, of synthetic programs and of the examples' models |
//! | `memory.json` | reports of the engine alone and of halo2's prover alone: what each takes |
//! | `service.json` | what `cargo xtask soak` found |
//! | `kernels.json` | criterion's medians, with the field multiplications of each kernel |

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::step::{Step, root};

/// log2 of the rows of synthetic programs, and how many pairs are timed: the largest take minutes each.
const PROOFS: [(u32, usize); 13] = [
    (8, 11),
    (9, 11),
    (10, 11),
    (11, 11),
    (12, 11),
    (13, 7),
    (14, 7),
    (15, 7),
    (16, 7),
    (17, 7),
    (18, 7),
    (19, 3),
    (20, 1),
];

/// Programs whose memory is compared, and MiB that the engine may take: little more than it needs at least.
const MEMORY: [(u32, &str); 4] = [(12, "40"), (14, "60"), (16, "130"), (18, "430")];

/// The examples, each with an input.
const EXAMPLES: [(&str, &str); 3] =
    [("risk_scoring", "calm"), ("supply_adjustment", "calm"), ("governance_analysis", "renewal")];

/// All of it: half an hour and more, in which the machine should do nothing else.
pub(crate) fn measure(parts: &[&str]) -> Result<()> {
    let all = ["kernels", "proofs", "memory"];
    let parts = if parts.is_empty() { &all } else { parts };
    for part in parts {
        match *part {
            "kernels" => kernels()?,
            "proofs" => proofs()?,
            "memory" => memory()?,
            other => bail!("there is no measurement \"{other}\": {}", all.join(", ")),
        }
    }
    crate::charts::charts()
}

fn proofs() -> Result<()> {
    let mut reports = Vec::new();
    for (example, input) in EXAMPLES {
        let folder = root().join("examples").join(example);
        let input = format!("inputs/{input}.json");
        let [model, input, calibration] =
            ["model.onnx", &input, "calibration.json"].map(|file| folder.join(file).into_os_string());
        let mut arguments = vec![model, "--input".into(), input, "--calibrate".into(), calibration];
        // What is timed here is the proof, however accurate the program.
        arguments.extend(["--allow-error", "--against", "stock", "--runs", "11"].map(Into::into));
        let mut report = bench(arguments)?;
        report["example"] = json!(example);
        reports.push(report);
    }
    for (k, runs) in PROOFS {
        let [k, runs] = [k.to_string(), runs.to_string()];
        reports.push(bench(["-k", &k, "--against", "stock", "--runs", &runs].map(Into::into))?);
    }
    write("proofs.json", &json!({ "machine": machine(), "reports": reports }))
}

fn memory() -> Result<()> {
    let mut reports = Vec::new();
    for (k, mebibytes) in MEMORY {
        for only in ["engine", "stock"] {
            let k = k.to_string();
            let mut report = bench(["-k", &k, "--only", only, "--runs", "2", "--memory", mebibytes].map(Into::into))?;
            report["only"] = json!(only);
            reports.push(report);
        }
    }
    write("memory.json", &json!({ "machine": machine(), "reports": reports }))
}

/// One report.
fn bench(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Value> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "-p",
        "apodict",
        "--",
        "bench",
        "--json",
    ]);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    let asked: Vec<_> = command.get_args().skip(7).map(|part| part.to_string_lossy()).collect();
    eprintln!("==> apodict {}", asked.join(" "));
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("apodict bench ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("apodict bench printed no JSON")
}

fn kernels() -> Result<()> {
    Step::cargo("kernels")
        .args(["bench", "--locked", "--workspace", "--bench", "kernels", "--bench", "plonk", "--"])
        .args(["--warm-up-time", "0.1", "--measurement-time", "0.5"])
        .run()?;
    // The smallest proof: for the peak that its report tells.
    let report = bench(["-k", "6", "--only", "engine", "--runs", "1"].map(Into::into))?;
    let mut results = Vec::new();
    for benchmark in find(&target().join("criterion"), "benchmark.json")? {
        let Some(folder) = benchmark.parent().filter(|folder| folder.ends_with("new")) else { continue };
        let [about, estimates] = ["benchmark.json", "estimates.json"].map(|file| read(&folder.join(file)));
        let (about, estimates) = (about?, estimates?);
        let nanoseconds = estimates["median"]["point_estimate"].as_f64().context("criterion gave no median")?;
        results.push(json!({
            "group": about["group_id"],
            "name": about["function_id"],
            "median_ns": nanoseconds.round(),
            "multiplications": about["throughput"]["Elements"],
        }));
    }
    results.sort_by_key(|result| format!("{} {}", result["group"], result["name"]));
    write(
        "kernels.json",
        &json!({
            "machine": machine(),
            "backend": report["backend"],
            "peak_multiplications_per_s": report["peak_multiplications_per_s"],
            "kernels": results,
        }),
    )
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Files of this name below a folder.
fn find(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(find(&path, name)?);
        } else if path.ends_with(name) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The processor's name and how many threads it has here.
pub(crate) fn machine() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let [name, family, model] = ["model name", "cpu family", "model\t"].map(field);
    format!("{name} (family {family}, model {model}), {threads} threads")
}

pub(crate) fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

pub(crate) fn write(name: &str, value: &Value) -> Result<()> {
    let path = root().join("docs/measured").join(name);
    std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(value)?))
        .with_context(|| path.display().to_string())
}
