//! The committed fixtures, which forge and `cargo xtask contracts` read, are what the circuits prove now.

use crate::{genuine, logup::LogUp};
use apodict_solidity::{Fixture, UnsafeSrsPolicy, evm::{Verdict, VerifierOnEvm}};
use apodict_verifier::Verifier;
use std::{env, fs, path::PathBuf};

fn path(shape: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("test/fixtures/{shape}.json"))
}

/// Reads a fixture and checks that it proves what the circuit is now. With `APODICT_BLESS=1`, writes a new one first if
/// it does not (proofs carry randomness that halo2 draws itself, so no two are the same).
fn committed(shape: &str, now: impl FnOnce() -> Fixture) -> Fixture {
    let now = now();
    let read = || fs::read_to_string(path(shape)).ok().and_then(|text| Fixture::from_json(&text).ok());
    let current = |fixture: &Fixture| fixture.key == now.key && fixture.instances == now.instances;
    if env::var_os("APODICT_BLESS").is_some_and(|value| value == "1") && !read().as_ref().is_some_and(current) {
        fs::write(path(shape), now.to_json().expect("exportable")).expect("writable");
    }
    let committed = read().expect("a committed fixture");
    assert!(current(&committed), "{shape}: run `cargo xtask bless`, then `cargo xtask contracts bless`");
    let verifier = Verifier::new(committed.key.clone()).expect("valid");
    verifier.verify(&committed.instances, &committed.proof).expect("genuine");
    committed
}

/// The lean machine's columns.
pub(crate) fn logup() -> Fixture {
    let circuit = LogUp { seed: 5 };
    committed("sample", || genuine::fixture(6, circuit, &circuit.instances()))
}

#[test]
fn the_compiled_contract_accepts_genuine_proofs() {
    let fixture = logup();
    let mut evm = VerifierOnEvm::deploy(&fixture.key, UnsafeSrsPolicy::AllowForDevelopment).expect("deployed");
    let verification = evm.verify(&fixture.proof, &fixture.instances).expect("run");
    eprintln!("{verification:?} {:?} {}", evm.deployment_gas, evm.evm.code_len(evm.verifier));
    assert_eq!(verification.verdict, Verdict::Accepted);
}
