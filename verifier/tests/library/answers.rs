//! Known answers: keys, instances and proofs that halo2 made and accepts. `prover/tests/differential/vectors.rs` makes
//! them from fixed seeds and compares them on every run.

use apodict_verifier::{
    SrsPolicy, Verifier, VerifyingKey,
    files::{KeyFile, ProofFile},
};

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

/// The decisions of the examples: compiled models, whose keys say what their public values mean. `tests/vectors/README.md` has the
/// commands that made them.
pub(crate) fn decisions() -> Vec<Answer> {
    vec![risk_scoring(), supply_adjustment(), governance_analysis()]
}

/// One lane.
pub(crate) fn risk_scoring() -> Answer {
    decision(
        "risk_scoring",
        include_bytes!("../vectors/risk_scoring.vk.json"),
        include_bytes!("../vectors/risk_scoring.proof.json"),
    )
}

/// A negative output.
fn supply_adjustment() -> Answer {
    decision(
        "supply_adjustment",
        include_bytes!("../vectors/supply_adjustment.vk.json"),
        include_bytes!("../vectors/supply_adjustment.proof.json"),
    )
}

/// Four lanes.
fn governance_analysis() -> Answer {
    decision(
        "governance_analysis",
        include_bytes!("../vectors/governance_analysis.vk.json"),
        include_bytes!("../vectors/governance_analysis.proof.json"),
    )
}

fn decision(name: &'static str, key: &[u8], proof: &[u8]) -> Answer {
    let key = KeyFile::parse(key).expect("a key file of this version");
    let proof = ProofFile::parse(proof).expect("a proof file of this version");
    assert_eq!(proof.key_digest.0, key.digest().expect("a valid key"));
    let key_bytes = key.to_bytes().expect("a valid key").leak();
    Answer { name, key_bytes, key, instances: proof.words(), proof: proof.proof.leak() }
}
