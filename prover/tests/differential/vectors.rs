//! The verifier's known answers: `verifier/tests/vectors/`, made here from fixed seeds.
//!
//! `APODICT_BLESS=1 cargo test --release -p apodict-prover vectors` writes them anew. A difference means that keys or
//! proofs changed: at least a minor version.
//!
//! halo2-axiom draws its random polynomial from the thread's generator, so a proof is reproducible up to that
//! commitment; what follows in the committed one is checked by halo2's verifier.

use crate::{
    circuits::{Ladder, Square},
    sample::{Sample, Selectors, params},
};
use apodict_verifier::Element;
use halo2curves::bn256::Fr;
use std::{fs, path::Path};

#[test]
fn known_answers_are_current() {
    let ladder = Ladder { seed: 2026 };
    let samples = [
        ("ladder", Sample::new(params(5), ladder, &ladder.instances(), Selectors::Direct)),
        ("square", Sample::new(params(6), Square { root: 25 }, &[Fr::from(625)], Selectors::Direct)),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier/tests/vectors");
    for (name, sample) in samples {
        let layout = sample.key.constraint_system.proof_layout();
        let (_, random) =
            layout.iter().find(|(element, _)| *element == Element::RandomCommitment).expect("in every proof");
        let committed = |extension: &str, made: &[u8]| {
            let path = folder.join(format!("{name}.{extension}"));
            if std::env::var_os("APODICT_BLESS").is_some() {
                fs::create_dir_all(&folder).expect("writable");
                fs::write(&path, made).expect("writable");
            }
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let key = sample.key.to_bytes().expect("valid");
        assert!(committed("key", &key) == key, "{name}: another key");
        let instances = sample.instances.concat();
        assert!(committed("instances", &instances) == instances, "{name}: other instances");
        let proof = committed("proof", &sample.proof);
        assert!(proof[..random.start] == sample.proof[..random.start], "{name}: another proof");
        assert!(sample.halo2(&sample.instances, &proof), "{name}: halo2 refuses the committed proof");
    }
}
