//! Models, inputs and options as a server takes them.

use std::collections::BTreeMap;
use std::fmt::Write;

use apodict_circuits::float::{Tensor, Values};
use apodict_circuits::quantize::{DeclaredDecision, Tolerance};
use apodict_circuits::tensors::NamedTensors;
use apodict_service::options::{DecisionOption, MaxError, ModelOptions, ObjectiveOption};
use apodict_verifier::files::Bytes32;
use serde_json::{Value, json};
use sha3::{Digest, Sha3_256};

use crate::arguments::{self, CompileOptions};
use crate::failure::Failure;
use crate::program;

/// A model on its way.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    /// With its weights in it.
    pub(crate) onnx: &'a [u8],
    pub(crate) calibration: Option<&'a [u8]>,
    pub(crate) options: &'a ModelOptions,
    pub(crate) name: &'a str,
    pub(crate) webhook: Option<&'a str>,
}

impl Upload<'_> {
    /// Its media type, and itself.
    pub(super) fn form(&self) -> (String, Vec<u8>) {
        let options = json!(self.options).to_string();
        let mut parts: Vec<(&str, &[u8])> = vec![("name", self.name.as_bytes()), ("options", options.as_bytes())];
        parts.extend(self.webhook.map(|webhook| ("webhook", webhook.as_bytes())));
        parts.push(("model", self.onnx));
        parts.extend(self.calibration.map(|calibration| ("calibration", calibration)));
        // No part holds its own hash.
        let hash = parts.iter().fold(Sha3_256::new(), |hash, (_, content)| hash.chain_update(content));
        let boundary = hex::encode(hash.finalize());
        let mut body = Vec::new();
        for (name, content) in parts {
            let file = if matches!(name, "model" | "calibration") { "; filename=\"file\"" } else { "" };
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes(),
            );
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body)
    }
}

/// Options of `compile` as the server takes them.
pub(crate) fn model_options(options: &CompileOptions) -> Result<ModelOptions, Failure> {
    // What is given twice is refused here as it is locally.
    let checked = program::compile_options(&CompileOptions { calibrate: None, ..options.clone() })?;
    let max_error = |tolerance: Tolerance| match tolerance {
        Tolerance::Absolute(error) => MaxError::Absolute(error),
        Tolerance::OfSpan(share) => MaxError::OfSpan(share),
    };
    let decision = |decision: DeclaredDecision| match decision {
        DeclaredDecision::ArgMax => DecisionOption::Argmax,
        DeclaredDecision::None => DecisionOption::None,
        DeclaredDecision::Threshold(at) => DecisionOption::Threshold(at),
    };
    let max_errors = options
        .max_errors
        .iter()
        .map(|error| (error.output.clone().unwrap_or_else(|| "*".to_owned()), max_error(error.tolerance)));
    Ok(ModelOptions {
        bits: options.bits,
        max_error: max_errors.collect(),
        decisions: checked.decisions.into_iter().map(|(output, what)| (output, decision(what))).collect(),
        allow_error: options.allow_error,
        ranges: options.ranges.iter().map(|range| (range.name.clone(), [range.low, range.high])).collect(),
        saturate: checked.saturate.into_iter().collect(),
        dims: options.dims.iter().map(|dim| (dim.name.clone(), dim.extent)).collect(),
        objective: match options.objective.unwrap_or_default() {
            arguments::Objective::Gas => ObjectiveOption::Gas,
            arguments::Objective::Latency => ObjectiveOption::Latency,
            arguments::Objective::Memory => ObjectiveOption::Memory,
        },
    })
}

/// A decision to be proved.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    pub(crate) inputs: &'a NamedTensors,
    pub(crate) context: Option<[u8; 32]>,
}

/// The body of a request to prove, the same for the same decisions. `more` is what else there is to say.
pub(crate) fn prove_request(model: &str, decisions: &[Decision<'_>], more: BTreeMap<&str, Value>) -> Vec<u8> {
    let decision = |decision: &Decision<'_>| {
        let mut text = format!("\"inputs\":{}", inputs(decision.inputs));
        if let Some(context) = decision.context {
            let _ = write!(text, ",\"context\":\"{}\"", Bytes32(context));
        }
        text
    };
    let mut body = format!("{{\"model\":{}", json!(model));
    match decisions {
        [one] => body += &format!(",{}", decision(one)),
        several => {
            let items: Vec<_> = several.iter().map(|one| format!("{{{}}}", decision(one))).collect();
            body += &format!(",\"batch\":[{}]", items.join(","));
        }
    }
    for (name, value) in more {
        // Writing to a string cannot fail.
        let _ = write!(body, ",{}:{value}", json!(name));
    }
    body.push('}');
    body.into_bytes()
}

/// Name to nested arrays. Each number is written so that it is read as the same.
fn inputs(tensors: &NamedTensors) -> String {
    let named = tensors.tensors.iter().map(|(name, tensor)| format!("{}:{}", json!(name), nested(tensor)));
    format!("{{{}}}", named.collect::<Vec<_>>().join(","))
}

fn nested(tensor: &Tensor) -> String {
    let values: Vec<String> = match &tensor.values {
        Values::Float(values) => values.iter().map(|value| json!(value).to_string()).collect(),
        Values::Int(values) => values.iter().map(i64::to_string).collect(),
        Values::Bool(values) => values.iter().map(bool::to_string).collect(),
    };
    // From the innermost axis outwards.
    let joined = |texts: Vec<String>, extent: &usize| {
        texts.chunks((*extent).max(1)).map(|texts| format!("[{}]", texts.join(","))).collect::<Vec<_>>()
    };
    tensor.shape.iter().rev().fold(values, joined).concat()
}

#[cfg(test)]
mod tests {
    use apodict_circuits::tensors::Limits;

    use super::*;

    #[test]
    fn inputs_are_sent_as_they_were_read() {
        let text = r#"{"inputs":{"a":[[0.1,-2.5e-300],[1e22,3.0]],"b \"c\"":[1,9007199254740993],"s":7,"t":[[[true],[false]]]}}"#;
        let read = NamedTensors::from_json(text.as_bytes(), &Limits::default()).unwrap();
        let one = Decision { inputs: &read, context: None };
        let body = prove_request("mdl_1", &[one], BTreeMap::from([("priority", json!(3))]));
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&value["model"], &value["priority"]), (&json!("mdl_1"), &json!(3)));
        let again = format!("{{\"inputs\":{}}}", value["inputs"]);
        assert_eq!(NamedTensors::from_json(again.as_bytes(), &Limits::default()).unwrap(), read);
        let two = [Decision { inputs: &read, context: Some([0xab; 32]) }, Decision { inputs: &read, context: None }];
        let value: Value = serde_json::from_slice(&prove_request("m", &two, BTreeMap::new())).unwrap();
        assert_eq!(value["batch"][0]["context"], format!("0x{}", "ab".repeat(32)));
        assert_eq!((&value["batch"][1]["context"], value.get("inputs")), (&Value::Null, None));
    }

    #[test]
    fn a_form_has_a_boundary_that_no_part_holds() {
        let options = ModelOptions::default();
        let upload =
            Upload { onnx: b"--a\r\n", calibration: Some(b"c"), options: &options, name: "n", webhook: Some("w") };
        let (content_type, body) = upload.form();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let body = String::from_utf8(body).unwrap();
        assert_eq!((boundary.len(), body.matches(boundary).count()), (64, 6));
        assert!(body.contains("name=\"webhook\"\r\n\r\nw\r\n") && body.ends_with(&format!("--{boundary}--\r\n")));
    }
}
