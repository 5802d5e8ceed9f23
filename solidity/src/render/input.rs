//! What is read: calldata, key, transcript; and the checks on every element of the proof.

use super::{Chunk, PROOF_CALLDATA, Plan, code::Code};
use crate::memory::{challenge_name, element_name};
use apodict_verifier::Challenge;

/// Yul functions: only what runs before a revert, so the calls cost an honest caller nothing.
pub(super) fn functions(plan: &Plan<'_>) -> Code {
    let mut code = Code::default();
    code.lines([
        "function refuse(error) {",
        "mstore(0x00, error)",
        "revert(0x1c, 0x04)",
        "}",
        "function refuseWith(error, argument) {",
        "mstore(0x00, error)",
        "mstore(0x20, argument)",
        "revert(0x1c, 0x24)",
        "}",
        "function refuseUnequal(error, expected, got) {",
        "mstore(0x00, error)",
        "mstore(0x20, expected)",
        "mstore(0x40, got)",
        "revert(0x1c, 0x44)",
        "}",
        "// Some element is not what it must be: find the first one and say which.",
        "function refusePoints(at, end, index) {",
        "for {} lt(at, end) { at := add(at, 0x40) } {",
        "let x := mload(at)",
        "let y := mload(add(at, 0x20))",
        "if iszero(and(lt(x, P), lt(y, P))) { refuseWith(ERROR_COORDINATE_NOT_CANONICAL, index) }",
        "if iszero(or(x, y)) { refuseWith(ERROR_POINT_AT_INFINITY, index) }",
        "if iszero(eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))) { refuseWith(ERROR_POINT_NOT_ON_CURVE, index) }",
        "index := add(index, 1)",
        "}",
        "}",
        "function refuseScalars(error, at, end, index) {",
        "for {} lt(at, end) { at := add(at, 0x20) } {",
        "if iszero(lt(mload(at), R)) { refuseWith(error, index) }",
        "index := add(index, 1)",
        "}",
        "}",
    ]);
    code.line("function refuseElements(tail) {");
    code.line("refuseScalars(ERROR_INSTANCE_NOT_CANONICAL, add(TRANSCRIPT, 0x20), tail, 0)");
    for chunk in &plan.chunks {
        // A chunk is all points or all scalars, so its first element says which.
        let Some(first) = chunk.elements.first() else { continue };
        let at = plan.address(&element_name(first.element));
        let end = format!("add({at}, {:#x})", chunk.num_bytes());
        code.line(match first.element.num_bytes() {
            64 => format!("refusePoints({at}, {end}, {})", first.index),
            _ => format!("refuseScalars(ERROR_SCALAR_NOT_CANONICAL, {at}, {end}, {})", first.index),
        });
    }
    code.line("}");
    code
}

/// Heads, lengths, the key.
pub(super) fn decode(plan: &Plan<'_>) -> Code {
    let proof_len = plan.proof_len;
    let instances = PROOF_CALLDATA + proof_len;
    let mut code = Code::default();
    code.line("let r := R");
    code.section("Key: its code is what the caller pinned, and it is for this shape. Before the proof, of whose length it would say nothing.");
    code.lines([
        "if iszero(eq(extcodehash(calldataload(0x04)), calldataload(0x24))) {".into(),
        "refuseUnequal(ERROR_WRONG_KEY_CODE_HASH, calldataload(0x24), extcodehash(calldataload(0x04)))".into(),
        "}".into(),
        format!("extcodecopy(calldataload(0x04), KEY_SHAPE, 0x01, {:#x})", plan.key_len),
        "if iszero(eq(mload(KEY_SHAPE), SHAPE_DIGEST)) { refuseUnequal(ERROR_WRONG_KEY_SHAPE, SHAPE_DIGEST, mload(KEY_SHAPE)) }".to_owned(),
    ]);

    code.section("Calldata: selector, key, hash, two offsets, then length and bytes of the proof, length and words of the instances.");
    code.lines([
        "if iszero(eq(calldataload(0x44), 0x80)) { refuse(ERROR_NON_CANONICAL_ENCODING) }".into(),
        format!("if iszero(eq(calldataload(0x84), {proof_len:#x})) {{ refuseUnequal(ERROR_WRONG_PROOF_LENGTH, {proof_len:#x}, calldataload(0x84)) }}"),
        format!("if iszero(eq(calldataload(0x64), {:#x})) {{ refuse(ERROR_NON_CANONICAL_ENCODING) }}", instances - 4),
        format!("let count := calldataload({instances:#x})"),
        format!("if iszero(eq(calldatasize(), add({:#x}, shl(5, count)))) {{ refuse(ERROR_NON_CANONICAL_ENCODING) }}", instances + 32),
        "if iszero(eq(count, mload(KEY_NUM_INSTANCES))) { refuseUnequal(ERROR_WRONG_INSTANCE_COUNT, mload(KEY_NUM_INSTANCES), count) }".into(),
    ]);
    code
}

