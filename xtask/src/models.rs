//! `cargo xtask models [--bless]`: models of scikit-learn, PyTorch and Keras, exported, against ONNX Runtime.
//!
//! Not a part of continuous integration: its packages take 8 GB. What came of it is committed, with their versions, as
//! `circuits/tests/exported/results.md`.

use anyhow::{Result, bail};

use crate::step::Step;
use crate::tools;

/// Makes the models anew, and compares what comes of them with the committed results or writes those.
///
/// # Errors
/// What differs; packages that cannot be installed.
pub(crate) fn models(arguments: &[String]) -> Result<()> {
    let python = tools::exporters()?;
    let folder = python.with_file_name("models");
    for (python, script) in [(&python, "make.py"), (&python, "make_torch.py"), (&tools::keras()?, "make_keras.py")] {
        Step::new(format!("make models: {script}"), python)
            .args(["-W", "ignore"])
            .args([format!("circuits/tests/exported/{script}")])
            .args([&folder])
            .run()?;
    }
    let step = Step::cargo("exported models")
        .args(["test", "--locked", "--release", "--workspace", "--test", "exported", "--"])
        .args(["--exact", "what_comes_of_each_is_as_committed", "--ignored", "--nocapture"])
        .env("APODICT_EXPORTED", &folder);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--bless"] => step.env("APODICT_BLESS", "1").run(),
        [] => step.run(),
        _ => bail!("usage: cargo xtask models [--bless]"),
    }
}
