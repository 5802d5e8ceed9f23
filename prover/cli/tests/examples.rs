//! What the examples say of their models' public values is what the models compile to.

mod command;

use command::Workplace;
use serde_json::Value;

/// Encoders outside of this program, and the contracts' tests, read `ports.json`. `APODICT_BLESS=1` writes it.
#[test]
fn ports_are_those_of_the_compiled_models() {
    for example in ["risk_scoring", "supply_adjustment", "governance_analysis"] {
        let folder = format!("{}/../../examples/{example}", env!("CARGO_MANIFEST_DIR"));
        let [model, calibration] = ["model.onnx", "calibration.json"].map(|name| format!("{folder}/{name}"));
        let place = Workplace { folder: tempfile::tempdir().unwrap() };
        place.json(&["compile", &model, "--calibrate", &calibration, "-o", "program.apo"]);
        place.json(&["keys", "program.apo", "-o", "keys"]);
        let key: Value = serde_json::from_slice(&place.read("keys/vk.json")).unwrap();
        let ports = format!("{folder}/ports.json");
        if std::env::var_os("APODICT_BLESS").is_some_and(|bless| bless == "1") {
            std::fs::write(&ports, serde_json::to_string_pretty(&key["layout"]).unwrap() + "\n").unwrap();
        }
        let told: Value = serde_json::from_slice(&std::fs::read(&ports).unwrap()).unwrap();
        assert_eq!(told, key["layout"], "{ports}: APODICT_BLESS=1 writes it");
    }
}
