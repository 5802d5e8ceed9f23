//! schemathesis on the OpenAPI document that a server serves: whatever the document allows and forbids is sent, and each answer must be
//! one that the document has. No answer may be a fault of the server's.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::tools;

use super::http::Client;
use super::report::{Report, Row};
use super::service::{Service, create_key, proofs, push, text, until};
use super::{ANY_PORT, Plan};

/// What is not asked of answers. `positive_data_acceptance`: whatever fits the document is taken. No schema says which models and proofs
/// there are, or that `inputs` and `batch` exclude each other.
const UNASKED: &str = "positive_data_acceptance";

/// Many times what it takes on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(1200);

pub(super) fn schema(plan: &Plan) -> Result<Report> {
    let python = tools::schemathesis()?;
    let data = plan.data("schema")?;
    // A server without keys belongs to this tenant, which has the compiled model.
    let key = create_key(&plan.binary, &data, "default")?;
    let service = Service::start(plan.mode, &plan.binary, &data, ANY_PORT, &["--ask-for-keys"])?;
    let mut client = Client::new(service.address(), Some(&key));
    let model = push(&mut client, &plan.model)?;
    let job = client.post("/v1/prove?wait=60000", &plan.model.request(&model, 1))?.json(200)?;
    let folder = plan.folder.join("schemathesis");
    std::fs::create_dir(&folder)?;
    let document = client.get("/v1/openapi.json")?.json(200)?;
    let document = with_examples(document, plan, &model)?;
    std::fs::write(folder.join("openapi.json"), document.to_string())?;
    std::fs::write(folder.join("known.toml"), known(&model, &job)?)?;
    std::fs::write(folder.join("unknown.toml"), "")?;
    let examples = plan.pick("10", "100");
    let ways = [
        // Names that there are: what is behind them is reached, and nothing takes them away.
        ("known", ["--phases", "examples,coverage,fuzzing", "--exclude-operation-id", "delete_model"]),
        // Names that there are not, and sequences of requests.
        ("unknown", ["--phases", "examples,coverage,fuzzing,stateful", "--max-redirects", "0"]),
    ];
    let mut cases = 0;
    for (name, more) in ways {
        let log = folder.join(format!("{name}.log"));
        let mut run = Command::new(python.with_file_name("schemathesis"));
        run.current_dir(&folder).args(["--config-file", &format!("{name}.toml"), "run", "openapi.json"]);
        run.args([
            "--url",
            &format!("http://{}", service.address()),
            "--header",
            &format!("Authorization: Bearer {key}"),
        ]);
        run.args(["--checks", "all", "--exclude-checks", UNASKED, "--continue-on-failure", "--no-color"]);
        run.args(["--max-examples", examples, "--seed", &plan.seed.to_string()]).args(more);
        // Whatever proxy the environment names: the server is on this machine.
        run.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null()).stdout(File::create(&log)?).stderr(Stdio::inherit());
        let mut run = run.spawn().context("cannot start schemathesis")?;
        let ended = until("schemathesis ends", PATIENCE, || Ok(run.try_wait()?));
        if ended.is_err() {
            run.kill()?;
        }
        let status = ended?;
        let told = std::fs::read_to_string(&log)?;
        if !status.success() {
            eprintln!("{told}");
            bail!("schemathesis ended with {status}");
        }
        cases += count(&told).with_context(|| format!("schemathesis did not say what it did: {}", log.display()))?;
    }
    // It still does what it is there for.
    client.post("/v1/prove?wait=60000", &plan.model.request(&model, 2))?.json(200)?;
    service.stop()?;
    let got = format!("held, in {cases} requests and sequences");
    let [what, goal] = ["schemathesis on the OpenAPI document", "no 5xx, no undocumented answer"].map(str::to_owned);
    Ok(Report { rows: vec![Row { what, goal, got, holds: true }], figures: json!({ "cases": cases }) })
}

/// The document with a model that there is, and an input that fits it.
fn with_examples(mut document: Value, plan: &Plan, model: &str) -> Result<Value> {
    let schemas = &mut document["components"]["schemas"];
    for (schema, property, example) in [
        ("ProveRequest", "model", &json!(model)),
        ("ProveRequest", "inputs", &plan.model.inputs),
        ("BatchItem", "inputs", &plan.model.inputs),
    ] {
        let described = schemas[schema]["properties"][property].as_object_mut();
        let described = described.with_context(|| format!("the document has no {schema}.{property}"))?;
        described.insert("example".to_owned(), example.clone());
    }
    Ok(document)
}

/// Names for addresses that take one.
fn known(model: &str, job: &Value) -> Result<String> {
    let [proof] = &proofs(job)?[..] else { bail!("expected one proof: {job}") };
    let of = [("models", model), ("jobs", &text(&job["id"])?), ("proofs", proof)].map(|(kind, id)| {
        format!("[[operations]]\ninclude-path-regex = \"^/v1/{kind}/\"\nparameters = {{ id = \"{id}\" }}\n")
    });
    Ok(of.concat())
}

/// Of "Test cases:" and a line below it, "1419 generated, ..".
fn count(told: &str) -> Option<u64> {
    let (_, after) = told.split_once("Test cases:")?;
    after.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn cases_are_counted() {
        assert_eq!(super::count("Seed\n\nTest cases:\n  1419 generated, 2 found\n"), Some(1419));
        assert_eq!(super::count("nothing"), None);
    }
}
