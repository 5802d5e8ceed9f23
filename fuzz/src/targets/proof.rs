//! Proofs.

use std::sync::OnceLock;

use apodict_verifier::{SrsPolicy, Verifier, VerifyingKey, files::ProofFile};

use crate::{Answer, Grammar, Target};

/// A `proof.json`.
pub(crate) const PROOF_FILE: Target =
    Target { name: "proof_file", run: run_file, seeds: file_seeds, grammar: Grammar::Text };

/// Public values and a proof, for one key: none but the honest ones may be taken.
pub(crate) const VERIFIER: Target = Target { name: "verifier", run: run_verifier, seeds, grammar: Grammar::Bytes };

const KEY: &[u8] = include_bytes!("../../../verifier/tests/vectors/square.key");
const INSTANCES: &[u8] = include_bytes!("../../../verifier/tests/vectors/square.instances");
const PROOF: &[u8] = include_bytes!("../../../verifier/tests/vectors/square.proof");

fn verifier() -> &'static Verifier {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let key = VerifyingKey::from_bytes(KEY).expect("a known answer");
        Verifier::new(key, SrsPolicy::AllowUnsafe).expect("a known answer")
    })
}

fn run_file(data: &[u8]) -> Answer {
    let file = ProofFile::parse(data).map_err(|error| error.to_string())?;
    let again = file.to_json().expect("a proof can be written");
    assert!(ProofFile::parse(&again).is_ok_and(|again| again == file), "what is written reads otherwise");
    verifier().verify_words(&file.words(), &file.proof).map_err(|error| error.to_string())
}

fn run_verifier(data: &[u8]) -> Answer {
    let (instances, proof) = data.split_at(INSTANCES.len().min(data.len()));
    let (words, rest) = instances.as_chunks::<32>();
    if !rest.is_empty() {
        return Err("too short".into());
    }
    let answer = verifier().verify_words(words, proof);
    assert!(answer.is_err() || data == [INSTANCES, PROOF].concat(), "a proof that nobody made is accepted");
    answer.map_err(|error| error.to_string())
}

fn seeds() -> Vec<Vec<u8>> {
    vec![[INSTANCES, PROOF].concat()]
}

fn file_seeds() -> Vec<Vec<u8>> {
    let (words, _) = INSTANCES.as_chunks::<32>();
    ProofFile::new(verifier().digest(), words, PROOF.to_vec()).to_json().into_iter().collect()
}
