//! What may be typed of a proving service somewhere else: `job`, `model`, and how other commands name a server.

use std::path::PathBuf;

use apodict_service::store::{JobState, Kind};
use apodict_verifier::files::parse_bytes32;
use clap::{Args, Subcommand, ValueHint};

use super::CompileOptions;

/// A server of one's choice. The API key comes from a file or from the environment, never from an argument.
#[derive(Debug, Args)]
pub(crate) struct ServerArguments {
    /// The server; without it, the environment variable APODICT_SERVER, else http://127.0.0.1:8451.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) server: Option<String>,

    /// A file with the API key; without it, the environment variable APODICT_API_KEY, if it is set.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) api_key_file: Option<PathBuf>,
}

/// A server in the place of this machine.
#[derive(Debug, Args)]
pub(crate) struct OnServer {
    /// Have a proving service do it: http://HOST:PORT or https://HOST. The environment's APODICT_SERVER does not count here, so that nothing
    /// leaves this machine unasked.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "On a server")]
    pub(crate) server: Option<String>,

    /// A file with the server's API key; without it, the environment variable APODICT_API_KEY, if it is set.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "server", help_heading = "On a server")]
    pub(crate) api_key_file: Option<PathBuf>,
}

impl OnServer {
    /// The server, if one is named.
    pub(crate) fn arguments(&self) -> Option<ServerArguments> {
        let server = Some(self.server.clone()?);
        Some(ServerArguments { server, api_key_file: self.api_key_file.clone() })
    }
}

/// Jobs of a proving service.
#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Hand in inputs of a model. The same inputs again are the same job, unless it failed.
    Submit(SubmitJob),
    /// Describe a job.
    Get(NamedJob),
    /// List jobs, newest first.
    List(ListJobs),
    /// Tell what happens to a job until it has ended; Ctrl-C leaves it going on.
    Watch(NamedJob),
    /// Cancel a job; one that has ended stays as it is.
    Cancel(NamedJob),
    /// Tell what has happened to a job.
    Logs(NamedJob),
    /// Fetch a job's proofs, verified here under the model's key.
    Download(DownloadJob),
}

#[derive(Debug, Args)]
pub(crate) struct NamedJob {
    /// The job, as `job submit` and `job list` show it.
    #[arg(value_name = "job_..", value_parser = parse_job)]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SubmitJob {
    /// The model, as `model push` and `model list` show it.
    #[arg(value_name = "mdl_..", value_parser = parse_model)]
    pub(crate) model: String,

    /// The input, as `prove` takes it; several make a batch, with a proof for each.
    #[arg(long = "input", value_name = "IN.json", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<PathBuf>,

    /// 32 bytes that bind the proofs to their use.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) context: Option<[u8; 32]>,

    /// -100 to 100: the higher, the earlier, among the jobs of the same tenant.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    pub(crate) priority: Option<i32>,

    /// Seconds after which the job fails if it has not ended.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: Option<u32>,

    /// Have the server remove the inputs once the job has ended; the proofs say them all the same. Without a name of yours for the request, it
    /// has none: handed in again, it is another job.
    #[arg(long)]
    pub(crate) forget_inputs: bool,

    /// An address that the server tells when the job ends.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) webhook: Option<String>,

    /// Your own name for the request, instead of one made of its content: the same job for the same name.
    #[arg(long, value_name = "NAME", value_parser = parse_key)]
    pub(crate) idempotency_key: Option<String>,

    /// Wait until it has ended, as `job watch` does.
    #[arg(long)]
    pub(crate) wait: bool,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ListJobs {
    /// Only in this state: queued, running, succeeded, failed, cancelled.
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    pub(crate) state: Option<JobState>,

    /// Only of this kind: prove, compile.
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub(crate) kind: Option<Kind>,

    /// Only of this model.
    #[arg(long, value_name = "mdl_..", value_parser = parse_model)]
    pub(crate) model: Option<String>,

    #[command(flatten)]
    pub(crate) page: ListPage,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// How much of a list.
#[derive(Debug, Args)]
pub(crate) struct ListPage {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) limit: u32,

    /// To read on: `next_cursor` of the list before.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DownloadJob {
    /// The job.
    #[arg(value_name = "job_..", value_parser = parse_job)]
    pub(crate) id: String,

    /// Folder for vk.json and proof-0.json, proof-1.json, .., one for each input; made if need be.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,

    /// Refuse any other key than the one with this digest, which you have from someone you trust.
    #[arg(long, value_name = "0x..", value_parser = parse_bytes32)]
    pub(crate) key_digest: Option<[u8; 32]>,

    #[command(flatten)]
    pub(crate) srs: super::SrsPin,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// Models of a proving service.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Hand in an ONNX model; the same file with the same data and options is compiled once.
    Push(Box<PushModel>),
    /// List models, newest first.
    List(ListModels),
    /// Describe a model, and fetch its files.
    Get(GetModel),
    /// Remove a model that no job waits for; its proofs stay.
    Delete(NamedModel),
}

#[derive(Debug, Args)]
pub(crate) struct PushModel {
    /// The ONNX model.
    #[arg(value_name = "MODEL.onnx", value_hint = ValueHint::FilePath)]
    pub(crate) model: PathBuf,

    /// What you call it; the file's name, if nothing is said.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// An address that the server tells when the compilation ends; of a model that was handed in before, nobody.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) webhook: Option<String>,

    /// Wait until it is compiled.
    #[arg(long)]
    pub(crate) wait: bool,

    #[command(flatten)]
    pub(crate) server: ServerArguments,

    #[command(flatten, next_help_heading = "How it is compiled")]
    pub(crate) options: CompileOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ListModels {
    #[command(flatten)]
    pub(crate) page: ListPage,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct NamedModel {
    /// The model.
    #[arg(value_name = "mdl_..", value_parser = parse_model)]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Args)]
pub(crate) struct GetModel {
    #[command(flatten)]
    pub(crate) model: NamedModel,

    /// Folder for program.apo, vk.json, report.json, contract.json; made if need be.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

fn parse_job(text: &str) -> Result<String, String> {
    parse_id(text, "job_")
}

fn parse_model(text: &str) -> Result<String, String> {
    parse_id(text, "mdl_")
}

fn parse_id(text: &str, prefix: &str) -> Result<String, String> {
    let is_one = text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty()) && parse_name(text).is_ok();
    if is_one { Ok(text.to_owned()) } else { Err(format!("expected a name as the server gives it, {prefix}..")) }
}

/// What may stand in a server's addresses.
fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("expected at most 64 letters, digits and `_`".to_owned()),
    }
}

fn parse_state(text: &str) -> Result<JobState, String> {
    text.parse().map_err(|_| "expected queued, running, succeeded, failed or cancelled".to_owned())
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|_| "expected prove or compile".to_owned())
}

fn parse_key(text: &str) -> Result<String, String> {
    match (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("expected 1 to 200 characters of ASCII, without blanks".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        parse_job("job_00112233445566778899aabbccddeeff").unwrap();
        let long = format!("job_{}", "a".repeat(61));
        for wrong in ["", "job_", "mdl_1", "job_1/../x", "job_1?a", "job_é", &long] {
            parse_job(wrong).unwrap_err();
        }
        for wrong in ["", "a b", "a\n", "é"] {
            parse_key(wrong).unwrap_err();
        }
    }
}
