//! The OpenAPI document, where what is derived from types would say more or less than what the server does.

use apodict_service::api::openapi;
use serde_json::{Value, json};

#[test]
fn the_document_says_what_is_taken_and_given() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let options = &schemas["ModelOptions"]["properties"];
    let range = &options["ranges"]["additionalProperties"];
    assert_eq!((&range["minItems"], &range["maxItems"]), (&json!(2), &json!(2)), "a range has two ends");
    assert_eq!(options["saturate"]["uniqueItems"], Value::Null, "a name may stand twice");
    for request in ["ProveRequest", "BatchItem"] {
        assert_eq!(schemas[request]["properties"]["context"]["pattern"], "^0x[0-9a-fA-F]{64}$", "{request}");
    }
    let file = &document["paths"]["/v1/models/{id}/artifacts/{artifact}"]["get"]["responses"]["200"]["content"];
    for given in ["application/json", "application/octet-stream"] {
        assert!(file[given].is_object(), "{given} in {file}");
    }
}
