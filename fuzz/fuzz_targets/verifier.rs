//! `cargo fuzz run -s none --features libfuzzer verifier`
#![no_main]
#![allow(unsafe_code, missing_docs, reason = "what the macro makes")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| apodict_fuzz::run_once("verifier", data));
