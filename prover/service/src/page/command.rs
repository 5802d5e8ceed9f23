//! Commands that do in a terminal what a page shows.

use axum::http::{HeaderMap, header};
use serde_json::{Value, json};

use super::session::Transport;

/// Longer inputs are left to the reader's own files.
const INPUT_BYTES: usize = 4000;

/// Address of this server, as the browser called it: `http://127.0.0.1:8451`.
pub(super) fn base(headers: &HeaderMap, transport: Transport) -> String {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:[]-".contains(&byte));
    let scheme = if transport == Transport::Tls { "https" } else { "http" };
    format!("{scheme}://{}", host.filter(plain).unwrap_or("127.0.0.1:8451"))
}

/// A word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// JSON in ASCII: names in it turn no terminal.
fn ascii(json: &Value) -> String {
    let mut text = String::new();
    for character in json.to_string().chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text += &format!("\\u{unit:04x}");
            }
        }
    }
    text
}

/// A proof, and what it is about.
pub(super) struct OfProof<'a> {
    pub(super) base: &'a str,
    pub(super) proof: &'a str,
    /// None of a model that was removed.
    pub(super) model: Option<&'a str>,
    pub(super) key_digest: &'a str,
    /// Of a string that the server pins.
    pub(super) srs_digest: Option<&'a str>,
    pub(super) context: Option<&'a str>,
    pub(super) inputs: Option<&'a Value>,
}

const AUTHORIZATION: &str = r#"-H "Authorization: Bearer $APODICT_API_KEY""#;

impl OfProof<'_> {
    /// Gets both files, and verifies them.
    pub(super) fn verify(&self) -> String {
        let Self { base, proof, key_digest, .. } = self;
        let mut lines = vec![format!("curl {AUTHORIZATION} -o proof.json {base}/v1/proofs/{proof}/file")];
        lines.push(match self.model {
            Some(model) => format!("curl {AUTHORIZATION} -o vk.json {base}/v1/models/{model}/artifacts/key"),
            None => "# the model was removed: save vk.json from the link on this page".to_owned(),
        });
        let mut command = format!("apodict verify proof.json --key vk.json \\\n  --key-digest {key_digest}");
        for (option, value) in [("--srs-digest", self.srs_digest), ("--context", self.context)] {
            if let Some(value) = value {
                command += &format!(" \\\n  {option} {value}");
            }
        }
        lines.push(command);
        lines.join("\n")
    }

    /// The same question to the server itself.
    pub(super) fn verify_by_server(&self) -> String {
        format!("curl {AUTHORIZATION} --json @proof.json {}/v1/verify", self.base)
    }

    /// The same inputs once more: a new proof of the same decision.
    pub(super) fn prove(&self) -> Option<String> {
        let (model, base) = (self.model?, self.base);
        let inputs = self.inputs?;
        let context = self.context.unwrap_or_default();
        let body = ascii(&json!({"model": model, "inputs": inputs, "context": context}));
        if body.len() > INPUT_BYTES {
            return None;
        }
        Some(format!("curl {AUTHORIZATION} --json {} \\\n  '{base}/v1/prove?wait=60000'", quoted(&body)))
    }

    /// The same on one's own machine.
    pub(super) fn prove_here(&self) -> Option<String> {
        let (model, base) = (self.model?, self.base);
        let input = ascii(&json!({"inputs": self.inputs?}));
        if input.len() > INPUT_BYTES {
            return None;
        }
        let context = self.context.map(|context| format!(" \\\n  --context {context}")).unwrap_or_default();
        Some(format!(
            "curl {AUTHORIZATION} -o program.apo {base}/v1/models/{model}/artifacts/program\n\
             printf '%s' {} > input.json\n\
             apodict prove program.apo --input input.json -o again.json{context}",
            quoted(&input)
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn host(value: &'static str) -> String {
        let headers = [(header::HOST, value.parse().unwrap())].into_iter().collect();
        base(&headers, Transport::Plain)
    }

    #[test]
    fn a_host_is_no_command() {
        assert_eq!(host("[::1]:80"), "http://[::1]:80");
        assert_eq!(host("a.example"), "http://a.example");
        assert_eq!(host("a;rm -rf ~"), "http://127.0.0.1:8451");
        assert_eq!(host("$(id)"), "http://127.0.0.1:8451");
        assert_eq!(base(&HeaderMap::new(), Transport::Tls), "https://127.0.0.1:8451");
    }

    /// A name may have been chosen for whoever copies the command.
    #[test]
    fn names_are_data_for_a_shell() {
        let name = "a'; echo harm; '\u{202e}\n$(id)";
        let inputs = json!({ name: [1.5] });
        let proof = OfProof {
            base: "http://127.0.0.1:1",
            proof: "prf_0",
            model: Some("mdl_0"),
            key_digest: "0x00",
            srs_digest: None,
            context: None,
            inputs: Some(&inputs),
        };
        let (curl, here) = (proof.prove().unwrap(), proof.prove_here().unwrap());
        assert!(curl.is_ascii() && here.is_ascii(), "{curl}");
        let line = here.lines().find(|line| line.starts_with("printf")).unwrap();
        let printed = Command::new("sh").args(["-c", line.split(" > ").next().unwrap()]).output().unwrap().stdout;
        let read: Value = serde_json::from_slice(&printed).unwrap();
        assert_eq!(read, json!({"inputs": {name: [1.5]}}));
    }

    #[test]
    fn large_inputs_are_left_out() {
        let inputs = json!({"x": vec![0.5; INPUT_BYTES]});
        let proof = OfProof {
            base: "http://a",
            proof: "prf_0",
            model: None,
            key_digest: "0x00",
            srs_digest: Some("0x01"),
            context: Some("0x02"),
            inputs: Some(&inputs),
        };
        assert!(proof.prove().is_none() && proof.prove_here().is_none());
        let verify = proof.verify();
        assert!(verify.contains("--srs-digest 0x01") && verify.contains("--context 0x02"), "{verify}");
        assert!(verify.contains("the model was removed"), "{verify}");
        let with_model = OfProof { model: Some("mdl_0"), ..proof };
        assert!(with_model.prove().is_none() && with_model.prove_here().is_none());
    }
}