/// Copies the proof into place and draws all challenges.
pub(super) fn transcript(plan: &Plan<'_>) -> Code {
    let mut code = Code::default();
    code.section("Transcript: keccak256 of all that came since the last hash, that hash in front.");
    code.lines([
        "let tail := add(add(TRANSCRIPT, 0x20), shl(5, count))".into(),
        "mstore(TRANSCRIPT, mload(KEY_TRANSCRIPT_REPR))".into(),
        format!("calldatacopy(add(TRANSCRIPT, 0x20), {:#x}, shl(5, count))", PROOF_CALLDATA + plan.proof_len + 32),
    ]);
    for chunk in &plan.chunks {
        if let Some(first) = chunk.elements.first() {
            code.line(format!(
                "calldatacopy({}, {:#x}, {:#x})",
                plan.address(&element_name(first.element)),
                PROOF_CALLDATA + first.offset,
                chunk.num_bytes()
            ));
        }
    }
    code.line("let hash");
    for (index, chunk) in plan.chunks.iter().enumerate() {
        for (position, challenge) in chunk.challenges.iter().enumerate() {
            match (index, position) {
                (0, 0) => code.line(format!(
                    "hash := keccak256(TRANSCRIPT, sub(add(tail, {:#x}), TRANSCRIPT))",
                    chunk.num_bytes()
                )),
                (_, 0) => {
                    code.line(format!("hash := keccak256({}, {:#x})", Chunk::slot(index), 32 + chunk.num_bytes()))
                }
                _ => {
                    // Nothing was absorbed since: a byte 1 keeps two challenges in a row apart.
                    code.line("mstore(0x00, hash)");
                    code.line("mstore8(0x20, 1)");
                    code.line("hash := keccak256(0x00, 0x21)");
                }
            }
            if *challenge != Challenge::Theta {
                code.line(format!("mstore({}, mod(hash, r))", challenge_name(*challenge)));
            }
        }
        if index + 1 < plan.chunks.len() && !chunk.challenges.is_empty() {
            code.line(format!("mstore({}, hash)", Chunk::slot(index + 1)));
        }
    }
    code
}

/// Canonical scalars, and points that are on the curve and not the identity (for which `0 = 0 + 3` fails).
pub(super) fn element_checks(plan: &Plan<'_>) -> Code {
    let mut code = Code::default();
    code.section("Elements: coordinates below p, on the curve (the identity's zeros are not), scalars below r.");
    code.line("let ok := 1");
    for placed in plan.chunks.iter().flat_map(|chunk| &chunk.elements) {
        let name = element_name(placed.element);
        if placed.element.num_bytes() == 32 {
            code.line(format!("ok := and(ok, lt(mload({name}), r))"));
            continue;
        }
        let second = match plan.behind_instances.get(&name) {
            Some(offset) => format!("add(tail, {:#x})", offset + 32),
            None => format!("add({name}, 0x20)"),
        };
        code.line("{");
        code.line(format!("let x := mload({})", plan.address(&name)));
        code.line(format!("let y := mload({second})"));
        code.line("ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))");
        code.line("}");
    }
    code
}
