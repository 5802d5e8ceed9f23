//! `apodict model`.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use apodict_circuits::escaped;
use apodict_prover::disk::{self, PendingFile};
use apodict_verifier::{SrsPolicy, Verifier};
use serde::Serialize;

use crate::arguments::{self, CompileOptions, GetModel, ListModels, NamedModel, PushModel};
use crate::commands::job::Listed;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::program;
use crate::remote::{self, Kept, LogLine, Model, Remote, Upload, model_options};

pub(crate) fn run(arguments: &arguments::Model, console: &Console) -> Result<Outcome, Failure> {
    match arguments {
        arguments::Model::Push(arguments) => push(arguments, console)?,
        arguments::Model::List(ListModels { page, server }) => {
            let page = Remote::open(server, console)?.models(page.limit, page.cursor.as_deref())?;
            console.result(&Listed::new(page))?;
        }
        arguments::Model::Get(arguments) => get(arguments, console)?,
        arguments::Model::Delete(NamedModel { id, server }) => {
            Remote::open(server, console)?.delete_model(id)?;
            console.result(&Deleted { id: id.clone() })?;
        }
    }
    Ok(Outcome::Done)
}

fn push(arguments: &PushModel, console: &Console) -> Result<(), Failure> {
    let remote = Remote::open(&arguments.server, console)?;
    let onnx = program::read_model(&arguments.model)?;
    let named = file_name(&arguments.model);
    let name = arguments.name.as_deref().unwrap_or(&named);
    let model = hand_in(&remote, &onnx, name, &arguments.options, arguments.webhook.as_deref())?;
    let model = match arguments.wait {
        true => remote.ready(model, &mut |line| {
            // Nobody reads on: the compilation goes on all the same.
            let _ = console.tell(line);
        })?,
        false => model,
    };
    console.result(&model)
}

/// Hands in a model that was read, with its calibration and options.
pub(super) fn hand_in(
    remote: &Remote,
    onnx: &[u8],
    name: &str,
    options: &CompileOptions,
    webhook: Option<&str>,
) -> Result<Model, Failure> {
    let model_options = model_options(options)?;
    let calibration = options.calibrate.as_deref().map(program::read_calibration_file).transpose()?;
    let calibration = calibration.as_deref();
    Ok(remote.push(&Upload { onnx, calibration, options: &model_options, name, webhook })?)
}

/// What a model is called if nothing is said.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// For the log alone.
pub(super) fn log(line: &LogLine) {
    tracing::info!(line.message, "on the server");
}

/// A model with the files that were fetched.
#[derive(Serialize)]
struct Fetched {
    #[serde(flatten)]
    model: Model,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<PathBuf>,
}

impl Display for Fetched {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.model)?;
        for file in &self.files {
            write!(formatter, "\n  file    {}", escaped(file.display()))?;
        }
        Ok(())
    }
}

fn get(GetModel { model, output }: &GetModel, console: &Console) -> Result<(), Failure> {
    let remote = Remote::open(&model.server, console)?;
    let model = remote.model(&model.id)?;
    let mut files = Vec::new();
    if let Some(folder) = output {
        let has = |name: &str| remote::compiled(&model).map(|program| program.artifacts.iter().any(|has| has == name));
        // All of them, before anything is written. Those that can be held against the digests that the model has are.
        let mut fetched: Vec<(&str, Vec<u8>)> = Vec::new();
        if has("program")? {
            fetched.push(("program.apo", remote.program(&model)?.1));
        }
        let key = if has("key")? { Some(remote.key(&model)?) } else { None };
        for (artifact, name) in [("report", "report.json"), ("contract", "contract.json")] {
            if has(artifact)? {
                fetched.push((name, remote.artifact(&model.id, artifact)?));
            }
        }
        let verifying_key = folder.join("vk.json");
        if let Some((key, content)) = key {
            let verifier = Verifier::new(key, SrsPolicy::AllowUnsafe)?;
            let keeps = Kept::look(&verifying_key, &verifier)?;
            disk::make_folder(folder)?;
            keeps.write(&verifying_key, &content)?;
            files.push(verifying_key);
        }
        disk::make_folder(folder)?;
        for (name, content) in fetched {
            let path = folder.join(name);
            PendingFile::create(&path)?.commit(&content)?;
            files.push(path);
        }
    }
    console.result(&Fetched { model, files })
}

#[derive(Serialize)]
struct Deleted {
    id: String,
}

impl Display for Deleted {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is removed", self.id)
    }
}
