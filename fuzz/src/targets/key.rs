//! Verifying keys.

use apodict_verifier::{SrsPolicy, Verifier, VerifyingKey, files::KeyFile};

use crate::{Answer, Grammar, Target};

/// A key as bytes.
pub(crate) const KEY: Target = Target { name: "key", run: run_bytes, seeds, grammar: Grammar::Bytes };

/// A `vk.json`.
pub(crate) const KEY_FILE: Target =
    Target { name: "key_file", run: run_file, seeds: file_seeds, grammar: Grammar::Text };

const KEYS: [&[u8]; 2] = [
    include_bytes!("../../../verifier/tests/vectors/square.key"),
    include_bytes!("../../../verifier/tests/vectors/ladder.key"),
];

fn run_bytes(data: &[u8]) -> Answer {
    let key = VerifyingKey::from_bytes(data).map_err(|error| error.to_string())?;
    assert!(key.to_bytes().is_ok_and(|bytes| bytes == data), "what is read is not what would be written");
    use_key(key)
}

fn run_file(data: &[u8]) -> Answer {
    let key = KeyFile::parse(data).map_err(|error| error.to_string())?;
    let file = KeyFile::new(&key).expect("a valid key has a file");
    assert!(KeyFile::parse(&file.to_json().expect("it was short enough")).is_ok_and(|again| again == key));
    use_key(key)
}

/// What a reader does with a key: prepares it, and asks it about proofs.
fn use_key(key: VerifyingKey) -> Answer {
    let count = key.layout.num_instances().map_err(|error| error.to_string())?.max(1);
    let verifier = Verifier::new(key, SrsPolicy::AllowUnsafe).map_err(|error| error.to_string())?;
    let (length, words) = (verifier.proof_len().min(1 << 16), vec![[0; 32]; count.min(1 << 12)]);
    drop(verifier.verify_words(&words, &vec![0; length]));
    drop(verifier.key().layout.decode(&words));
    Ok(())
}

fn seeds() -> Vec<Vec<u8>> {
    KEYS.map(<[u8]>::to_vec).into()
}

fn file_seeds() -> Vec<Vec<u8>> {
    let file = |bytes: &[u8]| KeyFile::new(&VerifyingKey::from_bytes(bytes).ok()?).ok()?.to_json().ok();
    KEYS.into_iter().filter_map(file).collect()
}
