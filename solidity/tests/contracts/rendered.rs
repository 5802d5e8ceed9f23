//! What is committed is what is rendered now.

use crate::shapes::{TestedShape, shapes};
use apodict_solidity::{Fixture, FixtureError, render_verifier};
use apodict_verifier::{SrsPolicy, Verifier};
use std::{env, fs};

/// Whether committed files are to be written instead of compared.
pub(crate) fn bless() -> bool {
    env::var_os("APODICT_BLESS").is_some_and(|value| value == "1")
}

#[test]
fn rendered_sources_are_committed() {
    for shape in shapes() {
        let source = render_verifier(shape.name, &shape.constraint_system).expect("a contract");
        if bless() {
            fs::write(shape.source_path(), &source).expect("writable");
        }
        let committed = fs::read_to_string(shape.source_path()).expect("committed");
        assert!(committed == source, "{}: run `cargo xtask contracts bless` and commit", shape.name);
    }
}

/// A fixture serves as long as its key has the shape and its proof is valid: every proof has its own randomness, so a
/// fresh one would differ without saying anything.
fn genuine(shape: &TestedShape) -> Option<Fixture> {
    let text = fs::read_to_string(shape.fixture_path()).ok()?;
    let fixture = Fixture::from_json(&text).ok()?;
    let verifier = Verifier::new(fixture.key.clone(), SrsPolicy::AllowUnsafe).ok()?;
    let valid = verifier.verify(&fixture.instances, &fixture.proof).is_ok();
    (valid && fixture.key.constraint_system == shape.constraint_system).then_some(fixture)
}

#[test]
fn rendered_fixtures_are_genuine() {
    for shape in shapes() {
        if bless() && genuine(&shape).is_none() {
            fs::write(shape.fixture_path(), shape.prove().to_json().expect("exportable")).expect("writable");
        }
        assert!(genuine(&shape).is_some(), "{}: run `cargo xtask contracts bless` and commit", shape.name);
    }
}

/// Forge believes what it reads there.
#[test]
fn fixtures_hold_nothing_that_does_not_follow_from_their_key() {
    let text = fs::read_to_string(shapes()[0].fixture_path()).expect("committed");
    Fixture::from_json(&text).expect("consistent");
    for field in ["key_creation_code", "key_code_hash", "key_digest", "ports", "ports_hash"] {
        let mut file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let value = file[field].as_str().expect("digits").to_owned();
        let last = if value.ends_with('0') { "1" } else { "0" };
        file[field] = format!("{}{last}", &value[..value.len() - 1]).into();
        let error = Fixture::from_json(&file.to_string()).expect_err(field);
        assert!(matches!(error, FixtureError::Stale), "{field}: {error}");
    }
}
