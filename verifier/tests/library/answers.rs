//! Known answers: keys, instances and proofs that halo2 made and accepts. `prover/tests/differential/vectors.rs` makes
//! them from fixed seeds and compares them on every run.

use apodict_verifier::{SrsPolicy, Verifier, VerifyingKey};

pub(crate) struct Answer {
    pub(crate) name: &'static str,
    pub(crate) key_bytes: &'static [u8],
    pub(crate) key: VerifyingKey,
    pub(crate) instances: Vec<[u8; 32]>,
    pub(crate) proof: &'static [u8],
}

impl Answer {
    pub(crate) fn verifier(&self) -> Verifier {
        verifier(self.key.clone())
    }
}

/// A verifier with a key whose structured reference string is everybody's.
pub(crate) fn verifier(key: VerifyingKey) -> Verifier {
    Verifier::new(key, SrsPolicy::AllowUnsafe).expect("a valid key")
}

fn answer(name: &'static str, key_bytes: &'static [u8], instances: &[u8], proof: &'static [u8]) -> Answer {
    let (instances, rest) = instances.as_chunks::<32>();
    assert!(rest.is_empty());
    let key = VerifyingKey::from_bytes(key_bytes).expect("a key of this version");
    Answer { name, key_bytes, key, instances: instances.to_vec(), proof }
}

/// Two phases, three permutation products, gates up to degree 5, k = 5.
pub(crate) fn ladder() -> Answer {
    answer(
        "ladder",
        include_bytes!("../vectors/ladder.key"),
        include_bytes!("../vectors/ladder.instances"),
        include_bytes!("../vectors/ladder.proof"),
    )
}

/// One gate of degree 3, k = 6.
pub(crate) fn square() -> Answer {
    answer(
        "square",
        include_bytes!("../vectors/square.key"),
        include_bytes!("../vectors/square.instances"),
        include_bytes!("../vectors/square.proof"),
    )
}
